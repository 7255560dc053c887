//! Tests of `rollout`.

mod driver;
mod evaluate;
mod tampered_start;
mod trace;
mod transitions;
mod vec_env;
