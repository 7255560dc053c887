//! Tests of `scenes`.

mod curriculum;
mod library;
mod numbers;
