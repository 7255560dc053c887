//! Tests of `rollout`.

mod evaluate;
mod vec_env;
