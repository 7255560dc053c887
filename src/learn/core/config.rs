//! What the registry holds of a learner ([`LearnerSpec`]), and the configuration of a run: the sections that its learner
//! reads, and no others. Both are in one file, since each is defined by the other.

use std::fmt::Debug;

use burn::tensor::Device;
use serde_json::{Map, Value as Json};
use toml::{Table, Value};

use super::data_loader::DataLoader;
use super::init::{InitConfig, PretrainedPolicy};
use super::learned_reward::StoredReward;
use super::learner::Learner;
use super::minibatch::{PreparedData, Window};
use super::progress::{Progress, TrainSummary};
use super::requirements::{Curve, GivenInputs, Requirements};
use super::run_options::RunOptions;
use super::section::{self, AnySection, Section};
use super::settings::{DataConfig, OptimizerConfig, TrainingConfig};
use crate::demos::Episode;
use crate::learn::{TrainError, TrainingData};
use crate::policies::{HeadConfig, NetworkConfig, PolicyConfig};
use crate::scenes::Scene;
use crate::teleop::Skill;

/// Every setting of a run. Each learner has the sections `network`, `head`, `optimizer`, `init` and `training`, and those
/// that its [`LearnerSpec`] adds, such as `ppo`.
#[derive(Clone, Debug)]
pub struct TrainConfig {
    pub(super) spec: &'static dyn LearnerSpec,
    /// `[network]`: the trunk of the policy's network.
    pub network: NetworkConfig,
    /// `[head]`: output layer and loss.
    pub head: HeadConfig,
    /// `[optimizer]`: optimizer and learning rate.
    pub optimizer: OptimizerConfig,
    /// `[init]`: a trained policy to start from.
    pub init: InitConfig,
    /// The sections of this learner.
    pub(super) sections: Vec<Box<dyn AnySection>>,
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

    /// Minibatches of `data` for this network and head.
    ///
    /// # Errors
    /// As [`DataLoader::new`].
    pub fn data_loader<'a>(&self, data: &'a PreparedData<'a>) -> Result<DataLoader<'a>, TrainError> {
        let permutable = self.find::<DataConfig>().map_or(&[][..], |section| &section.permutable);
        DataLoader::new(&self.training, Window::of(&self.network, &self.head), permutable, data)
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

/// Everything that a run is trained from.
pub struct TrainJob {
    /// The settings, checked.
    pub config: TrainConfig,
    /// The demonstrations, of a learner that reads a dataset.
    pub data: Option<TrainingData>,
    /// Whole episodes, of a learner that reads those.
    pub episodes: Vec<Episode>,
    /// The scene to act in, of a learner that acts.
    pub scene: Option<Scene>,
    /// The learned reward that replaces the task's.
    pub reward: Option<StoredReward>,
    /// The scripted expert of a learner that asks one.
    pub expert: Skill,
    /// Run folder, device, stop flag, the policy to start from.
    pub options: RunOptions,
}

impl TrainJob {
    /// The demonstrations.
    ///
    /// # Errors
    /// There are none.
    pub fn take_data(&mut self) -> Result<TrainingData, TrainError> {
        self.data.take().ok_or_else(|| self.missing("--dataset"))
    }

    /// The scene.
    ///
    /// # Errors
    /// There is none.
    pub fn take_scene(&mut self) -> Result<Scene, TrainError> {
        self.scene.take().ok_or_else(|| self.missing("--scene"))
    }

    fn missing(&self, option: &str) -> TrainError {
        let name = self.config.spec().name();
        TrainError::Config { origin: format!("train {name}"), message: format!("it needs {option}") }
    }
}

/// What a learner of a dataset is built from.
pub struct LearnerParts<'a> {
    /// The settings.
    pub config: &'a TrainConfig,
    /// Layouts and normalizers.
    pub policy: PolicyConfig,
    /// Minibatches of the demonstrations.
    pub loader: DataLoader<'a>,
    /// The policy to start from.
    pub pretrained: Option<&'a PretrainedPolicy>,
    /// Device, without `.autodiff()`.
    pub device: &'a Device,
}

/// Result of a run, for a person and for a program.
#[derive(Clone, Debug)]
pub struct TrainReport {
    /// How the loop ended.
    pub summary: TrainSummary,
    /// How good the best policy is, in words.
    pub headline: String,
    /// The same and more as JSON.
    pub numbers: Map<String, Json>,
}

impl TrainReport {
    /// A report whose numbers are the entries of a JSON object.
    pub fn new(summary: TrainSummary, headline: impl Into<String>, numbers: Json) -> Self {
        let numbers = if let Json::Object(numbers) = numbers { numbers } else { Map::new() };
        Self { summary, headline: headline.into(), numbers }
    }
}

/// A learner in the registry: one module that implements this, and one line in the list of
/// [`learners`](crate::learn::learners). See [`register`](crate::learn::register) for learners of other crates.
pub trait LearnerSpec: Sync {
    /// Name on the command line, in `config.toml` and in provenance, such as `behavior-prediction`.
    fn name(&self) -> &'static str;

    /// One line for `--help`.
    fn about(&self) -> &'static str;

    /// Example command lines for `--help`.
    fn examples(&self) -> &'static [&'static str];

    /// Its inputs.
    fn requirements(&self) -> Requirements;

    /// Its sections of the configuration at their defaults, beside `network`, `head`, `optimizer`, `init` and `training`.
    fn sections(&self) -> Vec<Box<dyn AnySection>> {
        Vec::new()
    }

    /// Change the defaults that differ for this learner.
    fn set_defaults(&self, _config: &mut TrainConfig) {}

    /// Change the defaults that follow from the given inputs.
    fn set_input_defaults(&self, _config: &mut TrainConfig, _inputs: &GivenInputs<'_>) {}

    /// Whether the configuration of that learner can be given for this one, as its settings are among this one's.
    fn accepts_config_of(&self, _learner: &str) -> bool {
        false
    }

    /// What the plot of a run shows; `None` for none.
    fn curve(&self) -> Option<Curve> {
        Some(Curve::Loss)
    }

    /// The learner of a dataset, ready for the training loop; only of learners that are trained by
    /// [`train_on_dataset`](crate::learn::train_on_dataset).
    ///
    /// # Errors
    /// Unusable settings, or a learner that acts in a scene.
    fn build<'a>(&self, parts: LearnerParts<'a>) -> Result<Box<dyn Learner + 'a>, TrainError> {
        Err(TrainError::Config {
            origin: "training.learner".into(),
            message: format!("{} acts in a scene; it is not trained on a dataset alone", parts.config.spec().name()),
        })
    }

    /// Train a run.
    ///
    /// # Errors
    /// Unusable settings or inputs, a run folder that cannot be written or resumed, or training that diverges.
    fn train(&self, job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError>;
}

impl Debug for dyn LearnerSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
