//! Trajectories of a policy with expert labels: the action that an expert would have taken at each tick.

use bevy::ecs::entity::Entity;
use thiserror::Error;

use super::Player;
use super::exploration::Trajectory;
use super::seed_queue::SeedQueue;
use super::vec_env::{VecEnv, VecEnvOptions};
use crate::policies::{Policy, PolicyError};
use crate::scenes::Scene;
use crate::tasks::EpisodeEnd;
use crate::teleop::{Expert, Skill};

/// Parallel arenas.
const ARENAS: usize = 16;

/// Why the expert could not be queried.
#[derive(Debug, Error)]
pub enum ExpertQueryError {
    /// The scene has no scripted operator.
    #[error("scene `{0}` has no scripted operator to query; record interventions in the app instead")]
    NoOperator(String),
    /// The policy does not fit the scene.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// Roll out `policy` in `scene` for one episode per seed and label every tick with the action of an expert of `skill`
/// (the queries of DAgger, Ross et al. 2011, arXiv:1011.0686, algorithm 3.1). Trajectories are in the order of the
/// seeds.
///
/// # Errors
/// [`ExpertQueryError`]
pub fn query_expert(
    scene: &Scene,
    policy: Policy,
    skill: Skill,
    seeds: &[u64],
    threads: usize,
) -> Result<Vec<Trajectory>, ExpertQueryError> {
    let arenas = ARENAS.min(seeds.len());
    let mut trajectories = Vec::with_capacity(seeds.len());
    if arenas == 0 {
        return Ok(trajectories);
    }
    let options = VecEnvOptions { arenas, agents: 1, threads };
    let mut env = VecEnv::with_player(scene, options, Player::Policy(Box::new(policy)))?;
    for row in 0..arenas {
        let operator =
            scene.blueprint.operator(skill).ok_or_else(|| ExpertQueryError::NoOperator(scene.name.clone()))?;
        let (agent, act_dim) = (env.agent_entity(row), env.action_size());
        env.world_mut().entity_mut(agent).insert(Expert::new(operator, act_dim));
    }
    let agents: Vec<Entity> = (0..arenas).map(|row| env.agent_entity(row)).collect();
    let obs_dim = env.observation_size();
    let mut queue = SeedQueue::start(&mut env, seeds);
    let mut running = vec![Trajectory::default(); arenas];
    while trajectories.len() < seeds.len() {
        for (row, trajectory) in running.iter_mut().enumerate() {
            trajectory.observations.extend_from_slice(&env.last_step().observations[row * obs_dim..][..obs_dim]);
        }
        env.step_driven();
        for row in 0..arenas {
            if !env.last_step().active[row] {
                continue;
            }
            let step = env.last_step();
            let ended = step.terminated[row] || step.truncated[row];
            if let Some(expert) = env.world_mut().get::<Expert>(agents[row]) {
                running[row].actions.extend_from_slice(&expert.action);
            }
            if !ended {
                continue;
            }
            let finished = env.finished(row);
            let (seed, success) = (finished.seed, finished.end == Some(EpisodeEnd::Success));
            trajectories.push(Trajectory { seed, success, ..std::mem::take(&mut running[row]) });
            queue.advance(&mut env, row);
        }
    }
    trajectories.sort_by_key(|trajectory| seeds.iter().position(|seed| *seed == trajectory.seed));
    Ok(trajectories)
}
