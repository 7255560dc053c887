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
    /// Numbers of the joint actions that were done.
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

/// The joint actions of `table` that were decided in `actions`, `[ticks, numbers]`, each held for `held` ticks; `None` where
/// something else was done.
fn decided(table: &[f32], actions: &[f32], numbers: usize, held: usize) -> Option<Vec<u32>> {
    let during = actions.chunks(held * numbers);
    let one = |during: &[f32]| {
        let nearest = Values::nearest(table, &during[..numbers]);
        let done = &table[nearest * numbers..][..numbers];
        let kept = during.chunks_exact(numbers).all(|tick| tick.iter().zip(done).all(|(a, b)| (a - b).abs() < 1e-3));
        kept.then_some(nearest as u32)
    };
    during.map(one).collect()
}

/// Transitions over the rewards of `steps` decisions in some demonstrations, by an agent that decides by `table` and holds
/// that for some ticks. Of episodes that did not succeed nothing is taken: what was done there is not to be held for the best.
///
/// # Errors
/// Demonstrations of another agent, without actions, by other than keys that are held as long, or without success.
pub(super) fn transitions(
    episodes: &[Episode],
    policy: &PolicyConfig,
    table: &[f32],
    (discount, steps): (f32, usize),
) -> Result<Shown, TrainError> {
    let fail = |message: &str| Err(TrainError::Data { origin: "demonstrations".into(), message: message.into() });
    let mut shown = Shown::default();
    let (wide, narrow, held) = (policy.observation.size(), policy.action.size(), policy.head.chunk);
    for (number, episode) in episodes.iter().enumerate().filter(|(_, episode)| episode.succeeded()) {
        if episode.header.observation.fields != policy.observation.fields {
            return fail("their observations are not those of the scene's agent");
        }
        if episode.header.action.fields != policy.action.fields {
            return fail("their actions are not those of the scene's agent, or were not recorded");
        }
        let ticks = episode.len();
        let mut actions = episode.actions.clone();
        policy.action_normalizer.normalize(&mut actions);
        let Some(decided) = decided(table, &actions, narrow, held) else {
            return fail(&format!(
                "episode {number} was driven by more than keys that are held for {held} ticks, which is all that dqn can do \
                 (head.chunk); record an operator with `apprentice record --keys {held}`"
            ));
        };
        let observation = |tick: usize| &episode.observations[tick * wide..(tick + 1) * wide];
        for (tick, action) in (0..).step_by(held).zip(decided) {
            let after = tick + steps * held;
            let (mut reward, mut factor) = (0.0, 1.0);
            for one in &episode.rewards[tick..after.min(ticks)] {
                reward += factor * one;
                factor *= discount;
            }
            shown.observations.extend_from_slice(observation(tick));
            shown.actions.push(action);
            shown.rewards.push(reward);
            shown.discounts.push(if after < ticks { factor } else { 0.0 });
            shown.nexts.extend_from_slice(observation(after.min(ticks - 1)));
        }
    }
    if shown.actions.is_empty() {
        return fail("none of them succeeded, and what failed is not to be done again");
    }
    Ok(shown)
}
