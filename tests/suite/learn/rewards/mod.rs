//! Tests of `learn/rewards`.

mod known_answers;
mod resume;
mod reward_nets;
