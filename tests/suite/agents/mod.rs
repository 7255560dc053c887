//! Tests of `agents`.

mod humanoid;
mod kinds;
mod mirror;
mod sensors;
mod vehicle;
