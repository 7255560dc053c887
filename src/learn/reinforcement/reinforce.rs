//! REINFORCE (Williams 1992) with a learned baseline: proximal policy optimization without clipping, with Monte Carlo
//! returns and one epoch.

use super::PpoConfig;
use super::ppo::spec::{REQUIREMENTS, sections, set_policy_gradient_defaults};
use super::train::train_job;
use crate::learn::core::section::AnySection;
use crate::learn::{
    Curve, GivenInputs, LearnerSpec, Progress, Requirements, TrainConfig, TrainError, TrainJob, TrainReport,
};

/// `apprentice train reinforce`
pub struct Reinforce;

impl LearnerSpec for Reinforce {
    fn name(&self) -> &'static str {
        "reinforce"
    }

    fn about(&self) -> &'static str {
        "Reinforcement learning by the plain policy gradient (REINFORCE), as a baseline"
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "apprentice train reinforce --scene slalom --run runs/reinforce",
            "apprentice eval --policy runs/reinforce --scene slalom",
        ]
    }

    fn requirements(&self) -> Requirements {
        REQUIREMENTS
    }

    fn sections(&self) -> Vec<Box<dyn AnySection>> {
        sections()
    }

    fn set_defaults(&self, config: &mut TrainConfig) {
        set_policy_gradient_defaults(config);
        let ppo = config.get_mut::<PpoConfig>();
        (ppo.clip_range, ppo.n_epochs, ppo.gae_lambda, ppo.desired_kl) = (0.0, 1, 1.0, 0.0);
        config.optimizer.learning_rate = 1e-3;
        config.training.steps = 500;
    }

    fn set_input_defaults(&self, config: &mut TrainConfig, inputs: &GivenInputs<'_>) {
        if let Some(from) = inputs.reward {
            config.set_learned_reward(from);
        }
    }

    fn curve(&self) -> Option<Curve> {
        Some(Curve::Return)
    }

    fn train(&self, job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError> {
        train_job(job, progress)
    }
}
