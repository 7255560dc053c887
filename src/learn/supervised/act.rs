//! Action chunking with transformers (Zhao et al. 2023, arXiv:2304.13705).

use super::behavior_cloning::{BehaviorCloning, REQUIREMENTS, sections};
use super::train::train_job;
use crate::learn::core::section::AnySection;
use crate::learn::{
    Learner, LearnerParts, LearnerSpec, Progress, Requirements, TrainConfig, TrainError, TrainJob, TrainReport,
};
use crate::policies::HeadKind;

/// `apprentice train act`
pub struct Act;

impl LearnerSpec for Act {
    fn name(&self) -> &'static str {
        "act"
    }

    fn about(&self) -> &'static str {
        "ACT: action chunking with transformers, a conditional variational autoencoder"
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "apprentice record --scene fork --dataset demos/fork",
            "apprentice train act --dataset demos/fork --run runs/act",
            "apprentice eval --policy runs/act --scene fork",
        ]
    }

    fn requirements(&self) -> Requirements {
        REQUIREMENTS
    }

    fn sections(&self) -> Vec<Box<dyn AnySection>> {
        sections()
    }

    fn set_defaults(&self, config: &mut TrainConfig) {
        config.head.kind = HeadKind::ACT;
        super::set_chunk_defaults(config);
        config.head.hidden_size = 64;
        config.head.num_layers = 1;
        // A larger latent space or weight leads to posterior collapse, or to a posterior that samples of the prior do
        // not cover.
        config.head.latent_dim = 2;
        config.head.kl_weight = 0.01;
        config.optimizer.learning_rate = 3e-4;
    }

    fn build<'a>(&self, parts: LearnerParts<'a>) -> Result<Box<dyn Learner + 'a>, TrainError> {
        Ok(Box::new(BehaviorCloning::new(parts)?))
    }

    fn train(&self, job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError> {
        train_job(job, progress)
    }
}
