//! Tests of `learn/interactive`.

mod bco;
mod dagger;
