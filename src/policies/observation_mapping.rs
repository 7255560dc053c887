//! Mapping of an agent's observation to the observation that a policy was trained with.

use super::policy_config::{PolicyConfig, TASK_FIELD};
use crate::policies::PolicyError;
use crate::spaces::Layout;

/// Source of one number of the policy's observation.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Source {
    /// This column of the agent's observation.
    Column(usize),
    /// A constant: a number of the task's one-hot encoding.
    Constant(f32),
}

/// Selects the columns that a policy was trained with from the observations of agents that have more, and adds the
/// one-hot encoding of the task.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservationMapping {
    /// Numbers of the agent's observation.
    agent_obs_dim: usize,
    sources: Vec<Source>,
}

impl ObservationMapping {
    /// The mapping from agents with these layouts, doing `task`, to the policy that `config` describes; `None` for the
    /// identity.
    ///
    /// # Errors
    /// As [`PolicyConfig::columns`]; or the policy was trained with several tasks and `task` is none of them.
    pub fn new(
        config: &PolicyConfig,
        observation: &Layout,
        action: &Layout,
        task: &str,
    ) -> Result<Option<Self>, PolicyError> {
        let columns = config.columns(observation, action)?;
        let first = config.observation.range(TASK_FIELD).map_or(0, |range| range.start);
        if !config.tasks.is_empty() && !config.tasks.iter().any(|known| known == task) {
            return Err(PolicyError::Task { task: task.to_owned(), known: config.tasks.clone() });
        }
        let one_hot = |i: usize| if config.tasks.get(i - first).is_some_and(|t| t == task) { 1.0 } else { 0.0 };
        let sources: Vec<Source> = columns
            .iter()
            .enumerate()
            .map(|(i, column)| column.map_or_else(|| Source::Constant(one_hot(i)), Source::Column))
            .collect();
        let agent_obs_dim = observation.size();
        let identity =
            sources.len() == agent_obs_dim && sources.iter().enumerate().all(|(i, s)| *s == Source::Column(i));
        Ok((!identity).then_some(Self { agent_obs_dim, sources }))
    }

    /// `[n, agent's observation size]` to `[n, policy's observation size]`, row-major.
    pub fn apply(&self, observations: &[f32]) -> Vec<f32> {
        let mut mapped = Vec::with_capacity(observations.len() / self.agent_obs_dim * self.sources.len());
        for row in observations.chunks_exact(self.agent_obs_dim) {
            mapped.extend(self.sources.iter().map(|source| match source {
                Source::Column(at) => row[*at],
                Source::Constant(value) => *value,
            }));
        }
        mapped
    }
}
