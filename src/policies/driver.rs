//! Policies that drive agents.

use std::sync::{Mutex, PoisonError};

use bevy::app::{App, Plugin};
use bevy::ecs::prelude::*;

use super::{Policy, PolicyMemory};
use crate::agents::{Action, Agent, Driver, Observation};
use crate::sim::{Arena, DecideSystems, SimAct, split_seed};

/// The loaded policies. An agent names the one that drives it with [`PolicyIndex`].
#[derive(Resource, Default)]
pub struct Policies {
    loaded: Vec<Loaded>,
    /// Policies that were ever added.
    count: u64,
}

/// A policy that agents can be driven by.
struct Loaded {
    policy: Mutex<Policy>,
    remembers: bool,
    /// Tells it from those that were in its place before.
    number: u64,
}

/// Which policy drives an agent whose driver is [`Driver::Policy`].
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[require(PolicyMemory, Remembered)]
pub struct PolicyIndex(pub usize);

/// What an agent's [`PolicyMemory`] belongs to: memories of another policy, of another episode, or from before somebody
/// else drove are of no use.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Remembered {
    /// The policy's number; above zero.
    policy: u64,
    /// Seed of the episode.
    seed: u64,
    /// The tick after the last one remembered.
    tick: u64,
}

impl Policies {
    /// Add a policy and return its index.
    pub fn add(&mut self, policy: Policy) -> PolicyIndex {
        let loaded = self.loaded(policy);
        self.loaded.push(loaded);
        PolicyIndex(self.loaded.len() - 1)
    }

    /// Put a policy in the place of another; its agents go on with it at the next tick. Adds it where there is none.
    pub fn replace(&mut self, index: PolicyIndex, policy: Policy) -> PolicyIndex {
        if index.0 >= self.loaded.len() {
            return self.add(policy);
        }
        self.loaded[index.0] = self.loaded(policy);
        index
    }

    fn loaded(&mut self, policy: Policy) -> Loaded {
        self.count += 1;
        Loaded { remembers: policy.config().remembers(), policy: Mutex::new(policy), number: self.count }
    }
}

/// Lets policies decide for their agents, all agents of a policy in one batch.
pub struct PolicyDriverPlugin;

impl Plugin for PolicyDriverPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Policies>().add_systems(SimAct, decide.in_set(DecideSystems::Policy));
    }
}

/// Rows gathered for one policy.
#[derive(Default)]
struct Batch {
    observations: Vec<f32>,
    memories: Vec<PolicyMemory>,
    actions: Vec<f32>,
}

fn decide(
    policies: Res<Policies>,
    arenas: Query<&Arena>,
    mut agents: Query<(&Driver, &PolicyIndex, &Agent, &Observation, &mut Action, &mut PolicyMemory, &mut Remembered)>,
    mut batch: Local<Batch>,
) {
    let Batch { observations, memories, actions } = &mut *batch;
    for (index, loaded) in policies.loaded.iter().enumerate() {
        observations.clear();
        memories.clear();
        let mut numbers = 0;
        let driven = |driver: &Driver, policy: &PolicyIndex| *driver == Driver::Policy && policy.0 == index;
        for (driver, policy, agent, observation, action, mut memory, mut remembered) in &mut agents {
            if !driven(driver, policy) {
                continue;
            }
            observations.extend_from_slice(&observation.0);
            numbers += action.0.len();
            if loaded.remembers {
                let (seed, tick) = arenas.get(agent.arena).map_or((0, 0), |arena| (arena.seed, arena.tick));
                let now = Remembered { policy: loaded.number, seed, tick };
                if *remembered != now {
                    *memory = PolicyMemory::new(split_seed(seed, agent.slot as u64));
                }
                *remembered = Remembered { tick: tick + 1, ..now };
                memories.push(std::mem::take(&mut *memory));
            }
        }
        if numbers == 0 {
            continue;
        }
        actions.clear();
        actions.resize(numbers, 0.0);
        // A poisoned lock only means that a panic passed by; a policy's weights do not change while it acts.
        loaded.policy.lock().unwrap_or_else(PoisonError::into_inner).act(observations, memories, actions);
        let mut at = 0;
        let mut after = memories.drain(..);
        for (driver, policy, _, _, mut action, mut memory, _) in &mut agents {
            if driven(driver, policy) {
                let end = at + action.0.len();
                action.0.copy_from_slice(&actions[at..end]);
                at = end;
                after.by_ref().take(1).for_each(|own| *memory = own);
            }
        }
    }
}
