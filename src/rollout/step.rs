//! The result of a step of the vectorized environment, and the statistics of its episodes.

use crate::tasks::EpisodeEnd;

/// The result of a step. Row `r` of every field is agent `r % agents` of arena `r / agents`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step<'a> {
    /// `[rows, observation size]`, row-major: the input of the next action. Where the arena's episode has just ended,
    /// the first observation of its next episode.
    pub observations: &'a [f32],
    /// `[rows]`: the reward of this tick.
    pub rewards: &'a [f32],
    /// `[rows]`: the agent's episode ended by success or failure. The value of the final state is 0.
    pub terminated: &'a [bool],
    /// `[rows]`: the agent's episode was truncated by the time limit or by a fixed horizon. The final state still has a
    /// value: bootstrap from `final_observations` (Pardo et al. 2018, arXiv:1712.00378).
    pub truncated: &'a [bool],
    /// `[rows, observation size]`: the last observation of an episode, in the rows that are `terminated` or
    /// `truncated`. The other rows are stale.
    pub final_observations: &'a [f32],
    /// `[rows]`: whether the agent's episode was running in the tick that was just simulated. False where it had ended
    /// before those of other agents in its arena. An inactive row has reward 0; do not train on it.
    pub active: &'a [bool],
    /// `[rows]`: whether the agent's episode has ended and it waits for the other agents of its arena. Its next action is
    /// ignored, and its observation is that of the body without control. With one agent per arena, only rows of retired
    /// arenas wait.
    pub waiting: &'a [bool],
}

/// Statistics of an agent's last completed episode.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FinishedEpisode {
    /// The episode's seed.
    pub seed: u64,
    /// How it ended; `None` before the first episode has ended.
    pub end: Option<EpisodeEnd>,
    /// Its length, ticks.
    pub ticks: u64,
    /// Per reward term: the weighted sum over the episode.
    pub terms: Vec<f32>,
}

impl FinishedEpisode {
    /// The episode return: sum of the rewards.
    pub fn episode_return(&self) -> f32 {
        self.terms.iter().sum()
    }
}
