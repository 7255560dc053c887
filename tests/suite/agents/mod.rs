//! Tests of `agents`.

mod humanoid;
mod mirror;
mod sensors;
mod vehicle;
