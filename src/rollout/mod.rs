//! Headless simulation: the vectorized environment, the rollout driver, and what records, replays, collects and evaluates
//! episodes with them.

mod arena_memory;
mod check;
mod driver;
mod evaluate;
mod expert_query;
mod exploration;
mod exploration_noise;
mod ground_path;
mod headless;
mod players;
mod random;
mod record;
mod remote_actions;
mod resimulation;
mod seed_queue;
mod seeds;
mod step;
mod trace;
mod trajectory;
mod transitions;
mod vec_env;
mod vec_env_options;
mod wilson;

pub use arena_memory::arena_memory;
pub use check::{CheckReport, check_dataset};
pub use driver::{Record, RolloutError, RolloutOptions, collect_trajectories, rollout};
pub use evaluate::{EpisodeResult, Evaluation, TermMean, evaluate, evaluate_side, normalized_score};
pub use expert_query::query_expert;
pub use exploration::explore;
pub use exploration_noise::ExplorationNoise;
pub use ground_path::GroundPath;
pub use headless::{SandboxPlugins, headless_app};
pub use players::Player;
pub use random::RandomActions;
pub use record::{Demonstrator, RecordError, RecordReport, demonstrate, record};
pub use resimulation::resimulate;
pub use seeds::{evaluation_seeds, recording_seeds};
pub use step::{FinishedEpisode, Step};
pub use trace::{Trace, trace_episode, trace_policy};
pub use trajectory::Trajectory;
pub use transitions::{Transitions, TransitionsWithRewards, collect_transitions};
pub use vec_env::VecEnv;
pub use vec_env_options::VecEnvOptions;
pub use wilson::wilson_interval;
