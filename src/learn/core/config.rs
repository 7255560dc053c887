//! The configuration of a training run: the sections that its learner reads, and no others.

use std::f64::consts::PI;
use std::fmt::Write as _;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::overrides::{self, KeyError};
use super::section::{self, AnySection, Section};
use super::spec::LearnerSpec;
use crate::learn::{InitConfig, TrainError};
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
    /// Use of the quality score of each demonstration.
    pub quality: super::quality::QualityUse,
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
            quality: super::quality::QualityUse::None,
            quality_keep: 0.5,
            intervention_weight: 3.0,
        }
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

/// Every setting of a run. Each learner has the sections `network`, `head`, `optimizer`, `init` and `training`, and those
/// that its [`LearnerSpec`] adds, such as `ppo`.
#[derive(Clone, Debug)]
pub struct TrainConfig {
    spec: &'static dyn LearnerSpec,
    /// `[network]`: the trunk of the policy's network.
    pub network: NetworkConfig,
    /// `[head]`: output layer and loss.
    pub head: HeadConfig,
    /// `[optimizer]`: optimizer and learning rate.
    pub optimizer: OptimizerConfig,
    /// `[init]`: a trained policy to start from.
    pub init: InitConfig,
    /// The sections of this learner.
    sections: Vec<Box<dyn AnySection>>,
    /// `[training]`: the loop.
    pub training: TrainingConfig,
}

impl PartialEq for TrainConfig {
    fn eq(&self, other: &Self) -> bool {
        self.to_table() == other.to_table()
    }
}

impl TrainConfig {
    /// The defaults of a learner.
    pub fn defaults(spec: &'static dyn LearnerSpec) -> Self {
        let mut config = Self {
            spec,
            network: NetworkConfig::default(),
            head: HeadConfig::default(),
            optimizer: OptimizerConfig::default(),
            init: InitConfig::default(),
            sections: spec.sections(),
            training: TrainingConfig { learner: spec.name().into(), ..TrainingConfig::default() },
        };
        spec.set_defaults(&mut config);
        config
    }

    /// The learner.
    pub fn spec(&self) -> &'static dyn LearnerSpec {
        self.spec
    }

    /// The defaults of another learner, with the values of the sections that both have.
    #[must_use]
    pub fn for_learner(&self, spec: &'static dyn LearnerSpec) -> Self {
        let mut config = Self::defaults(spec);
        config.network = self.network.clone();
        config.head = self.head.clone();
        config.optimizer = self.optimizer.clone();
        config.init = self.init.clone();
        config.training = TrainingConfig { learner: spec.name().into(), ..self.training.clone() };
        for section in &mut config.sections {
            if let Some(own) = self.sections.iter().find(|own| own.name() == section.name()) {
                *section = own.clone();
            }
        }
        config
    }

    /// A section of this learner, where it has it.
    pub fn find<T: Section>(&self) -> Option<&T> {
        self.sections.iter().find_map(|section| section.as_any().downcast_ref())
    }

    /// A section of this learner.
    ///
    /// # Panics
    /// The learner's [`LearnerSpec::sections`] has no such section.
    pub fn get<T: Section>(&self) -> &T {
        match self.find() {
            Some(section) => section,
            None => panic!("the learner {} has no section [{}]", self.spec.name(), T::NAME),
        }
    }

    /// A section of this learner, to change it.
    ///
    /// # Panics
    /// As [`TrainConfig::get`].
    pub fn get_mut<T: Section>(&mut self) -> &mut T {
        let name = self.spec.name();
        match self.sections.iter_mut().find_map(|section| section.as_any_mut().downcast_mut()) {
            Some(section) => section,
            None => panic!("the learner {name} has no section [{}]", T::NAME),
        }
    }

    /// The defaults of a learner, then a file, then `key=value` overrides with dotted keys
    /// (`optimizer.learning_rate=3e-4`), checked.
    ///
    /// # Errors
    /// The file cannot be read, a key is unknown (the nearest is named), or a value has the wrong type or is out of
    /// range.
    pub fn load(spec: &'static dyn LearnerSpec, file: Option<&Path>, overrides: &[String]) -> Result<Self, TrainError> {
        Self::defaults(spec).changed(file, overrides)
    }

    /// This configuration with the values of a file, then of `key=value` overrides, checked.
    ///
    /// # Errors
    /// As [`TrainConfig::load`].
    pub fn changed(self, file: Option<&Path>, overrides: &[String]) -> Result<Self, TrainError> {
        let mut config = match file {
            None => self,
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(TrainError::io("read", path))?;
                self.with_toml(&text, &path.display().to_string())?
            }
        };
        overrides.iter().try_for_each(|text| config.set(text))?;
        config.check("the training configuration")?;
        Ok(config)
    }

    /// This configuration with the values of a TOML text; keys that it lacks keep theirs. Does not check ranges.
    ///
    /// # Errors
    /// A syntax error, an unknown key, a value of the wrong type, or the configuration of another learner; `origin` is
    /// named in the message.
    pub fn with_toml(&self, text: &str, origin: &str) -> Result<Self, TrainError> {
        let fail = |message: String| TrainError::Config { origin: origin.into(), message };
        let table: Table = toml::from_str(text).map_err(|error| fail(error.to_string()))?;
        let learner = table.get("training").and_then(|training| training.get("learner")).and_then(Value::as_str);
        if let Some(learner) = learner.filter(|learner| *learner != self.spec.name()) {
            return Err(fail(self.other_learner(learner)));
        }
        let all = self.to_table();
        let mut merged = all.clone();
        overrides::merge(&mut merged, &all, &table).map_err(|error| fail(self.key_error(error)))?;
        self.with_table(merged).map_err(|(section, message)| {
            // The text of one section by itself names the line of a value of the wrong type.
            let line =
                overrides::line_of_section(text, &section).map_or(String::new(), |line| format!("line {line}, "));
            fail(format!("{line}[{section}]: {message}"))
        })
    }

    /// Set one key from `key=value`. The value is TOML; anything else is a string. Does not check ranges.
    ///
    /// # Errors
    /// No `=`, an unknown key, or a value of the wrong type.
    pub fn set(&mut self, assignment: &str) -> Result<(), TrainError> {
        let fail = |message: String| TrainError::Config { origin: format!("override {assignment:?}"), message };
        let mut table = self.to_table();
        let (key, text, old) = overrides::apply(&mut table, assignment).map_err(|error| fail(self.key_error(error)))?;
        if key == "training.learner" && text != self.spec.name() {
            return Err(fail(self.other_learner(&text)));
        }
        let old = old.map_or(String::new(), |old| format!("; it is {old} now"));
        *self =
            self.with_table(table).map_err(|(_, message)| fail(format!("{key} cannot be {text} ({message}){old}")))?;
        Ok(())
    }

    fn other_learner(&self, learner: &str) -> String {
        format!(
            "the settings are those of `train {learner}`, not of `train {}`; use that command, or leave training.learner out",
            self.spec.name()
        )
    }

    fn key_error(&self, error: KeyError) -> String {
        match error {
            KeyError::Unknown { key, nearest } => {
                let section = key.split('.').next().unwrap_or_default();
                let similar = |own: &dyn AnySection| strsim::jaro_winkler(own.name(), section) > 0.9;
                if key.contains('.') && !self.all_sections().into_iter().any(similar) {
                    let name = self.spec.name();
                    return format!("train {name} does not read {section}.*; leave {key} out");
                }
                format!("there is no key {key}; did you mean {nearest}?")
            }
            KeyError::Syntax => "it must be key=value, such as training.steps=2000".into(),
        }
    }

    /// Every section, in the order of `config.toml`.
    pub fn all_sections(&self) -> Vec<&dyn AnySection> {
        let own = self.sections.iter().map(AsRef::as_ref);
        let head: [&dyn AnySection; 4] = [&self.network, &self.head, &self.optimizer, &self.init];
        head.into_iter().chain(own).chain([&self.training as &dyn AnySection]).collect()
    }

    /// Every section as a TOML table.
    pub fn to_table(&self) -> Table {
        let section =
            |section: &dyn AnySection| (section.name().to_owned(), Value::Table(section.to_toml().unwrap_or_default()));
        self.all_sections().into_iter().map(section).collect()
    }

    /// The same learner with the values of `table`; the section and the message where one does not fit.
    fn with_table(&self, mut table: Table) -> Result<Self, (String, String)> {
        fn take<T: Section>(table: &mut Table) -> Result<T, (String, String)> {
            let value = table.remove(T::NAME).unwrap_or_else(|| Value::Table(Table::new()));
            value.try_into().map_err(|error: toml::de::Error| (T::NAME.to_owned(), error.to_string().trim().to_owned()))
        }
        let mut config = Self {
            spec: self.spec,
            network: take(&mut table)?,
            head: take(&mut table)?,
            optimizer: take(&mut table)?,
            init: take(&mut table)?,
            sections: self.sections.clone(),
            training: take(&mut table)?,
        };
        for section in &mut config.sections {
            let Some(Value::Table(values)) = table.remove(section.name()) else { continue };
            *section = section
                .with_values(values)
                .map_err(|error| (section.name().to_owned(), error.to_string().trim().to_owned()))?;
        }
        Ok(config)
    }

    /// Every key with its value, as TOML.
    ///
    /// # Errors
    /// A number that TOML cannot hold.
    pub fn to_toml(&self) -> Result<String, TrainError> {
        let texts: Result<Vec<String>, _> = self.all_sections().into_iter().map(AnySection::to_text).collect();
        texts
            .map(|texts| texts.join("\n"))
            .map_err(|e| TrainError::Config { origin: "the training configuration".into(), message: e.to_string() })
    }

    /// As [`TrainConfig::to_toml`], with the documentation and the range of each key as comments.
    ///
    /// # Errors
    /// A number that TOML cannot hold.
    pub fn to_documented_toml(&self) -> Result<String, TrainError> {
        let mut out = format!("# Settings of `apprentice train {}`.\n", self.spec.name());
        for section in self.all_sections() {
            let text = section
                .to_text()
                .map_err(|e| TrainError::Config { origin: section.name().into(), message: e.to_string() })?;
            let docs = section::setting_docs(section);
            out.push('\n');
            comment(&mut out, &section::section_description(section));
            for (key, line) in section::keyed_lines(&text, section.name()) {
                if let Some(doc) = key.and_then(|key| docs.iter().find(|doc| doc.key == key)) {
                    out.push('\n');
                    comment(&mut out, &doc.description);
                    for (name, about) in &doc.choices {
                        comment(&mut out, &format!("- {name}: {about}"));
                    }
                    if doc.choices.is_empty() && !doc.range.is_empty() {
                        comment(&mut out, &format!("Range: {}.", doc.range));
                    }
                }
                let _ = writeln!(out, "{line}");
            }
        }
        Ok(out)
    }

    /// The dotted keys in which two configurations differ, with both values.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        overrides::differences(&self.to_table(), &other.to_table())
    }

    /// Check that every value is in its range; `origin` is named in the message.
    ///
    /// # Errors
    /// The first value that is not, with its key and what is possible.
    pub fn check(&self, origin: &str) -> Result<(), TrainError> {
        let fail = |message: String| TrainError::Config { origin: origin.into(), message };
        self.all_sections().into_iter().try_for_each(section::check).map_err(fail)?;
        if self.init.lora_rank > 0 && self.optimizer.ema_decay != 0.0 {
            return Err(fail(format!(
                "optimizer.ema_decay is {}; it must be 0 with init.lora_rank, which has no moving average",
                self.optimizer.ema_decay
            )));
        }
        Ok(())
    }
}

/// Append a text as comment lines of at most 100 characters.
fn comment(out: &mut String, text: &str) {
    for paragraph in text.split("\n\n") {
        let mut line = String::from("#");
        for word in paragraph.split_whitespace() {
            if line.len() + 1 + word.len() > 100 {
                let _ = writeln!(out, "{line}");
                line = String::from("#");
            }
            line.push(' ');
            line.push_str(word);
        }
        if line.len() > 1 {
            let _ = writeln!(out, "{line}");
        }
    }
}
