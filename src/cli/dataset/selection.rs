//! The episodes that arguments select: numbers, ranges, `--failed`, `--shorter`.

use std::collections::BTreeSet;
use std::str::FromStr;

use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};

use crate::cli::Failure;
use crate::demos::{Dataset, EpisodeSummary};

#[derive(Args, Debug)]
pub struct EpisodeSelection {
    /// Episodes by number, from 0, with ranges, such as 3,7-9
    #[arg(value_name = "EPISODES", value_delimiter = ',')]
    numbers: Vec<NumberRange>,
    /// Episodes that did not succeed
    #[arg(long)]
    failed: bool,
    /// Episodes shorter than this: seconds (2s) or ticks (60)
    #[arg(long, value_name = "LENGTH")]
    shorter: Option<Length>,
}

/// A range of numbers of episodes or takes, both ends included.
#[derive(Clone, Copy, Debug)]
pub struct NumberRange {
    /// The first number, from 0.
    pub first: usize,
    /// The last number.
    pub last: usize,
}

impl FromStr for NumberRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |part: &str| part.trim().parse::<usize>().ok();
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Ok(Self { first, last }),
            (Some(first), Some(last)) => Err(format!("the range is reversed; write {last}-{first}")),
            _ => Err("give numbers, from 0, and ranges, such as 3,7-9".to_owned()),
        }
    }
}

/// A length of time, in seconds or in ticks.
#[derive(Clone, Copy, Debug)]
pub enum Length {
    /// Seconds.
    Seconds(f64),
    /// Ticks.
    Ticks(usize),
}

impl Length {
    /// The number of ticks, rounded, at a control timestep of `control_dt` seconds.
    pub fn ticks(self, control_dt: f32) -> usize {
        match self {
            Self::Seconds(seconds) => (seconds / f64::from(control_dt)).round() as usize,
            Self::Ticks(ticks) => ticks,
        }
    }
}

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let seconds = |part: &str, unit: f64| part.trim().parse::<f64>().ok().map(|value| Self::Seconds(value * unit));
        let length = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
            (Some(milliseconds), _) => seconds(milliseconds, 1e-3),
            (None, Some(value)) => seconds(value, 1.0),
            (None, None) => text.parse().ok().map(Self::Ticks),
        };
        length
            .filter(|length| !matches!(length, Self::Seconds(value) if !value.is_finite() || *value < 0.0))
            .ok_or_else(|| "give seconds, such as 2s or 0.5s, or a whole number of ticks".to_owned())
    }
}

impl EpisodeSelection {
    /// The selected episodes of `dataset`: those of each argument together.
    ///
    /// # Errors
    /// A usage error without any argument, or for a number that is not in the dataset.
    pub fn of(&self, dataset: &Dataset) -> Result<BTreeSet<usize>, Failure> {
        let last = dataset.len().saturating_sub(1);
        if self.numbers.is_empty() && !self.failed && self.shorter.is_none() {
            return Err(Failure::usage(anyhow!(
                "no episodes are selected; give their numbers (0-{last} are all), --failed or --shorter LENGTH"
            )));
        }
        let mut selected = BTreeSet::new();
        for range in &self.numbers {
            if range.last >= dataset.len() {
                let dir = dataset.dir().display();
                return Err(Failure::usage(anyhow!("{dir} has episodes 0 to {last}, not {}", range.last)));
            }
            selected.extend(range.first..=range.last);
        }
        let rows = dataset.summaries().iter();
        let is_short =
            |row: &EpisodeSummary| self.shorter.is_some_and(|length| row.length < length.ticks(dataset.control_dt()));
        selected.extend(rows.filter(|row| self.failed && !row.success || is_short(row)).map(|row| row.episode));
        Ok(selected)
    }
}

/// An episode in one line.
pub fn line(row: &EpisodeSummary, control_dt: f32) -> String {
    format!(
        "episode {}: {:.1} s of {} by {}, {}",
        row.episode,
        row.length as f32 * control_dt,
        row.scene,
        row.operator,
        if row.success { "successful" } else { "not successful" }
    )
}

/// An episode as JSON.
pub fn object(row: &EpisodeSummary) -> Value {
    json!({
        "episode_index": row.episode, "scene": row.scene, "operator": row.operator, "length": row.length,
        "success": row.success, "seed": row.seed,
    })
}
