//! The agent entity: the ECS side of a body in an arena.

use std::sync::Arc;

use bevy::app::{App, Plugin};
use bevy::ecs::prelude::*;

use crate::sim::{ActSystems, Arena, ObserveSystems, SimAct, SimObserve};
use crate::spaces::Layout;

/// An agent: the arena and the slot of its body.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agent {
    /// The arena's entity.
    pub arena: Entity,
    /// Index into [`Arena::slots`].
    pub slot: usize,
}

/// The observation and action spaces of an agent.
#[derive(Component, Clone, Debug)]
pub struct Spaces {
    /// Kind of body, such as `vehicle`.
    pub agent: Arc<str>,
    /// Layout of [`Observation`].
    pub observation: Arc<Layout>,
    /// Layout of [`Action`].
    pub action: Arc<Layout>,
}

/// The agent's observation at this tick.
#[derive(Component, Clone, Debug, Default, PartialEq)]
pub struct Observation(pub Vec<f32>);

/// The agent's action at this tick. Every driver writes this component and nothing else. The action may then be
/// quantized to key presses.
#[derive(Component, Clone, Debug, Default, PartialEq)]
pub struct Action(pub Vec<f32>);

/// What selects an agent's actions.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Driver {
    /// A person, with the keyboard.
    #[default]
    Human,
    /// A scripted expert that presses keys.
    Scripted,
    /// A trained policy.
    Policy,
    /// Replay of a recorded episode.
    Replay,
    /// External code that writes [`Action`], such as a learner.
    Remote,
}

impl Driver {
    /// Display name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Scripted => "scripted",
            Self::Policy => "policy",
            Self::Replay => "replay",
            Self::Remote => "remote",
        }
    }
}

/// An agent entity's components.
#[derive(Bundle)]
pub struct AgentBundle {
    /// Arena and slot of its body.
    pub agent: Agent,
    /// Observation and action spaces.
    pub spaces: Spaces,
    /// Last observation.
    pub observation: Observation,
    /// Current action.
    pub action: Action,
    /// Driver.
    pub driver: Driver,
}

impl AgentBundle {
    /// An agent for a slot, with zero vectors of the sizes of its layouts.
    pub fn new(agent: Agent, spaces: Spaces, driver: Driver) -> Self {
        Self {
            agent,
            observation: Observation(vec![0.0; spaces.observation.size()]),
            action: Action(vec![0.0; spaces.action.size()]),
            spaces,
            driver,
        }
    }
}

/// Copies observations from the arenas to the agents, and actions from the agents to the arenas.
pub struct AgentPlugin;

impl Plugin for AgentPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(SimObserve, copy_observations.after(ObserveSystems::Sense))
            .add_systems(SimAct, write_actions.in_set(ActSystems::Actuate));
    }
}

fn copy_observations(arenas: Query<&Arena>, mut agents: Query<(&Agent, &mut Observation, &mut Action)>) {
    for (agent, mut observation, mut action) in &mut agents {
        let Ok(arena) = arenas.get(agent.arena) else { continue };
        let Some(slot) = arena.slots.get(agent.slot) else { continue };
        observation.0.copy_from_slice(&slot.observation);
        if arena.tick == 0 {
            // The rate limits of the keys must not continue from the last episode's action.
            action.0.copy_from_slice(&slot.action);
        }
    }
}

fn write_actions(mut arenas: Query<&mut Arena>, mut agents: Query<(&Agent, &Spaces, &mut Action)>) {
    for (agent, spaces, mut action) in &mut agents {
        if let Ok(mut arena) = arenas.get_mut(agent.arena)
            && let Some(slot) = arena.slots.get_mut(agent.slot)
        {
            spaces.action.clamp(&mut action.0);
            slot.action.copy_from_slice(&action.0);
        }
    }
}
