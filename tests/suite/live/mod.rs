//! Tests of `live`.

mod clock;
mod session;
mod training;
