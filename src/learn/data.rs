//! The numbers that a learner learns from.

use std::ops::Range;

use xxhash_rust::xxh3::Xxh3;

use super::TrainError;
use super::random::{Purpose, generator, shuffle};
use crate::spaces::{Layout, Mirror};

/// What is known of a demonstration as a whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EpisodeFacts {
    /// Whether it did the task.
    pub success: bool,
    /// Name of the scene.
    pub scene: String,
    /// The task's text.
    pub task: String,
}

/// Demonstrations as flat rows, in physical units.
#[derive(Clone, Debug)]
pub struct TrainingData {
    /// `[rows, observation size]`, row-major.
    pub observations: Vec<f32>,
    /// `[rows, action size]`, row-major.
    pub actions: Vec<f32>,
    /// What an observation's numbers mean.
    pub observation: Layout,
    /// What an action's numbers mean.
    pub action: Layout,
    /// First row of each episode, ascending from 0.
    pub episode_starts: Vec<usize>,
    /// Seconds between two rows of an episode.
    pub control_dt: f32,
    /// Name of the agent.
    pub agent: String,
    /// Where the data comes from, such as a dataset's path.
    pub source: String,
    /// Importance of each row, at least zero; `None` for all alike.
    pub weights: Option<Vec<f32>>,
    /// `[episodes]`; empty where nothing is known of them.
    pub facts: Vec<EpisodeFacts>,
    /// Names of the tasks that the observation's last field, `task`, tells apart; empty where there is no such field.
    pub tasks: Vec<String>,
    /// Whether the second half of the episodes are mirror images of the first half.
    pub mirrored: bool,
    /// What observations and actions become when left and right are exchanged; where that is not known, why.
    pub mirrors: Result<(Mirror, Mirror), String>,
    /// `[rows]`: a person had taken over from a policy; empty where nobody ever did.
    pub interventions: Vec<bool>,
}

impl TrainingData {
    /// How many rows (ticks) there are.
    pub fn rows(&self) -> usize {
        match self.action.size() {
            // Only what was seen is known.
            0 => self.observations.len() / self.observation.size().max(1),
            size => self.actions.len() / size,
        }
    }

    /// Check the invariants.
    ///
    /// # Errors
    /// No rows, lengths that do not fit the layouts, numbers that are not finite, episode starts that do not ascend
    /// from zero, a `control_dt` not above zero, or weights that are negative or all zero.
    pub fn check(&self) -> Result<(), TrainError> {
        let fail = |message: String| Err(TrainError::Data { origin: self.source.clone(), message });
        let (wide, narrow) = (self.observation.size(), self.action.size());
        if wide == 0 || narrow == 0 {
            return fail("a layout has no fields".into());
        }
        let rows = self.rows();
        if rows == 0 {
            return fail("it has no ticks; record a demonstration first".into());
        }
        if self.observations.len() != rows * wide || self.actions.len() != rows * narrow {
            return fail(format!(
                "{} observation numbers and {} action numbers are not the same count of rows of {wide} and {narrow}",
                self.observations.len(),
                self.actions.len()
            ));
        }
        for (what, values, layout) in
            [("observation", &self.observations, &self.observation), ("action", &self.actions, &self.action)]
        {
            if let Some(at) = values.iter().position(|x| !x.is_finite()) {
                let (row, column) = (at / layout.size(), at % layout.size());
                let name = &layout.names()[column];
                return fail(format!("{what} {name} of row {row} is {}; remove that episode", values[at]));
            }
        }
        let ascending = self.episode_starts.windows(2).all(|pair| pair[0] < pair[1]);
        if self.episode_starts.first() != Some(&0) || !ascending || self.episode_starts.iter().any(|s| *s >= rows) {
            return fail(format!("the episode starts do not ascend from 0 to below {rows}"));
        }
        if !(self.control_dt.is_finite() && self.control_dt > 0.0) {
            return fail(format!("control_dt is {} s; it must be above zero", self.control_dt));
        }
        let (episodes, facts) = (self.episode_starts.len(), self.facts.len());
        if facts != 0 && facts != episodes {
            return fail(format!("{facts} facts for {episodes} episodes"));
        }
        if !self.interventions.is_empty() && self.interventions.len() != rows {
            return fail(format!("{} marks of interventions for {rows} rows", self.interventions.len()));
        }
        if let Some(weights) = &self.weights {
            let usable = weights.iter().all(|w| w.is_finite() && *w >= 0.0) && weights.iter().any(|w| *w > 0.0);
            if weights.len() != rows || !usable {
                return fail(format!("{} weights, for {rows} rows, each at least 0 and not all 0", weights.len()));
            }
        }
        Ok(())
    }

    /// Add an episode: observations `[ticks, observation size]`, actions `[ticks, action size]`, in physical units. Where
    /// rows have weights, its rows have the weight 1.
    pub fn append(&mut self, observations: &[f32], actions: &[f32]) {
        self.episode_starts.push(self.rows());
        self.observations.extend_from_slice(observations);
        self.actions.extend_from_slice(actions);
        let rows = self.rows();
        if let Some(weights) = &mut self.weights {
            weights.resize(rows, 1.0);
        }
        if !self.interventions.is_empty() {
            self.interventions.resize(rows, false);
        }
        if let Some(last) = self.facts.last() {
            self.facts.push(last.clone());
        }
    }

    /// The rows of each episode.
    pub fn episodes(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let ends = self.episode_starts.iter().skip(1).copied().chain([self.rows()]);
        self.episode_starts.iter().copied().zip(ends).map(|(start, end)| start..end)
    }

    /// Ticks of the shortest demonstration that succeeded, or of the shortest of all where none did: as long as all
    /// episodes may last for what is inferred from them. A fragment that was broken off does not count.
    pub fn shortest(&self) -> u64 {
        let ticks = |succeeded: bool| {
            let known = |at: usize| !succeeded || self.facts.get(at).is_some_and(|facts| facts.success);
            self.episodes().enumerate().filter(|(at, _)| known(*at)).map(|(_, rows)| rows.len() as u64).min()
        };
        ticks(true).or_else(|| ticks(false)).unwrap_or(1)
    }

    /// The first `count` episodes alone.
    pub fn first_episodes(&self, count: usize) -> Self {
        self.chosen(0..count.min(self.episode_starts.len()))
    }

    /// The episodes of the given numbers alone, in that order.
    pub fn chosen(&self, episodes: impl Iterator<Item = usize>) -> Self {
        let all: Vec<Range<usize>> = self.episodes().collect();
        self.parts(episodes.map(|episode| (episode, all[episode].clone())))
    }

    /// The episodes without their last `ticks`; those that are no longer than that are left out.
    pub fn without_ends(&self, ticks: usize) -> Self {
        let long = self.episodes().enumerate().filter(|(_, rows)| rows.len() > ticks);
        self.parts(long.map(|(episode, rows)| (episode, rows.start..rows.end - ticks)))
    }

    /// Rows of the episodes of the given numbers, each an episode of its own.
    fn parts(&self, episodes: impl Iterator<Item = (usize, Range<usize>)>) -> Self {
        let (wide, narrow) = (self.observation.size(), self.action.size());
        let mut out = Self {
            observations: Vec::new(),
            actions: Vec::new(),
            episode_starts: Vec::new(),
            weights: None,
            facts: Vec::new(),
            interventions: Vec::new(),
            observation: self.observation.clone(),
            action: self.action.clone(),
            tasks: self.tasks.clone(),
            mirrors: self.mirrors.clone(),
            agent: self.agent.clone(),
            source: self.source.clone(),
            ..*self
        };
        let mut weights = Vec::new();
        for (episode, rows) in episodes {
            out.episode_starts.push(out.rows());
            out.observations.extend_from_slice(&self.observations[rows.start * wide..rows.end * wide]);
            out.actions.extend_from_slice(&self.actions[rows.start * narrow..rows.end * narrow]);
            out.facts.extend(self.facts.get(episode).cloned());
            out.interventions.extend(self.interventions.get(rows.clone()).into_iter().flatten());
            weights.extend(self.weights.iter().flat_map(|weights| &weights[rows.clone()]));
        }
        out.weights = self.weights.is_some().then_some(weights);
        out
    }

    /// A hash of everything that training depends on.
    pub fn hash(&self) -> u64 {
        let mut hasher = Xxh3::new();
        hasher.update(&self.observation.hash().to_le_bytes());
        hasher.update(&self.action.hash().to_le_bytes());
        hasher.update(&self.control_dt.to_le_bytes());
        for start in &self.episode_starts {
            hasher.update(&(*start as u64).to_le_bytes());
        }
        // Which demonstrations show the same task, where they do not all.
        if self.facts.iter().any(|facts| facts.task != self.facts[0].task) {
            self.facts.iter().for_each(|facts| hasher.update(facts.task.as_bytes()));
        }
        let mut bytes = [0; 4 * 1024];
        for values in [Some(&self.observations), Some(&self.actions), self.weights.as_ref()].into_iter().flatten() {
            for chunk in values.chunks(bytes.len() / 4) {
                for (four, x) in bytes.chunks_exact_mut(4).zip(chunk) {
                    four.copy_from_slice(&x.to_le_bytes());
                }
                hasher.update(&bytes[..chunk.len() * 4]);
            }
        }
        hasher.digest()
    }

    /// Which rows train and which validate. Whole episodes validate, since neighbouring ticks of one episode hardly
    /// differ; with a single episode its end does. A `fraction` of zero validates nothing.
    pub fn split(&self, fraction: f32, seed: u64) -> Split {
        let rows = self.rows();
        let wanted = (rows as f32 * fraction).round() as usize;
        let all = || (0..rows as u32).collect();
        if fraction <= 0.0 || rows < 2 {
            return Split { train: all(), validation: Vec::new() };
        }
        // An episode and its mirror image stay together.
        let images = if self.mirrored { self.episode_starts.len() / 2 } else { 0 };
        let count = self.episode_starts.len() - images;
        if count < 2 {
            let cut = (rows - wanted.clamp(1, rows - 1)) as u32;
            return Split { train: (0..cut).collect(), validation: (cut..rows as u32).collect() };
        }
        let mut order: Vec<usize> = (0..count).collect();
        shuffle(&mut order, &mut generator(seed, Purpose::Split, 0));
        let end = |episode: usize| self.episode_starts.get(episode + 1).copied().unwrap_or(rows);
        let mut held_out = vec![false; count + images];
        let mut taken = 0;
        // At least one episode validates and at least one trains.
        for (n, &episode) in order.iter().take(count - 1).enumerate() {
            if n > 0 && taken >= wanted {
                break;
            }
            held_out[episode] = true;
            taken += end(episode) - self.episode_starts[episode];
            if images > 0 {
                held_out[episode + count] = true;
                taken += end(episode + count) - self.episode_starts[episode + count];
            }
        }
        let mut split = Split { train: Vec::new(), validation: Vec::new() };
        for (episode, held_out) in held_out.iter().enumerate() {
            let rows = self.episode_starts[episode] as u32..end(episode) as u32;
            if *held_out { split.validation.extend(rows) } else { split.train.extend(rows) }
        }
        split
    }
}

/// Row numbers, ascending.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// Rows that train.
    pub train: Vec<u32>,
    /// Rows that validate.
    pub validation: Vec<u32>,
}
