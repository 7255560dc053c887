//! Behavior cloning with any network and head.

use super::behavior_cloning::{BehaviorCloning, REQUIREMENTS, sections};
use super::train::train_job;
use crate::learn::core::section::AnySection;
use crate::learn::{Learner, LearnerParts, LearnerSpec, Progress, Requirements, TrainError, TrainJob, TrainReport};

/// `apprentice train bc`
pub struct Bc;

impl LearnerSpec for Bc {
    fn name(&self) -> &'static str {
        "bc"
    }

    fn about(&self) -> &'static str {
        "Behavior cloning: supervised learning of the demonstrated action, with any network and head"
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "apprentice record --scene slalom --dataset demos/slalom",
            "apprentice train bc --dataset demos/slalom --run runs/slalom",
            "apprentice train bc --dataset demos/slalom --run runs/large --set network.hidden_sizes=[512,512] --set training.steps=8000",
            "apprentice train bc --dataset demos/slalom --run runs/gru --set network.kind=gru --set network.n_obs_steps=16",
            "apprentice record --scene parking --dataset demos/parking",
            "apprentice train bc --dataset demos/slalom --dataset demos/parking --run runs/both",
            "apprentice train bc --dataset demos/parking --init-from runs/slalom --earlier demos/slalom --run runs/continual",
            "apprentice record --scene truck --episodes 4 --dataset demos/truck",
            "apprentice train bc --dataset demos/truck --init-from runs/slalom --run runs/truck --set init.lora_rank=3",
            "apprentice train bc --dataset demos/slalom --run runs/slalom --resume",
        ]
    }

    fn requirements(&self) -> Requirements {
        Requirements { any_head: true, ..REQUIREMENTS }
    }

    fn sections(&self) -> Vec<Box<dyn AnySection>> {
        sections()
    }

    fn build<'a>(&self, parts: LearnerParts<'a>) -> Result<Box<dyn Learner + 'a>, TrainError> {
        Ok(Box::new(BehaviorCloning::new(parts)?))
    }

    fn train(&self, job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError> {
        train_job(job, progress)
    }
}
