//! The learning methods by name, and the settings that each begins from.

use serde::{Deserialize, Serialize};

use super::{Schedule, TrainConfig};
use crate::policies::HeadKind;

/// Which method learns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LearnerKind {
    /// Supervised learning of the demonstrated actions, with any network and head ([`super::BehaviourCloning`]).
    #[default]
    #[serde(rename = "bc")]
    BehaviourCloning,
    /// The same, of a distribution over the coming second's third.
    BehaviorPrediction,
    /// The same, with a conditional variational autoencoder.
    Vae,
    /// The same, with a diffusion model over chunks (Chi et al. 2023, arXiv:2303.04137).
    Diffusion,
    /// A generator of actions against a discriminator ([`super::Gan`]).
    Gan,
    /// The same, which matches the mean of the discriminator's features over the demonstrations.
    FeatureMatching,
    /// Behaviour cloning of a policy that is shown one demonstration of what to do (Duan et al. 2017, arXiv:1703.07326).
    OneShot,
    /// The same as behaviour cloning, by action chunking with transformers (Zhao et al. 2023, arXiv:2304.13705).
    Act,
    /// Reinforcement learning by proximal policy optimisation ([`super::rl::Ppo`]).
    Ppo,
    /// Reinforcement learning by the plain policy gradient, the same with every return as it came and one step from it.
    Reinforce,
    /// Reinforcement learning by deep Q-learning over keys ([`super::rl::Dqn`]).
    Dqn,
    /// Reinforcement learning of a reward that tells demonstrations from what the agent does ([`super::irl`]; Ho & Ermon
    /// 2016, arXiv:1606.03476).
    Gail,
    /// The same, through a bottleneck (Peng et al. 2019, arXiv:1810.00821).
    Vail,
    /// The same, by a reward of the state alone (Fu et al. 2018, arXiv:1710.11248).
    Airl,
    /// The same, by what happens, not by what is done (Peng et al. 2021, arXiv:2104.02180).
    Amp,
    /// The same, by the reward that makes the demonstrations most likely (Ziebart et al. 2008).
    MaxentIrl,
    /// The same, by weights of named features, found by projection (Abbeel & Ng 2004).
    Apprenticeship,
    /// Reinforcement learning of two sides against each other's past ([`super::self_play`]).
    SelfPlay,
}

/// Observations that a policy sees which draws its actions at every tick: it has to know which way it took.
const HISTORY: usize = 8;
/// Actions that such a policy decides at once, and carries out before it decides anew: drawn at every tick, a way would be
/// left as soon as it is taken.
const CHUNK: (usize, usize) = (8, 4);

impl LearnerKind {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::BehaviourCloning => "bc",
            Self::BehaviorPrediction => "behavior-prediction",
            Self::Vae => "vae",
            Self::Diffusion => "diffusion",
            Self::Gan => "gan",
            Self::FeatureMatching => "feature-matching",
            Self::OneShot => "one-shot",
            Self::Act => "act",
            Self::Ppo => "ppo",
            Self::Reinforce => "reinforce",
            Self::Dqn => "dqn",
            Self::Gail => "gail",
            Self::Vail => "vail",
            Self::Airl => "airl",
            Self::Amp => "amp",
            Self::MaxentIrl => "maxent-irl",
            Self::Apprenticeship => "apprenticeship",
            Self::SelfPlay => "self-play",
        }
    }

    /// Whether it learns from a reward that it infers from demonstrations.
    pub fn infers_reward(self) -> bool {
        matches!(self, Self::Gail | Self::Vail | Self::Airl | Self::Amp | Self::MaxentIrl | Self::Apprenticeship)
    }

    /// Whether it acts, and learns by proximal policy optimisation or as a special case of it.
    pub fn learns_by_ppo(self) -> bool {
        matches!(self, Self::Ppo | Self::Reinforce | Self::SelfPlay) || self.infers_reward()
    }

    /// Whether anything comes of this section of the settings, such as `ppo`. The sections `dagger` and `bco` are of what
    /// trains it time and again, and read by no learner itself.
    pub fn reads(self, section: &str) -> bool {
        match section {
            "ppo" => self.learns_by_ppo(),
            "dqn" => self == Self::Dqn,
            "self_play" => self == Self::SelfPlay,
            "reward" => self.infers_reward() || matches!(self, Self::Ppo | Self::Reinforce),
            "gan" => matches!(self, Self::Gan | Self::FeatureMatching),
            "continual" => !self.learns_by_ppo() && self != Self::Dqn,
            "dagger" | "bco" => false,
            _ => true,
        }
    }

    /// Whether it infers a reward from what was done, not only from what was seen.
    pub fn judges_actions(self) -> bool {
        matches!(self, Self::Gail | Self::Vail | Self::Airl | Self::MaxentIrl)
    }

    /// The settings that it begins from.
    pub fn defaults(self) -> TrainConfig {
        let mut config = TrainConfig::default();
        config.training.learner = self;
        let head = &mut config.head;
        match self {
            Self::BehaviourCloning => {}
            Self::BehaviorPrediction => {
                head.kind = HeadKind::Mixture;
                head.chunk = 10;
            }
            Self::Vae => {
                head.kind = HeadKind::Vae;
                (head.chunk, head.execute) = CHUNK;
                config.network.history = HISTORY;
            }
            Self::Gan | Self::FeatureMatching => {
                head.kind = HeadKind::Generator;
                (head.chunk, head.execute) = CHUNK;
                config.network.history = HISTORY;
                config.optimizer.average = 0.999;
            }
            Self::Diffusion => {
                head.kind = HeadKind::Diffusion;
                (head.chunk, head.execute) = CHUNK;
                config.network.history = HISTORY;
                config.optimizer.average = 0.999;
                config.optimizer.learning_rate = 1e-3;
            }
            Self::OneShot => {
                config.network.shown = 32;
                config.training.steps = 20_000;
                config.optimizer.learning_rate = 1e-3;
                config.optimizer.average = 0.999;
            }
            Self::Act => {
                head.kind = HeadKind::Act;
                (head.chunk, head.execute) = CHUNK;
                head.width = 64;
                head.layers = 1;
                // With more of either, the latent variable tells nothing, or more than chance can draw.
                (head.latent, head.kl_weight) = (2, 0.01);
                config.network.history = HISTORY;
                config.optimizer.learning_rate = 3e-4;
            }
            Self::Ppo
            | Self::SelfPlay
            | Self::Reinforce
            | Self::Gail
            | Self::Vail
            | Self::Airl
            | Self::Amp
            | Self::MaxentIrl
            | Self::Apprenticeship => {
                head.kind = HeadKind::Gaussian;
                config.network.hidden = vec![64, 64];
                config.training.batch_size = 1024;
                acting(&mut config, 20);
                if self == Self::Reinforce {
                    let ppo = &mut config.ppo;
                    (ppo.clip, ppo.epochs, ppo.lambda, ppo.divergence) = (0.0, 1, 1.0, 0.0);
                    config.optimizer.learning_rate = 1e-3;
                    config.training.steps = 500;
                } else {
                    let ppo = &mut config.ppo;
                    (ppo.arenas, ppo.divergence) = (128, 0.0);
                    (ppo.entropy, ppo.persistence) = (0.01, 0.8);
                    // Eleven seconds: who looks no farther than three comes to hurry until it leaves the road.
                    ppo.discount = 0.997;
                    config.optimizer.learning_rate = 5e-4;
                    config.optimizer.schedule = Schedule::Cosine;
                    config.training.steps = 200;
                }
                if self == Self::SelfPlay {
                    // How near the other is tells at every tick how a game goes; who looks farther takes a hundred updates to
                    // begin to chase.
                    config.ppo.discount = 0.99;
                }
                if matches!(self, Self::Airl | Self::MaxentIrl) {
                    // What they infer rewards entropy by itself, and has to outgrow it.
                    config.ppo.entropy = 0.0;
                    let airl = self == Self::Airl;
                    (config.reward.penalty, config.reward.learning_rate) =
                        if airl { (0.01, 1e-3) } else { (0.3, 3e-4) };
                }
                if self.infers_reward() {
                    // A judge speaks at every tick, so that two seconds are far enough; who looks farther stands still
                    // rather than be judged off the road.
                    config.ppo.discount = 0.98;
                    // The task's own score is not to choose the policy.
                    config.training.select_from = 1.0;
                }
                if self == Self::Amp {
                    // A slower judge lets walkers linger on their way (`inferred-courtyard` in docs/learners.md).
                    config.reward.learning_rate = 1e-3;
                    config.reward.task = 0.5;
                }
            }
            Self::Dqn => {
                head.kind = HeadKind::Values;
                // What a single tick is spent on makes less of a difference than values err by (Mnih et al. 2015 hold
                // actions as long).
                (head.chunk, head.execute) = (4, 4);
                config.network.hidden = vec![64, 64];
                config.optimizer.learning_rate = 5e-4;
                config.training.steps = 8000;
                config.training.batch_size = 128;
                config.dqn.replay.capacity = 200_000;
                acting(&mut config, 500);
                // Values that go on changing choose other actions without end.
                config.optimizer.schedule = Schedule::Cosine;
                config.optimizer.average = 0.999;
            }
        }
        config
    }
}

/// Settings of all that learn by acting, which are judged every so many updates.
fn acting(config: &mut TrainConfig, every: u64) {
    config.optimizer.schedule = Schedule::Constant;
    config.optimizer.warmup_steps = 0;
    config.optimizer.weight_decay = 0.0;
    let training = &mut config.training;
    (training.validate_every, training.checkpoint_every, training.log_every) = (every, every, every.div_ceil(20));
    (training.select_from, training.patience, training.keep_checkpoints) = (0.0, 0, 1);
}
