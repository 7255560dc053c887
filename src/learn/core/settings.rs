//! The sections that most learners have: optimizer, data, training loop; network and head are those of a policy.

use std::borrow::Cow;
use std::f64::consts::PI;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::data::TrainingData;
use super::failed_episodes::leave_out_failed;
use super::progress::Progress;
use super::quality::QualityUse;
use super::section::Section;
use crate::policies::{HeadConfig, NetworkConfig};

/// Which optimizer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerKind {
    /// Adam: weight decay is part of the gradient (Kingma & Ba 2014, arXiv:1412.6980).
    Adam,
    /// AdamW: weight decay is decoupled from the gradient (Loshchilov & Hutter 2017, arXiv:1711.05101).
    #[default]
    #[serde(rename = "adamw")]
    AdamW,
}

/// Learning rate schedule after the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Constant learning rate.
    Constant,
    /// Cosine decay to `min_lr_ratio` of it (Loshchilov & Hutter 2016, arXiv:1608.03983, equation 5).
    #[default]
    Cosine,
}

/// Optimizer and learning rate schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerConfig {
    /// Optimizer.
    pub kind: OptimizerKind,
    /// Peak learning rate. The default is robomimic's for behavior cloning. Ten times as much gives the same validation
    /// loss but a less precise policy: 89 % instead of 98 % success in `parking` (means over six training seeds of 100
    /// episodes).
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub learning_rate: f64,
    /// Learning rate schedule after the warm-up.
    pub schedule: Schedule,
    /// Steps of linear warm-up from zero: Adam's first estimates of the second moment are noisy.
    pub warmup_steps: u64,
    /// Cosine schedule: final learning rate, as a fraction of `learning_rate`.
    #[schemars(range(min = 0, max = 1))]
    pub min_lr_ratio: f64,
    /// Weight decay of matrices; biases have none. The default keeps a network from memorizing a few thousand ticks.
    #[schemars(range(min = 0))]
    pub weight_decay: f32,
    /// Maximum norm of the whole gradient; 0 disables clipping.
    #[schemars(range(min = 0))]
    pub max_grad_norm: f32,
    /// Adam's decay of the first moment.
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    pub beta1: f32,
    /// Adam's decay of the second moment.
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    pub beta2: f32,
    /// Adam's epsilon, added to the root of the second moment.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub eps: f32,
    /// Decay of an exponential moving average of the weights, which then is the policy; 0 disables it. 0.999 stabilizes a
    /// diffusion policy.
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    pub ema_decay: f32,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            kind: OptimizerKind::AdamW,
            learning_rate: 1e-4,
            schedule: Schedule::Cosine,
            warmup_steps: 100,
            min_lr_ratio: 0.01,
            weight_decay: 1e-3,
            max_grad_norm: 1.0,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            ema_decay: 0.0,
        }
    }
}

impl Section for OptimizerConfig {
    const NAME: &'static str = "optimizer";
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
                let factor = self.min_lr_ratio + (1.0 - self.min_lr_ratio) * 0.5 * (1.0 + (PI * done).cos());
                self.learning_rate * factor
            }
        }
    }
}

/// Training data of a learner that reads a dataset: split, augmentation, weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DataConfig {
    /// Fraction of the ticks, in whole episodes, that is held out for validation; 0 for none.
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    pub validation_fraction: f32,
    /// Standard deviation of Gaussian noise on the observations in training, in standard deviations of each number. It
    /// widens the narrow distribution of few demonstrations, and blurs what needs precision, such as the last half meter
    /// into a parking bay.
    #[schemars(range(min = 0))]
    pub observation_noise_std: f32,
    /// Observation fields that the policy does not read, by name; `name*` matches a prefix.
    pub exclude: Vec<String>,
    /// `one-shot`: observation fields that hold one number for each of several interchangeable objects, by name as in
    /// `exclude`. In training the objects are renumbered at random, alike in observation and demonstration, so that the policy
    /// does not depend on their numbers.
    pub permutable: Vec<String>,
    /// Add the mirror image (left and right exchanged) of each demonstration, where the agent's layouts define one.
    pub mirror_augmentation: bool,
    /// Demonstrations of several scenes: add an observation field that holds the scene, one-hot.
    pub task_conditioning: bool,
    /// Imitate the failed demonstrations, too. Without it they are left out in each scene with at least three successful
    /// ones.
    pub include_failed: bool,
    /// Use of the quality score of each demonstration.
    pub quality: QualityUse,
    /// Quality `filter`: fraction of the demonstrations that is kept, best first.
    #[schemars(range(max = 1), extend("exclusiveMinimum" = 0))]
    pub quality_keep: f32,
    /// Weight of a tick at which a person had taken over from a policy; such a tick corrects the policy (Mandlekar et al.
    /// 2020, intervention weighted regression, arXiv:2012.06733).
    #[schemars(range(min = 0))]
    pub intervention_weight: f32,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            validation_fraction: 0.1,
            observation_noise_std: 0.0,
            exclude: Vec::new(),
            permutable: Vec::new(),
            mirror_augmentation: false,
            task_conditioning: true,
            include_failed: false,
            quality: QualityUse::None,
            quality_keep: 0.5,
            intervention_weight: 3.0,
        }
    }
}

impl DataConfig {
    /// `data` without the failed demonstrations that these settings leave out; `progress` reports their number.
    pub fn leave_out_failed<'a>(&self, data: &'a TrainingData, progress: &mut dyn Progress) -> Cow<'a, TrainingData> {
        leave_out_failed(data, (self.include_failed, "data.include_failed"), progress)
    }
}

impl Section for DataConfig {
    const NAME: &'static str = "data";
}

impl Section for NetworkConfig {
    const NAME: &'static str = "network";

    fn check_relations(&self) -> Result<(), String> {
        self.check().map_err(|error| error.to_string())
    }
}

impl Section for HeadConfig {
    const NAME: &'static str = "head";

    fn check_relations(&self) -> Result<(), String> {
        self.check().map_err(|error| error.to_string())
    }
}

/// The training loop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// Name of the learner, as in `apprentice train NAME`.
    pub learner: String,
    /// Seed of initial weights, split, order and noise; below 2^63, the largest integer of TOML.
    #[schemars(range(max = 9_223_372_036_854_775_807_u64))]
    pub seed: u64,
    /// Steps of the training loop: one minibatch each for supervised learners, one rollout with its updates for
    /// reinforcement learning.
    pub steps: u64,
    /// Passes over the training rows; above 0 it replaces `steps`.
    pub epochs: u64,
    /// Rows of a minibatch.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub batch_size: usize,
    /// Steps between two evaluations.
    #[schemars(range(min = 1))]
    pub eval_freq: u64,
    /// Fraction of the steps before which no policy is selected as the best and no patience is lost. The validation loss of
    /// demonstrations is mostly the noise of the demonstrator's hands, and reaches its minimum long before the policy acts
    /// best (Mandlekar et al. 2021, What Matters in Learning from Offline Human Demonstrations, section 5). It only ranks
    /// policies when the learning rate has decayed.
    #[schemars(range(min = 0, max = 1))]
    pub select_after: f32,
    /// Early stopping: evaluations without improvement after which training stops; 0 disables it.
    pub patience: u64,
    /// Steps between two checkpoints; 0 for the last one alone.
    pub save_freq: u64,
    /// Checkpoints that are kept; older ones are removed.
    #[schemars(range(min = 1))]
    pub save_total_limit: usize,
    /// Steps between two entries of the TensorBoard file.
    #[schemars(range(min = 1))]
    pub log_freq: u64,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            learner: String::new(),
            seed: 0,
            // 10,000 steps of 256 rows pass about 250 times over 20 episodes of 500 ticks, in 10 to 30 seconds on two cores.
            steps: 10_000,
            epochs: 0,
            batch_size: 256,
            eval_freq: 200,
            select_after: 0.9,
            patience: 15,
            save_freq: 1000,
            save_total_limit: 3,
            log_freq: 20,
        }
    }
}

impl Section for TrainingConfig {
    const NAME: &'static str = "training";

    fn check_relations(&self) -> Result<(), String> {
        if self.steps > 0 || self.epochs > 0 {
            return Ok(());
        }
        Err("training.steps is 0; it must be above 0, or training.epochs must be".into())
    }
}
