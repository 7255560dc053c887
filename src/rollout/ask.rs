//! Episodes of a policy, with what an expert would have done at each tick.

use bevy::ecs::entity::Entity;
use thiserror::Error;

use super::Player;
use super::deal::Deal;
use super::explore::Experience;
use super::vec_env::{VecEnv, VecEnvOptions};
use crate::policies::{Policy, PolicyError};
use crate::scenes::Scene;
use crate::tasks::End;
use crate::teleop::{Expert, Skill};

/// Arenas that are asked about side by side.
const ARENAS: usize = 16;

/// Why nobody could be asked.
#[derive(Debug, Error)]
pub enum AskError {
    /// The scene has no scripted operator.
    #[error("scene `{0}` has no scripted operator to ask; record interventions in the app instead")]
    NoOperator(String),
    /// The policy does not fit the scene.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// Let `policy` play `scene` once for each seed and ask an expert of `skill` at every tick what it would do (the
/// queries of DAgger, Ross et al. 2011, arXiv:1011.0686, algorithm 3.1). Episodes come in the order of the seeds.
///
/// # Errors
/// [`AskError`]
pub fn ask_expert(
    scene: &Scene,
    policy: Policy,
    skill: Skill,
    seeds: &[u64],
    threads: usize,
) -> Result<Vec<Experience>, AskError> {
    let arenas = ARENAS.min(seeds.len());
    let mut done = Vec::with_capacity(seeds.len());
    if arenas == 0 {
        return Ok(done);
    }
    let options = VecEnvOptions { arenas, agents: 1, threads };
    let mut env = VecEnv::played(scene, options, Player::Policy(Box::new(policy)))?;
    for row in 0..arenas {
        let operator = scene.blueprint.operator(skill).ok_or_else(|| AskError::NoOperator(scene.name.clone()))?;
        let (agent, size) = (env.agent_entity(row), env.action_size());
        env.world_mut().entity_mut(agent).insert(Expert::new(operator, size));
    }
    let agents: Vec<Entity> = (0..arenas).map(|row| env.agent_entity(row)).collect();
    let wide = env.observation_size();
    let mut deal = Deal::begin(&mut env, seeds);
    let mut running = vec![Experience::default(); arenas];
    while done.len() < seeds.len() {
        for (row, episode) in running.iter_mut().enumerate() {
            episode.observations.extend_from_slice(&env.last_step().observations[row * wide..][..wide]);
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
            let (seed, success) = (finished.seed, finished.end == Some(End::Success));
            done.push(Experience { seed, success, ..std::mem::take(&mut running[row]) });
            deal.ended(&mut env, row);
        }
    }
    done.sort_by_key(|episode| seeds.iter().position(|seed| *seed == episode.seed));
    Ok(done)
}
