//! Trajectories of a policy with expert labels: the action that an expert would have taken at each tick.

use super::driver::{Record, RolloutError, RolloutOptions, collect_trajectories};
use super::players::Player;
use super::trajectory::Trajectory;
use crate::policies::Policy;
use crate::scenes::Scene;
use crate::teleop::Skill;

/// Roll out `policy` in `scene` for one episode per seed and label every tick with the action of an expert of `skill`
/// (the queries of DAgger, Ross et al. 2011, arXiv:1011.0686, algorithm 3.1): [`Trajectory::expert_actions`].
/// Trajectories are in the order of the seeds. `threads` step arenas; 0 means one per core.
///
/// # Errors
/// [`RolloutError`]
pub fn query_expert(
    scene: &Scene,
    policy: Policy,
    skill: Skill,
    seeds: &[u64],
    threads: usize,
) -> Result<Vec<Trajectory>, RolloutError> {
    let options =
        RolloutOptions { threads, record: Record::Transitions, expert: Some(skill), ..RolloutOptions::default() };
    collect_trajectories(scene, vec![Player::Policy(Box::new(policy))], seeds, &options)
}
