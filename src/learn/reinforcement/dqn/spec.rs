//! `dqn` in the registry.

use super::DqnConfig;
use crate::learn::core::section::AnySection;
use crate::learn::reinforcement::ppo::spec::REQUIREMENTS;
use crate::learn::reinforcement::train::{reinforcement_defaults, train_job};
use crate::learn::{
    Curve, GivenInputs, LearnerSpec, Need, Progress, Requirements, Schedule, TrainConfig, TrainError, TrainJob,
    TrainReport,
};
use crate::policies::HeadKind;

/// `apprentice train dqn`
pub struct DqnLearner;

impl LearnerSpec for DqnLearner {
    fn name(&self) -> &'static str {
        "dqn"
    }

    fn about(&self) -> &'static str {
        "Reinforcement learning over joint key actions: double dueling deep Q-learning with prioritized replay"
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "apprentice train dqn --scene slalom --run runs/dqn",
            "apprentice record --scene slalom --episodes 5 --keys 4 --dataset demos/keys",
            "apprentice train dqn --scene slalom --dataset demos/keys --run runs/dqfd",
        ]
    }

    fn requirements(&self) -> Requirements {
        Requirements { episodes: Need::Optional, reward: false, ..REQUIREMENTS }
    }

    fn sections(&self) -> Vec<Box<dyn AnySection>> {
        vec![Box::new(DqnConfig::default())]
    }

    fn set_defaults(&self, config: &mut TrainConfig) {
        config.head.kind = HeadKind::DUELING_Q;
        // Actions are held for several ticks (Mnih et al. 2015): the action of a single tick changes the return by less than
        // the error of the Q-values.
        config.head.chunk_size = 4;
        config.head.n_action_steps = 4;
        config.network.hidden_sizes = vec![64, 64];
        config.optimizer.learning_rate = 5e-4;
        config.training.steps = 8000;
        config.training.batch_size = 128;
        config.get_mut::<DqnConfig>().replay.buffer_size = 200_000;
        reinforcement_defaults(config, 500);
        // Constant learning rates keep the greedy action changing.
        config.optimizer.schedule = Schedule::Cosine;
        config.optimizer.ema_decay = 0.999;
    }

    fn set_input_defaults(&self, config: &mut TrainConfig, inputs: &GivenInputs<'_>) {
        if inputs.demonstrations {
            config.get_mut::<DqnConfig>().exploration_initial_eps = DqnConfig::EXPLORATION_INITIAL_EPS_WITH_DEMOS;
        }
    }

    fn curve(&self) -> Option<Curve> {
        Some(Curve::Return)
    }

    fn train(&self, job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError> {
        train_job(job, progress)
    }
}
