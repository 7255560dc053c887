//! Generalized advantage estimation (Schulman et al. 2015, arXiv:1506.02438, equation 16).

/// Whether an episode ended with a step, as Gymnasium distinguishes it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum EpisodeStatus {
    /// The episode goes on with the next step.
    #[default]
    Running,
    /// The episode ended in a terminal state, whose value is 0.
    Terminated,
    /// The episode was cut off by its time limit. Holds the value of its last state, from which the return is
    /// bootstrapped (Pardo et al. 2018, arXiv:1712.00378).
    Truncated(f32),
}

/// The advantage of each step of one environment: `sum over l of (gamma lambda)^l delta(t + l)` with
/// `delta(t) = reward(t) + gamma value(t + 1) - value(t)`. The sum stops at the end of an episode.
///
/// `rewards`, `values` and `statuses` are those of consecutive steps, `[n_steps]`. `next_value` is the value of the state
/// after the last step; it is used if that step's episode is running.
///
/// # Panics
/// The three slices differ in length.
pub fn compute_gae(
    rewards: &[f32],
    values: &[f32],
    statuses: &[EpisodeStatus],
    next_value: f32,
    gamma: f32,
    gae_lambda: f32,
) -> Vec<f32> {
    assert!(
        rewards.len() == values.len() && values.len() == statuses.len(),
        "each step needs a reward, a value and an episode status"
    );
    let mut advantages = vec![0.0; rewards.len()];
    let (mut next_value, mut next_advantage) = (next_value, 0.0);
    for step in (0..rewards.len()).rev() {
        match statuses[step] {
            EpisodeStatus::Running => {}
            EpisodeStatus::Terminated => (next_value, next_advantage) = (0.0, 0.0),
            EpisodeStatus::Truncated(value) => (next_value, next_advantage) = (value, 0.0),
        }
        let delta = rewards[step] + gamma * next_value - values[step];
        next_advantage = delta + gamma * gae_lambda * next_advantage;
        advantages[step] = next_advantage;
        next_value = values[step];
    }
    advantages
}
