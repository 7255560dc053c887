//! Tests of `learn/supervised`.

mod continual;
mod discriminator;
mod gaussian;
mod hardly_varied;
mod linear_expert;
mod memory;
mod modes;
mod one_shot;
