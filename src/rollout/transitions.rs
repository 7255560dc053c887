//! Transitions from one observation to the next, as flat rows.

use serde::{Deserialize, Serialize};

use super::driver::{Record, RolloutError, RolloutOptions, collect_trajectories};
use super::players::Player;
use super::trajectory::Trajectory;
use crate::scenes::Scene;

/// Transitions as flat rows, in the layouts' units.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Transitions {
    /// Observation dimension.
    pub obs_dim: usize,
    /// Action dimension; 0 without actions.
    pub act_dim: usize,
    /// Before each tick, `[rows, obs_dim]`.
    pub observations: Vec<f32>,
    /// `[rows, act_dim]`.
    pub actions: Vec<f32>,
    /// After each tick, `[rows, obs_dim]`.
    pub next_observations: Vec<f32>,
}

impl Transitions {
    /// Number of transitions.
    pub fn rows(&self) -> usize {
        self.observations.len() / self.obs_dim.max(1)
    }
}

/// Transitions with the rewards of the task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransitionsWithRewards {
    /// The transitions.
    pub transitions: Transitions,
    /// The task's reward, `[rows]`.
    pub rewards: Vec<f32>,
    /// Position (x, z) of the body's root on the ground after each tick, m, `[rows]`. Empty where the rollout did not
    /// record it.
    pub positions: Vec<(f32, f32)>,
}

impl TransitionsWithRewards {
    /// The transitions of episodes, with observations of dimension `obs_dim` and actions of dimension `act_dim`. They are
    /// in the order in which parallel environments yield them: step by step, and by environment within a step.
    ///
    /// The last tick of each episode is left out, as in the transitions of demonstrations, which have no observation after
    /// their last tick: agents and demonstrators are compared on the same ticks.
    ///
    /// # Panics
    /// When an episode was recorded without its transitions, or with other dimensions.
    pub fn from_trajectories(obs_dim: usize, act_dim: usize, trajectories: &[Trajectory]) -> Self {
        let mut rows: Vec<(u64, usize, usize, usize)> = Vec::new();
        for (number, trajectory) in trajectories.iter().enumerate() {
            let last = trajectory.ticks.saturating_sub(1);
            rows.extend((0..last).map(|tick| (trajectory.start_step + tick as u64, trajectory.env, number, tick)));
        }
        rows.sort_unstable();
        let mut out = Self { transitions: Transitions { obs_dim, act_dim, ..Default::default() }, ..Self::default() };
        let Transitions { observations, actions, next_observations, .. } = &mut out.transitions;
        for (_, _, number, tick) in rows {
            let trajectory = &trajectories[number];
            observations.extend_from_slice(&trajectory.observations[tick * obs_dim..(tick + 1) * obs_dim]);
            actions.extend_from_slice(&trajectory.actions[tick * act_dim..(tick + 1) * act_dim]);
            next_observations.extend_from_slice(&trajectory.observations[(tick + 1) * obs_dim..(tick + 2) * obs_dim]);
            out.rewards.push(trajectory.rewards[tick]);
            out.positions.extend(trajectory.path.positions.get(tick));
        }
        out
    }
}

/// Roll out one episode of `scene` per seed and collect its transitions, without the last tick of each episode
/// ([`TransitionsWithRewards::from_trajectories`]). Of several agents in an arena, only the first is recorded. `threads`
/// step arenas; 0 means one per core.
///
/// # Errors
/// [`RolloutError::Policy`] when the policy does not fit the scene's agent.
pub fn collect_transitions(
    scene: &Scene,
    player: Player,
    seeds: &[u64],
    threads: usize,
) -> Result<TransitionsWithRewards, RolloutError> {
    let options = RolloutOptions { threads, record: Record::Path, ..RolloutOptions::default() };
    let trajectories = collect_trajectories(scene, vec![player], seeds, &options)?;
    let spaces = scene.blueprint.spaces();
    Ok(TransitionsWithRewards::from_trajectories(spaces.observation.size(), spaces.action.size(), &trajectories))
}
