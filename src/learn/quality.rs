//! How good demonstrations are, and what is made of it.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::TrainingData;
use super::random::{Purpose, below, generator};
use crate::spaces::Normalizer;

/// What is made of the demonstrations' quality.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QualityUse {
    /// Nothing.
    #[default]
    None,
    /// Better ones count for more: with the square of their score, so that the worst hardly count.
    Weight,
    /// The worst ones are left out.
    Filter,
}

/// Ticks of an episode that are compared with others.
const SAMPLES: usize = 40;
/// Neighbours of each, from other episodes (k of the nearest neighbour estimate).
const NEIGHBOURS: usize = 8;
/// Most ticks of the other episodes among which neighbours are looked for.
const REFERENCES: usize = 6_000;

/// What can be told of one demonstration without knowing its task.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quality {
    /// Whether it did the task, where that is known.
    pub success: Option<bool>,
    /// Root mean square of the change of the action from tick to tick, in standard deviations of the action: small when
    /// smooth.
    pub roughness: f32,
    /// Root mean square distance of its actions from the mean of what others did where they saw nearly the same, in
    /// standard deviations of the action.
    pub disagreement: f32,
    /// Mean distance of what it saw from the nearest that others saw, in standard deviations of an observation: large for
    /// an outlier.
    pub strangeness: f32,
    /// 0 for the worst of these demonstrations, 1 for the best: its rank by how far the three numbers lie above their
    /// medians, in robust deviations and together; half of that where it failed.
    pub score: f32,
}

/// Rate every episode of `data` among the others. Where no actions are known, what is seen decides alone.
pub fn rate(data: &TrainingData) -> Vec<Quality> {
    let (wide, narrow) = (data.observation.size(), data.action.size());
    let rows: Vec<u32> = (0..data.rows() as u32).collect();
    let normalized = |table: &[f32], size: usize| {
        let normalizer = Normalizer::fit(rows.iter().map(|r| &table[*r as usize * size..][..size]), size);
        let mut values = table.to_vec();
        if size > 0 {
            normalizer.normalize(&mut values);
        }
        values
    };
    let (observations, actions) = (normalized(&data.observations, wide), normalized(&data.actions, narrow));
    let episodes: Vec<_> = data.episodes().collect();
    let mut chance = generator(0, Purpose::Split, 1);
    let stride = (data.rows() / REFERENCES).max(1);
    let references: Vec<(usize, usize)> = episodes
        .iter()
        .enumerate()
        .flat_map(|(episode, rows)| rows.clone().map(move |row| (episode, row)))
        .skip(below(&mut chance, stride))
        .step_by(stride)
        .collect();
    let action = |row: usize| &actions[row * narrow..][..narrow];
    let seen = |row: usize| &observations[row * wide..][..wide];
    let mut found: Vec<Quality> = episodes
        .par_iter()
        .enumerate()
        .map(|(episode, rows)| {
            let change: f32 = rows.clone().skip(1).map(|row| squared_distance(action(row), action(row - 1))).sum();
            let roughness = (change / (rows.len().max(2) - 1) as f32 / narrow.max(1) as f32).sqrt();
            let (mut apart, mut strange, mut count) = (0.0, 0.0, 0);
            for row in rows.clone().step_by((rows.len() / SAMPLES).max(1)) {
                let mut near: Vec<(f32, usize)> = references
                    .iter()
                    .filter(|(other, _)| *other != episode)
                    .map(|(_, other)| (squared_distance(seen(row), seen(*other)), *other))
                    .collect();
                if near.is_empty() {
                    continue;
                }
                let most = NEIGHBOURS.min(near.len());
                near.select_nth_unstable_by(most - 1, |a, b| a.0.total_cmp(&b.0));
                near.truncate(most);
                let mut mean = vec![0.0; narrow];
                for (_, other) in &near {
                    mean.iter_mut().zip(action(*other)).for_each(|(m, a)| *m += a / most as f32);
                }
                apart += squared_distance(action(row), &mean) / narrow.max(1) as f32;
                strange += near.iter().map(|(d, _)| (d / wide as f32).sqrt()).sum::<f32>() / most as f32;
                count += 1;
            }
            let count = count.max(1) as f32;
            Quality {
                success: data.facts.get(episode).map(|facts| facts.success),
                roughness,
                disagreement: (apart / count).sqrt(),
                strangeness: strange / count,
                score: 0.0,
            }
        })
        .collect();
    let excesses =
        [excess(&found, |q| q.roughness), excess(&found, |q| q.disagreement), excess(&found, |q| q.strangeness)];
    let together: Vec<f32> = (0..found.len()).map(|i| excesses.iter().map(|excess| excess[i]).sum()).collect();
    for (quality, rank) in found.iter_mut().zip(rank(&together)) {
        quality.score = if quality.success == Some(false) { 0.5 * rank } else { rank };
    }
    found
}

/// How far each lies above the median, in deviations that outliers do not widen (1.48 median absolute deviations).
fn excess(all: &[Quality], of: impl Fn(&Quality) -> f32) -> Vec<f32> {
    let values: Vec<f32> = all.iter().map(of).collect();
    let middle = median(&values);
    let spread = 1.48 * median(&values.iter().map(|x| (x - middle).abs()).collect::<Vec<_>>());
    values.iter().map(|x| ((x - middle) / spread.max(1e-3 * middle.abs()).max(1e-6)).clamp(0.0, 100.0)).collect()
}

fn median(values: &[f32]) -> f32 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// 1 for the least, 0 for the greatest, and evenly between; the same for the same.
fn rank(values: &[f32]) -> Vec<f32> {
    let last = (values.len().max(2) - 1) as f32;
    let of = |one: &f32| {
        let below = values.iter().filter(|other| *other < one).count();
        let level = values.iter().filter(|other| *other == one).count() - 1;
        1.0 - (below as f32 + 0.5 * level as f32) / last
    };
    values.iter().map(of).collect()
}

fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}

/// Importance of each row by its episode's quality; `keep` is the share of episodes that is kept in filtering.
pub fn weights(data: &TrainingData, usage: QualityUse, keep: f32) -> Option<Vec<f32>> {
    if usage == QualityUse::None {
        return None;
    }
    let ratings = rate(data);
    let mut scores: Vec<f32> = ratings.iter().map(|q| q.score).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    let kept = ((scores.len() as f32 * keep).round() as usize).clamp(1, scores.len());
    let least = scores[kept - 1];
    let mut weights = vec![0.0; data.rows()];
    for (rows, quality) in data.episodes().zip(&ratings) {
        let weight = match usage {
            QualityUse::Filter => f32::from(u8::from(quality.score >= least)),
            _ => quality.score * quality.score,
        };
        weights[rows].fill(weight.max(if usage == QualityUse::Filter { 0.0 } else { 1e-3 }));
    }
    Some(weights)
}
