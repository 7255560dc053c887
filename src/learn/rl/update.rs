//! What the ticks of an update teach, in batches.

use burn::tensor::{Device, Tensor};

use super::advantages::Ending;
use crate::learn::random::{Purpose, generator, shuffle};
use crate::learn::tensors::tensor;
use crate::learn::{TrainConfig, UpdateStep};
use crate::policies::{Carried, Network};

/// A batch of what is learned from, on a device.
pub(super) struct Lesson {
    /// `[sequences, ticks, numbers]`
    inputs: Tensor<3>,
    carried: Option<Carried>,
    pub actions: Tensor<2>,
    pub logs: Tensor<2>,
    pub advantages: Tensor<2>,
    pub returns: Tensor<2>,
    pub stay: Option<Tensor<2>>,
}

impl Lesson {
    /// What `network` makes of the ticks, `[sequences * ticks, width]`.
    pub fn features(&self, network: &Network) -> Tensor<2> {
        let gone_on = self.carried.clone().and_then(|carried| network.go_on(self.inputs.clone(), carried));
        gone_on.map_or_else(|| network.features(self.inputs.clone(), &[]), |(features, _)| features)
    }
}

/// All ticks of an update: entry `tick * rows + row`.
pub(super) struct Ticks {
    /// Agents side by side.
    pub rows: usize,
    /// Ticks in a row that are learned from together: 1 for networks that remember nothing.
    pub sequence: usize,
    pub inputs: Vec<f32>,
    pub actions: Vec<f32>,
    pub logs: Vec<f32>,
    pub advantages: Vec<f32>,
    pub returns: Vec<f32>,
    pub endings: Vec<Ending>,
    /// What the policy that it began from would have done.
    pub stay: Option<Vec<f32>>,
}

impl Ticks {
    /// Sequences, each of one row.
    fn sequences(&self) -> usize {
        self.logs.len() / self.sequence
    }

    /// These sequences on a device, for a network that remembered `remembered` `[sequences, state]` before each.
    pub fn lesson(&self, sequences: &[usize], remembered: &[f32], device: &Device) -> Lesson {
        let all = self.logs.len();
        let entries: Vec<usize> = sequences
            .iter()
            .flat_map(|at| {
                let (piece, row) = (at / self.rows, at % self.rows);
                (0..self.sequence).map(move |tick| (piece * self.sequence + tick) * self.rows + row)
            })
            .collect();
        let take = |values: &[f32]| -> Tensor<2> {
            let size = values.len() / all;
            let taken = entries.iter().flat_map(|at| &values[at * size..(at + 1) * size]).copied().collect();
            tensor(taken, [entries.len(), size], device)
        };
        let count = sequences.len();
        let carried = (!remembered.is_empty()).then(|| {
            let size = remembered.len() / self.sequences();
            let state = sequences.iter().flat_map(|at| &remembered[at * size..(at + 1) * size]).copied().collect();
            // What was remembered before a sequence's first tick knows already of the tick before.
            let goes_on = |(at, entry): (usize, &usize)| {
                at.is_multiple_of(self.sequence) || self.endings[entry - self.rows] == Ending::Running
            };
            let keeps = entries.iter().enumerate().map(|tick| f32::from(u8::from(goes_on(tick)))).collect();
            Carried {
                state: tensor(state, [count, size], device),
                keeps: Some(tensor(keeps, [count, self.sequence], device)),
            }
        });
        let inputs = take(&self.inputs);
        let wide = inputs.dims()[1];
        Lesson {
            inputs: inputs.reshape([count, self.sequence, wide]),
            carried,
            actions: take(&self.actions),
            logs: take(&self.logs),
            advantages: take(&self.advantages),
            returns: take(&self.returns),
            stay: self.stay.as_deref().map(take),
        }
    }

    /// The sequences of each batch of an update.
    pub fn orders(&self, config: &TrainConfig, step: UpdateStep) -> Vec<Vec<usize>> {
        let size = (config.training.batch_size / self.sequence).max(1);
        let mut batches = Vec::new();
        for epoch in 0..config.ppo.epochs {
            let mut order: Vec<usize> = (0..self.sequences()).collect();
            shuffle(&mut order, &mut generator(step.seed, Purpose::Shuffle, step.index * config.ppo.epochs + epoch));
            batches.extend(order.chunks(size).map(<[usize]>::to_vec));
        }
        batches
    }
}
