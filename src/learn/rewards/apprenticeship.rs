//! Apprenticeship learning via inverse reinforcement learning (Abbeel & Ng 2004), the projection method. The reward is
//! a weighted sum of features, under which the demonstrator does better than every policy of the agent so far.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::features::features;
use super::reward_spec::RewardSpec;
use super::spec::RewardLearner;
use crate::learn::core::run_dir::{read_state, write_state};
use crate::learn::{LearnedReward, RolloutTransitions, TrainError, UpdateStep};
use crate::rollout::Transitions;

/// The training state in a checkpoint.
const STATE_FILE: &str = "apprenticeship.bin";
/// The projection method (section 3.1): keeps the point nearest to the demonstrator's feature expectations, on the
/// lines through the feature expectations of the agent's policies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Projection {
    expert: Vec<f64>,
    nearest: Option<Vec<f64>>,
}

impl Projection {
    /// A projection towards the demonstrator's feature expectations.
    pub fn new(expert: Vec<f64>) -> Self {
        Self { expert, nearest: None }
    }

    /// Adds the feature expectations of a policy.
    pub fn add(&mut self, policy: &[f64]) {
        let Some(nearest) = &mut self.nearest else {
            self.nearest = Some(policy.to_vec());
            return;
        };
        let direction: Vec<f64> = policy.iter().zip(&*nearest).map(|(p, n)| p - n).collect();
        let norm_squared: f64 = direction.iter().map(|d| d * d).sum();
        let to_expert = self.expert.iter().zip(&*nearest).map(|(e, n)| e - n);
        let dot: f64 = direction.iter().zip(to_expert).map(|(d, e)| d * e).sum();
        let fraction = if norm_squared > 0.0 { dot / norm_squared } else { 0.0 };
        nearest.iter_mut().zip(direction).for_each(|(n, d)| *n += fraction * d);
    }

    /// The weight of each feature, under which the demonstrator does better than the nearest mixture of policies; all 0
    /// before the first policy.
    pub fn weights(&self) -> Vec<f64> {
        match &self.nearest {
            None => vec![0.0; self.expert.len()],
            Some(nearest) => self.expert.iter().zip(nearest).map(|(e, n)| e - n).collect(),
        }
    }

    /// Distance of that mixture from the demonstrator's feature expectations; infinite before the first policy.
    pub fn distance(&self) -> f64 {
        match &self.nearest {
            None => f64::INFINITY,
            Some(_) => self.weights().iter().map(|w| w * w).sum::<f64>().sqrt(),
        }
    }
}

/// Training state.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    projection: Projection,
    /// Sums of the features over the ticks of this round.
    sums: Vec<f64>,
    /// Ticks of this round.
    ticks: u64,
    updates: u64,
}

/// A reward whose feature weights are found by projection, again after every `reward.projection_interval` updates of
/// the policy. All episodes have the same length, so feature expectations are means over ticks.
pub(super) struct Apprenticeship {
    spec: RewardSpec,
    state: State,
}

/// Sums of the features of observations, and the number of observations.
fn feature_sums(normalizer: &super::transitions::InputNormalizer, observations: &[f32]) -> (Vec<f64>, u64) {
    let n_features = 2 * normalizer.observations.size();
    let mut sums = vec![0.0; n_features];
    let rows = features(normalizer, observations);
    for row in rows.chunks_exact(n_features) {
        sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
    }
    (sums, (rows.len() / n_features) as u64)
}

impl Apprenticeship {
    pub fn new(mut spec: RewardSpec, expert: &Transitions) -> Self {
        let (sums, ticks) = feature_sums(&spec.normalizer, &expert.next_observations);
        let expert: Vec<f64> = sums.iter().map(|sum| sum / ticks.max(1) as f64).collect();
        spec.feature_weights = vec![0.0; expert.len()];
        let state = State { sums: vec![0.0; expert.len()], projection: Projection::new(expert), ticks: 0, updates: 0 };
        Self { spec, state }
    }

    /// Takes the weights of the projection, scaled to a norm of 1.
    fn update_weights(&mut self) {
        let distance = self.state.projection.distance();
        let weights = self.state.projection.weights();
        let norm = if distance.is_finite() && distance > 0.0 { distance } else { 1.0 };
        self.spec.feature_weights = weights.into_iter().map(|w| w / norm).collect();
    }
}

impl LearnedReward for Apprenticeship {
    fn train_and_relabel(
        &mut self,
        rollout: &RolloutTransitions<'_>,
        _step: UpdateStep,
    ) -> Result<(Vec<f32>, Vec<(&'static str, f32)>), TrainError> {
        let (sums, ticks) = feature_sums(&self.spec.normalizer, rollout.next_observations);
        let state = &mut self.state;
        state.sums.iter_mut().zip(sums).for_each(|(sum, new)| *sum += new);
        state.ticks += ticks;
        state.updates += 1;
        // The first policy is projected at once: before it, all weights are 0 and there is nothing to learn from.
        if state.updates == 1 || state.updates.is_multiple_of(self.spec.reward.projection_interval) {
            let mean: Vec<f64> = state.sums.iter().map(|sum| sum / state.ticks.max(1) as f64).collect();
            state.projection.add(&mean);
            state.sums.fill(0.0);
            state.ticks = 0;
            self.update_weights();
        }
        let rewards = self.spec.linear_rewards(rollout.next_observations);
        let mean = rewards.iter().sum::<f32>() / rewards.len().max(1) as f32;
        Ok((
            rewards,
            vec![
                ("reward/feature_distance", self.state.projection.distance() as f32),
                ("disc/policy_reward_mean", mean),
            ],
        ))
    }

    fn save(&self, dir: &Path) -> Result<(), TrainError> {
        self.spec.write(dir)?;
        write_state(dir, STATE_FILE, &self.state)
    }

    fn load(&mut self, dir: &Path) -> Result<(), TrainError> {
        self.state = read_state(dir, STATE_FILE)?;
        self.update_weights();
        Ok(())
    }
}

/// `apprentice train apprenticeship`
pub(super) static APPRENTICESHIP: RewardLearner = RewardLearner {
    name: "apprenticeship",
    about: "Apprenticeship learning: a linear reward of named features, found by projection (Abbeel & Ng)",
    examples: &[
        "apprentice record --scene slalom --episodes 5 --dataset demos/five",
        "apprentice train apprenticeship --dataset demos/five --run runs/apprenticeship",
        "apprentice reward show runs/apprenticeship",
    ],
    needs_actions: false,
    reward_uses_actions: false,
    supports_recurrent: true,
    is_linear: true,
    set_defaults: |_| {},
    build_reward: |parts| Ok(Box::new(Apprenticeship::new(parts.spec.clone(), &parts.expert))),
    load_network: |_, _| Ok(None),
};
