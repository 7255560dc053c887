//! Tests of `rollout`.

mod driver;
mod evaluate;
mod trace;
mod transitions;
mod vec_env;
