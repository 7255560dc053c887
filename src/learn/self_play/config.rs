//! Settings of self-play.

use serde::{Deserialize, Serialize};

/// `[self_play]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SelfPlayConfig {
    /// Updates of each side after which its policy joins the pool that the other side plays against.
    pub generation: u64,
    /// Share of the episodes that are played against the newest of the pool; the rest are against any of it, most against
    /// those that a side can learn most from, who are neither beaten always nor never ([`Games::evenness`](super::Games::evenness)).
    pub newest: f32,
    /// Games that each new policy plays against every one of the other side, for the ratings. All pairs play from the same
    /// starts.
    pub games: usize,
}

impl Default for SelfPlayConfig {
    fn default() -> Self {
        Self { generation: 25, newest: 0.5, games: 20 }
    }
}
