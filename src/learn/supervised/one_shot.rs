//! One-shot imitation: behavior cloning of a policy that is conditioned on one demonstration of the task (Duan et al.
//! 2017, arXiv:1703.07326).

use super::behavior_cloning::{BehaviorCloning, REQUIREMENTS, sections};
use super::train::train_job;
use crate::learn::core::section::AnySection;
use crate::learn::{
    Learner, LearnerParts, LearnerSpec, Progress, Requirements, TrainConfig, TrainError, TrainJob, TrainReport,
};

/// `apprentice train one-shot`
pub struct OneShot;

impl LearnerSpec for OneShot {
    fn name(&self) -> &'static str {
        "one-shot"
    }

    fn about(&self) -> &'static str {
        "One-shot imitation: one policy for many tasks, conditioned on a demonstration of the task"
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "apprentice record --scene relay --dataset demos/relay",
            "apprentice train one-shot --dataset demos/relay --run runs/one-shot",
            "apprentice eval --policy runs/one-shot --scene relay --demonstration demos/relay:3",
        ]
    }

    fn requirements(&self) -> Requirements {
        REQUIREMENTS
    }

    fn sections(&self) -> Vec<Box<dyn AnySection>> {
        sections()
    }

    fn set_defaults(&self, config: &mut TrainConfig) {
        config.network.n_demonstration_frames = 32;
        config.training.steps = 20_000;
        config.optimizer.learning_rate = 1e-3;
        config.optimizer.ema_decay = 0.999;
    }

    fn build<'a>(&self, parts: LearnerParts<'a>) -> Result<Box<dyn Learner + 'a>, TrainError> {
        Ok(Box::new(BehaviorCloning::new(parts)?))
    }

    fn train(&self, job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError> {
        train_job(job, progress)
    }
}
