//! Settings of a training run, in TOML.

use std::f64::consts::PI;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::irl::RewardConfig;
use super::quality::QualityUse;
use super::rl::{DqnConfig, PpoConfig};
use super::self_play::SelfPlayConfig;
use super::{
    AdversarialConfig, BcoConfig, ContinualConfig, DaggerConfig, GanConfig, InitConfig, LearnerKind, TrainError,
    overrides,
};
use crate::policies::{HeadConfig, NetworkConfig};

/// Which optimiser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerKind {
    /// Weight decay is part of the gradient.
    Adam,
    /// Weight decay is apart from the gradient.
    #[default]
    #[serde(rename = "adamw")]
    AdamW,
}

/// How the learning rate goes after the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Stays.
    Constant,
    /// Falls along half a cosine to `final_factor` of it (Loshchilov & Hutter 2016, arXiv:1608.03983, equation 5).
    #[default]
    Cosine,
}

/// `[optimizer]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerConfig {
    /// Which optimiser.
    pub kind: OptimizerKind,
    /// Largest learning rate. The default is robomimic's for behaviour cloning. With ten times as much the validation
    /// loss is the same, but a policy drives less surely: into the bays of `parking` at 89 % instead of 98 % (means over
    /// six training seeds of 100 episodes).
    pub learning_rate: f64,
    /// How it goes after the warm-up.
    pub schedule: Schedule,
    /// Steps over which it rises from zero: Adam's first estimates of the second moment are noisy.
    pub warmup_steps: u64,
    /// Cosine only: what is left of it at the end.
    pub final_factor: f64,
    /// Decay of matrices. Enough to keep a few thousand ticks from being memorised.
    pub weight_decay: f32,
    /// Largest norm of the whole gradient; 0 for no limit.
    pub clip_norm: f32,
    /// Decay of the first moment.
    pub beta_1: f32,
    /// Decay of the second moment.
    pub beta_2: f32,
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// Decay of a moving average of the weights, which then is the policy; 0 for the newest weights. 0.999 steadies a
    /// diffusion policy.
    pub average: f32,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            kind: OptimizerKind::AdamW,
            learning_rate: 1e-4,
            schedule: Schedule::Cosine,
            warmup_steps: 100,
            final_factor: 0.01,
            weight_decay: 1e-3,
            clip_norm: 1.0,
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-8,
            average: 0.0,
        }
    }
}

impl OptimizerConfig {
    /// The learning rate of step `index` (from 0) of `total`.
    pub fn learning_rate_at(&self, index: u64, total: u64) -> f64 {
        if index < self.warmup_steps {
            return self.learning_rate * (index + 1) as f64 / self.warmup_steps as f64;
        }
        match self.schedule {
            Schedule::Constant => self.learning_rate,
            Schedule::Cosine => {
                let span = total.saturating_sub(self.warmup_steps).max(1) as f64;
                let done = ((index - self.warmup_steps) as f64 / span).min(1.0);
                let factor = self.final_factor + (1.0 - self.final_factor) * 0.5 * (1.0 + (PI * done).cos());
                self.learning_rate * factor
            }
        }
    }
}

/// `[data]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataConfig {
    /// Share of the ticks, in whole episodes, that is kept back to choose the best policy by; 0 for none.
    pub validation_fraction: f32,
    /// Standard deviation of the noise on observations in training, in standard deviations of each number. Widens the
    /// narrow path of few demonstrations, so that the policy knows what to do a little beside it; blurs what must be
    /// told exactly, such as the last half metre into a parking bay.
    pub observation_noise: f32,
    /// Observed fields that the policy is not to see, by name; a name that ends in `*` means all that begin so.
    pub hide: Vec<String>,
    /// `one-shot` only: observed fields that hold one number for each of the same things, by name as in `hide`. In training
    /// the things are renumbered by chance, alike in what is seen and in the demonstration that is shown, so that nothing
    /// depends on which is which.
    pub interchangeable: Vec<String>,
    /// Learn from each demonstration twice, once with left and right exchanged, where the agent's layouts say how.
    pub mirror: bool,
    /// Whether demonstrations of several scenes come with a field that tells the policy which scene it is in.
    pub tell_task: bool,
    /// What is made of the demonstrations' quality.
    pub quality: QualityUse,
    /// Quality `filter` only: share of the demonstrations that is kept, the best ones.
    pub keep: f32,
    /// How much more a tick counts at which a person had taken over from a policy: it shows what the policy got wrong
    /// (Mandlekar et al. 2020, intervention weighted regression, arXiv:2012.06733).
    pub intervention_weight: f32,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            validation_fraction: 0.1,
            observation_noise: 0.0,
            hide: Vec::new(),
            interchangeable: Vec::new(),
            mirror: false,
            tell_task: true,
            quality: QualityUse::None,
            keep: 0.5,
            intervention_weight: 3.0,
        }
    }
}

/// `[training]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// Which method learns.
    pub learner: LearnerKind,
    /// Seed of the first weights, the split, the order and the noise.
    pub seed: u64,
    /// Optimiser steps. 10,000 steps of 256 rows go about 250 times through 20 episodes of 500 ticks, in 10 to 30
    /// seconds on two cores, by how much else runs.
    pub steps: u64,
    /// When above 0, takes the place of `steps`: times that every training row is seen.
    pub epochs: u64,
    /// Rows in a step.
    pub batch_size: usize,
    /// Steps between two validations.
    pub validate_every: u64,
    /// Share of the steps before which no policy is chosen and no patience is lost. The validation loss of
    /// demonstrations is mostly the noise of the demonstrator's hands, and at its least long before the policy drives
    /// best (Mandlekar et al. 2021, What Matters in Learning from Offline Human Demonstrations, section 5). Only when
    /// the learning rate has come down does it tell good policies from bad ones.
    pub select_from: f32,
    /// Validations without a better one after which training stops; 0 for never.
    pub patience: u64,
    /// Steps between two checkpoints; 0 for none but the last.
    pub checkpoint_every: u64,
    /// Checkpoints that are kept; older ones are removed.
    pub keep_checkpoints: usize,
    /// Steps between two entries in the event file.
    pub log_every: u64,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            learner: LearnerKind::BehaviourCloning,
            seed: 0,
            steps: 10_000,
            epochs: 0,
            batch_size: 256,
            validate_every: 200,
            select_from: 0.9,
            patience: 15,
            checkpoint_every: 1000,
            keep_checkpoints: 3,
            log_every: 20,
        }
    }
}

/// Every setting of a run; `<run>/config.toml` holds all of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Hidden layers.
    pub network: NetworkConfig,
    /// Output layer and loss.
    pub head: HeadConfig,
    /// Optimiser and learning rate.
    pub optimizer: OptimizerConfig,
    /// Split and noise.
    pub data: DataConfig,
    /// A trained policy to begin from.
    pub init: InitConfig,
    /// Against forgetting, where earlier demonstrations are given.
    pub continual: ContinualConfig,
    /// Against attacks on the observations; not for `gan`.
    pub adversarial: AdversarialConfig,
    /// `dagger` only: the rounds.
    pub dagger: DaggerConfig,
    /// `bco` only: the inverse dynamics.
    pub bco: BcoConfig,
    /// `gan` and `feature-matching` only: the discriminator.
    pub gan: GanConfig,
    /// What learns by acting, but for `dqn`.
    pub ppo: PpoConfig,
    /// `dqn` only.
    pub dqn: DqnConfig,
    /// What infers a reward, such as `gail`, and `ppo` and `reinforce` where they learn from one.
    pub reward: RewardConfig,
    /// `self-play` only.
    pub self_play: SelfPlayConfig,
    /// The loop.
    pub training: TrainingConfig,
}

impl TrainConfig {
    /// The defaults of behaviour cloning, then a file, then `key=value` overrides with dotted keys
    /// (`optimizer.learning_rate=3e-4`), checked.
    ///
    /// # Errors
    /// The file cannot be read, a key is unknown (the nearest is named), or a value has the wrong type or is out of
    /// range.
    pub fn load(file: Option<&Path>, overrides: &[String]) -> Result<Self, TrainError> {
        Self::default().changed(file, overrides)
    }

    /// These settings with what a file, then `key=value` overrides change, checked.
    ///
    /// # Errors
    /// As [`TrainConfig::load`].
    pub fn changed(self, file: Option<&Path>, overrides: &[String]) -> Result<Self, TrainError> {
        let mut config = match file {
            None => self,
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(TrainError::io("read", path))?;
                overrides::from_toml(&self, &text, &path.display().to_string())?
            }
        };
        overrides.iter().try_for_each(|text| config.set(text))?;
        config.check("the training configuration")?;
        Ok(config)
    }

    /// From TOML; keys that it lacks have their defaults. Does not check ranges.
    ///
    /// # Errors
    /// A syntax error, an unknown key, or a value of the wrong type; `origin` is named in the message.
    pub fn from_toml(text: &str, origin: &str) -> Result<Self, TrainError> {
        overrides::from_toml(&Self::default(), text, origin)
    }

    /// Every key with its value, as TOML.
    ///
    /// # Errors
    /// A number that TOML cannot hold.
    pub fn to_toml(&self) -> Result<String, TrainError> {
        toml::to_string(self)
            .map_err(|e| TrainError::Config { origin: "the training configuration".into(), message: e.to_string() })
    }

    /// Set one key from `key=value`. The value is TOML; what is not is taken for a text. Does not check ranges.
    ///
    /// # Errors
    /// No `=`, an unknown key, or a value of the wrong type.
    pub fn set(&mut self, assignment: &str) -> Result<(), TrainError> {
        *self = overrides::apply(self, assignment)?;
        Ok(())
    }

    /// The dotted keys in which two configurations differ, with both values.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        overrides::differences(self, other)
    }

    /// Check that every value is in its range; `origin` is named in the message.
    ///
    /// # Errors
    /// The first value that is not, with its key and what is possible.
    pub fn check(&self, origin: &str) -> Result<(), TrainError> {
        self.network.check()?;
        self.head.check()?;
        let (o, d, t, q, w) = (&self.optimizer, &self.data, &self.training, &self.dqn, &self.reward);
        let s = &self.self_play;
        let positive = |x: f64| x.is_finite() && x > 0.0;
        let not_negative = |x: f32| x.is_finite() && x >= 0.0;
        let wants = [
            (positive(o.learning_rate), "optimizer.learning_rate", "above 0"),
            ((0.0..=1.0).contains(&o.final_factor), "optimizer.final_factor", "within 0 and 1"),
            (not_negative(o.weight_decay), "optimizer.weight_decay", "at least 0"),
            (not_negative(o.clip_norm), "optimizer.clip_norm", "at least 0 (0 for no limit)"),
            ((0.0..1.0).contains(&o.beta_1), "optimizer.beta_1", "at least 0 and below 1"),
            ((0.0..1.0).contains(&o.beta_2), "optimizer.beta_2", "at least 0 and below 1"),
            (positive(o.epsilon.into()), "optimizer.epsilon", "above 0"),
            ((0.0..1.0).contains(&o.average), "optimizer.average", "at least 0 and below 1"),
            ((0.0..1.0).contains(&d.validation_fraction), "data.validation_fraction", "at least 0 and below 1"),
            (not_negative(d.observation_noise), "data.observation_noise", "at least 0"),
            (d.keep > 0.0 && d.keep <= 1.0, "data.keep", "above 0 and at most 1"),
            (not_negative(d.intervention_weight), "data.intervention_weight", "at least 0"),
            (self.init.lora_rank <= 1024, "init.lora_rank", "at most 1024 (0 for none)"),
            (positive(self.init.lora_alpha.into()), "init.lora_alpha", "above 0"),
            (
                self.init.lora_rank == 0 || o.average == 0.0,
                "optimizer.average",
                "0 with init.lora_rank, which has no average",
            ),
            ((0.0..1.0).contains(&self.continual.share), "continual.share", "at least 0 and below 1"),
            (not_negative(self.continual.strength), "continual.strength", "at least 0"),
            ((1..=1 << 20).contains(&self.continual.samples), "continual.samples", "within 1 and 1048576"),
            (not_negative(self.adversarial.epsilon), "adversarial.epsilon", "at least 0 (0 for ordinary training)"),
            ((1..=100).contains(&self.adversarial.steps), "adversarial.steps", "within 1 and 100"),
            ((0.0..=1.0).contains(&self.adversarial.share), "adversarial.share", "within 0 and 1"),
            ((1..=100).contains(&self.bco.rounds), "bco.rounds", "within 1 and 100"),
            ((1..=100_000).contains(&self.bco.episodes), "bco.episodes", "within 1 and 100000"),
            ((1..=64).contains(&self.bco.ahead), "bco.ahead", "within 1 and 64"),
            (not_negative(self.bco.noise), "bco.noise", "at least 0"),
            ((1..=1000).contains(&self.dagger.rounds), "dagger.rounds", "within 1 and 1000"),
            ((1..=10_000).contains(&self.dagger.episodes), "dagger.episodes", "within 1 and 10000"),
            (not_negative(self.gan.penalty), "gan.penalty", "at least 0"),
            (
                !self.gan.hidden.is_empty() && self.gan.hidden.iter().all(|w| (1..=4096).contains(w)),
                "gan.hidden",
                "one width or more, each within 1 and 4096",
            ),
            ((1..=65_536).contains(&self.ppo.arenas), "ppo.arenas", "within 1 and 65536"),
            ((1..=65_536).contains(&self.ppo.ticks), "ppo.ticks", "within 1 and 65536"),
            ((1..=1000).contains(&self.ppo.epochs), "ppo.epochs", "within 1 and 1000"),
            ((0.0..=1.0).contains(&self.ppo.discount), "ppo.discount", "within 0 and 1"),
            ((0.0..=1.0).contains(&self.ppo.lambda), "ppo.lambda", "within 0 and 1"),
            ((0.0..1.0).contains(&self.ppo.clip), "ppo.clip", "at least 0 and below 1"),
            (not_negative(self.ppo.entropy), "ppo.entropy", "at least 0"),
            ((0.0..1.0).contains(&self.ppo.persistence), "ppo.persistence", "at least 0 and below 1"),
            (not_negative(self.ppo.divergence), "ppo.divergence", "at least 0 (0 for optimizer's learning rate)"),
            (not_negative(self.ppo.stay), "ppo.stay", "at least 0"),
            ((0.0..=1.0).contains(&self.ppo.stay_decay), "ppo.stay_decay", "within 0 and 1"),
            ((1..=100_000).contains(&self.ppo.judged), "ppo.judged", "within 1 and 100000"),
            ((1..=65_536).contains(&q.arenas), "dqn.arenas", "within 1 and 65536"),
            ((1..=65_536).contains(&q.ticks), "dqn.ticks", "within 1 and 65536"),
            (q.batches <= 1 << 16, "dqn.batches", "at most 65536"),
            (q.first_ticks <= 1 << 24, "dqn.first_ticks", "at most 16777216"),
            ((0.0..=1.0).contains(&q.discount), "dqn.discount", "within 0 and 1"),
            ((1..=1000).contains(&q.steps), "dqn.steps", "within 1 and 1000"),
            ((0.0..=1.0).contains(&q.explore_first), "dqn.explore_first", "within 0 and 1"),
            (q.shown_batches <= 1 << 24, "dqn.shown_batches", "at most 16777216"),
            (not_negative(q.margin), "dqn.margin", "at least 0"),
            ((0.0..=1.0).contains(&q.explore), "dqn.explore", "within 0 and 1"),
            ((0.0..=1.0).contains(&q.explored), "dqn.explored", "within 0 and 1"),
            ((0.0..1.0).contains(&q.persistence), "dqn.persistence", "at least 0 and below 1"),
            (q.target_every > 0, "dqn.target_every", "above 0"),
            ((1..=100_000).contains(&q.judged), "dqn.judged", "within 1 and 100000"),
            ((1..=1 << 24).contains(&q.replay.capacity), "dqn.replay.capacity", "within 1 and 16777216"),
            ((0.0..=1.0).contains(&q.replay.priority), "dqn.replay.priority", "within 0 and 1"),
            ((0.0..=1.0).contains(&q.replay.correction), "dqn.replay.correction", "within 0 and 1"),
            (
                !w.hidden.is_empty() && w.hidden.iter().all(|w| (1..=4096).contains(w)),
                "reward.hidden",
                "one width or more, each within 1 and 4096",
            ),
            (positive(w.learning_rate), "reward.learning_rate", "above 0"),
            (w.batches <= 10_000, "reward.batches", "at most 10000"),
            ((2..=1 << 16).contains(&w.batch_size), "reward.batch_size", "within 2 and 65536"),
            (not_negative(w.penalty), "reward.penalty", "at least 0"),
            (not_negative(w.logit), "reward.logit", "at least 0"),
            (w.replay <= 1 << 22, "reward.replay", "at most 4194304 (0 for none)"),
            (not_negative(w.bottleneck), "reward.bottleneck", "at least 0"),
            ((1..=1024).contains(&w.latent), "reward.latent", "within 1 and 1024"),
            ((1..=10_000).contains(&w.round), "reward.round", "within 1 and 10000"),
            ((0.0..=1.0).contains(&w.task), "reward.task", "within 0 and 1"),
            (w.horizon <= 1 << 20, "reward.horizon", "at most 1048576 ticks (0 for the shortest demonstration's)"),
            ((1..=1 << 20).contains(&s.generation), "self_play.generation", "within 1 and 1048576"),
            ((0.0..=1.0).contains(&s.newest), "self_play.newest", "within 0 and 1"),
            ((1..=10_000).contains(&s.games), "self_play.games", "within 1 and 10000"),
            (t.seed <= i64::MAX as u64, "training.seed", "below 2^63, the largest number in TOML"),
            (t.steps > 0 || t.epochs > 0, "training.steps", "above 0, or training.epochs must be"),
            ((1..=1 << 20).contains(&t.batch_size), "training.batch_size", "within 1 and 1048576"),
            (t.validate_every > 0, "training.validate_every", "above 0"),
            ((0.0..=1.0).contains(&t.select_from), "training.select_from", "within 0 and 1"),
            (t.keep_checkpoints > 0, "training.keep_checkpoints", "above 0"),
            (t.log_every > 0, "training.log_every", "above 0"),
        ];
        match wants.into_iter().find(|(holds, ..)| !holds) {
            None => Ok(()),
            Some((_, key, wanted)) => {
                let found = overrides::value(self, key);
                let message = format!("{key} is {found}; it must be {wanted}");
                Err(TrainError::Config { origin: origin.into(), message })
            }
        }
    }
}
