//! Beginning from a trained policy instead of from chance: fine-tuning, transfer to other bodies, adapters.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{TrainConfig, TrainError};
use crate::policies::artifact::{WEIGHTS_FILE, present};
use crate::policies::{
    AdapterConfig, Copied, HeadKind, Initial, ParameterSource, Policy, PolicyConfig, PolicyError, hash_of,
    resolve_policy_dir,
};
use crate::spaces::{Layout, Normalizer};

/// `[init]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InitConfig {
    /// Folder of the policy or run to begin from; empty to begin from chance.
    pub from: String,
    /// Parameters that stay as they are: all whose names begin so, such as `trunk` or `trunk.Mlp.layers.0`.
    pub freeze: Vec<String>,
    /// Rank of low-rank adapters, which are learned in the place of the network's own matrices (Hu et al. 2021,
    /// arXiv:2106.09685) and stored apart from it; 0 to learn the whole network.
    pub lora_rank: usize,
    /// Adapters only: what they add is multiplied by `lora_alpha / lora_rank`.
    pub lora_alpha: f32,
}

impl Default for InitConfig {
    fn default() -> Self {
        Self { from: String::new(), freeze: Vec::new(), lora_rank: 0, lora_alpha: 8.0 }
    }
}

/// A trained policy to begin from.
pub struct Base {
    dir: PathBuf,
    policy: Policy,
}

/// What a new policy has of the one that it begins from.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Transfer {
    /// Observed and decided fields that both have.
    pub kept: Vec<String>,
    /// Fields that are new: their weights are zero at first, so that nothing changes before they are learned.
    pub new: Vec<String>,
    /// Fields that the earlier policy had and that are left out.
    pub dropped: Vec<String>,
}

impl Base {
    /// The policy that `config` begins from, where it names one.
    ///
    /// # Errors
    /// There is none in that folder, it is damaged, or adapters are asked for without one.
    pub fn load(config: &TrainConfig) -> Result<Option<Self>, TrainError> {
        let init = &config.init;
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
        let dir = std::fs::canonicalize(present(&dir)).map_err(TrainError::io("find", &dir))?;
        let policy = Policy::load(&dir)?;
        Ok(Some(Self { dir, policy }))
    }

    /// Everything about it but the weights.
    pub fn config(&self) -> &PolicyConfig {
        self.policy.config()
    }

    /// What a policy with these layouts has of it.
    pub fn transfer(&self, observation: &Layout, action: &Layout) -> Transfer {
        let mut transfer = Transfer::default();
        for (own, base) in [(observation, &self.config().observation), (action, &self.config().action)] {
            for field in &own.fields {
                let list = if alike(own, base, &field.name) { &mut transfer.kept } else { &mut transfer.new };
                list.push(field.name.clone());
            }
            let left = base.fields.iter().filter(|f| !alike(own, base, &f.name));
            transfer.dropped.extend(left.map(|f| f.name.clone()));
        }
        transfer
    }

    /// Normalisers for these layouts: of the fields that both have the earlier policy's, so that it means the same by
    /// them; of the others `fitted`'s.
    pub fn normalizers(&self, layouts: [&Layout; 2], fitted: [Normalizer; 2]) -> [Normalizer; 2] {
        let config = self.config();
        let bases =
            [(&config.observation, &config.observation_normalizer), (&config.action, &config.action_normalizer)];
        let mut out = fitted;
        for ((own, (base, normalizer)), fitted) in layouts.into_iter().zip(bases).zip(&mut out) {
            let observed = std::ptr::eq(base, &raw const config.observation);
            for (at, from) in columns(own, base).into_iter().enumerate() {
                if let Some(from) = from.filter(|from| !observed || informs(normalizer, *from)) {
                    fitted.mean[at] = normalizer.mean[from];
                    fitted.std[at] = normalizer.std[from];
                }
            }
        }
        out
    }

    /// Its parameters for the network of `policy`; what it lacks comes from `fresh`.
    pub fn parameters<'a>(&'a self, policy: &'a PolicyConfig, fresh: &'a mut dyn ParameterSource) -> Inherited<'a> {
        let base = self.config();
        // Behind encoders and attention an entrance's rows are not the observation's numbers.
        let encoded = |config: &PolicyConfig| {
            let network = &config.network;
            network.shown > 0
                || !network.convolve.is_empty()
                || config.observation.fields.iter().any(|f| f.image.is_some())
        };
        let history = policy.network.stacked() == base.network.stacked() && !encoded(policy) && !encoded(base);
        let chunk = policy.head.chunk == base.head.chunk;
        Inherited {
            copied: self.policy.copied(),
            observation: history.then(|| informative(columns(&policy.observation, &base.observation), base)),
            action: chunk.then(|| columns(&policy.action, &base.action)),
            same: policy.observation.fields == base.observation.fields,
            deviations: deviations(policy, base),
            base,
            fresh,
        }
    }

    /// What an adapter on it is described by.
    ///
    /// # Errors
    /// The base is an adapter itself, or its network or layouts are not those of `policy`.
    pub fn adapter(&self, config: &TrainConfig, policy: &PolicyConfig) -> Result<AdapterConfig, TrainError> {
        let base = self.config();
        let fail =
            |message: &str| Err(TrainError::Config { origin: self.dir.display().to_string(), message: message.into() });
        if base.adapter.is_some() {
            return fail("it is an adapter itself; merge it first with `apprentice policy merge`");
        }
        if base.network != policy.network || base.head != policy.head {
            return fail(
                "adapters need the same network and head as the policy that they adapt; leave them as they are",
            );
        }
        if base.observation.fields != policy.observation.fields || base.action.fields != policy.action.fields {
            return fail(
                "adapters need the same observation and action fields; set init.lora_rank=0 to fine-tune instead",
            );
        }
        Ok(AdapterConfig {
            base_hash: hash_of(&self.dir.join(WEIGHTS_FILE))?,
            base: self.dir.clone(),
            rank: config.init.lora_rank,
            alpha: config.init.lora_alpha,
        })
    }
}

/// Whether both layouts have a field with this name, size and unit.
fn alike(own: &Layout, base: &Layout, name: &str) -> bool {
    let find = |layout: &Layout| layout.fields.iter().find(|f| f.name == name).map(|f| (f.size, f.unit.clone()));
    find(own).is_some_and(|field| find(base) == Some(field))
}

/// Where each number of `own` stands in `base`.
fn columns(own: &Layout, base: &Layout) -> Vec<Option<usize>> {
    let mut columns = Vec::with_capacity(own.size());
    for field in &own.fields {
        let range = if alike(own, base, &field.name) { base.range(&field.name) } else { None };
        columns.extend((0..field.size).map(|i| range.as_ref().map(|r| r.start + i)));
    }
    columns
}

/// Whether a number told the base anything: one that never changed in what it learned from, and so is only
/// centred by its normaliser, did not, and is taken for new.
pub(super) fn informs(normalizer: &Normalizer, at: usize) -> bool {
    normalizer.std[at] != 1.0
}

fn informative(columns: Vec<Option<usize>>, base: &PolicyConfig) -> Vec<Option<usize>> {
    columns.into_iter().map(|at| at.filter(|at| informs(&base.observation_normalizer, *at))).collect()
}

/// The standard deviation of a Gaussian around what a squared error took for the action, normalised: as much as was shown, or
/// it would take long to come to something better.
const FIRST_DEVIATION: f32 = 1.0;
/// The same of what never changed where it was shown, such as a handbrake that nobody pulled.
const UNSHOWN_DEVIATION: f32 = 0.5;

/// Parameters of the standard deviations with which a policy first tries what differs from what `base` does.
fn deviations(policy: &PolicyConfig, base: &PolicyConfig) -> Vec<f32> {
    let shown = |at: &Option<usize>| at.is_none_or(|at| informs(&base.action_normalizer, at));
    columns(&policy.action, &base.action)
        .iter()
        .map(|at| policy.head.raw_deviation(if shown(at) { FIRST_DEVIATION } else { UNSHOWN_DEVIATION }))
        .collect()
}

/// Names of the layers that observations enter by.
const ENTRANCES: [&str; 3] =
    ["trunk.Mlp.layers.0.weight", "trunk.Recurrent.embedding.weight", "trunk.Transformer.embedding.weight"];

/// Parameters of a [`Base`] for another network, layer by layer and field by field.
pub struct Inherited<'a> {
    copied: Copied,
    base: &'a PolicyConfig,
    /// Where each observed number stands in the base; `None` where the histories differ.
    observation: Option<Vec<Option<usize>>>,
    /// Whether the observations are the same, number by number.
    same: bool,
    /// Where each decided number stands in the base; `None` where the chunks differ.
    action: Option<Vec<Option<usize>>>,
    /// Parameters of the first standard deviations of a tick's action.
    deviations: Vec<f32>,
    fresh: &'a mut dyn ParameterSource,
}

impl Inherited<'_> {
    /// Rows `[stacked * observations, width]` of the entrance; those of new fields are zero.
    fn entrance(&self, shape: &[usize], (found, values): &(Vec<usize>, Vec<f32>)) -> Option<Vec<f32>> {
        let columns = self.observation.as_ref()?;
        let (own, base, width) = (columns.len(), self.base.observation.size(), shape[1]);
        let fits = shape[0].is_multiple_of(own) && found[0] == shape[0] / own * base && found[1] == width;
        fits.then(|| {
            let row = |i: usize| columns[i % own].map(|at| (i / own * base + at) * width);
            (0..shape[0])
                .flat_map(|i| row(i).map_or_else(|| vec![0.0; width], |at| values[at..at + width].to_vec()))
                .collect()
        })
    }

    /// The last dimension of the head's layers, which holds actions; those of new fields keep `fresh`'s values.
    fn exit(&self, fresh: &[f32], shape: &[usize], (found, values): &(Vec<usize>, Vec<f32>)) -> Option<Vec<f32>> {
        let columns = self.action.as_ref()?;
        let (own, base) = (columns.len(), self.base.action.size());
        let (wide, narrow) = (*shape.last()?, *found.last()?);
        let fits = wide.is_multiple_of(own)
            && narrow == wide / own * base
            && shape[..shape.len() - 1] == found[..found.len() - 1];
        fits.then(|| {
            let of = |i: usize| {
                let (row, column) = (i / wide, i % wide);
                columns[column % own].map_or(fresh[i], |at| values[row * narrow + column / own * base + at])
            };
            (0..fresh.len()).map(of).collect()
        })
    }
}

impl ParameterSource for Inherited<'_> {
    fn parameter(&mut self, name: &str, shape: &[usize], initial: Initial) -> Result<Vec<f32>, PolicyError> {
        // Chance is asked in any case, so that what a layer gets does not depend on what others found.
        let fresh = self.fresh.parameter(name, shape, initial)?;
        // What a squared error took for the action is the mean of a Gaussian.
        if name == "head.Gaussian.raw_log_std" && self.base.head.kind == HeadKind::SquaredError {
            return Ok(self.deviations.iter().copied().cycle().take(fresh.len()).collect());
        }
        let other = || name.strip_prefix("head.Gaussian.mean.").map(|part| format!("head.SquaredError.mean.{part}"));
        let stored = self.copied.take(name).or_else(|| self.copied.take(&other()?));
        let Some(stored) = stored else { return Ok(fresh) };
        if ENTRANCES.contains(&name) {
            let mapped = self.entrance(shape, &stored);
            let whole = (self.same && stored.0 == shape).then_some(stored.1);
            return Ok(mapped.or(whole).unwrap_or(fresh));
        }
        if name.starts_with("head.")
            && let Some(values) = self.exit(&fresh, shape, &stored)
        {
            return Ok(values);
        }
        Ok(if stored.0 == shape { stored.1 } else { fresh })
    }
}
