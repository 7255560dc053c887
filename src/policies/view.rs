//! What a policy sees of an agent's observation.

use super::PolicyConfig;
use super::artifact::TASK_FIELD;
use crate::policies::PolicyError;
use crate::spaces::Layout;

/// Where a number that the network takes comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Source {
    /// This number of the agent's observation.
    Sensed(usize),
    /// Known beforehand.
    Constant(f32),
}

/// Picks a policy's numbers out of the observations of agents that sense more than it was trained with, and tells it its
/// task.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Numbers in an agent's observation.
    width: usize,
    sources: Vec<Source>,
}

impl View {
    /// The view of the policy that `config` describes on agents with these layouts, doing `task`; `None` where it sees
    /// everything just as it is sensed.
    ///
    /// # Errors
    /// As [`PolicyConfig::columns`]; or the policy knows several tasks and `task` is none of them.
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
        let told = |i: usize| if config.tasks.get(i - first).is_some_and(|t| t == task) { 1.0 } else { 0.0 };
        let sources: Vec<Source> = columns
            .iter()
            .enumerate()
            .map(|(i, column)| column.map_or_else(|| Source::Constant(told(i)), Source::Sensed))
            .collect();
        let width = observation.size();
        let plain = sources.len() == width && sources.iter().enumerate().all(|(i, s)| *s == Source::Sensed(i));
        Ok((!plain).then_some(Self { width, sources }))
    }

    /// `[n, agent's observation size]` to `[n, policy's observation size]`, row-major.
    pub fn of(&self, observations: &[f32]) -> Vec<f32> {
        let mut seen = Vec::with_capacity(observations.len() / self.width * self.sources.len());
        for row in observations.chunks_exact(self.width) {
            seen.extend(self.sources.iter().map(|source| match source {
                Source::Sensed(at) => row[*at],
                Source::Constant(value) => *value,
            }));
        }
        seen
    }
}
