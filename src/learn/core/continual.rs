//! Continual learning: training on new demonstrations without forgetting earlier ones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::section::Section;

use crate::learn::{TrainError, TrainingData};

/// Method against catastrophic forgetting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContinualMethod {
    /// Rehearsal: the earlier demonstrations are mixed into the training data (Robins 1995; Rolnick et al. 2019,
    /// arXiv:1811.11682).
    #[default]
    Rehearsal,
    /// Elastic weight consolidation: a quadratic penalty on the change of each weight, scaled by its Fisher information
    /// on the earlier demonstrations (Kirkpatrick et al. 2017, arXiv:1612.00796, equation 3).
    Ewc,
    /// No method.
    None,
}

/// `[continual]`, used with earlier demonstrations (`--earlier`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ContinualConfig {
    /// Method against catastrophic forgetting.
    pub method: ContinualMethod,
    /// Rehearsal: fraction of the loss that comes from the earlier demonstrations.
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    pub rehearsal_fraction: f32,
    /// Elastic weight consolidation: lambda of equation 3, with the Fisher information scaled to a mean of 1.
    #[schemars(range(min = 0))]
    pub ewc_lambda: f32,
    /// Elastic weight consolidation: number of ticks of the earlier demonstrations to estimate the Fisher information
    /// from.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub fisher_samples: usize,
}

impl Section for ContinualConfig {
    const NAME: &'static str = "continual";
}

impl Default for ContinualConfig {
    fn default() -> Self {
        Self { method: ContinualMethod::Rehearsal, rehearsal_fraction: 0.5, ewc_lambda: 1.0, fisher_samples: 500 }
    }
}

impl TrainingData {
    /// All episodes of `self`, then all of `other`. The rows of `other` have the given fraction of the total sample
    /// weight.
    ///
    /// # Errors
    /// The layouts or the length of a tick differ.
    pub fn with_rehearsal(mut self, other: &Self, fraction: f32) -> Result<Self, TrainError> {
        let (new, old) = (self.rows() as f32, other.rows() as f32);
        self.concatenate(other)?;
        let weights = self.weights.get_or_insert_with(|| vec![1.0; (new + old) as usize]);
        let (ours, theirs) = weights.split_at_mut(new as usize);
        for (rows, fraction) in [(ours, 1.0 - fraction), (theirs, fraction)] {
            let sum: f32 = rows.iter().sum();
            rows.iter_mut().for_each(|weight| *weight *= fraction / sum.max(f32::MIN_POSITIVE) * (new + old));
        }
        Ok(self)
    }

    /// Appends all episodes of `other`.
    ///
    /// # Errors
    /// The layouts or the length of a tick differ.
    pub fn concatenate(&mut self, other: &Self) -> Result<(), TrainError> {
        let fail = |message: String| Err(TrainError::Data { origin: other.source.clone(), message });
        if self.agent != other.agent && self.observation.fields != other.observation.fields {
            return fail(format!("it is of a {}, unlike {}, which is of a {}", other.agent, self.source, self.agent));
        }
        for (own, found) in [(&self.observation, &other.observation), (&self.action, &other.action)] {
            let differences: Vec<String> = own.differences(found).iter().map(ToString::to_string).collect();
            if !differences.is_empty() {
                return fail(format!("it {}, unlike {}", differences.join("; it "), self.source));
            }
        }
        if self.control_dt.to_bits() != other.control_dt.to_bits() {
            return fail(format!(
                "its ticks are {} s, those of {} {} s",
                other.control_dt, self.source, self.control_dt
            ));
        }
        let (before, added) = (self.rows(), other.rows());
        self.episode_starts.extend(other.episode_starts.iter().map(|start| before + start));
        self.observations.extend_from_slice(&other.observations);
        self.actions.extend_from_slice(&other.actions);
        self.episode_info.extend_from_slice(&other.episode_info);
        self.interventions.resize(before, false);
        self.interventions.extend_from_slice(&other.interventions);
        self.interventions.resize(before + added, false);
        if self.weights.is_some() || other.weights.is_some() {
            let mut weights = self.weights.take().unwrap_or_else(|| vec![1.0; before]);
            match &other.weights {
                Some(more) => weights.extend_from_slice(more),
                None => weights.resize(before + added, 1.0),
            }
            self.weights = Some(weights);
        }
        self.source = format!("{}, {}", self.source, other.source);
        Ok(())
    }
}
