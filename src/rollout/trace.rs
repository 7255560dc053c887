//! The path of an episode over the ground, by simulation.

use super::driver::{Record, RolloutError, RolloutOptions, collect_trajectories};
use super::ground_path::{GroundPath, PathReader};
use super::players::Player;
use super::resimulation::Resimulation;
use super::trajectory::Trajectory;
use crate::demos::Episode;
use crate::policies::Policy;
use crate::scenes::Scene;
use crate::sim::{SnapshotError, tick};
use crate::tasks::Score;

/// The path of one episode.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// The path over the ground.
    pub path: GroundPath,
    /// Whether the task succeeded.
    pub success: bool,
}

/// The path of a recorded episode, by re-simulation.
///
/// # Errors
/// [`SnapshotError`] when the recorded start cannot be restored.
pub fn trace_episode(scene: &Scene, episode: &Episode) -> Result<Trace, SnapshotError> {
    let Resimulation { mut world, agent } = Resimulation::start(scene, episode)?;
    let mut paths = PathReader::new(&mut world);
    let mut trace = Trace::default();
    for _ in 0..episode.len() {
        tick(&mut world);
        paths.append(&mut world, agent, &mut trace.path);
        if let Some(score) = world.get::<Score>(agent).filter(|score| score.end.is_some()) {
            trace.success = score.succeeded();
            break;
        }
    }
    Ok(trace)
}

/// The path of a policy in the episode of `seed`. In a scene with sides, it plays the first one; the others do not act.
///
/// # Errors
/// [`RolloutError::Policy`] when the policy does not fit the scene's agent.
pub fn trace_policy(scene: &Scene, policy: Policy, seed: u64) -> Result<Trace, RolloutError> {
    let options = RolloutOptions { threads: 1, record: Record::Path, ..RolloutOptions::default() };
    let players = vec![Player::Policy(Box::new(policy)), Player::Neutral];
    let trajectories = collect_trajectories(scene, players, &[seed], &options)?;
    let trace = |trajectory: Trajectory| Trace { success: trajectory.succeeded(), path: trajectory.path };
    Ok(trajectories.into_iter().next().map(trace).unwrap_or_default())
}
