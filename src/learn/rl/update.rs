//! What the ticks of an update teach, in batches.

use burn::tensor::{Device, Tensor};

use crate::learn::random::{Purpose, generator, shuffle};
use crate::learn::tensors::tensor;
use crate::learn::{TrainConfig, UpdateStep};

/// A batch of what is learned from, on a device.
pub(super) struct Lesson {
    pub inputs: Tensor<3>,
    pub actions: Tensor<2>,
    pub logs: Tensor<2>,
    pub advantages: Tensor<2>,
    pub returns: Tensor<2>,
    pub stay: Option<Tensor<2>>,
}

/// All ticks of an update.
pub(super) struct Ticks {
    pub inputs: Vec<f32>,
    pub actions: Vec<f32>,
    pub logs: Vec<f32>,
    pub advantages: Vec<f32>,
    pub returns: Vec<f32>,
    /// What the policy that it began from would have done.
    pub stay: Option<Vec<f32>>,
}

impl Ticks {
    /// These ticks on a device.
    pub fn lesson(&self, rows: &[usize], device: &Device) -> Lesson {
        let all = self.logs.len();
        let take = |values: &[f32]| -> Tensor<2> {
            let size = values.len() / all;
            let taken = rows.iter().flat_map(|row| &values[row * size..(row + 1) * size]).copied().collect();
            tensor(taken, [rows.len(), size], device)
        };
        Lesson {
            inputs: take(&self.inputs).unsqueeze_dim(1),
            actions: take(&self.actions),
            logs: take(&self.logs),
            advantages: take(&self.advantages),
            returns: take(&self.returns),
            stay: self.stay.as_deref().map(take),
        }
    }
}

/// The rows of each batch of an update.
pub(super) fn orders(config: &TrainConfig, rows: usize, step: UpdateStep) -> Vec<Vec<usize>> {
    let mut batches = Vec::new();
    for epoch in 0..config.ppo.epochs {
        let mut order: Vec<usize> = (0..rows).collect();
        shuffle(&mut order, &mut generator(step.seed, Purpose::Shuffle, step.index * config.ppo.epochs + epoch));
        batches.extend(order.chunks(config.training.batch_size).map(<[usize]>::to_vec));
    }
    batches
}
