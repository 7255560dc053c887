//! Batches on a device.

use burn::tensor::{Device, Tensor, TensorData};

use super::Batch;
use crate::policies::Targets;

/// Rows of numbers on a device.
pub fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Numbers in the shape and on the device of another tensor.
pub fn tensor_like<const D: usize>(values: Vec<f32>, other: &Tensor<D>) -> Tensor<D> {
    tensor(values, other.dims(), &other.device())
}

/// A batch's inputs `[rows, sequence, numbers]` and its targets, on a device.
pub fn tensors(batch: Batch, device: &Device) -> (Tensor<3>, Targets) {
    let (rows, window) = (batch.rows, batch.window);
    let inputs = rows * window.sequence;
    let numbers = |values: &[f32], count: usize| values.len() / count.max(1);
    let (wide, narrow) = (numbers(&batch.observations, inputs), numbers(&batch.actions, inputs));
    let targets = Targets {
        actions: tensor(batch.actions, [inputs, narrow], device),
        mask: batch.mask.map(|mask| tensor(mask, [inputs, window.chunk], device)),
        chunk: window.chunk,
        weights: batch.weights.map(|weights| tensor(weights, [inputs, 1], device)),
    };
    (tensor(batch.observations, [rows, window.sequence, wide], device), targets)
}
