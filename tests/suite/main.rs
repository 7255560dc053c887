//! The behavior tests: folders as in `src/`, one file for each behavior, one binary so that the crate is linked once.

mod agents;
mod bench;
mod cli;
mod demos;
mod learn;
mod live;
mod policies;
mod rollout;
mod scenes;
mod sim;
mod spaces;
mod storage;
mod study;
mod tasks;
mod teleop;
mod testing;
mod tune;
