//! Headless simulation: the vectorized environment, and the rollouts that record, replay, collect and evaluate episodes.

mod check;
mod evaluate;
mod expert_query;
mod exploration;
mod headless;
mod players;
mod random;
mod record;
mod seed_queue;
mod seeds;
mod trace;
mod transitions;
mod vec_env;
mod wilson;

pub use check::{CheckReport, check_dataset, resimulate};
pub use evaluate::{EpisodeResult, Evaluation, TermMean, evaluate, evaluate_side, normalized_score};
pub use expert_query::{ExpertQueryError, query_expert};
pub use exploration::{Trajectory, explore};
pub use headless::{SandboxPlugins, headless_app};
pub use players::Player;
pub use random::RandomActions;
pub use record::{Demonstrator, RecordError, RecordReport, demonstrate, record};
pub use seeds::{evaluation_seeds, recording_seeds};
pub use trace::{Trace, trace_episode, trace_policy};
pub use transitions::{Transitions, collect_transitions};
pub use vec_env::{FinishedEpisode, Step, VecEnv, VecEnvOptions};
pub use wilson::wilson_interval;
