//! `ppo` in the registry, and the defaults of all learners that train by proximal policy optimization.

use crate::learn::core::section::AnySection;
use crate::learn::reinforcement::PpoConfig;
use crate::learn::reinforcement::learned_reward::LearnedRewardConfig;
use crate::learn::reinforcement::train::{reinforcement_defaults, train_job};
use crate::learn::{
    Curve, GivenInputs, LearnerSpec, Need, Progress, Requirements, Schedule, TrainConfig, TrainError, TrainJob,
    TrainReport,
};
use crate::policies::HeadKind;

/// `apprentice train ppo`
pub struct PpoLearner;

/// The inputs of a learner that trains on the scene's reward.
pub(in crate::learn) const REQUIREMENTS: Requirements = Requirements {
    dataset: Need::No,
    episodes: Need::No,
    scene: Need::Required,
    earlier: false,
    reward: true,
    expert: false,
    gpu: false,
    any_head: false,
    two_sided: false,
};

/// The sections of a learner that trains on the task's reward or on a stored learned reward.
pub(in crate::learn) fn sections() -> Vec<Box<dyn AnySection>> {
    vec![Box::new(PpoConfig::default()), Box::new(LearnedRewardConfig::default())]
}

/// The defaults of all learners by policy gradient: a small Gaussian policy.
pub(in crate::learn) fn set_policy_gradient_defaults(config: &mut TrainConfig) {
    config.head.kind = HeadKind::GAUSSIAN;
    config.network.hidden_sizes = vec![64, 64];
    config.training.batch_size = 1024;
    reinforcement_defaults(config, 20);
}

/// The defaults of all learners by proximal policy optimization.
pub(in crate::learn) fn set_ppo_defaults(config: &mut TrainConfig) {
    set_policy_gradient_defaults(config);
    let ppo = config.get_mut::<PpoConfig>();
    (ppo.n_envs, ppo.desired_kl) = (128, 0.0);
    (ppo.ent_coef, ppo.noise_correlation) = (0.01, 0.8);
    // An effective horizon of eleven seconds: with three, cars drive too fast and leave the road.
    ppo.gamma = 0.997;
    config.optimizer.learning_rate = 5e-4;
    config.optimizer.schedule = Schedule::Cosine;
    config.training.steps = 200;
}

impl LearnerSpec for PpoLearner {
    fn name(&self) -> &'static str {
        "ppo"
    }

    fn about(&self) -> &'static str {
        "Reinforcement learning from the task's reward: proximal policy optimization"
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "apprentice train ppo --scene slalom --run runs/ppo",
            "apprentice train ppo --scene circuit --run runs/circuit --set ppo.n_envs=256 --set training.steps=500",
            "apprentice record --scene slalom --dataset demos/slalom",
            "apprentice train bc --dataset demos/slalom --run runs/slalom",
            "apprentice train ppo --scene slalom --init-from runs/slalom --run runs/finetuned",
            "apprentice train airl --dataset demos/slalom --run runs/airl",
            "apprentice train ppo --scene hairpins --reward runs/airl --run runs/transferred",
            "apprentice train ppo --scene slalom --run runs/ppo --resume",
        ]
    }

    fn requirements(&self) -> Requirements {
        REQUIREMENTS
    }

    fn sections(&self) -> Vec<Box<dyn AnySection>> {
        sections()
    }

    fn set_defaults(&self, config: &mut TrainConfig) {
        set_ppo_defaults(config);
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
