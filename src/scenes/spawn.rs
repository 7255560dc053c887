//! From a scene to entities.

use bevy::ecs::prelude::*;
use bevy_rapier3d::plugin::context::{
    RapierContextColliders, RapierContextJoints, RapierContextSimulation, RapierRigidBodySet,
};

use super::blueprint::{Built, Role, Scene};
use crate::agents::{Agent, AgentBundle, Driver, Spaces};
use crate::sim::{Arena, PhysicsSets};
use crate::tasks::{Score, TaskState};
use crate::teleop::{KeyBindings, KeyLatch, ScriptedOperator, vehicle_bindings};

/// The scene that an arena was built from.
#[derive(Component, Clone)]
pub struct ArenaScene(pub Scene);

/// A new arena and its acting agents.
#[derive(Clone, Debug)]
pub struct Spawned {
    /// The arena.
    pub arena: Entity,
    /// Its agents with a task, in order.
    pub agents: Vec<Entity>,
}

/// Build an arena with `agents` acting agents of the given driver, or with one of each side where the scene has sides. It
/// begins its first episode, of seed 0, at the next tick unless told another.
///
/// # Panics
/// When `agents` is 0, or the blueprint builds fewer bodies than it was asked for.
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
        // The entity was spawned two statements ago with everything that the query asks for.
        let mut sets = query.get_mut(world, entity).expect("a fresh arena has its physics");
        let mut physics = sets.physics();
        physics.parameters.dt = blueprint.sim_dt();
        let Built { slots, roles, variation } = blueprint.build(&mut physics, agents);
        let arena = Arena::new(&mut physics, slots, blueprint.control_dt(), blueprint.sim_dt(), variation);
        (arena.under(scene.conditions()), roles)
    };
    world.entity_mut(entity).insert(arena);
    let spaces = blueprint.spaces();
    let bindings = blueprint.bindings();
    let mut out = Spawned { arena: entity, agents: Vec::new() };
    for (slot, role) in roles.into_iter().enumerate() {
        let agent = Agent { arena: entity, slot };
        match role {
            Role::Actor(task) => {
                let (names, weights) = blueprint.terms().into_iter().unzip();
                let actor = world
                    .spawn((
                        AgentBundle::new(agent, spaces.clone(), driver),
                        TaskState(task),
                        Score { fixed: scene.horizon.is_some(), ..Score::new(names, weights, scene.tick_limit()) },
                        bindings.clone(),
                        KeyLatch::default(),
                    ))
                    .id();
                out.agents.push(actor);
            }
            Role::Extra(operator) => {
                world.spawn(extra(agent, operator));
            }
        }
    }
    assert_eq!(out.agents.len(), agents, "the blueprint built another number of agents than asked for");
    out
}

/// Take an arena away, with everybody in it.
pub fn despawn_arena(world: &mut World, arena: Entity) {
    let mut agents = world.query::<(Entity, &Agent)>();
    let inside = agents.iter(world).filter(|(_, agent)| agent.arena == arena);
    let gone: Vec<Entity> = inside.map(|(entity, _)| entity).chain([arena]).collect();
    for entity in gone {
        world.despawn(entity);
    }
}

/// A body that the scene drives: a car with a scripted driver and no task.
fn extra(agent: Agent, operator: Box<dyn crate::teleop::Operator>) -> impl Bundle {
    let spaces = Spaces {
        agent: "vehicle".into(),
        observation: crate::agents::vehicle::observation_layout().into(),
        action: crate::agents::vehicle::action_layout().into(),
    };
    let bindings: KeyBindings = vehicle_bindings();
    (AgentBundle::new(agent, spaces, Driver::Scripted), ScriptedOperator(operator), bindings, KeyLatch::default())
}
