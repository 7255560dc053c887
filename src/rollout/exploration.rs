//! Random exploration, with or without a policy.

use super::driver::{Record, RolloutError, RolloutOptions, collect_trajectories};
use super::exploration_noise::ExplorationNoise;
use super::players::Player;
use super::trajectory::Trajectory;
use crate::policies::Policy;
use crate::scenes::Scene;

/// Exploration without a policy: actions vary in half of their range around the neutral action.
const RANDOM_EXPLORATION: ExplorationNoise = ExplorationNoise { scale: 0.5, interval: 1 };

/// Roll out one episode of `scene` per seed. Without a `policy`, actions are random. With one, they are the policy's; in
/// every other episode, beginning with the first, noise of up to `noise` times the action range is added. Noise is held
/// for about half a second. Trajectories are in the order of the seeds. `threads` step arenas; 0 means one per core.
///
/// # Errors
/// [`RolloutError::Policy`] when the policy does not fit the scene's agent.
pub fn explore(
    scene: &Scene,
    policy: Option<&Policy>,
    noise: f32,
    seeds: &[u64],
    threads: usize,
) -> Result<Vec<Trajectory>, RolloutError> {
    let (player, noise) = match policy {
        Some(policy) => (Player::Policy(Box::new(policy.clone())), ExplorationNoise { scale: noise, interval: 2 }),
        None => (Player::Neutral, RANDOM_EXPLORATION),
    };
    let options =
        RolloutOptions { threads, record: Record::Transitions, noise: Some(noise), ..RolloutOptions::default() };
    collect_trajectories(scene, vec![player], seeds, &options)
}
