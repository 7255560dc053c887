//! The agent entity: a body of an arena seen from the ECS.

use std::sync::Arc;

use bevy::app::{App, Plugin};
use bevy::ecs::prelude::*;

use crate::sim::{ActSystems, Arena, ObserveSystems, SimAct, SimObserve};
use crate::spaces::Layout;

/// A body under control: which arena, which of its slots.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agent {
    /// The arena's entity.
    pub arena: Entity,
    /// Index into [`Arena::slots`].
    pub slot: usize,
}

/// What the agent's numbers mean.
#[derive(Component, Clone, Debug)]
pub struct Spaces {
    /// What kind of body it is, such as `vehicle`.
    pub agent: Arc<str>,
    /// Layout of [`Observation`].
    pub observation: Arc<Layout>,
    /// Layout of [`Action`].
    pub action: Arc<Layout>,
}

/// What the agent sensed at this tick.
#[derive(Component, Clone, Debug, Default, PartialEq)]
pub struct Observation(pub Vec<f32>);

/// What the agent does at this tick. Every driver writes this and nothing else; what it wrote may become taps of keys.
#[derive(Component, Clone, Debug, Default, PartialEq)]
pub struct Action(pub Vec<f32>);

/// Who decides an agent's action.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Driver {
    /// A person at the keyboard.
    #[default]
    Human,
    /// A scripted operator that presses keys.
    Scripted,
    /// A trained policy.
    Policy,
    /// A recorded episode.
    Replay,
    /// Whoever writes [`Action`] from outside: a learner, another program.
    Remote,
}

impl Driver {
    /// Its name on the screen.
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
    /// Where its body is.
    pub agent: Agent,
    /// What its numbers mean.
    pub spaces: Spaces,
    /// What it sensed.
    pub observation: Observation,
    /// What it does.
    pub action: Action,
    /// Who decides.
    pub driver: Driver,
}

impl AgentBundle {
    /// An agent for a slot, with vectors of its layouts' sizes.
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

/// Carries observations from the arenas to the agents, and actions back.
pub struct AgentPlugin;

impl Plugin for AgentPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(SimObserve, publish_observations.after(ObserveSystems::Sense))
            .add_systems(SimAct, hand_over_actions.in_set(ActSystems::Actuate));
    }
}

fn publish_observations(arenas: Query<&Arena>, mut agents: Query<(&Agent, &mut Observation, &mut Action)>) {
    for (agent, mut observation, mut action) in &mut agents {
        let Ok(arena) = arenas.get(agent.arena) else { continue };
        let Some(slot) = arena.slots.get(agent.slot) else { continue };
        observation.0.copy_from_slice(&slot.observation);
        if arena.tick == 0 {
            // What the last episode ended with must not leak into this one through the keys' smoothing.
            action.0.copy_from_slice(&slot.action);
        }
    }
}

fn hand_over_actions(mut arenas: Query<&mut Arena>, mut agents: Query<(&Agent, &Spaces, &mut Action)>) {
    for (agent, spaces, mut action) in &mut agents {
        if let Ok(mut arena) = arenas.get_mut(agent.arena)
            && let Some(slot) = arena.slots.get_mut(agent.slot)
        {
            spaces.action.clamp(&mut action.0);
            slot.action.copy_from_slice(&action.0);
        }
    }
}
