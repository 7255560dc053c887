//! Policies that drive agents.

use std::sync::{Mutex, PoisonError};

use bevy::app::{App, Plugin};
use bevy::ecs::prelude::*;

use super::{Policy, PolicyError};
use crate::agents::{Action, Driver, Observation, Spaces};
use crate::sim::{DecideSystems, SimAct};

/// The loaded policies. An agent names the one that drives it with [`PolicyIndex`].
#[derive(Resource, Default)]
pub struct Policies(Vec<Mutex<Policy>>);

/// Which policy drives an agent whose driver is [`Driver::Policy`].
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyIndex(pub usize);

impl Policies {
    /// Add a policy and return its index.
    pub fn add(&mut self, policy: Policy) -> PolicyIndex {
        self.0.push(Mutex::new(policy));
        PolicyIndex(self.0.len() - 1)
    }

    /// Put a policy in the place of another; its agents go on with it at the next tick. Adds it where there is none.
    pub fn replace(&mut self, index: PolicyIndex, policy: Policy) -> PolicyIndex {
        match self.0.get_mut(index.0) {
            Some(place) => {
                *place = Mutex::new(policy);
                index
            }
            None => self.add(policy),
        }
    }

    /// Check that a policy fits agents with these spaces.
    ///
    /// # Errors
    /// [`PolicyError`] naming the fields that differ.
    pub fn check(policy: &Policy, spaces: &Spaces) -> Result<(), PolicyError> {
        policy.check_layouts(&spaces.observation, &spaces.action)
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
    actions: Vec<f32>,
}

fn decide(
    policies: Res<Policies>,
    mut agents: Query<(&Driver, &PolicyIndex, &Observation, &mut Action)>,
    mut batch: Local<Batch>,
) {
    for (index, policy) in policies.0.iter().enumerate() {
        batch.observations.clear();
        let mut numbers = 0;
        for (_, _, observation, action) in agents.iter().filter(|(d, p, ..)| **d == Driver::Policy && p.0 == index) {
            batch.observations.extend_from_slice(&observation.0);
            numbers += action.0.len();
        }
        if numbers == 0 {
            continue;
        }
        batch.actions.clear();
        batch.actions.resize(numbers, 0.0);
        let Batch { observations, actions } = &mut *batch;
        // A poisoned lock only means that a panic passed by; a policy's weights do not change while it acts.
        policy.lock().unwrap_or_else(PoisonError::into_inner).act(observations, actions);
        let mut at = 0;
        for (_, _, _, mut action) in agents.iter_mut().filter(|(d, p, ..)| **d == Driver::Policy && p.0 == index) {
            let end = at + action.0.len();
            action.0.copy_from_slice(&batch.actions[at..end]);
            at = end;
        }
    }
}
