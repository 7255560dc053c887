//! Behavior cloning with a conditional variational autoencoder.

use super::behavior_cloning::{BehaviorCloning, REQUIREMENTS, sections};
use super::train::train_job;
use crate::learn::core::section::AnySection;
use crate::learn::{
    Learner, LearnerParts, LearnerSpec, Progress, Requirements, TrainConfig, TrainError, TrainJob, TrainReport,
};
use crate::policies::HeadKind;

/// `apprentice train vae`
pub struct Vae;

impl LearnerSpec for Vae {
    fn name(&self) -> &'static str {
        "vae"
    }

    fn about(&self) -> &'static str {
        "Behavior cloning with a conditional variational autoencoder of the action chunk"
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "apprentice record --scene fork --dataset demos/fork",
            "apprentice train vae --dataset demos/fork --run runs/vae",
            "apprentice eval --policy runs/vae --scene fork",
        ]
    }

    fn requirements(&self) -> Requirements {
        REQUIREMENTS
    }

    fn sections(&self) -> Vec<Box<dyn AnySection>> {
        sections()
    }

    fn set_defaults(&self, config: &mut TrainConfig) {
        config.head.kind = HeadKind::VAE;
        super::set_chunk_defaults(config);
    }

    fn build<'a>(&self, parts: LearnerParts<'a>) -> Result<Box<dyn Learner + 'a>, TrainError> {
        Ok(Box::new(BehaviorCloning::new(parts)?))
    }

    fn train(&self, job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError> {
        train_job(job, progress)
    }
}
