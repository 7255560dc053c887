//! Generalised advantage estimation (Schulman et al. 2015, arXiv:1506.02438, equation 16).

/// What follows a tick.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Ending {
    /// The episode goes on with the next tick.
    #[default]
    Running,
    /// The episode ended; nothing more is to be had.
    Terminated,
    /// The episode was cut off by its time limit, in a state of this value (Pardo et al. 2018, arXiv:1712.00378).
    Truncated(f32),
}

/// The advantage of each tick of one agent: `sum over l of (discount lambda)^l delta(t + l)` with
/// `delta(t) = reward(t) + discount value(t + 1) - value(t)`. A sum ends where an episode ends.
///
/// `rewards`, `values` and `endings` are of the same ticks, in order; `next` is the value of the state after the last
/// of them, where its episode goes on.
///
/// # Panics
/// When the three are not of one length.
pub fn generalized_advantages(
    rewards: &[f32],
    values: &[f32],
    endings: &[Ending],
    next: f32,
    (discount, lambda): (f32, f32),
) -> Vec<f32> {
    assert!(rewards.len() == values.len() && values.len() == endings.len(), "one value and ending for each reward");
    let mut advantages = vec![0.0; rewards.len()];
    let (mut next, mut following) = (next, 0.0);
    for tick in (0..rewards.len()).rev() {
        match endings[tick] {
            Ending::Running => {}
            Ending::Terminated => (next, following) = (0.0, 0.0),
            Ending::Truncated(value) => (next, following) = (value, 0.0),
        }
        let delta = rewards[tick] + discount * next - values[tick];
        following = delta + discount * lambda * following;
        advantages[tick] = following;
        next = values[tick];
    }
    advantages
}
