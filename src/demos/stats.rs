//! Minimum, maximum, mean, standard deviation and quantiles of every feature, as LeRobot's `compute_stats` has them.
//!
//! The statistics of an episode are exact. Those of the dataset are merged from the episodes' statistics without reading
//! the data again. The merged minimum, maximum, mean, standard deviation and count are exact (Chan, Golub & LeVeque 1979
//! for the deviation). The merged quantiles are approximate: they are the averages of the episodes' quantiles weighted by
//! the number of ticks, as in LeRobot's `aggregate_stats`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::error::DatasetError;
use super::files;
use super::schema::Features;
use super::table::Column;

/// The statistics in the order of [`FeatureStats::values`]; `count` is stored separately.
pub(super) const NAMES: [&str; 9] = ["min", "max", "mean", "std", "q01", "q10", "q50", "q90", "q99"];
const MIN: usize = 0;
const MAX: usize = 1;
const MEAN: usize = 2;
const STD: usize = 3;
const QUANTILES: [(usize, f64); 5] = [(4, 0.01), (5, 0.10), (6, 0.50), (7, 0.90), (8, 0.99)];

/// The statistics of one feature. Integers and booleans are converted to `f64`, so the bounds of a state hash are rounded
/// to 53 bits.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FeatureStats {
    /// For each of [`NAMES`], one value per dimension of the feature.
    pub values: [Vec<f64>; 9],
    /// The number of ticks.
    pub count: usize,
}

impl FeatureStats {
    /// The statistics of a data column; `None` for a column of texts or lists, which data files do not have.
    pub fn of(column: &Column) -> Option<Self> {
        let floats: Vec<f64>;
        let size = match column {
            Column::Floats(size, values) => {
                floats = values.iter().copied().map(f64::from).collect();
                *size
            }
            Column::Ints(values) => {
                floats = values.iter().map(|v| *v as f64).collect();
                1
            }
            Column::Bools(values) => {
                floats = values.iter().map(|v| f64::from(u8::from(*v))).collect();
                1
            }
            _ => return None,
        };
        let count = floats.len() / size;
        let mut out = Self { values: std::array::from_fn(|_| Vec::with_capacity(size)), count };
        let mut sorted = Vec::with_capacity(count);
        for dim in 0..size {
            sorted.clear();
            sorted.extend(floats.iter().skip(dim).step_by(size));
            sorted.sort_unstable_by(f64::total_cmp);
            let (first, last) = (*sorted.first()?, *sorted.last()?);
            let mean = sorted.iter().sum::<f64>() / count as f64;
            let variance = sorted.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count as f64;
            out.values[MIN].push(first);
            out.values[MAX].push(last);
            // Rounding of the sum must not put the mean of a constant outside its bounds.
            out.values[MEAN].push(mean.clamp(first, last));
            out.values[STD].push(variance.sqrt());
            for (at, q) in QUANTILES {
                let position = q * (count - 1) as f64;
                let below = sorted[position as usize];
                let above = sorted[(position as usize + 1).min(count - 1)];
                out.values[at].push(below + (above - below) * position.fract());
            }
        }
        Some(out)
    }

    /// Merge with the statistics of other ticks of the same feature.
    pub fn merge(&mut self, other: &Self) {
        let (a, b) = (self.count as f64, other.count as f64);
        let total = a + b;
        for dim in 0..self.values[MIN].len() {
            let weighted = |x: f64, y: f64| (x * a + y * b) / total;
            let theirs = |stat: usize| other.values[stat][dim];
            let mean = weighted(self.values[MEAN][dim], theirs(MEAN));
            let second_moment = |std: f64, part_mean: f64| std.powi(2) + (part_mean - mean).powi(2);
            let variance = weighted(
                second_moment(self.values[STD][dim], self.values[MEAN][dim]),
                second_moment(theirs(STD), theirs(MEAN)),
            );
            self.values[MIN][dim] = self.values[MIN][dim].min(theirs(MIN));
            self.values[MAX][dim] = self.values[MAX][dim].max(theirs(MAX));
            self.values[MEAN][dim] = mean;
            self.values[STD][dim] = variance.sqrt();
            for (stat, _) in QUANTILES {
                self.values[stat][dim] = weighted(self.values[stat][dim], theirs(stat));
            }
        }
        self.count += other.count;
    }
}

/// The statistics of all features, in the order of the features.
pub(super) type Stats = Vec<FeatureStats>;

/// Merge an episode's statistics into the dataset's.
pub(super) fn merge(total: &mut Option<Stats>, episode: &Stats) {
    match total {
        None => *total = Some(episode.clone()),
        Some(total) => total.iter_mut().zip(episode).for_each(|(t, e)| t.merge(e)),
    }
}

pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join("meta/stats.json")
}

pub(super) fn write(dir: &Path, features: &Features, stats: &Stats) -> Result<(), DatasetError> {
    let mut json = Map::new();
    for ((name, _), stats) in features.0.iter().zip(stats) {
        let mut one: Map<String, Value> =
            NAMES.iter().zip(&stats.values).map(|(stat, values)| ((*stat).to_owned(), json!(values))).collect();
        one.insert("count".to_owned(), json!([stats.count]));
        json.insert(name.clone(), Value::Object(one));
    }
    files::write_json(&path(dir), &json)
}

pub(super) fn read(dir: &Path, features: &Features) -> Result<Stats, DatasetError> {
    let path = path(dir);
    let mut json: BTreeMap<String, BTreeMap<String, Vec<f64>>> = files::read_json(&path)?;
    let mut all = Stats::with_capacity(features.0.len());
    for (name, spec) in &features.0 {
        let mut one = json.remove(name).unwrap_or_default();
        let mut take = |stat: &str, size: usize| {
            one.remove(stat)
                .filter(|values| values.len() == size)
                .ok_or_else(|| DatasetError::malformed(&path, format!("{name}: {stat} is not {size} numbers")))
        };
        let mut values: [Vec<f64>; 9] = Default::default();
        for (stat, values) in NAMES.iter().zip(&mut values) {
            *values = take(stat, spec.shape[0])?;
        }
        all.push(FeatureStats { values, count: take("count", 1)?[0] as usize });
    }
    Ok(all)
}
