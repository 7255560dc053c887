//! What networks make of rows of observations, tick by tick, without learning from it.

use burn::tensor::{Device, Tensor};
use rayon::prelude::*;

use super::advantages::Ending;
use super::rollouts::{Rollouts, normalized};
use crate::learn::tensors::tensor;
use crate::policies::{Carried, Chance, Head, Network};
use crate::spaces::Normalizer;

/// Rows that a core decides at once.
pub(super) const PIECE: usize = 64;

fn numbers(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// Features of a tick of some rows, by what a recurrent network remembers of them, which goes on.
fn features(network: &Network, inputs: &[f32], rows: usize, memory: &mut [f32]) -> Tensor<2> {
    let device = Device::flex();
    let inputs = tensor(inputs.to_vec(), [rows, 1, inputs.len() / rows], &device);
    if memory.is_empty() {
        return network.features(inputs, &[]);
    }
    let state = tensor(memory.to_vec(), [rows, memory.len() / rows], &device);
    match network.go_on(inputs.clone(), Carried { state, keeps: None }) {
        None => network.features(inputs, &[]),
        Some((features, state)) => {
            memory.copy_from_slice(&numbers(state));
            features
        }
    }
}

/// Draws of rows of normalised observations by normal noise, and their log-likelihoods.
pub(super) fn draw(
    network: &Network,
    inputs: &[f32],
    noise: &[f32],
    narrow: usize,
    memory: &mut [f32],
) -> (Vec<f32>, Vec<f32>) {
    let rows = noise.len() / narrow;
    let features = features(network, inputs, rows, memory);
    let noise = tensor(noise.to_vec(), [rows, narrow], &Device::flex());
    network
        .head()
        .draw(features.clone(), noise)
        .and_then(|actions| Some((actions.clone(), network.head().likelihood(features, actions)?)))
        .map(|(actions, likelihood)| (numbers(actions), numbers(likelihood.log)))
        .unwrap_or_default()
}

/// Log-likelihoods of normalised actions at rows of normalised observations.
pub(super) fn likelihoods(network: &Network, inputs: Vec<f32>, actions: Vec<f32>, narrow: usize) -> Vec<f32> {
    let rows = actions.len() / narrow;
    let wide = inputs.len() / rows.max(1);
    let features = network.features(tensor(inputs, [rows, 1, wide], &Device::flex()), &[]);
    let likelihood = network.head().likelihood(features, tensor(actions, [rows, narrow], &Device::flex()));
    likelihood.map_or_else(Vec::new, |likelihood| numbers(likelihood.log))
}

/// What a network decides without chance: of what a categorical head could draw, the median.
fn decided(network: &Network, inputs: &[f32], rows: usize, memory: &mut [f32]) -> Vec<f32> {
    let features = features(network, inputs, rows, memory);
    numbers(match network.head() {
        Head::Categorical(head) => head.median(features),
        head => head.decide(features, &mut Chance::Each(Vec::new())),
    })
}

/// The same of many rows, on all cores.
fn outputs(network: &Network, inputs: &[f32], wide: usize) -> Vec<f32> {
    const ROWS: usize = 1024;
    let pieces: Vec<_> = inputs.chunks(ROWS * wide).map(|inputs| (network.clone(), inputs)).collect();
    let pieces: Vec<Vec<f32>> = pieces
        .into_par_iter()
        .with_max_len(1)
        .map(|(network, inputs)| decided(&network, inputs, inputs.len() / wide, &mut []))
        .collect();
    pieces.concat()
}

/// What a network says about the ticks of an update.
pub(super) struct Said {
    /// `[ticks * rows, outputs]`
    pub ticks: Vec<f32>,
    /// Of what was seen last in the episodes that were cut off, in the ticks' order.
    pub truncated: Vec<f32>,
    /// Of what is seen after the last tick, `[rows, outputs]`.
    pub next: Vec<f32>,
    /// What it remembered before each sequence, `[ticks / sequence, rows, state]`.
    pub remembered: Vec<f32>,
}

/// What `network` says about an update, at whose end `last` is seen. Recurrent networks go on from `memory`
/// `[rows, state]` to where it is after the update, and forget where episodes end.
pub(super) fn say(
    network: &Network,
    rollouts: &Rollouts,
    last: &[f32],
    normalizer: &Normalizer,
    sequence: usize,
    memory: &mut [f32],
) -> Said {
    let wide = normalizer.size();
    let inputs = normalized(normalizer, &rollouts.observations);
    let next = normalized(normalizer, last);
    if memory.is_empty() {
        let (_, seen) = rollouts.truncated();
        return Said {
            ticks: outputs(network, &inputs, wide),
            truncated: outputs(network, &normalized(normalizer, &seen), wide),
            next: outputs(network, &next, wide),
            remembered: Vec::new(),
        };
    }
    let rows = rollouts.rows;
    let mut said = Said { ticks: Vec::new(), truncated: Vec::new(), next: Vec::new(), remembered: Vec::new() };
    let ticks = inputs.chunks_exact(rows * wide).zip(rollouts.endings.chunks_exact(rows));
    for (tick, (inputs, endings)) in ticks.enumerate() {
        if tick.is_multiple_of(sequence) {
            said.remembered.extend_from_slice(memory);
        }
        said.ticks.extend(decided(network, inputs, rows, memory));
        if endings.iter().any(|ending| matches!(ending, Ending::Truncated(_))) {
            let seen = normalized(normalizer, &rollouts.next[tick * rows * wide..(tick + 1) * rows * wide]);
            let all = decided(network, &seen, rows, &mut memory.to_vec());
            for (row, said_of) in all.chunks_exact(all.len() / rows).enumerate() {
                if matches!(endings[row], Ending::Truncated(_)) {
                    said.truncated.extend_from_slice(said_of);
                }
            }
        }
        forget(memory, endings);
    }
    said.next = decided(network, &next, rows, &mut memory.to_vec());
    said
}

/// Remember nothing of the rows whose episode ended.
pub(super) fn forget(memory: &mut [f32], endings: &[Ending]) {
    if memory.is_empty() {
        return;
    }
    let size = memory.len() / endings.len();
    for (memory, ending) in memory.chunks_exact_mut(size).zip(endings) {
        if *ending != Ending::Running {
            memory.fill(0.0);
        }
    }
}

/// How far a head's decisions are from those of an earlier policy: what that is unlikely by or, of a Gaussian, would be if
/// its deviation were 1. A likelihood would ask it to try less too, though it has everything to learn yet.
pub(super) fn strayed(head: &Head, features: Tensor<2>, wanted: Tensor<2>) -> Option<Tensor<1>> {
    if let Head::Gaussian(_) = head {
        let mean = head.decide(features, &mut Chance::Each(Vec::new()));
        return Some((mean - wanted).square().sum_dim(1).mean().mul_scalar(0.5));
    }
    Some(head.likelihood(features, wanted)?.log.mean().neg())
}
