//! The memory that reinforcement learning in a scene needs, estimated from one arena before all are built.

use super::{DqnConfig, PpoConfig};
use crate::learn::core::memory::check_memory;
use crate::learn::{TrainConfig, TrainError};
use crate::rollout::arena_memory;
use crate::scenes::Scene;

/// Numbers of a float, bytes.
const FLOAT: u64 = 4;

/// Refuse settings whose arenas and buffers do not fit into the free memory.
///
/// # Errors
/// [`TrainError::Config`] with the bytes of each part.
pub fn check_rl_memory(scene: &Scene, config: &TrainConfig) -> Result<(), TrainError> {
    let spaces = scene.blueprint.spaces();
    let (obs_dim, act_dim) = (spaces.observation.size() as u64, spaces.action.size() as u64);
    let sides = scene.blueprint.sides().len().max(1) as u64;
    let product = |factors: &[u64]| factors.iter().fold(1u64, |product, factor| product.saturating_mul(*factor));
    let arenas = |name: &str, n_envs: usize| {
        // One set of arenas for each side that learns, and the buffers of a step.
        let bytes = product(&[n_envs as u64, sides, arena_memory(scene) + 4 * FLOAT * obs_dim]);
        (format!("{name}={n_envs} arenas"), bytes)
    };
    if let Some(dqn) = config.find::<DqnConfig>() {
        let rows = dqn.replay.buffer_size as u64;
        let buffer = product(&[rows, FLOAT, 2 * obs_dim + 8]);
        let buffer = (format!("dqn.replay.buffer_size={rows}"), buffer);
        return check_memory(&[arenas("dqn.n_envs", dqn.n_envs), buffer]);
    }
    let Some(ppo) = config.find::<PpoConfig>() else { return Ok(()) };
    // Observations before and after each step, once more as the rows of minibatches.
    let rollout = product(&[sides, ppo.n_envs as u64, ppo.n_steps as u64, FLOAT, 3 * obs_dim + 2 * act_dim + 8]);
    let rollout = (format!("a rollout of ppo.n_steps={} in each", ppo.n_steps), rollout);
    check_memory(&[arenas("ppo.n_envs", ppo.n_envs), rollout])
}
