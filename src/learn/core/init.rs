//! Initialization from a trained policy instead of random weights: fine-tuning, transfer to other bodies, low-rank
//! adapters (LoRA).

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::section::Section;

use super::error::TrainError;
use crate::policies::artifact::{WEIGHTS_FILE, existing_or_previous};
use crate::policies::{
    AdapterConfig, ParameterInit, ParameterSource, Policy, PolicyConfig, PolicyError, StateDict, file_hash,
    resolve_policy_dir,
};
use crate::spaces::{Layout, Normalizer};

/// The policy that a run starts from, and what of it is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InitConfig {
    /// Folder of the policy or run whose weights initialize the network; empty for random initialization.
    pub from: String,
    /// Name prefixes of the parameters to freeze, such as `trunk` or `trunk.Mlp.layers.0`.
    pub freeze: Vec<String>,
    /// Rank of the low-rank adapters (LoRA, Hu et al. 2021, arXiv:2106.09685), which are trained instead of the
    /// network's own matrices and stored separately; 0 trains the whole network.
    #[schemars(range(max = 1024))]
    pub lora_rank: usize,
    /// Adapters only: their output is scaled by `lora_alpha / lora_rank`.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub lora_alpha: f32,
}

impl Section for InitConfig {
    const NAME: &'static str = "init";
}

impl Default for InitConfig {
    fn default() -> Self {
        Self { from: String::new(), freeze: Vec::new(), lora_rank: 0, lora_alpha: 8.0 }
    }
}

/// A trained policy that initializes a new one.
pub struct PretrainedPolicy {
    dir: PathBuf,
    policy: Policy,
}

/// Which fields a new policy takes over from the pretrained one.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Transfer {
    /// Observation and action fields that both have.
    pub kept: Vec<String>,
    /// Fields that only the new policy has. Their input weights start at zero, so that they have no effect before
    /// training.
    pub new: Vec<String>,
    /// Fields that only the pretrained policy has.
    pub dropped: Vec<String>,
}

impl PretrainedPolicy {
    /// Loads the policy of `init.from`, if it is set.
    ///
    /// # Errors
    /// The folder has no policy or a damaged one, or `init.lora_rank` or `init.freeze` is set without `init.from`.
    pub fn load(init: &InitConfig) -> Result<Option<Self>, TrainError> {
        if init.from.is_empty() {
            if init.lora_rank > 0 || !init.freeze.is_empty() {
                return Err(TrainError::Config {
                    origin: "the training configuration".into(),
                    message: "init.lora_rank and init.freeze need a trained policy; name it with --init-from".into(),
                });
            }
            return Ok(None);
        }
        let dir = resolve_policy_dir(Path::new(&init.from))?;
        let dir = std::fs::canonicalize(existing_or_previous(&dir)).map_err(TrainError::io("find", &dir))?;
        let policy = Policy::load(&dir)?;
        Ok(Some(Self { dir, policy }))
    }

    /// Everything but the weights.
    pub fn config(&self) -> &PolicyConfig {
        self.policy.config()
    }

    /// Which fields a policy with these layouts takes over.
    pub fn transfer(&self, observation: &Layout, action: &Layout) -> Transfer {
        let mut transfer = Transfer::default();
        for (own, base) in [(observation, &self.config().observation), (action, &self.config().action)] {
            for field in &own.fields {
                let list = if same_field(own, base, &field.name) { &mut transfer.kept } else { &mut transfer.new };
                list.push(field.name.clone());
            }
            let dropped = base.fields.iter().filter(|f| !same_field(own, base, &f.name));
            transfer.dropped.extend(dropped.map(|f| f.name.clone()));
        }
        transfer
    }

    /// Normalizers for these layouts. Fields that both have keep those of the pretrained policy, so that its inputs and
    /// outputs have the same meaning; the other fields have those of `fitted`.
    pub fn normalizers(&self, layouts: [&Layout; 2], fitted: [Normalizer; 2]) -> [Normalizer; 2] {
        let config = self.config();
        let bases =
            [(&config.observation, &config.observation_normalizer), (&config.action, &config.action_normalizer)];
        let mut out = fitted;
        for ((own, (base, normalizer)), fitted) in layouts.into_iter().zip(bases).zip(&mut out) {
            let is_observation = std::ptr::eq(base, &raw const config.observation);
            for (at, from) in columns(own, base).into_iter().enumerate() {
                if let Some(from) = from.filter(|from| !is_observation || !normalizer.is_constant(*from)) {
                    fitted.mean[at] = normalizer.mean[from];
                    fitted.std[at] = normalizer.std[from];
                    fitted.widen(at, normalizer, from);
                }
            }
        }
        out
    }

    /// The parameters for the network of `policy`; those that the pretrained policy lacks come from `random_init`.
    pub fn parameters<'a>(
        &'a self,
        policy: &'a PolicyConfig,
        random_init: &'a mut dyn ParameterSource,
    ) -> PretrainedParameters<'a> {
        let base = self.config();
        // With encoders or attention, the rows of the input layer are not the columns of the observation.
        let encoded = |config: &PolicyConfig| {
            let network = &config.network;
            network.n_demonstration_frames > 0
                || !network.conv_features.is_empty()
                || config.observation.fields.iter().any(|f| f.image.is_some())
        };
        let same_stacking = policy.network.n_stack() == base.network.n_stack() && !encoded(policy) && !encoded(base);
        let same_chunk = policy.head.chunk_size == base.head.chunk_size;
        PretrainedParameters {
            state_dict: self.policy.state_dict(),
            observation: same_stacking.then(|| varying_columns(columns(&policy.observation, &base.observation), base)),
            action: same_chunk.then(|| columns(&policy.action, &base.action)),
            same_observation: policy.observation.fields == base.observation.fields,
            raw_log_std: initial_log_std(policy, base),
            input_weight: input_weight(policy),
            mean: MeanImport::of(policy, base),
            base,
            random_init,
        }
    }

    /// The description of a low-rank adapter for this policy.
    ///
    /// # Errors
    /// This policy has an adapter itself, or its network or layouts are not those of `policy`.
    pub fn adapter(&self, init: &InitConfig, policy: &PolicyConfig) -> Result<AdapterConfig, TrainError> {
        let base = self.config();
        let fail =
            |message: &str| Err(TrainError::Config { origin: self.dir.display().to_string(), message: message.into() });
        if base.adapter.is_some() {
            return fail("it is an adapter itself; merge it first with `apprentice policy merge`");
        }
        if base.network != policy.network || base.head != policy.head {
            return fail("adapters need the same network and head as the policy that they adapt; do not set them");
        }
        if base.observation.fields != policy.observation.fields || base.action.fields != policy.action.fields {
            return fail(
                "adapters need the same observation and action fields; set init.lora_rank=0 to fine-tune instead",
            );
        }
        Ok(AdapterConfig {
            base_hash: file_hash(&self.dir.join(WEIGHTS_FILE))?,
            base: self.dir.clone(),
            rank: init.lora_rank,
            alpha: init.lora_alpha,
        })
    }
}

/// Whether both layouts have a field with this name, size and unit.
fn same_field(own: &Layout, base: &Layout, name: &str) -> bool {
    let find = |layout: &Layout| layout.fields.iter().find(|f| f.name == name).map(|f| (f.size, f.unit.clone()));
    find(own).is_some_and(|field| find(base) == Some(field))
}

/// The column of `base` for each column of `own`; `None` for new fields.
fn columns(own: &Layout, base: &Layout) -> Vec<Option<usize>> {
    let mut columns = Vec::with_capacity(own.size());
    for field in &own.fields {
        let range = if same_field(own, base, &field.name) { base.range(&field.name) } else { None };
        columns.extend((0..field.size).map(|i| range.as_ref().map(|r| r.start + i)));
    }
    columns
}

/// The columns that varied in the training data of the pretrained policy; a constant one is treated as a new one.
fn varying_columns(columns: Vec<Option<usize>>, base: &PolicyConfig) -> Vec<Option<usize>> {
    columns.into_iter().map(|at| at.filter(|at| !base.observation_normalizer.is_constant(*at))).collect()
}

/// Initial standard deviation, normalized, of a Gaussian policy around the actions of a policy with squared error: that
/// of the demonstrations. A smaller one would explore too slowly.
const INITIAL_STD: f32 = 1.0;
/// The same for actions that are constant in the demonstrations, such as an unused handbrake.
const CONSTANT_ACTION_STD: f32 = 0.5;

/// Initial `raw_log_std` of the Gaussian head of `policy`, for each action number.
fn initial_log_std(policy: &PolicyConfig, base: &PolicyConfig) -> Vec<f32> {
    let demonstrated = |at: &Option<usize>| at.is_none_or(|at| !base.action_normalizer.is_constant(at));
    columns(&policy.action, &base.action)
        .iter()
        .map(|at| policy.head.raw_log_std(if demonstrated(at) { INITIAL_STD } else { CONSTANT_ACTION_STD }))
        .collect()
}

/// Name of the weight of the layer that reads the observation, such as `trunk.Mlp.layers.0.weight`.
fn input_weight(policy: &PolicyConfig) -> Option<String> {
    let kind = policy.network.kind;
    kind.input_weight().map(|weight| format!("trunk.{}.{weight}", kind.type_name()))
}

/// Names of parameters where a head takes over the output of another kind of head as its mean, such as a Gaussian that of
/// a head with squared error.
struct MeanImport {
    /// Prefix of the parameters of the mean, such as `head.Gaussian.mean.`.
    own: String,
    /// The same in the pretrained policy, such as `head.SquaredError.mean.`.
    base: String,
    /// The parameter of the standard deviation, such as `head.Gaussian.raw_log_std`.
    std_parameter: String,
}

impl MeanImport {
    fn of(policy: &PolicyConfig, base: &PolicyConfig) -> Option<Self> {
        let (own, base) = (policy.head.kind, base.head.kind);
        if !own.takes_mean_of(base) {
            return None;
        }
        Some(Self {
            own: format!("head.{}.{}.", own.type_name(), own.mean_layer()?),
            base: format!("head.{}.{}.", base.type_name(), base.mean_layer()?),
            std_parameter: format!("head.{}.{}", own.type_name(), own.std_parameter()?),
        })
    }

    /// The pretrained policy's parameter for the parameter `name`, if it belongs to the mean.
    fn base_name(&self, name: &str) -> Option<String> {
        name.strip_prefix(&self.own).map(|part| format!("{}{part}", self.base))
    }
}

/// Parameters of a [`PretrainedPolicy`], mapped to another network layer by layer and field by field.
pub struct PretrainedParameters<'a> {
    state_dict: StateDict,
    base: &'a PolicyConfig,
    /// For each observation column, its column in the pretrained policy; `None` where the frame stacking differs.
    observation: Option<Vec<Option<usize>>>,
    /// Whether the observation fields are identical.
    same_observation: bool,
    /// For each action column, its column in the pretrained policy; `None` where the chunk sizes differ.
    action: Option<Vec<Option<usize>>>,
    /// Initial `raw_log_std` of a tick's action.
    raw_log_std: Vec<f32>,
    /// Name of the input layer's weight.
    input_weight: Option<String>,
    /// How the head takes over the output of another kind of head.
    mean: Option<MeanImport>,
    random_init: &'a mut dyn ParameterSource,
}

impl PretrainedParameters<'_> {
    /// The input layer's weights `[n_obs_steps * obs_dim, hidden size]`; the rows of new fields are zero.
    fn map_input(&self, shape: &[usize], (stored_shape, values): &(Vec<usize>, Vec<f32>)) -> Option<Vec<f32>> {
        let columns = self.observation.as_ref()?;
        let (own, base, hidden_size) = (columns.len(), self.base.observation.size(), shape[1]);
        let fits =
            shape[0].is_multiple_of(own) && stored_shape[0] == shape[0] / own * base && stored_shape[1] == hidden_size;
        fits.then(|| {
            let row = |i: usize| columns[i % own].map(|at| (i / own * base + at) * hidden_size);
            (0..shape[0])
                .flat_map(|i| row(i).map_or_else(|| vec![0.0; hidden_size], |at| values[at..at + hidden_size].to_vec()))
                .collect()
        })
    }

    /// A parameter of the head, whose last dimension is the action; the columns of new fields keep the values of
    /// `random`.
    fn map_output(
        &self,
        random: &[f32],
        shape: &[usize],
        (stored_shape, values): &(Vec<usize>, Vec<f32>),
    ) -> Option<Vec<f32>> {
        let columns = self.action.as_ref()?;
        let (own, base) = (columns.len(), self.base.action.size());
        let (columns_new, columns_old) = (*shape.last()?, *stored_shape.last()?);
        let fits = columns_new.is_multiple_of(own)
            && columns_old == columns_new / own * base
            && shape[..shape.len() - 1] == stored_shape[..stored_shape.len() - 1];
        fits.then(|| {
            let of = |i: usize| {
                let (row, column) = (i / columns_new, i % columns_new);
                columns[column % own].map_or(random[i], |at| values[row * columns_old + column / own * base + at])
            };
            (0..random.len()).map(of).collect()
        })
    }
}

impl ParameterSource for PretrainedParameters<'_> {
    fn parameter(&mut self, name: &str, shape: &[usize], initial: ParameterInit) -> Result<Vec<f32>, PolicyError> {
        // The generator is drawn from in any case, so that the values of a layer do not depend on the other layers.
        let random = self.random_init.parameter(name, shape, initial)?;
        if self.mean.as_ref().is_some_and(|mean| name == mean.std_parameter) {
            return Ok(self.raw_log_std.iter().copied().cycle().take(random.len()).collect());
        }
        let base_name = self.mean.as_ref().and_then(|mean| mean.base_name(name));
        let stored = self.state_dict.take(name).or_else(|| self.state_dict.take(&base_name?));
        let Some(stored) = stored else { return Ok(random) };
        if self.input_weight.as_deref() == Some(name) {
            let mapped = self.map_input(shape, &stored);
            let identical = (self.same_observation && stored.0 == shape).then_some(stored.1);
            return Ok(mapped.or(identical).unwrap_or(random));
        }
        if name.starts_with("head.")
            && let Some(values) = self.map_output(&random, shape, &stored)
        {
            return Ok(values);
        }
        Ok(if stored.0 == shape { stored.1 } else { random })
    }
}
