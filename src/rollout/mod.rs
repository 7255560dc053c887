//! Headless simulation: episodes run back to back, recorded, replayed, judged.

mod check;
mod evaluate;
mod headless;
mod record;
mod seeds;
mod trace;
mod wilson;

pub use check::{CheckReport, check_dataset, resimulate};
pub use evaluate::{EpisodeResult, Evaluation, Player, TermMean, evaluate, normalized_score};
pub use headless::{SandboxPlugins, headless_app};
pub use record::{RecordError, RecordReport, record};
pub use seeds::{evaluation_seeds, recording_seeds};
pub use trace::{Trace, trace_episode, trace_policy};
pub use wilson::wilson_interval;
