//! Spawns the entities of a scene.

use bevy::ecs::prelude::*;
use bevy_rapier3d::plugin::context::{
    RapierContextColliders, RapierContextJoints, RapierContextSimulation, RapierRigidBodySet,
};

use super::blueprint::{ArenaContents, Role, Scene};
use crate::agents::{Agent, AgentBundle, Driver};
use crate::sim::{Arena, PhysicsSets};
use crate::tasks::{Score, TaskState};
use crate::teleop::{KeyLatch, ScriptedOperator};

/// The scene of an arena.
#[derive(Component, Clone)]
pub struct ArenaScene(pub Scene);

/// A new arena and its agents.
#[derive(Clone, Debug)]
pub struct Spawned {
    /// The arena.
    pub arena: Entity,
    /// The agents, in order of their slots.
    pub agents: Vec<Entity>,
}

/// Spawn an arena with `agents` agents of the given driver, or with one agent per side when the scene has sides. The next
/// tick resets it with seed 0, unless another reset is requested before.
///
/// # Panics
/// When `agents` is 0, or the blueprint does not build that number of agents.
pub fn spawn_arena(world: &mut World, scene: &Scene, agents: usize, driver: Driver) -> Spawned {
    assert!(agents > 0, "an arena needs at least one agent");
    let blueprint = scene.blueprint.clone();
    let agents = match blueprint.sides().len() {
        0 => agents,
        sides => sides,
    };
    let entity = world
        .spawn((
            RapierContextSimulation::default(),
            RapierContextColliders::default(),
            RapierRigidBodySet::default(),
            RapierContextJoints::default(),
            ArenaScene(scene.clone()),
        ))
        .id();
    let mut query = world.query::<PhysicsSets>();
    let (arena, roles) = {
        // The entity was spawned above with all components of the query.
        let mut sets = query.get_mut(world, entity).expect("a new arena has its physics components");
        let mut physics = sets.physics();
        physics.parameters.dt = blueprint.sim_dt();
        let ArenaContents { slots, roles, variation } = blueprint.build(&mut physics, agents);
        let arena = Arena::new(&mut physics, slots, blueprint.control_dt(), blueprint.sim_dt(), variation);
        (arena.with_conditions(scene.conditions()), roles)
    };
    world.entity_mut(entity).insert(arena);
    let spaces = blueprint.spaces();
    let bindings = blueprint.bindings();
    let mut out = Spawned { arena: entity, agents: Vec::new() };
    for (slot, role) in roles.into_iter().enumerate() {
        let agent = Agent { arena: entity, slot };
        match role {
            Role::Agent(task) => {
                let (names, weights) = blueprint.terms().into_iter().unzip();
                let entity = world
                    .spawn((
                        AgentBundle::new(agent, spaces.clone(), driver),
                        TaskState(task),
                        Score {
                            fixed_horizon: scene.horizon.is_some(),
                            ..Score::new(names, weights, scene.tick_limit())
                        },
                        bindings.clone(),
                        KeyLatch::default(),
                    ))
                    .id();
                out.agents.push(entity);
            }
            Role::Npc { spaces, bindings, operator } => {
                let bundle = AgentBundle::new(agent, spaces, Driver::Scripted);
                world.spawn((bundle, ScriptedOperator(operator), bindings, KeyLatch::default()));
            }
        }
    }
    assert_eq!(out.agents.len(), agents, "the blueprint built another number of agents than requested");
    out
}

/// Despawn an arena and its agents.
pub fn despawn_arena(world: &mut World, arena: Entity) {
    let mut agents = world.query::<(Entity, &Agent)>();
    let inside = agents.iter(world).filter(|(_, agent)| agent.arena == arena);
    let despawned: Vec<Entity> = inside.map(|(entity, _)| entity).chain([arena]).collect();
    for entity in despawned {
        world.despawn(entity);
    }
}
