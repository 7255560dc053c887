//! Training data: demonstrations in memory.

use std::ops::Range;

use xxhash_rust::xxh3::Xxh3;

use crate::agents::mirrors;
use crate::demos::{Dataset, DatasetError};
use crate::learn::TrainError;
use crate::learn::core::random::{Purpose, generator, shuffle};
use crate::spaces::{Layout, Mirror};

/// Metadata of an episode.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EpisodeInfo {
    /// Whether the task succeeded.
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
    /// Layout of the observations.
    pub observation: Layout,
    /// Layout of the actions.
    pub action: Layout,
    /// First row of each episode, ascending from 0.
    pub episode_starts: Vec<usize>,
    /// Seconds between two rows of an episode.
    pub control_dt: f32,
    /// Name of the agent.
    pub agent: String,
    /// Source of the data, such as a dataset's path.
    pub source: String,
    /// Sample weight of each row, at least 0; `None` for equal weights.
    pub weights: Option<Vec<f32>>,
    /// Metadata of each episode, `[episodes]`; may be empty.
    pub episode_info: Vec<EpisodeInfo>,
    /// Names of the tasks in the one-hot field `task`, the observation's last; empty where there is no such field.
    pub tasks: Vec<String>,
    /// Whether the second half of the episodes are mirror images of the first half.
    pub mirrored: bool,
    /// The mirror maps (left and right exchanged) of observations and actions; otherwise the field that has none.
    pub mirrors: Result<(Mirror, Mirror), String>,
    /// `[rows]`: whether a human had taken over from a policy; empty without any intervention.
    pub interventions: Vec<bool>,
    /// Numbers in the source of the episodes that were left out, ascending.
    pub left_out: Vec<usize>,
}

impl TrainingData {
    /// The ticks of all episodes of a dataset.
    ///
    /// # Errors
    /// [`DatasetError`] when a file cannot be read or does not match the metadata.
    pub fn from_dataset(dataset: &Dataset) -> Result<Self, DatasetError> {
        let columns = dataset.columns()?;
        let episode_info = dataset.summaries().iter().map(|row| EpisodeInfo {
            success: row.success,
            scene: row.scene.clone(),
            task: row.task.clone(),
        });
        let episode_info: Vec<_> = episode_info.collect();
        Ok(Self {
            observations: columns.observations,
            actions: columns.actions,
            observation: dataset.observation().clone(),
            action: dataset.action().clone(),
            episode_starts: columns.episode_starts,
            control_dt: dataset.control_dt(),
            agent: dataset.agent().to_owned(),
            source: dataset.dir().display().to_string(),
            weights: None,
            episode_info,
            tasks: Vec::new(),
            mirrored: false,
            mirrors: mirrors(dataset.agent(), dataset.observation(), dataset.action()),
            interventions: if columns.interventions.contains(&true) { columns.interventions } else { Vec::new() },
            left_out: Vec::new(),
        })
    }

    /// Number of rows (ticks).
    pub fn rows(&self) -> usize {
        match self.action.size() {
            // Demonstrations without actions.
            0 => self.observations.len() / self.observation.size().max(1),
            size => self.actions.len() / size,
        }
    }

    /// Checks the invariants.
    ///
    /// # Errors
    /// No rows, lengths that do not fit the layouts, numbers that are not finite, episode starts that do not ascend
    /// from zero, a `control_dt` not above zero, or weights that are negative or all zero.
    pub fn check(&self) -> Result<(), TrainError> {
        let fail = |message: String| Err(TrainError::Data { origin: self.source.clone(), message });
        let (obs_dim, act_dim) = (self.observation.size(), self.action.size());
        if obs_dim == 0 || act_dim == 0 {
            return fail("a layout has no fields".into());
        }
        let rows = self.rows();
        if rows == 0 {
            return fail("it has no ticks; record a demonstration first".into());
        }
        if self.observations.len() != rows * obs_dim || self.actions.len() != rows * act_dim {
            return fail(format!(
                "{} observation and {} action numbers are not the same number of rows, of {obs_dim} and {act_dim}",
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
                let episode = self.episode_starts.partition_point(|start| *start <= row).saturating_sub(1);
                return fail(format!(
                    "{what} {name} of row {row} is {}; remove episode {episode} with `apprentice dataset delete`",
                    values[at]
                ));
            }
        }
        let ascending = self.episode_starts.windows(2).all(|pair| pair[0] < pair[1]);
        if self.episode_starts.first() != Some(&0) || !ascending || self.episode_starts.iter().any(|s| *s >= rows) {
            return fail(format!("the episode starts do not ascend from 0 to below {rows}"));
        }
        if !(self.control_dt.is_finite() && self.control_dt > 0.0) {
            return fail(format!("control_dt is {} s; it must be above zero", self.control_dt));
        }
        let (episodes, infos) = (self.episode_starts.len(), self.episode_info.len());
        if infos != 0 && infos != episodes {
            return fail(format!("{infos} entries of episode_info for {episodes} episodes"));
        }
        if !self.interventions.is_empty() && self.interventions.len() != rows {
            return fail(format!("{} intervention flags for {rows} rows", self.interventions.len()));
        }
        if let Some(weights) = &self.weights {
            let usable = weights.iter().all(|w| w.is_finite() && *w >= 0.0) && weights.iter().any(|w| *w > 0.0);
            if weights.len() != rows || !usable {
                return fail(format!("{} weights, for {rows} rows, each at least 0 and not all 0", weights.len()));
            }
        }
        Ok(())
    }

    /// Appends an episode: observations `[ticks, observation size]`, actions `[ticks, action size]`, in physical units.
    /// If rows have weights, the new rows have weight 1.
    pub fn push_episode(&mut self, observations: &[f32], actions: &[f32]) {
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
        if let Some(last) = self.episode_info.last() {
            self.episode_info.push(last.clone());
        }
    }

    /// The rows of each episode.
    pub fn episodes(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let ends = self.episode_starts.iter().skip(1).copied().chain([self.rows()]);
        self.episode_starts.iter().copied().zip(ends).map(|(start, end)| start..end)
    }

    /// Ticks of the shortest successful demonstration, or the median of all where none succeeded: the episode length for
    /// inferring a reward. The shortest unsuccessful episode may be a fragment of a few ticks.
    pub fn reward_horizon(&self) -> u64 {
        let succeeded = |at: usize| self.episode_info.get(at).is_some_and(|info| info.success);
        let mut lengths: Vec<u64> = self.episodes().map(|rows| rows.len() as u64).collect();
        let shortest = lengths.iter().enumerate().filter(|(at, _)| succeeded(*at)).map(|(_, ticks)| *ticks).min();
        lengths.sort_unstable();
        shortest.or_else(|| lengths.get(lengths.len() / 2).copied()).unwrap_or(1)
    }

    /// The number of episodes of at most `ticks` ticks.
    pub fn episodes_up_to(&self, ticks: usize) -> usize {
        self.episodes().filter(|rows| rows.len() <= ticks).count()
    }

    /// The number in the source of the episode with index `episode`, which differs where episodes were left out.
    pub fn episode_number(&self, episode: usize) -> usize {
        self.left_out.iter().fold(episode, |number, left_out| number + usize::from(*left_out <= number))
    }

    /// The first `count` episodes.
    pub fn take_episodes(&self, count: usize) -> Self {
        self.select_episodes(0..count.min(self.episode_starts.len()))
    }

    /// The episodes with the given indices, in that order.
    pub fn select_episodes(&self, episodes: impl Iterator<Item = usize>) -> Self {
        let all: Vec<Range<usize>> = self.episodes().collect();
        self.select_rows(episodes.map(|episode| (episode, all[episode].clone())))
    }

    /// The episodes without their last `ticks`. Episodes that are not longer than that are dropped.
    pub fn trim_ends(&self, ticks: usize) -> Self {
        let long = self.episodes().enumerate().filter(|(_, rows)| rows.len() > ticks);
        self.select_rows(long.map(|(episode, rows)| (episode, rows.start..rows.end - ticks)))
    }

    /// The given rows of the episodes with the given indices; each range becomes an episode.
    fn select_rows(&self, episodes: impl Iterator<Item = (usize, Range<usize>)>) -> Self {
        let (obs_dim, act_dim) = (self.observation.size(), self.action.size());
        let mut out = Self {
            observations: Vec::new(),
            actions: Vec::new(),
            episode_starts: Vec::new(),
            weights: None,
            episode_info: Vec::new(),
            interventions: Vec::new(),
            left_out: Vec::new(),
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
            out.observations.extend_from_slice(&self.observations[rows.start * obs_dim..rows.end * obs_dim]);
            out.actions.extend_from_slice(&self.actions[rows.start * act_dim..rows.end * act_dim]);
            out.episode_info.extend(self.episode_info.get(episode).cloned());
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
        // The tasks, unless all demonstrations are of the same task.
        if self.episode_info.iter().any(|info| info.task != self.episode_info[0].task) {
            self.episode_info.iter().for_each(|info| hasher.update(info.task.as_bytes()));
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

    /// Splits the rows into training and validation rows. Whole episodes validate, since neighboring ticks of an
    /// episode are almost equal; with a single episode, its end validates. With a `fraction` of 0 there are no
    /// validation rows.
    pub fn split(&self, fraction: f32, seed: u64) -> Split {
        let rows = self.rows();
        let target = (rows as f32 * fraction).round() as usize;
        let all = || (0..rows as u32).collect();
        if fraction <= 0.0 || rows < 2 {
            return Split { train: all(), validation: Vec::new() };
        }
        // An episode and its mirror image stay together.
        let images = if self.mirrored { self.episode_starts.len() / 2 } else { 0 };
        let count = self.episode_starts.len() - images;
        if count < 2 {
            let cut = (rows - target.clamp(1, rows - 1)) as u32;
            return Split { train: (0..cut).collect(), validation: (cut..rows as u32).collect() };
        }
        let mut order: Vec<usize> = (0..count).collect();
        shuffle(&mut order, &mut generator(seed, Purpose::Split, 0));
        let end = |episode: usize| self.episode_starts.get(episode + 1).copied().unwrap_or(rows);
        let mut held_out = vec![false; count + images];
        let mut taken = 0;
        // At least one validation episode and at least one training episode.
        for (n, &episode) in order.iter().take(count - 1).enumerate() {
            if n > 0 && taken >= target {
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

/// Row indices, ascending.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// Training rows.
    pub train: Vec<u32>,
    /// Validation rows.
    pub validation: Vec<u32>,
}
