//! Behavior cloning of a distribution over the next ten actions.

use super::behavior_cloning::{BehaviorCloning, REQUIREMENTS, sections};
use super::train::train_job;
use crate::learn::core::section::AnySection;
use crate::learn::{
    Learner, LearnerParts, LearnerSpec, Progress, Requirements, TrainConfig, TrainError, TrainJob, TrainReport,
};
use crate::policies::HeadKind;

/// `apprentice train behavior-prediction`
pub struct BehaviorPrediction;

impl LearnerSpec for BehaviorPrediction {
    fn name(&self) -> &'static str {
        "behavior-prediction"
    }

    fn about(&self) -> &'static str {
        "Behavior cloning of a distribution over the next 10 actions: a mixture of Gaussians"
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "apprentice record --scene fork --dataset demos/fork",
            "apprentice train behavior-prediction --dataset demos/fork --run runs/prediction",
            "apprentice eval --policy runs/prediction --scene fork",
        ]
    }

    fn requirements(&self) -> Requirements {
        REQUIREMENTS
    }

    fn sections(&self) -> Vec<Box<dyn AnySection>> {
        sections()
    }

    fn set_defaults(&self, config: &mut TrainConfig) {
        config.head.kind = HeadKind::MIXTURE;
        config.head.chunk_size = 10;
    }

    fn build<'a>(&self, parts: LearnerParts<'a>) -> Result<Box<dyn Learner + 'a>, TrainError> {
        Ok(Box::new(BehaviorCloning::new(parts)?))
    }

    fn train(&self, job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError> {
        train_job(job, progress)
    }
}
