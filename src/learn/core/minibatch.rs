//! Minibatches of normalized demonstrations.

use std::collections::BTreeMap;
use std::ops::Range;

use rand_pcg::Pcg64;

use super::error::TrainError;
use crate::learn::core::data::{Split, TrainingData};
use crate::learn::core::init::PretrainedPolicy;
use crate::learn::core::random::{below, shuffle};
use crate::policies::demonstration_encoder::{VALUES_PER_FRAME, sample_frames};
use crate::policies::{HeadConfig, NetworkConfig, OBSERVATION_CLIP, PolicyConfig};
use crate::spaces::Normalizer;

/// The ticks around a row that a sample of a learner holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Frame stacking: observations in an input, those of the tick and of the ticks before it.
    pub n_stack: usize,
    /// Consecutive inputs, each with its own target.
    pub sequence_length: usize,
    /// Actions in a target: those of the tick and of the ticks after it.
    pub chunk_size: usize,
    /// Frames of another demonstration of the same task that are appended to each input
    /// ([`crate::policies::demonstration_encoder`]).
    pub n_demonstration_frames: usize,
}

impl Window {
    /// One tick.
    pub const TICK: Self = Self { n_stack: 1, sequence_length: 1, chunk_size: 1, n_demonstration_frames: 0 };

    /// The window that a policy's network and head need.
    pub fn of(network: &NetworkConfig, head: &HeadConfig) -> Self {
        Self {
            n_stack: network.n_stack(),
            sequence_length: network.sequence_length(),
            chunk_size: head.chunk_size,
            n_demonstration_frames: network.n_demonstration_frames,
        }
    }
}

/// A minibatch of normalized values. Owned, so that a tensor can take over its memory.
#[derive(Clone, Debug)]
pub struct Batch {
    /// `[rows, sequence_length, n_stack * obs_dim]`. Stacked frames before an episode's first tick repeat that tick;
    /// after the last tick, zeros.
    pub observations: Vec<f32>,
    /// `[rows, sequence_length, chunk_size * act_dim]`; zeros after an episode's last tick.
    pub actions: Vec<f32>,
    /// `[rows, sequence_length, chunk_size]`: 1 where there is a demonstrated action, 0 after an episode's last tick;
    /// `None` for all 1.
    pub mask: Option<Vec<f32>>,
    /// Sample weights `[rows, sequence_length]`, of mean 1 over the training rows; `None` for equal weights.
    pub weights: Option<Vec<f32>>,
    /// Number of rows.
    pub rows: usize,
    /// The ticks that each row holds.
    pub window: Window,
}

/// Training data with its split and its normalizers, from which minibatches are taken. Rows are normalized when they
/// are taken, so that the demonstrations are in memory only once.
#[derive(Clone, Debug)]
pub struct PreparedData<'a> {
    data: &'a TrainingData,
    /// Scales the weights of the training rows to a mean of 1.
    weight_scale: f32,
    /// The training and validation rows.
    pub split: Split,
    /// Indices of the episodes of each task.
    episodes_by_task: BTreeMap<&'a str, Vec<usize>>,
    /// Mean and standard deviation of the observations of the training rows.
    pub observation_normalizer: Normalizer,
    /// Mean and standard deviation of the actions of the training rows.
    pub action_normalizer: Normalizer,
}

impl<'a> PreparedData<'a> {
    /// Splits `data` and fits the normalizers to its training rows.
    ///
    /// # Errors
    /// Those of [`TrainingData::check`], or every training row has the weight zero.
    pub fn new(data: &'a TrainingData, validation_fraction: f32, seed: u64) -> Result<Self, TrainError> {
        data.check()?;
        let split = data.split(validation_fraction, seed);
        let (obs_dim, act_dim) = (data.observation.size(), data.action.size());
        let rows = |table: &'a [f32], size: usize| split.train.iter().map(move |row| row_of(table, size, *row));
        let (observation_normalizer, action_normalizer) = rayon::join(
            || Normalizer::fit(rows(&data.observations, obs_dim), &data.observation),
            || Normalizer::fit_actions(rows(&data.actions, act_dim), act_dim),
        );
        let mut weight_scale = 1.0;
        if let Some(weights) = &data.weights {
            let sum: f64 = split.train.iter().map(|row| f64::from(weights[*row as usize])).sum();
            if sum <= 0.0 {
                return Err(TrainError::Data {
                    origin: data.source.clone(),
                    message: "every training row has the weight 0; give some of them weight".into(),
                });
            }
            weight_scale = (split.train.len() as f64 / sum) as f32;
        }
        let mut episodes_by_task = BTreeMap::<&str, Vec<usize>>::new();
        for (episode, info) in data.episode_info.iter().enumerate() {
            episodes_by_task.entry(&info.task).or_default().push(episode);
        }
        Ok(Self { data, weight_scale, split, episodes_by_task, observation_normalizer, action_normalizer })
    }

    /// The configuration of a policy on this data: layouts and normalizers, with this network and head.
    pub fn policy_config(&self, network: &NetworkConfig, head: &HeadConfig) -> PolicyConfig {
        let data = self.data;
        let mut policy = PolicyConfig::new(
            data.agent.clone(),
            data.control_dt,
            data.observation.clone(),
            data.action.clone(),
            network.clone(),
            head.clone(),
        );
        policy.tasks = data.tasks.clone();
        policy.observation_normalizer = self.observation_normalizer.clone();
        policy.action_normalizer = self.action_normalizer.clone();
        policy
    }

    /// Takes over the normalizers of the fields that a pretrained policy knows.
    pub(in crate::learn) fn inherit_normalizers(&mut self, base: &PretrainedPolicy) {
        let layouts = [&self.data.observation, &self.data.action];
        let fitted = [self.observation_normalizer.clone(), self.action_normalizer.clone()];
        [self.observation_normalizer, self.action_normalizer] = base.normalizers(layouts, fitted);
    }

    /// First rows of sequences that contain the given training rows at a random position. An episode's first ticks come
    /// as often as the others.
    pub(in crate::learn) fn sequence_starts(&self, rows: &[u32], window: Window, rng: &mut Pcg64) -> Vec<u32> {
        let start = |row: u32| self.episode(row).start as u32;
        rows.iter()
            .map(|row| (row - below(rng, window.sequence_length).min(*row as usize) as u32).max(start(*row)))
            .collect()
    }

    /// As [`PreparedData::batch`], without sample weights: all rows have the same weight in the validation.
    pub fn validation_batch(&self, rows: &[u32], window: Window) -> Batch {
        Batch { weights: None, ..self.batch(rows, window) }
    }

    /// First rows of sequences that contain each validation row once.
    pub fn validation_starts(&self, window: Window) -> Vec<u32> {
        let first = |row: &u32| (*row as usize - self.episode(*row).start).is_multiple_of(window.sequence_length);
        self.split.validation.iter().copied().filter(first).collect()
    }

    /// Numbers in the source of the validation episodes; with a single episode, only its end validates.
    pub fn validation_episodes(&self) -> Vec<usize> {
        let episode_of = |row: &u32| self.data.episode_starts.partition_point(|start| *start <= *row as usize) - 1;
        let mut episodes: Vec<usize> = self.split.validation.iter().map(episode_of).collect();
        episodes.dedup();
        episodes.into_iter().map(|episode| self.data.episode_number(episode)).collect()
    }

    /// The batch of the sequences that start at the given rows, in that order.
    pub fn batch(&self, starts: &[u32], window: Window) -> Batch {
        let (obs_dim, act_dim) = (self.data.observation.size(), self.data.action.size());
        let single = Window { n_demonstration_frames: 0, ..window } == Window::TICK;
        let mut batch = if single { self.ticks(starts) } else { self.windows(starts, window) };
        batch.window = window;
        self.observation_normalizer.normalize(&mut batch.observations);
        batch.observations.iter_mut().for_each(|x| *x = x.clamp(-OBSERVATION_CLIP, OBSERVATION_CLIP));
        self.action_normalizer.normalize(&mut batch.actions);
        if let Some(mask) = &batch.mask {
            // The padding after an episode's end was normalized, too: set it back to zero.
            let present: Vec<bool> = mask.iter().map(|m| *m > 0.0).collect();
            let clear = |values: &mut [f32]| values.fill(0.0);
            batch.actions.chunks_mut(act_dim).zip(&present).filter(|(_, p)| !**p).for_each(|(row, _)| clear(row));
            let inputs = batch.observations.chunks_mut(window.n_stack * obs_dim);
            inputs.zip(present.chunks(window.chunk_size)).filter(|(_, p)| !p[0]).for_each(|(row, _)| clear(row));
        }
        batch
    }

    /// Column ranges of the fields in `data.permutable`, whose entries are interchangeable.
    pub(in crate::learn) fn permutable_ranges(&self, names: &[String]) -> Result<Vec<Range<usize>>, TrainError> {
        let fail = |message: String| TrainError::Config { origin: "data.permutable".into(), message };
        let layout = &self.data.observation;
        let named = layout.fields_matching(names).map_err(fail)?;
        let fields: Vec<Range<usize>> = named.into_iter().filter_map(|field| layout.range(&field.name)).collect();
        if fields.iter().any(|field| field.len() != fields[0].len()) {
            return Err(fail("its fields must have the same size".into()));
        }
        Ok(fields)
    }

    /// Appends frames of another demonstration of the same task, drawn with `rng`, to each row of a batch; where there
    /// is no other, those of the row's own episode. The entries of `permutable` fields are permuted in the same way in
    /// both.
    pub(in crate::learn) fn append_demonstrations(
        &self,
        batch: &mut Batch,
        starts: &[u32],
        permutable: &[Range<usize>],
        rng: &mut Pcg64,
    ) {
        let (count, obs_dim) = (batch.window.n_demonstration_frames, self.data.observation.size());
        if count == 0 {
            return;
        }
        let row_size = batch.observations.len() / starts.len();
        let mut observations = Vec::with_capacity(starts.len() * (row_size + count * VALUES_PER_FRAME * obs_dim));
        for (row, start) in batch.observations.chunks_exact(row_size).zip(starts) {
            let own = self.data.episode_starts.partition_point(|first| *first <= *start as usize) - 1;
            let info = self.data.episode_info.get(own);
            let task = info.and_then(|info| self.episodes_by_task.get(info.task.as_str()));
            let others: &[usize] = task.map_or(&[], Vec::as_slice);
            let mut chosen = others.get(below(rng, others.len().max(1))).copied().unwrap_or(own);
            if chosen == own && others.len() > 1 {
                let at = others.iter().position(|other| *other == own).unwrap_or(0);
                chosen = others[(at + 1) % others.len()];
            }
            let rows = self.episode(self.data.episode_starts[chosen] as u32);
            let mut demonstration = self.data.observations[rows.start * obs_dim..rows.end * obs_dim].to_vec();
            self.observation_normalizer.normalize(&mut demonstration);
            demonstration.iter_mut().for_each(|x| *x = x.clamp(-OBSERVATION_CLIP, OBSERVATION_CLIP));
            let row_start = observations.len();
            observations.extend_from_slice(row);
            observations.extend(sample_frames(&demonstration, obs_dim, count));
            if let Some(field) = permutable.first() {
                let mut order: Vec<usize> = (0..field.len()).collect();
                shuffle(&mut order, rng);
                for frame in observations[row_start..].chunks_exact_mut(obs_dim) {
                    permutable.iter().for_each(|field| permute(&mut frame[field.clone()], &order));
                }
            }
        }
        batch.observations = observations;
    }

    /// Single ticks, in physical units.
    fn ticks(&self, rows: &[u32]) -> Batch {
        let weights = self.data.weights.as_ref();
        Batch {
            observations: gather(&self.data.observations, self.data.observation.size(), rows),
            actions: gather(&self.data.actions, self.data.action.size(), rows),
            mask: None,
            weights: weights.map(|w| rows.iter().map(|row| w[*row as usize] * self.weight_scale).collect()),
            rows: rows.len(),
            window: Window::TICK,
        }
    }

    /// Windows, in physical units.
    fn windows(&self, starts: &[u32], window: Window) -> Batch {
        let (obs_dim, act_dim) = (self.data.observation.size(), self.data.action.size());
        let inputs = starts.len() * window.sequence_length;
        let mut observations = Vec::with_capacity(inputs * window.n_stack * obs_dim);
        let mut actions = Vec::with_capacity(inputs * window.chunk_size * act_dim);
        let mut mask = Vec::with_capacity(inputs * window.chunk_size);
        let mut weights = Vec::with_capacity(inputs);
        for start in starts {
            let episode = self.episode(*start);
            for tick in *start as usize..*start as usize + window.sequence_length {
                for back in (0..window.n_stack).rev() {
                    let row = tick.saturating_sub(back).clamp(episode.start, episode.end - 1);
                    observations.extend_from_slice(row_of(&self.data.observations, obs_dim, row as u32));
                }
                for row in tick..tick + window.chunk_size {
                    let present = row < episode.end;
                    let row = row.min(episode.end - 1) as u32;
                    actions.extend_from_slice(row_of(&self.data.actions, act_dim, row));
                    mask.push(f32::from(u8::from(present)));
                }
                let weight = self.data.weights.as_ref().map_or(1.0, |w| w[tick.min(episode.end - 1)]);
                weights.push(weight * self.weight_scale);
            }
        }
        Batch {
            observations,
            actions,
            mask: mask.contains(&0.0).then_some(mask),
            weights: self.data.weights.is_some().then_some(weights),
            rows: starts.len(),
            window,
        }
    }

    /// The rows of the episode that a row belongs to.
    fn episode(&self, row: u32) -> Range<usize> {
        let next = self.data.episode_starts.partition_point(|start| *start <= row as usize);
        let end = self.data.episode_starts.get(next).copied().unwrap_or(self.data.rows());
        self.data.episode_starts[next - 1]..end
    }
}

fn row_of(table: &[f32], dim: usize, row: u32) -> &[f32] {
    &table[row as usize * dim..][..dim]
}

/// Permutes values: value `i` becomes value `order[i]`.
fn permute(values: &mut [f32], order: &[usize]) {
    let before = values.to_vec();
    values.iter_mut().zip(order).for_each(|(value, from)| *value = before[*from]);
}

/// The given rows of a row-major table, in one allocation.
fn gather(table: &[f32], dim: usize, rows: &[u32]) -> Vec<f32> {
    let mut out = Vec::with_capacity(rows.len() * dim);
    rows.iter().for_each(|row| out.extend_from_slice(row_of(table, dim, *row)));
    out
}
