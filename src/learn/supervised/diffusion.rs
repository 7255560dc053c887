//! Diffusion policy over action chunks (Chi et al. 2023, arXiv:2303.04137).

use super::behavior_cloning::{BehaviorCloning, REQUIREMENTS, sections};
use super::train::train_job;
use crate::learn::core::section::AnySection;
use crate::learn::{
    Learner, LearnerParts, LearnerSpec, Progress, Requirements, TrainConfig, TrainError, TrainJob, TrainReport,
};
use crate::policies::HeadKind;

/// `apprentice train diffusion`
pub struct Diffusion;

impl LearnerSpec for Diffusion {
    fn name(&self) -> &'static str {
        "diffusion"
    }

    fn about(&self) -> &'static str {
        "Diffusion policy: denoises a chunk of actions step by step"
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "apprentice record --scene fork --dataset demos/fork",
            "apprentice train diffusion --dataset demos/fork --run runs/diffusion",
            "apprentice eval --policy runs/diffusion --scene fork",
        ]
    }

    fn requirements(&self) -> Requirements {
        REQUIREMENTS
    }

    fn sections(&self) -> Vec<Box<dyn AnySection>> {
        sections()
    }

    fn set_defaults(&self, config: &mut TrainConfig) {
        config.head.kind = HeadKind::DIFFUSION;
        super::set_chunk_defaults(config);
        config.optimizer.ema_decay = 0.999;
        config.optimizer.learning_rate = 1e-3;
    }

    fn build<'a>(&self, parts: LearnerParts<'a>) -> Result<Box<dyn Learner + 'a>, TrainError> {
        Ok(Box::new(BehaviorCloning::new(parts)?))
    }

    fn train(&self, job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError> {
        train_job(job, progress)
    }
}
