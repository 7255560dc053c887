//! Random numbers for decisions and losses, passed in from outside.

use std::f32::consts::TAU;

use bevy::math::ops;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_pcg::Pcg64;

/// Where the rows of a batch take their random numbers from.
#[derive(Debug)]
pub enum Chance<'a> {
    /// All rows from one generator, one after the other: training.
    Shared(&'a mut Pcg64),
    /// Each row from its own, so that what an agent does never depends on who else is decided with it: driving.
    Each(Vec<&'a mut Pcg64>),
}

impl Chance<'_> {
    fn of(&mut self, row: usize) -> &mut Pcg64 {
        match self {
            Self::Shared(generator) => generator,
            Self::Each(generators) => generators[row],
        }
    }

    /// `[rows, columns]` numbers uniform in 0..1, row-major.
    ///
    /// # Panics
    /// When there are fewer generators than rows.
    pub fn uniform(&mut self, rows: usize, columns: usize) -> Vec<f32> {
        let mut values = Vec::with_capacity(rows * columns);
        for row in 0..rows {
            let generator = self.of(row);
            values.extend((0..columns).map(|_| generator.random::<f32>()));
        }
        values
    }

    /// `[rows, columns]` numbers of the standard normal distribution (Box & Muller 1958).
    ///
    /// # Panics
    /// When there are fewer generators than rows.
    pub fn normal(&mut self, rows: usize, columns: usize, device: &Device) -> Tensor<2> {
        let pairs = columns.div_ceil(2);
        let uniform = self.uniform(rows, 2 * pairs);
        let mut values = Vec::with_capacity(rows * columns);
        for row in uniform.chunks_exact(2 * pairs) {
            let both = row.chunks_exact(2).flat_map(|pair| {
                // 1 - u is above zero, where the logarithm ends.
                let (radius, angle) = ((-2.0 * ops::ln(1.0 - pair[0])).sqrt(), TAU * pair[1]);
                [radius * ops::cos(angle), radius * ops::sin(angle)]
            });
            values.extend(both.take(columns));
        }
        Tensor::from_data(TensorData::new(values, [rows, columns]), device)
    }
}
