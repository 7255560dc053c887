//! Random numbers for inference and losses. The generators are passed in; there is no global one.

use std::f32::consts::TAU;

use bevy::math::ops;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_pcg::Pcg64;

/// Source of the random numbers of a batch.
#[derive(Debug)]
pub enum BatchRng<'a> {
    /// Training: all rows draw from one generator, row after row.
    Shared(&'a mut Pcg64),
    /// Inference: each row draws from its own generator, so that an agent's action does not depend on the other agents
    /// in the batch.
    PerRow(Vec<&'a mut Pcg64>),
}

impl BatchRng<'_> {
    /// The generator of a row.
    fn row(&mut self, row: usize) -> &mut Pcg64 {
        match self {
            Self::Shared(generator) => generator,
            Self::PerRow(generators) => generators[row],
        }
    }

    /// `[rows, columns]` samples of the uniform distribution on `0..1`, row-major.
    ///
    /// # Panics
    /// When there are fewer generators than rows.
    pub fn uniform(&mut self, rows: usize, columns: usize) -> Vec<f32> {
        let mut values = Vec::with_capacity(rows * columns);
        for row in 0..rows {
            let generator = self.row(row);
            values.extend((0..columns).map(|_| generator.random::<f32>()));
        }
        values
    }

    /// `[rows, columns]` samples of the standard normal distribution (Box & Muller 1958).
    ///
    /// # Panics
    /// When there are fewer generators than rows.
    pub fn normal(&mut self, rows: usize, columns: usize, device: &Device) -> Tensor<2> {
        let pairs = columns.div_ceil(2);
        let uniform = self.uniform(rows, 2 * pairs);
        let mut values = Vec::with_capacity(rows * columns);
        for row in uniform.chunks_exact(2 * pairs) {
            let samples = row.chunks_exact(2).flat_map(|pair| {
                // 1 - u is above zero, so that the logarithm is finite.
                let (radius, angle) = ((-2.0 * ops::ln(1.0 - pair[0])).sqrt(), TAU * pair[1]);
                [radius * ops::cos(angle), radius * ops::sin(angle)]
            });
            values.extend(samples.take(columns));
        }
        Tensor::from_data(TensorData::new(values, [rows, columns]), device)
    }
}
