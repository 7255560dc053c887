//! Tests of `teleop`.

mod key_quantizer;
mod operators;
