//! Learning something new without forgetting what was learned before.

use serde::{Deserialize, Serialize};

use super::{TrainError, TrainingData};

/// How forgetting is prevented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContinualMethod {
    /// The earlier demonstrations are learned from again, mixed among the new ones (Robins 1995; Rolnick et al. 2019,
    /// arXiv:1811.11682).
    #[default]
    Rehearsal,
    /// Each weight is drawn back to where it was, by how much the earlier demonstrations depend on it (Kirkpatrick et al.
    /// 2017, elastic weight consolidation, arXiv:1612.00796, equation 3).
    Ewc,
    /// Nothing is done about it.
    None,
}

/// `[continual]`, used where earlier demonstrations are given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContinualConfig {
    /// How forgetting is prevented.
    pub method: ContinualMethod,
    /// Rehearsal: share of the loss that the earlier demonstrations have.
    pub share: f32,
    /// Elastic weight consolidation: strength of the pull, λ of its equation 3, with importances of mean 1.
    pub strength: f32,
    /// Elastic weight consolidation: ticks of the earlier demonstrations that the importances are measured on.
    pub samples: usize,
}

impl Default for ContinualConfig {
    fn default() -> Self {
        Self { method: ContinualMethod::Rehearsal, share: 0.5, strength: 1.0, samples: 500 }
    }
}

impl TrainingData {
    /// All episodes of `self`, then all of `other`, whose rows together weigh `share` of the whole.
    ///
    /// # Errors
    /// Layouts, agent or tick length differ.
    pub fn rehearsing(mut self, other: &Self, share: f32) -> Result<Self, TrainError> {
        let (new, old) = (self.rows() as f32, other.rows() as f32);
        self.join(other)?;
        let weights = self.weights.get_or_insert_with(|| vec![1.0; (new + old) as usize]);
        let (ours, theirs) = weights.split_at_mut(new as usize);
        for (rows, share) in [(ours, 1.0 - share), (theirs, share)] {
            let sum: f32 = rows.iter().sum();
            rows.iter_mut().for_each(|weight| *weight *= share / sum.max(f32::MIN_POSITIVE) * (new + old));
        }
        Ok(self)
    }

    /// Add all episodes of `other`.
    ///
    /// # Errors
    /// Layouts, agent or tick length differ.
    pub fn join(&mut self, other: &Self) -> Result<(), TrainError> {
        let fail = |message: String| Err(TrainError::Data { origin: other.source.clone(), message });
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
        self.facts.extend_from_slice(&other.facts);
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
