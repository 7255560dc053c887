//! Tests of `storage`.

mod lock;
mod replace;
