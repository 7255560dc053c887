//! The driver that lets policies control agents.

use std::sync::{Mutex, PoisonError};

use bevy::app::{App, Plugin};
use bevy::ecs::prelude::*;

use super::{Policy, PolicyState};
use crate::agents::{Action, Agent, Driver, Observation};
use crate::sim::{Arena, DecideSystems, SimAct, split_seed};

/// The loaded policies. An agent refers to its policy by [`PolicyIndex`].
#[derive(Resource, Default)]
pub struct Policies {
    loaded: Vec<LoadedPolicy>,
    /// Number of policies added so far, replaced ones included.
    count: u64,
}

/// A loaded policy.
struct LoadedPolicy {
    policy: Mutex<Policy>,
    stateful: bool,
    /// Unique number, to distinguish a policy from those that it replaced.
    id: u64,
}

/// The policy that controls an agent whose driver is [`Driver::Policy`].
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[require(PolicyState, PolicyStateOwner)]
pub struct PolicyIndex(pub usize);

/// The policy, episode and tick that an agent's [`PolicyState`] is valid for. A state of another policy or another
/// episode, or from before another driver controlled the agent, is replaced by a new one.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
struct PolicyStateOwner {
    /// [`LoadedPolicy::id`], above zero.
    policy_id: u64,
    /// Seed of the episode.
    seed: u64,
    /// The next tick.
    tick: u64,
}

impl Policies {
    /// Add a policy and return its index.
    pub fn add(&mut self, policy: Policy) -> PolicyIndex {
        let loaded = self.loaded(policy);
        self.loaded.push(loaded);
        PolicyIndex(self.loaded.len() - 1)
    }

    /// Replace a policy; its agents are controlled by the new one from the next tick on. Adds the policy where the index
    /// does not exist.
    pub fn replace(&mut self, index: PolicyIndex, policy: Policy) -> PolicyIndex {
        if index.0 >= self.loaded.len() {
            return self.add(policy);
        }
        self.loaded[index.0] = self.loaded(policy);
        index
    }

    fn loaded(&mut self, policy: Policy) -> LoadedPolicy {
        self.count += 1;
        LoadedPolicy { stateful: policy.config().is_stateful(), policy: Mutex::new(policy), id: self.count }
    }
}

/// Adds the system that infers the actions of policies, one batch for each policy.
pub struct PolicyDriverPlugin;

impl Plugin for PolicyDriverPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Policies>().add_systems(SimAct, run_policies.in_set(DecideSystems::Policy));
    }
}

/// The batch of one policy.
#[derive(Default)]
struct Batch {
    observations: Vec<f32>,
    states: Vec<PolicyState>,
    actions: Vec<f32>,
}

fn run_policies(
    policies: Res<Policies>,
    arenas: Query<&Arena>,
    mut agents: Query<(
        &Driver,
        &PolicyIndex,
        &Agent,
        &Observation,
        &mut Action,
        &mut PolicyState,
        &mut PolicyStateOwner,
    )>,
    mut batch: Local<Batch>,
) {
    let Batch { observations, states, actions } = &mut *batch;
    for (index, loaded) in policies.loaded.iter().enumerate() {
        observations.clear();
        states.clear();
        let mut action_numbers = 0;
        let is_controlled = |driver: &Driver, policy: &PolicyIndex| *driver == Driver::Policy && policy.0 == index;
        for (driver, policy, agent, observation, action, mut state, mut owner) in &mut agents {
            if !is_controlled(driver, policy) {
                continue;
            }
            observations.extend_from_slice(&observation.0);
            action_numbers += action.0.len();
            if loaded.stateful {
                let (seed, tick) = arenas.get(agent.arena).map_or((0, 0), |arena| (arena.seed, arena.tick));
                let current = PolicyStateOwner { policy_id: loaded.id, seed, tick };
                if *owner != current {
                    *state = PolicyState::new(split_seed(seed, agent.slot as u64));
                }
                *owner = PolicyStateOwner { tick: tick + 1, ..current };
                states.push(std::mem::take(&mut *state));
            }
        }
        if action_numbers == 0 {
            continue;
        }
        actions.clear();
        actions.resize(action_numbers, 0.0);
        // A poisoned lock means that another thread panicked; inference does not change the policy's weights.
        loaded.policy.lock().unwrap_or_else(PoisonError::into_inner).act(observations, states, actions);
        let mut start = 0;
        let mut states = states.drain(..);
        for (driver, policy, _, _, mut action, mut state, _) in &mut agents {
            if is_controlled(driver, policy) {
                let end = start + action.0.len();
                action.0.copy_from_slice(&actions[start..end]);
                start = end;
                states.by_ref().take(1).for_each(|next| *state = next);
            }
        }
    }
}
