//! Batches on a device.

use burn::tensor::{Device, Tensor, TensorData};

use crate::learn::Batch;
use crate::policies::Targets;

/// A tensor with the given values.
pub fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// A tensor with the given values, and the shape and device of `other`.
pub fn tensor_like<const D: usize>(values: Vec<f32>, other: &Tensor<D>) -> Tensor<D> {
    tensor(values, other.dims(), &other.device())
}

/// A batch's inputs `[rows, sequence, input_dim]` and its targets, on a device.
pub fn tensors(batch: Batch, device: &Device) -> (Tensor<3>, Targets) {
    let (rows, window) = (batch.rows, batch.window);
    let inputs = rows * window.sequence_length;
    let dim = |values: &[f32], count: usize| values.len() / count.max(1);
    let (input_dim, target_dim) = (dim(&batch.observations, inputs), dim(&batch.actions, inputs));
    let targets = Targets {
        actions: tensor(batch.actions, [inputs, target_dim], device),
        mask: batch.mask.map(|mask| tensor(mask, [inputs, window.chunk_size], device)),
        chunk_size: window.chunk_size,
        weights: batch.weights.map(|weights| tensor(weights, [inputs, 1], device)),
    };
    (tensor(batch.observations, [rows, window.sequence_length, input_dim], device), targets)
}
