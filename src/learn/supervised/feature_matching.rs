//! A generator of actions that matches the mean features of a discriminator over the demonstrations.

use super::behavior_cloning::REQUIREMENTS;
use super::gan::{Gan, Objective};
use super::train::train_job;
use crate::learn::core::section::AnySection;
use crate::learn::{
    Learner, LearnerParts, LearnerSpec, Progress, Requirements, TrainConfig, TrainError, TrainJob, TrainReport,
};

/// `apprentice train feature-matching`
pub struct FeatureMatching;

impl LearnerSpec for FeatureMatching {
    fn name(&self) -> &'static str {
        "feature-matching"
    }

    fn about(&self) -> &'static str {
        "Generator of actions that matches the mean features of a discriminator"
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "apprentice record --scene fork --dataset demos/fork",
            "apprentice train feature-matching --dataset demos/fork --run runs/matching",
            "apprentice eval --policy runs/matching --scene fork",
        ]
    }

    fn requirements(&self) -> Requirements {
        REQUIREMENTS
    }

    fn sections(&self) -> Vec<Box<dyn AnySection>> {
        super::gan::sections()
    }

    fn set_defaults(&self, config: &mut TrainConfig) {
        super::gan::set_defaults(config);
    }

    fn build<'a>(&self, parts: LearnerParts<'a>) -> Result<Box<dyn Learner + 'a>, TrainError> {
        Ok(Box::new(Gan::new(parts, Objective::FeatureMatching)?))
    }

    fn train(&self, job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError> {
        train_job(job, progress)
    }
}
