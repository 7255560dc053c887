//! Tests of `live`.

mod clock;
mod session;
