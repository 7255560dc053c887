//! Who plays.

use bevy::ecs::prelude::*;

use crate::agents::Driver;
use crate::policies::{Policies, Policy, PolicyError, PolicyIndex};
use crate::scenes::Scene;
use crate::teleop::{ScriptedOperator, Skill};

/// Who decides the actions of an agent.
#[derive(Clone)]
pub enum Player {
    /// A trained policy, all agents in one batch.
    Policy(Box<Policy>),
    /// A scripted operator.
    Operator(Skill),
    /// Nobody: whoever calls [`super::VecEnv::step`] draws even random actions ([`super::RandomActions`]), the zero of a
    /// normalised score. [`super::VecEnv::step_driven`] would repeat the last ones.
    Random,
}

impl Player {
    /// Who writes the actions of the agents that it plays.
    pub(super) fn driver(&self) -> Driver {
        match self {
            Self::Random => Driver::Remote,
            Self::Policy(_) => Driver::Policy,
            Self::Operator(_) => Driver::Scripted,
        }
    }
}

/// The players, their policies made ready for the agents of `scene`.
///
/// # Errors
/// [`PolicyError`] when one does not fit.
///
/// # Panics
/// Without a player.
pub(super) fn fitted(scene: &Scene, players: Vec<Player>) -> Result<Vec<Player>, PolicyError> {
    assert!(!players.is_empty(), "somebody has to play");
    let spaces = scene.blueprint.spaces();
    let fitted = |player| match player {
        Player::Policy(policy) => Ok(Player::Policy(Box::new(policy.fitted(&spaces, &scene.name)?))),
        player => Ok(player),
    };
    players.into_iter().map(fitted).collect()
}

/// Gives agents their players.
pub(super) struct Seats<'a> {
    scene: &'a Scene,
    players: Vec<Player>,
    /// Policies that are in the world already.
    indices: Vec<Option<PolicyIndex>>,
}

impl<'a> Seats<'a> {
    /// The players of an arena of `scene`, in the agents' order, made ready by [`fitted`]; the last of them plays those that
    /// are left, too.
    pub fn of(scene: &'a Scene, players: Vec<Player>) -> Self {
        Self { scene, indices: vec![None; players.len()], players }
    }

    /// Let the player of place `at` decide for `agent`.
    pub fn seat(&mut self, world: &mut World, agent: Entity, at: usize) {
        let at = at.min(self.players.len() - 1);
        let player = &self.players[at];
        world.entity_mut(agent).insert(player.driver());
        match player {
            Player::Random => {}
            Player::Policy(policy) => {
                let add = || world.resource_mut::<Policies>().add((**policy).clone());
                let index = *self.indices[at].get_or_insert_with(add);
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
