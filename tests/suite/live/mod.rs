//! Tests of `live`.

mod clock;
mod keyboard;
mod recovered;
mod saving;
mod scene_policies;
mod session;
mod training;
mod waiting;
