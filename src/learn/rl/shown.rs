//! What demonstrators met, as transitions.

use super::{Replay, Transition};
use crate::demos::Episode;
use crate::learn::TrainError;
use crate::policies::{PolicyConfig, Values};

/// Transitions of demonstrations.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    /// `[transitions, observation size]`, in the layout's units.
    pub observations: Vec<f32>,
    /// Numbers of the joint actions nearest to what was done.
    pub actions: Vec<u32>,
    rewards: Vec<f32>,
    discounts: Vec<f32>,
    nexts: Vec<f32>,
}

impl Shown {
    /// Put all of them into a store.
    pub fn into_replay(self, replay: &mut Replay) {
        let wide = self.observations.len() / self.actions.len().max(1);
        for (at, action) in self.actions.iter().enumerate() {
            let place = at * wide..(at + 1) * wide;
            replay.push(&Transition {
                observation: &self.observations[place.clone()],
                action: *action,
                reward: self.rewards[at],
                discount: self.discounts[at],
                next: &self.nexts[place],
            });
        }
    }
}

/// Transitions over the rewards of `steps` ticks of some demonstrations, by an agent that acts by `table`. The last ticks of an episode
/// that did not succeed are left out: whether anything came after them is not known.
///
/// # Errors
/// Demonstrations of another agent, or without actions.
pub(super) fn transitions(
    episodes: &[Episode],
    policy: &PolicyConfig,
    table: &[f32],
    (discount, steps): (f32, usize),
) -> Result<Shown, TrainError> {
    let fail = |message: &str| Err(TrainError::Data { origin: "demonstrations".into(), message: message.into() });
    let mut shown = Shown::default();
    let (wide, narrow) = (policy.observation.size(), policy.action.size());
    for episode in episodes {
        if episode.header.observation.fields != policy.observation.fields {
            return fail("their observations are not those of the scene's agent");
        }
        if episode.header.action.fields != policy.action.fields {
            return fail("their actions are not those of the scene's agent, or were not recorded");
        }
        let ticks = episode.len();
        let succeeded = episode.succeeded();
        let mut actions = episode.actions.clone();
        policy.action_normalizer.normalize(&mut actions);
        let observation = |tick: usize| &episode.observations[tick * wide..(tick + 1) * wide];
        for (tick, action) in actions.chunks_exact(narrow).enumerate() {
            let after = tick + steps;
            if after >= ticks && !succeeded {
                break;
            }
            let (mut reward, mut factor) = (0.0, 1.0);
            for one in &episode.rewards[tick..after.min(ticks)] {
                reward += factor * one;
                factor *= discount;
            }
            shown.observations.extend_from_slice(observation(tick));
            shown.actions.push(Values::nearest(table, action) as u32);
            shown.rewards.push(reward);
            shown.discounts.push(if after < ticks { factor } else { 0.0 });
            shown.nexts.extend_from_slice(observation(after.min(ticks - 1)));
        }
    }
    if shown.actions.is_empty() {
        return fail(
            "none of them succeeded, and none is longer than dqn.steps decisions: nothing is known of what came of them",
        );
    }
    Ok(shown)
}
