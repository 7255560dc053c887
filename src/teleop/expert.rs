//! An expert who watches somebody else drive and says what he would do.

use bevy::ecs::prelude::*;

use super::bindings::KeyBindings;
use super::latch::KeyLatch;
use super::operator::Operator;
use crate::agents::{Agent, Observation};
use crate::sim::{Arena, PhysicsSets, split_seed};

/// Stream of the episode's generator that an expert's own randomness comes from.
const EXPERT_STREAM: u64 = 3;

/// Watches an agent, whoever drives it, with keys of its own that move nothing.
#[derive(Component)]
pub struct Expert {
    operator: Box<dyn Operator>,
    keys: KeyLatch,
    /// What it would do at this tick, in the action layout's units. Its own hands have brought it there, so that what it
    /// says does not lean on what the driver does.
    pub action: Vec<f32>,
}

impl Expert {
    /// An operator who watches an agent whose action has `size` numbers.
    pub fn new(operator: Box<dyn Operator>, size: usize) -> Self {
        Self { operator, keys: KeyLatch::default(), action: vec![0.0; size] }
    }
}

/// Let every expert press its own keys.
pub(super) fn ask_experts(
    mut arenas: Query<(&Arena, PhysicsSets)>,
    mut agents: Query<(&Agent, &KeyBindings, &Observation, &mut Expert)>,
) {
    for (agent, bindings, observation, mut expert) in &mut agents {
        let Ok((arena, mut sets)) = arenas.get_mut(agent.arena) else { continue };
        let Expert { operator, keys, action } = &mut *expert;
        if arena.tick == 0 {
            keys.clear();
            action.fill(0.0);
            operator.begin(split_seed(split_seed(arena.seed, EXPERT_STREAM), agent.slot as u64));
        }
        let dt = sets.physics().dt() * arena.substeps as f32;
        operator.press(&observation.0, action, dt, keys);
        bindings.apply(keys, &observation.0, dt, action);
        keys.end_tick();
    }
}
