//! Headless simulation: episodes run back to back, recorded, replayed, judged.

mod ask;
mod check;
mod deal;
mod evaluate;
mod explore;
mod headless;
mod moves;
mod players;
mod random;
mod record;
mod seeds;
mod trace;
mod vec_env;
mod wilson;

pub use ask::{AskError, ask_expert};
pub use check::{CheckReport, check_dataset, resimulate};
pub use evaluate::{EpisodeResult, Evaluation, TermMean, evaluate, evaluate_side, normalized_score};
pub use explore::{Experience, explore};
pub use headless::{SandboxPlugins, headless_app};
pub use moves::{Moves, moves};
pub use players::Player;
pub use random::RandomActions;
pub use record::{Demonstrator, RecordError, RecordReport, demonstrate, record};
pub use seeds::{evaluation_seeds, recording_seeds};
pub use trace::{Trace, trace_episode, trace_policy};
pub use vec_env::{FinishedEpisode, Step, VecEnv, VecEnvOptions};
pub use wilson::wilson_interval;
