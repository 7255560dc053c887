//! The environments of reinforcement learning.

use crate::learn::{EvalResult, TrainError, UpdateStep, Validation};
use crate::policies::{Policy, PolicyConfig, PolicyError};
use crate::rollout::Step;

/// Result of an episode.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EpisodeResult {
    /// Sum of the rewards.
    pub episode_return: f32,
    /// Whether the task was accomplished.
    pub success: bool,
}

/// Position in a curriculum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurriculumProgress {
    /// Current stage, from 1.
    pub stage: usize,
    /// Number of stages. The last one is the task itself.
    pub n_stages: usize,
}

/// A vectorized environment, like Stable-Baselines3's `VecEnv`: `num_envs` environments that are stepped together and
/// reset automatically. An environment is what one agent observes and does. All randomness is determined by the seed of
/// [`VecEnvironment::reset`].
pub trait VecEnvironment: Send {
    /// Agent, layouts and control rate; the other settings of the policy are the defaults.
    fn policy_config(&self) -> PolicyConfig;

    /// Name of the task, for provenance.
    fn name(&self) -> String;

    /// A hash of the task. A run can be resumed only with the same hash.
    fn fingerprint(&self) -> u64 {
        0
    }

    /// Number of environments: rows of actions and of [`VecEnvironment::last_step`].
    fn num_envs(&self) -> usize;

    /// Start an episode in each environment. Later episodes start automatically in the step in which one ends.
    fn reset(&mut self, seed: u64);

    /// Step all environments by `actions` `[num_envs, act_dim]`, in the action layout's units. Values out of bounds are
    /// clamped.
    fn step(&mut self, actions: &[f32]);

    /// Result of the last step or reset.
    fn last_step(&self) -> Step<'_>;

    /// Result of the episode that ended in environment `env` in the last step.
    fn episode_result(&self, env: usize) -> EpisodeResult;

    /// Describes the reward of environment `env` in the last step, which is not finite, for an error message.
    fn describe_invalid_reward(&self, env: usize) -> String {
        format!("the reward of agent {env}")
    }

    /// Advance to the next curriculum stage if the success rate of the current one is reached. Returns whether it
    /// advanced; then all episodes are reset. Called between updates.
    fn advance_curriculum(&mut self) -> bool {
        false
    }

    /// Position in the curriculum.
    fn curriculum_progress(&self) -> CurriculumProgress {
        CurriculumProgress { stage: 1, n_stages: 1 }
    }

    /// Serialize the state of all environments.
    fn save(&self) -> Vec<u8>;

    /// Restore the state that [`VecEnvironment::save`] returned. Returns false if the bytes do not fit this environment.
    fn load(&mut self, bytes: &[u8]) -> bool;

    /// Evaluate `policy`, without exploration, in `n_episodes` separate episodes. `None` if the environment has no
    /// evaluation.
    ///
    /// # Errors
    /// The policy does not fit the agent.
    fn evaluate(
        &mut self,
        _policy: &Policy,
        _n_episodes: usize,
        _seed: u64,
    ) -> Result<Option<EvalResult>, PolicyError> {
        Ok(None)
    }
}

/// Check that the rewards of the last step are finite.
///
/// # Errors
/// [`TrainError::Reward`] with the first reward that is not.
pub(super) fn check_rewards(environment: &dyn VecEnvironment, step: UpdateStep) -> Result<(), TrainError> {
    match environment.last_step().rewards.iter().position(|reward| !reward.is_finite()) {
        None => Ok(()),
        Some(env) => Err(TrainError::Reward {
            scene: environment.name(),
            fault: environment.describe_invalid_reward(env),
            update: step.index,
        }),
    }
}

/// Evaluate `policy` for the training loop.
///
/// # Errors
/// The policy does not fit the agent.
pub(super) fn validate(
    environment: &mut dyn VecEnvironment,
    policy: &Policy,
    n_episodes: usize,
    seed: u64,
) -> Result<Option<Validation>, TrainError> {
    let result = environment.evaluate(policy, n_episodes, seed)?;
    Ok(result.map(|result| Validation { loss: -result.mean_reward, action_error: None, episodes: Some(result) }))
}
