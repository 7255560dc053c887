//! Demonstrations as n-step transitions for deep Q-learning.

use super::{ReplayBuffer, Transition};
use crate::demos::Episode;
use crate::learn::TrainError;
use crate::policies::{DuelingQ, PolicyConfig};

/// n-step transitions of demonstrations.
#[derive(Clone, Debug, Default)]
pub(super) struct DemoTransitions {
    /// `[transitions, obs_dim]`, in the layout's units.
    pub observations: Vec<f32>,
    /// `[transitions]`: indices of the joint actions.
    pub actions: Vec<u32>,
    rewards: Vec<f32>,
    discounts: Vec<f32>,
    next_observations: Vec<f32>,
}

impl DemoTransitions {
    /// Add all transitions to a replay buffer.
    pub fn add_to(self, replay: &mut ReplayBuffer) {
        let obs_dim = self.observations.len() / self.actions.len().max(1);
        for (index, action) in self.actions.iter().enumerate() {
            let range = index * obs_dim..(index + 1) * obs_dim;
            replay.push(&Transition {
                observation: &self.observations[range.clone()],
                action: *action,
                reward: self.rewards[index],
                discount: self.discounts[index],
                next_observation: &self.next_observations[range],
            });
        }
    }
}

/// The indices in `joint_actions` of the demonstrated `actions` `[ticks, act_dim]`, each held for `action_repeat` ticks;
/// `None` if a demonstrated action is not a joint action or is not held that long.
fn joint_action_indices(
    joint_actions: &[f32],
    actions: &[f32],
    act_dim: usize,
    action_repeat: usize,
) -> Option<Vec<u32>> {
    let decisions = actions.chunks(action_repeat * act_dim);
    let index = |ticks: &[f32]| {
        let nearest = DuelingQ::nearest_joint_action(joint_actions, &ticks[..act_dim]);
        let action = &joint_actions[nearest * act_dim..][..act_dim];
        let held = ticks.chunks_exact(act_dim).all(|tick| tick.iter().zip(action).all(|(a, b)| (a - b).abs() < 1e-3));
        held.then_some(nearest as u32)
    };
    decisions.map(index).collect()
}

/// n-step transitions of the successful episodes, for an agent with these joint actions. Failed episodes are left out,
/// because the margin loss makes the demonstrated action the best one. `n_steps` counts decisions, each held for
/// `head.chunk_size` ticks.
///
/// # Errors
/// [`TrainError::Data`]: demonstrations of an agent with other fields, without actions, of actions that are not joint
/// actions held for `head.chunk_size` ticks, or without a successful episode.
pub(super) fn demo_transitions(
    episodes: &[Episode],
    policy: &PolicyConfig,
    joint_actions: &[f32],
    gamma: f32,
    n_steps: usize,
) -> Result<DemoTransitions, TrainError> {
    let fail = |message: &str| Err(TrainError::Data { origin: "demonstrations".into(), message: message.into() });
    let mut transitions = DemoTransitions::default();
    let (obs_dim, act_dim) = (policy.observation.size(), policy.action.size());
    let action_repeat = policy.head.chunk_size;
    for (number, episode) in episodes.iter().enumerate().filter(|(_, episode)| episode.succeeded()) {
        if episode.header.observation.fields != policy.observation.fields {
            return fail("the observation fields differ from those of the scene's agent");
        }
        if episode.header.action.fields != policy.action.fields {
            return fail("the action fields differ from those of the scene's agent, or no actions were recorded");
        }
        let ticks = episode.len();
        let mut actions = episode.actions.clone();
        policy.action_normalizer.normalize(&mut actions);
        let Some(indices) = joint_action_indices(joint_actions, &actions, act_dim, action_repeat) else {
            return fail(&format!(
                "episode {number} has actions other than keys held for {action_repeat} ticks (head.chunk_size), which are the \
                 only actions of dqn; record demonstrations with `apprentice record --keys {action_repeat}`"
            ));
        };
        let observation = |tick: usize| &episode.observations[tick * obs_dim..(tick + 1) * obs_dim];
        for (tick, action) in (0..).step_by(action_repeat).zip(indices) {
            let next_tick = tick + n_steps * action_repeat;
            let (mut reward, mut discount) = (0.0, 1.0);
            for tick_reward in &episode.rewards[tick..next_tick.min(ticks)] {
                reward += discount * tick_reward;
                discount *= gamma;
            }
            transitions.observations.extend_from_slice(observation(tick));
            transitions.actions.push(action);
            transitions.rewards.push(reward);
            transitions.discounts.push(if next_tick < ticks { discount } else { 0.0 });
            transitions.next_observations.extend_from_slice(observation(next_tick.min(ticks - 1)));
        }
    }
    if transitions.actions.is_empty() {
        return fail("no episode is successful; dqn uses only successful demonstrations");
    }
    Ok(transitions)
}
