//! Apprenticeship learning via inverse reinforcement learning (Abbeel & Ng 2004), the projection method: a reward that is a
//! sum of weighted features, by which the demonstrator does better than all that the agent has done so far.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::model::Description;
use super::moves::{Moves, Scales};
use crate::learn::rl::{Acted, InferredReward};
use crate::learn::run_dir::{read_state, write_state};
use crate::learn::{TrainError, UpdateStep};
use crate::spaces::Layout;

/// What the run's folder lacks to go on.
const STATE_FILE: &str = "apprenticeship.bin";
/// Features are cut off so many deviations from the demonstrations' mean.
const FAR: f32 = 3.0;

/// Names of the features: each observed number, and its square, both counted from the demonstrations' mean in their
/// deviations.
pub(super) fn names(layout: &Layout) -> Vec<String> {
    let names = layout.names();
    names.iter().cloned().chain(names.iter().map(|name| format!("{name}^2"))).collect()
}

/// The features of observations `[n, size]` in the layout's units, `[n, 2 * size]`, each within -1 and 1.
pub(super) fn features(scales: &Scales, observations: &[f32]) -> Vec<f32> {
    let mut rows = observations.to_vec();
    scales.see(&mut rows);
    let wide = scales.states.size();
    let mut out = Vec::with_capacity(2 * rows.len());
    for row in rows.chunks_exact(wide) {
        out.extend(row.iter().map(|x| x.clamp(-FAR, FAR) / FAR));
        out.extend(row.iter().map(|x| (x.clamp(-FAR, FAR) / FAR).powi(2)));
    }
    out
}

/// The projection method (section 3.1): the point nearest to the demonstrator's feature expectations on the lines through
/// those of the agent's policies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Projection {
    expert: Vec<f64>,
    nearest: Option<Vec<f64>>,
}

impl Projection {
    /// Towards these feature expectations.
    pub fn new(expert: Vec<f64>) -> Self {
        Self { expert, nearest: None }
    }

    /// Take in the feature expectations of a policy.
    pub fn add(&mut self, policy: &[f64]) {
        let Some(nearest) = &mut self.nearest else {
            self.nearest = Some(policy.to_vec());
            return;
        };
        let along: Vec<f64> = policy.iter().zip(&*nearest).map(|(p, n)| p - n).collect();
        let whole: f64 = along.iter().map(|a| a * a).sum();
        let wanted = self.expert.iter().zip(&*nearest).map(|(e, n)| e - n);
        let part: f64 = along.iter().zip(wanted).map(|(a, w)| a * w).sum();
        let share = if whole > 0.0 { part / whole } else { 0.0 };
        nearest.iter_mut().zip(along).for_each(|(n, a)| *n += share * a);
    }

    /// The weight of each feature, by which the demonstrator does better than the nearest mixture of policies; all 0
    /// before the first policy.
    pub fn weights(&self) -> Vec<f64> {
        match &self.nearest {
            None => vec![0.0; self.expert.len()],
            Some(nearest) => self.expert.iter().zip(nearest).map(|(e, n)| e - n).collect(),
        }
    }

    /// How far that mixture is from the demonstrator; infinite before the first policy.
    pub fn distance(&self) -> f64 {
        match &self.nearest {
            None => f64::INFINITY,
            Some(_) => self.weights().iter().map(|w| w * w).sum::<f64>().sqrt(),
        }
    }
}

/// What changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    projection: Projection,
    /// Sums of the features since the round began.
    sums: Vec<f64>,
    ticks: u64,
    updates: u64,
}

/// A reward that is found by projection, anew after every `reward.round` updates of the agent. Since every episode lasts as
/// long, feature expectations are means over ticks.
pub(super) struct Apprenticeship {
    description: Description,
    state: State,
}

fn means(scales: &Scales, observations: &[f32]) -> (Vec<f64>, u64) {
    let wide = 2 * scales.states.size();
    let mut sums = vec![0.0; wide];
    let rows = features(scales, observations);
    for row in rows.chunks_exact(wide) {
        sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
    }
    (sums, (rows.len() / wide) as u64)
}

impl Apprenticeship {
    pub fn new(mut description: Description, shown: &Moves) -> Self {
        let (sums, ticks) = means(&description.scales, &shown.next);
        let expert: Vec<f64> = sums.iter().map(|sum| sum / ticks.max(1) as f64).collect();
        description.weights = vec![0.0; expert.len()];
        let state = State { sums: vec![0.0; expert.len()], projection: Projection::new(expert), ticks: 0, updates: 0 };
        Self { description, state }
    }

    /// Scaled to a length of 1.
    fn weigh(&mut self) {
        let distance = self.state.projection.distance();
        let weights = self.state.projection.weights();
        let length = if distance.is_finite() && distance > 0.0 { distance } else { 1.0 };
        self.description.weights = weights.into_iter().map(|w| w / length).collect();
    }
}

impl InferredReward for Apprenticeship {
    fn judge(
        &mut self,
        acted: &Acted<'_>,
        _step: UpdateStep,
    ) -> Result<(Vec<f32>, Vec<(&'static str, f32)>), TrainError> {
        let (sums, ticks) = means(&self.description.scales, acted.next);
        let state = &mut self.state;
        state.sums.iter_mut().zip(sums).for_each(|(sum, new)| *sum += new);
        state.ticks += ticks;
        state.updates += 1;
        // The first policy is known at once; there is nothing to learn from before.
        if state.updates == 1 || state.updates.is_multiple_of(self.description.reward.round) {
            let mean: Vec<f64> = state.sums.iter().map(|sum| sum / state.ticks.max(1) as f64).collect();
            state.projection.add(&mean);
            state.sums.fill(0.0);
            state.ticks = 0;
            self.weigh();
        }
        let wide = self.description.weights.len();
        let rewards: Vec<f32> = features(&self.description.scales, acted.next)
            .chunks_exact(wide)
            .map(|row| row.iter().zip(&self.description.weights).map(|(x, w)| (f64::from(*x) * w) as f32).sum())
            .collect();
        let mean = rewards.iter().sum::<f32>() / rewards.len().max(1) as f32;
        Ok((rewards, vec![("reward/distance", self.state.projection.distance() as f32), ("reward/mean", mean)]))
    }

    fn save(&self, dir: &Path) -> Result<(), TrainError> {
        self.description.write(dir)?;
        write_state(dir, STATE_FILE, &self.state)
    }

    fn load(&mut self, dir: &Path) -> Result<(), TrainError> {
        self.state = read_state(dir, STATE_FILE)?;
        self.weigh();
        Ok(())
    }
}
