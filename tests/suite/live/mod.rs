//! Tests of `live`.

mod session;
