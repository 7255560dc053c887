//! An expert that labels the states of an agent that somebody else drives, as DAgger needs it (Ross et al. 2011).

use bevy::ecs::prelude::*;

use crate::agents::{Agent, Observation};
use crate::keys::{KeyBindings, KeyLatch, Operator};
use crate::sim::{Arena, PhysicsSets, split_seed};

/// Random stream of the episode's seed for experts.
const EXPERT_STREAM: u64 = 3;

/// Computes the expert's action for an agent at every tick. The agent's driver is not affected: the expert has its own
/// keys.
#[derive(Component)]
pub struct Expert {
    operator: Box<dyn Operator>,
    keys: KeyLatch,
    /// The expert's action at this tick, in the units of the action layout. Its rate limiting continues from the
    /// expert's own last action, so that the label does not depend on the driver's actions.
    pub action: Vec<f32>,
}

impl Expert {
    /// An expert for an agent with `action_dim` action components.
    pub fn new(operator: Box<dyn Operator>, action_dim: usize) -> Self {
        Self { operator, keys: KeyLatch::default(), action: vec![0.0; action_dim] }
    }
}

/// Query every expert: let it press its own keys.
pub(super) fn query_experts(
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
