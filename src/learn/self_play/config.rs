//! Settings of self-play.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::learn::core::section::Section;

/// Self-play.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SelfPlayConfig {
    /// Updates of each side between snapshots of its policy, which join its opponent pool.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub snapshot_interval: u64,
    /// Probability that an episode is played against the latest snapshot of the other side. Otherwise the opponent is
    /// sampled from the pool by prioritized fictitious self-play ([`Games::pfsp_weights`](super::Games::pfsp_weights)).
    #[schemars(range(min = 0, max = 1))]
    pub play_against_latest_ratio: f32,
    /// Rating games between each new snapshot and each snapshot of the other side. All pairs play from the same starts.
    #[schemars(range(min = 1, max = 10_000))]
    pub n_rating_games: usize,
}

impl Default for SelfPlayConfig {
    fn default() -> Self {
        Self { snapshot_interval: 25, play_against_latest_ratio: 0.5, n_rating_games: 20 }
    }
}

impl Section for SelfPlayConfig {
    const NAME: &'static str = "self_play";
}
