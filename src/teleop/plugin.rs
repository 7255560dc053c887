//! The systems that turn held keys into actions.

use bevy::app::{App, Plugin};
use bevy::ecs::prelude::*;

use super::expert::query_experts;
use super::key_quantizer::{quantize_actions, restore_unquantized_actions};
use crate::agents::{Action, Agent, Driver, Observation};
use crate::keys::{KeyBindings, KeyLatch, ScriptedOperator};
use crate::sim::{Arena, DecideSystems, PhysicsSets, SimAct, split_seed};

/// Key input of the agents that a person or a scripted expert drives, queries of experts, and quantization to keys.
pub struct TeleopPlugin;

impl Plugin for TeleopPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(SimAct, (press_scripted_keys, read_keys, query_experts).chain().in_set(DecideSystems::Keys))
            .add_systems(SimAct, restore_unquantized_actions.in_set(DecideSystems::RestoreUnquantized))
            .add_systems(SimAct, quantize_actions.in_set(DecideSystems::Quantize));
    }
}

/// Random stream of the episode's seed for scripted operators.
const OPERATOR_STREAM: u64 = 2;

fn press_scripted_keys(
    mut arenas: Query<(&Arena, PhysicsSets)>,
    mut agents: Query<(&Agent, &Driver, &Observation, &Action, &mut ScriptedOperator, &mut KeyLatch)>,
) {
    for (agent, driver, observation, action, mut operator, mut keys) in &mut agents {
        if *driver != Driver::Scripted {
            continue;
        }
        let Ok((arena, mut sets)) = arenas.get_mut(agent.arena) else { continue };
        if arena.tick == 0 {
            keys.clear();
            operator.0.begin(split_seed(split_seed(arena.seed, OPERATOR_STREAM), agent.slot as u64));
        }
        let dt = sets.physics().dt() * arena.substeps as f32;
        operator.0.press(&observation.0, &action.0, dt, &mut keys);
    }
}

fn read_keys(
    mut arenas: Query<(&Arena, PhysicsSets)>,
    mut agents: Query<(&Agent, &Driver, &KeyBindings, &Observation, &mut KeyLatch, &mut Action)>,
) {
    for (agent, driver, bindings, observation, mut keys, mut action) in &mut agents {
        if matches!(driver, Driver::Human | Driver::Scripted) {
            let Ok((arena, mut sets)) = arenas.get_mut(agent.arena) else { continue };
            let dt = sets.physics().dt() * arena.substeps as f32;
            bindings.apply(&keys, &observation.0, dt, &mut action.0);
        }
        keys.end_tick();
    }
}
