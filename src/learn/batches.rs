//! Normalised numbers in the portions that a learner takes.

use std::collections::BTreeMap;
use std::ops::Range;

use rand_pcg::Pcg64;

use super::TrainError;
use super::data::{Split, TrainingData};
use super::init::Base;
use super::random::{below, shuffle};
use crate::policies::shown::{PER_MOMENT, moments};
use crate::policies::{HeadConfig, NetworkConfig, OBSERVATION_CLIP};
use crate::spaces::Normalizer;

/// Which ticks around a row a learner takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Observations side by side in an input: the tick's own and those before it.
    pub stacked: usize,
    /// Inputs one after the other, each of which is to say the action.
    pub sequence: usize,
    /// Actions that each is to say: the tick's own and those after it.
    pub chunk: usize,
    /// Moments of another demonstration of the same task that each input is followed by ([`crate::policies::shown`]).
    pub shown: usize,
}

impl Window {
    /// One tick.
    pub const TICK: Self = Self { stacked: 1, sequence: 1, chunk: 1, shown: 0 };

    /// What a policy's network sees and says.
    pub fn of(network: &NetworkConfig, head: &HeadConfig) -> Self {
        Self { stacked: network.stacked(), sequence: network.sequence(), chunk: head.chunk, shown: network.shown }
    }
}

/// Normalised numbers that a learner takes at once. Owned, so that a tensor can take the memory over.
#[derive(Clone, Debug)]
pub struct Batch {
    /// `[rows, sequence, stacked * observation size]`. Before an episode's first tick stands that tick again; after its
    /// last, zeros.
    pub observations: Vec<f32>,
    /// `[rows, sequence, chunk * action size]`; zeros after an episode's last tick.
    pub actions: Vec<f32>,
    /// `[rows, sequence, chunk]`: 1 where an action was demonstrated, 0 after an episode's last tick; `None` for all 1.
    pub mask: Option<Vec<f32>>,
    /// `[rows, sequence]`, of mean 1 over the training rows; `None` for all alike.
    pub weights: Option<Vec<f32>>,
    /// How many rows.
    pub rows: usize,
    /// What each row holds.
    pub window: Window,
}

/// Training data split, with its normalisers, ready to be cut into batches. Rows are normalised as they are taken, so
/// that the demonstrations lie in memory once.
#[derive(Clone, Debug)]
pub struct Prepared<'a> {
    data: &'a TrainingData,
    /// What makes the weights of the training rows 1 in the mean.
    weight_scale: f32,
    /// Which rows are for what.
    pub split: Split,
    /// Numbers of the episodes of each task, where policies are shown some.
    alike: BTreeMap<&'a str, Vec<usize>>,
    /// Shift and scale of observations, from the training rows.
    pub observation_normalizer: Normalizer,
    /// Shift and scale of actions, from the training rows.
    pub action_normalizer: Normalizer,
}

impl<'a> Prepared<'a> {
    /// Split `data`, and find the normalisers of its training rows.
    ///
    /// # Errors
    /// As [`TrainingData::check`]; or every training row has the weight zero.
    pub fn new(data: &'a TrainingData, validation_fraction: f32, seed: u64) -> Result<Self, TrainError> {
        data.check()?;
        let split = data.split(validation_fraction, seed);
        let fit = |table: &[f32], size| Normalizer::fit(split.train.iter().map(|row| row_of(table, size, *row)), size);
        let (observation_normalizer, action_normalizer) =
            rayon::join(|| fit(&data.observations, data.observation.size()), || fit(&data.actions, data.action.size()));
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
        let mut alike = BTreeMap::<&str, Vec<usize>>::new();
        for (episode, facts) in data.facts.iter().enumerate() {
            alike.entry(&facts.task).or_default().push(episode);
        }
        Ok(Self { data, weight_scale, split, alike, observation_normalizer, action_normalizer })
    }

    /// Normalise as an earlier policy does what it knew already.
    pub(super) fn inherit(&mut self, base: &Base) {
        let layouts = [&self.data.observation, &self.data.action];
        let fitted = [self.observation_normalizer.clone(), self.action_normalizer.clone()];
        [self.observation_normalizer, self.action_normalizer] = base.normalizers(layouts, fitted);
    }

    /// Where sequences for the given training rows start: so that each row falls anywhere in its sequence, and an
    /// episode's first ticks come as often as the others.
    pub(super) fn starts(&self, rows: &[u32], window: Window, generator: &mut Pcg64) -> Vec<u32> {
        let start = |row: u32| self.episode(row).start as u32;
        rows.iter()
            .map(|row| (row - below(generator, window.sequence).min(*row as usize) as u32).max(start(*row)))
            .collect()
    }

    /// The rows of [`Prepared::batch`] to validate by: each counts as much as the others, however much is learned from it.
    pub fn validation_batch(&self, rows: &[u32], window: Window) -> Batch {
        Batch { weights: None, ..self.batch(rows, window) }
    }

    /// Where sequences start that hold each validation row once.
    pub fn validation_starts(&self, window: Window) -> Vec<u32> {
        let first = |row: &u32| (*row as usize - self.episode(*row).start).is_multiple_of(window.sequence);
        self.split.validation.iter().copied().filter(first).collect()
    }

    /// Numbers of the episodes that validate, wholly or (a single one) at their end.
    pub fn validation_episodes(&self) -> Vec<usize> {
        let of = |row: &u32| self.data.episode_starts.partition_point(|start| *start <= *row as usize) - 1;
        let mut episodes: Vec<usize> = self.split.validation.iter().map(of).collect();
        episodes.dedup();
        episodes
    }

    /// The batch whose sequences start at the given rows, in their order.
    pub fn batch(&self, starts: &[u32], window: Window) -> Batch {
        let (wide, narrow) = (self.data.observation.size(), self.data.action.size());
        let single = Window { shown: 0, ..window } == Window::TICK;
        let mut batch = if single { self.ticks(starts) } else { self.windows(starts, window) };
        batch.window = window;
        self.observation_normalizer.normalize(&mut batch.observations);
        batch.observations.iter_mut().for_each(|x| *x = x.clamp(-OBSERVATION_CLIP, OBSERVATION_CLIP));
        self.action_normalizer.normalize(&mut batch.actions);
        if let Some(mask) = &batch.mask {
            // What stands after an episode's end was normalised too.
            let present: Vec<bool> = mask.iter().map(|m| *m > 0.0).collect();
            let blank = |values: &mut [f32]| values.fill(0.0);
            batch.actions.chunks_mut(narrow).zip(&present).filter(|(_, p)| !**p).for_each(|(row, _)| blank(row));
            let inputs = batch.observations.chunks_mut(window.stacked * wide);
            inputs.zip(present.chunks(window.chunk)).filter(|(_, p)| !p[0]).for_each(|(row, _)| blank(row));
        }
        batch
    }

    /// Where the fields stand whose things may be renumbered.
    pub(super) fn exchanged(&self, names: &[String]) -> Result<Vec<Range<usize>>, TrainError> {
        let fail = |message: String| TrainError::Config { origin: "data.interchangeable".into(), message };
        let layout = &self.data.observation;
        let named = layout.named(names).map_err(fail)?;
        let fields: Vec<Range<usize>> = named.into_iter().filter_map(|field| layout.range(&field.name)).collect();
        if fields.iter().any(|field| field.len() != fields[0].len()) {
            return Err(fail("it has to name fields of the same size".into()));
        }
        Ok(fields)
    }

    /// Let each row of a batch be followed by the moments of another demonstration of its task, drawn from `generator`;
    /// where there is no other, of its own. The numbers of `exchanged` fields are permuted alike in both.
    pub(super) fn show(&self, batch: &mut Batch, starts: &[u32], exchanged: &[Range<usize>], generator: &mut Pcg64) {
        let (count, size) = (batch.window.shown, self.data.observation.size());
        if count == 0 {
            return;
        }
        let width = batch.observations.len() / starts.len();
        let mut observations = Vec::with_capacity(starts.len() * (width + count * PER_MOMENT * size));
        for (row, start) in batch.observations.chunks_exact(width).zip(starts) {
            let own = self.data.episode_starts.partition_point(|first| *first <= *start as usize) - 1;
            let task = self.data.facts.get(own).and_then(|facts| self.alike.get(facts.task.as_str()));
            let others: &[usize] = task.map_or(&[], Vec::as_slice);
            let mut chosen = others.get(below(generator, others.len().max(1))).copied().unwrap_or(own);
            if chosen == own && others.len() > 1 {
                let at = others.iter().position(|other| *other == own).unwrap_or(0);
                chosen = others[(at + 1) % others.len()];
            }
            let rows = self.episode(self.data.episode_starts[chosen] as u32);
            let mut demonstration = self.data.observations[rows.start * size..rows.end * size].to_vec();
            self.observation_normalizer.normalize(&mut demonstration);
            demonstration.iter_mut().for_each(|x| *x = x.clamp(-OBSERVATION_CLIP, OBSERVATION_CLIP));
            let begun = observations.len();
            observations.extend_from_slice(row);
            observations.extend(moments(&demonstration, size, count));
            if let Some(field) = exchanged.first() {
                let mut order: Vec<usize> = (0..field.len()).collect();
                shuffle(&mut order, generator);
                for one in observations[begun..].chunks_exact_mut(size) {
                    exchanged.iter().for_each(|field| permute(&mut one[field.clone()], &order));
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
        let (wide, narrow) = (self.data.observation.size(), self.data.action.size());
        let inputs = starts.len() * window.sequence;
        let mut observations = Vec::with_capacity(inputs * window.stacked * wide);
        let mut actions = Vec::with_capacity(inputs * window.chunk * narrow);
        let mut mask = Vec::with_capacity(inputs * window.chunk);
        let mut weights = Vec::with_capacity(inputs);
        for start in starts {
            let episode = self.episode(*start);
            for tick in *start as usize..*start as usize + window.sequence {
                for back in (0..window.stacked).rev() {
                    let row = tick.saturating_sub(back).clamp(episode.start, episode.end - 1);
                    observations.extend_from_slice(row_of(&self.data.observations, wide, row as u32));
                }
                for row in tick..tick + window.chunk {
                    let there = row < episode.end;
                    let row = row.min(episode.end - 1) as u32;
                    actions.extend_from_slice(row_of(&self.data.actions, narrow, row));
                    mask.push(f32::from(u8::from(there)));
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

    /// Check that no episode is shorter than a chunk of actions.
    ///
    /// # Errors
    /// [`TrainError::Data`] naming the first such episode.
    pub fn check_window(&self, window: Window) -> Result<(), TrainError> {
        for (number, start) in self.data.episode_starts.iter().enumerate() {
            let ticks = self.episode(*start as u32).len();
            if ticks < window.chunk {
                return Err(TrainError::Data {
                    origin: self.data.source.clone(),
                    message: format!(
                        "episode {number} has {ticks} ticks, fewer than the {} of a chunk; set head.chunk to {ticks} or \
                         less, or remove the episode",
                        window.chunk
                    ),
                });
            }
        }
        Ok(())
    }
}

fn row_of(table: &[f32], width: usize, row: u32) -> &[f32] {
    &table[row as usize * width..][..width]
}

/// Put values into another order.
fn permute(values: &mut [f32], order: &[usize]) {
    let before = values.to_vec();
    values.iter_mut().zip(order).for_each(|(value, from)| *value = before[*from]);
}

/// The given rows of a row-major table, one after the other in one allocation.
fn gather(table: &[f32], width: usize, rows: &[u32]) -> Vec<f32> {
    let mut out = Vec::with_capacity(rows.len() * width);
    rows.iter().for_each(|row| out.extend_from_slice(row_of(table, width, *row)));
    out
}
