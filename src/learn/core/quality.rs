//! Quality scores of demonstrations, and the sample weights derived from them.

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::learn::TrainingData;
use crate::learn::core::random::{Purpose, below, generator};
use crate::spaces::{Layout, Normalizer};

/// How quality scores are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum QualityUse {
    /// Not at all.
    #[default]
    None,
    /// Sample weights: the square of the score, so that the worst demonstrations have almost no weight.
    Weight,
    /// The worst demonstrations are dropped.
    Filter,
}

/// Ticks of an episode that are compared with other episodes.
const SAMPLES: usize = 40;
/// k of the k-nearest-neighbor estimates; the neighbors are ticks of other episodes.
const NEIGHBORS: usize = 8;
/// Largest number of ticks among which neighbors are searched.
const REFERENCES: usize = 6_000;

/// Quality metrics of one demonstration, which do not depend on its task.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quality {
    /// Whether the task succeeded, where that is known.
    pub success: Option<bool>,
    /// Action rate: root mean square of the change of the action from tick to tick, in standard deviations of the
    /// action. Small for smooth actions.
    pub action_rate: f32,
    /// Action divergence: root mean square distance of its actions from the mean action of the other episodes at the k
    /// nearest observations, in standard deviations of the action (after Belkhale et al. 2023, Data Quality in
    /// Imitation Learning, arXiv:2306.02437).
    pub action_divergence: f32,
    /// State novelty: mean distance of its observations from the k nearest observations of the other episodes, in
    /// standard deviations of an observation (the novelty of Lehman & Stanley 2011). Large for outliers.
    pub state_novelty: f32,
    /// Between 0 for the worst of these demonstrations and 1 for the best: the rank by the sum of the three metrics,
    /// each as its excess over the median in robust standard deviations. Halved for a failed episode.
    pub score: f32,
}

/// The quality of every episode of `data`, relative to the other episodes. Without actions, only the observations
/// count.
pub fn rate_quality(data: &TrainingData) -> Vec<Quality> {
    let (obs_dim, act_dim) = (data.observation.size(), data.action.size());
    let rows: Vec<u32> = (0..data.rows() as u32).collect();
    let normalized = |table: &[f32], layout: &Layout| {
        let size = layout.size();
        let normalizer = Normalizer::fit(rows.iter().map(|r| &table[*r as usize * size..][..size]), layout);
        let mut values = table.to_vec();
        if size > 0 {
            normalizer.normalize(&mut values);
        }
        values
    };
    let observations = normalized(&data.observations, &data.observation);
    let actions = normalized(&data.actions, &data.action);
    let episodes: Vec<_> = data.episodes().collect();
    let mut rng = generator(0, Purpose::Split, 1);
    let stride = (data.rows() / REFERENCES).max(1);
    let references: Vec<(usize, usize)> = episodes
        .iter()
        .enumerate()
        .flat_map(|(episode, rows)| rows.clone().map(move |row| (episode, row)))
        .skip(below(&mut rng, stride))
        .step_by(stride)
        .collect();
    let action = |row: usize| &actions[row * act_dim..][..act_dim];
    let observation = |row: usize| &observations[row * obs_dim..][..obs_dim];
    let mut qualities: Vec<Quality> = episodes
        .par_iter()
        .enumerate()
        .map(|(episode, rows)| {
            let change: f32 = rows.clone().skip(1).map(|row| squared_distance(action(row), action(row - 1))).sum();
            let action_rate = (change / (rows.len().max(2) - 1) as f32 / act_dim.max(1) as f32).sqrt();
            let (mut divergence, mut novelty, mut count) = (0.0, 0.0, 0);
            for row in rows.clone().step_by((rows.len() / SAMPLES).max(1)) {
                let mut neighbors: Vec<(f32, usize)> = references
                    .iter()
                    .filter(|(other, _)| *other != episode)
                    .map(|(_, other)| (squared_distance(observation(row), observation(*other)), *other))
                    .collect();
                if neighbors.is_empty() {
                    continue;
                }
                let k = NEIGHBORS.min(neighbors.len());
                neighbors.select_nth_unstable_by(k - 1, |a, b| a.0.total_cmp(&b.0));
                neighbors.truncate(k);
                let mut mean = vec![0.0; act_dim];
                for (_, other) in &neighbors {
                    mean.iter_mut().zip(action(*other)).for_each(|(m, a)| *m += a / k as f32);
                }
                divergence += squared_distance(action(row), &mean) / act_dim.max(1) as f32;
                novelty += neighbors.iter().map(|(d, _)| (d / obs_dim as f32).sqrt()).sum::<f32>() / k as f32;
                count += 1;
            }
            let count = count.max(1) as f32;
            Quality {
                success: data.episode_info.get(episode).map(|info| info.success),
                action_rate,
                action_divergence: (divergence / count).sqrt(),
                state_novelty: novelty / count,
                score: 0.0,
            }
        })
        .collect();
    let excesses = [
        excess(&qualities, |q| q.action_rate),
        excess(&qualities, |q| q.action_divergence),
        excess(&qualities, |q| q.state_novelty),
    ];
    let excess_sums: Vec<f32> = (0..qualities.len()).map(|i| excesses.iter().map(|excess| excess[i]).sum()).collect();
    for (quality, rank) in qualities.iter_mut().zip(rank(&excess_sums)) {
        quality.score = if quality.success == Some(false) { 0.5 * rank } else { rank };
    }
    qualities
}

/// Excess of each value over the median, in robust standard deviations (1.48 median absolute deviations); 0 below it.
fn excess(all: &[Quality], of: impl Fn(&Quality) -> f32) -> Vec<f32> {
    let values: Vec<f32> = all.iter().map(of).collect();
    let center = median(&values);
    let scale = 1.48 * median(&values.iter().map(|x| (x - center).abs()).collect::<Vec<_>>());
    values.iter().map(|x| ((x - center) / scale.max(1e-3 * center.abs()).max(1e-6)).clamp(0.0, 100.0)).collect()
}

fn median(values: &[f32]) -> f32 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// Ranks scaled to 1 for the smallest and 0 for the largest value; equal values share their mean rank.
fn rank(values: &[f32]) -> Vec<f32> {
    let last = (values.len().max(2) - 1) as f32;
    let of = |one: &f32| {
        let below = values.iter().filter(|other| *other < one).count();
        let ties = values.iter().filter(|other| *other == one).count() - 1;
        1.0 - (below as f32 + 0.5 * ties as f32) / last
    };
    values.iter().map(of).collect()
}

fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}

/// Sample weight of each row from the quality of its episode. `keep`: fraction of the episodes that `filter` keeps.
pub fn weights(data: &TrainingData, usage: QualityUse, keep: f32) -> Option<Vec<f32>> {
    if usage == QualityUse::None {
        return None;
    }
    let qualities = rate_quality(data);
    let mut scores: Vec<f32> = qualities.iter().map(|q| q.score).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    let kept = ((scores.len() as f32 * keep).round() as usize).clamp(1, scores.len());
    let threshold = scores[kept - 1];
    let mut weights = vec![0.0; data.rows()];
    for (rows, quality) in data.episodes().zip(&qualities) {
        let weight = match usage {
            QualityUse::Filter => f32::from(u8::from(quality.score >= threshold)),
            _ => quality.score * quality.score,
        };
        weights[rows].fill(weight.max(if usage == QualityUse::Filter { 0.0 } else { 1e-3 }));
    }
    Some(weights)
}
