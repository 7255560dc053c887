//! Players: the policy or operator that decides an agent's actions.

use bevy::ecs::prelude::*;

use crate::agents::Driver;
use crate::policies::{Policies, Policy, PolicyError, PolicyIndex};
use crate::scenes::Scene;
use crate::teleop::{ScriptedOperator, Skill};

/// What decides the actions of an agent in a headless rollout.
#[derive(Clone)]
pub enum Player {
    /// A trained policy; inference is batched over all of its agents.
    Policy(Box<Policy>),
    /// A scripted operator.
    Operator(Skill),
    /// Uniformly random actions, the zero of a normalized score. [`super::rollout`] draws them. In a
    /// [`super::VecEnv`] of your own, draw them with [`super::RandomActions`] and pass them to [`super::VecEnv::step`];
    /// [`super::VecEnv::step_driven`] would repeat the last ones.
    Random,
    /// The neutral action: 0, or the bound nearest to it. With [`super::ExplorationNoise`], random exploration.
    Neutral,
}

impl Player {
    /// The driver of the agents that it plays.
    pub(super) fn driver(&self) -> Driver {
        match self {
            Self::Random | Self::Neutral => Driver::Remote,
            Self::Policy(_) => Driver::Policy,
            Self::Operator(_) => Driver::Scripted,
        }
    }
}

/// The players with their policies fitted to the agents of `scene`.
///
/// # Errors
/// [`PolicyError`] when one does not fit.
///
/// # Panics
/// When `players` is empty.
pub(super) fn fitted(scene: &Scene, players: Vec<Player>) -> Result<Vec<Player>, PolicyError> {
    assert!(!players.is_empty(), "a rollout needs at least one player");
    let spaces = scene.blueprint.spaces();
    let fitted = |player| match player {
        Player::Policy(policy) => Ok(Player::Policy(Box::new(policy.for_agent(&spaces, &scene.name)?))),
        player => Ok(player),
    };
    players.into_iter().map(fitted).collect()
}

/// Assigns players to the agents of an arena.
pub(super) struct PlayerAssignment<'a> {
    scene: &'a Scene,
    players: Vec<Player>,
    /// Per player: its policy's index, once the policy has been added to the world.
    indices: Vec<Option<PolicyIndex>>,
}

impl<'a> PlayerAssignment<'a> {
    /// `players`, as returned by [`fitted`], play the agents of an arena of `scene` in order; the last of them also plays
    /// all further agents.
    pub fn new(scene: &'a Scene, players: Vec<Player>) -> Self {
        Self { scene, indices: vec![None; players.len()], players }
    }

    /// Let the player of slot `slot` drive `agent`.
    pub fn assign(&mut self, world: &mut World, agent: Entity, slot: usize) {
        let slot = slot.min(self.players.len() - 1);
        let player = &self.players[slot];
        world.entity_mut(agent).insert(player.driver());
        match player {
            Player::Random | Player::Neutral => {}
            Player::Policy(policy) => {
                let add = || world.resource_mut::<Policies>().add((**policy).clone());
                let index = *self.indices[slot].get_or_insert_with(add);
                world.entity_mut(agent).insert::<PolicyIndex>(index);
            }
            Player::Operator(skill) => {
                if let Some(operator) = self.scene.blueprint.operator(*skill) {
                    world.entity_mut(agent).insert(ScriptedOperator(operator));
                }
            }
        }
    }
}
