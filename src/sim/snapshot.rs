//! Snapshot of an arena's whole state, for reset, rewind, replay and branching.

use bevy_rapier3d::rapier::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::conditions::Conditions;
use super::physics::Physics;
use super::slot::Slot;

/// Version of the byte format.
const FORMAT: u32 = 2;
/// The version before conditions; still readable.
const FORMAT_WITHOUT_CONDITIONS: u32 = 1;

/// The state that determines an arena's future. The task goals are not part of it: scene and seed determine them.
#[derive(Clone, Serialize, Deserialize)]
pub struct Snapshot {
    format: u32,
    pub(super) tick: u64,
    pub(super) seed: u64,
    islands: IslandManager,
    broad_phase: DefaultBroadPhase,
    narrow_phase: NarrowPhase,
    ccd_solver: CCDSolver,
    parameters: IntegrationParameters,
    bodies: RigidBodySet,
    colliders: ColliderSet,
    joints: ImpulseJointSet,
    multibody_joints: MultibodyJointSet,
    /// Internal state of each controlled body, from `Body::save`.
    body_states: Vec<Vec<u8>>,
    /// Written after the other fields, since [`FORMAT_WITHOUT_CONDITIONS`] ends before it.
    #[serde(skip)]
    pub(super) condition_state: ConditionState,
}

/// The part of an arena's state that its conditions add.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct ConditionState {
    pub(super) conditions: Conditions,
    pub(super) delayed_actions: Vec<Vec<f32>>,
}

/// Why a snapshot cannot be read or restored.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// The bytes are truncated or do not decode.
    #[error("the snapshot does not decode ({0}); it is truncated or was written by another version")]
    Decode(#[from] postcard::Error),
    /// Written by another version.
    #[error("the snapshot has format {found}, this version reads {FORMAT}")]
    Format {
        /// The format found.
        found: u32,
    },
    /// The arena has another number of controlled bodies.
    #[error("the snapshot holds {found} controlled bodies, the arena has {wanted}; it was taken in another scene")]
    Bodies {
        /// Bodies in the snapshot.
        found: usize,
        /// Bodies in the arena.
        wanted: usize,
    },
    /// The bytes are not of the state that the episode begins in.
    #[error(
        "the start snapshot is not of the state in which the scene and the seed begin the episode: its file was changed; restore \
         it from a copy"
    )]
    Differs,
    /// The number of delayed actions does not match the delay.
    #[error(
        "the number of delayed actions in the snapshot does not match its delay of {delay} ticks; it is damaged or was \
         taken in another scene"
    )]
    DelayedActions {
        /// The delay, ticks.
        delay: u32,
    },
}

impl Snapshot {
    /// The state of an arena with these slots.
    pub(super) fn of_slots(
        physics: &Physics<'_>,
        slots: &[Slot],
        tick: u64,
        seed: u64,
        condition_state: ConditionState,
    ) -> Self {
        let body_states = slots
            .iter()
            .map(|slot| {
                let mut body_state = Vec::new();
                slot.body.save(&mut body_state);
                body_state
            })
            .collect();
        Self {
            format: FORMAT,
            tick,
            seed,
            islands: physics.islands.clone(),
            broad_phase: physics.broad_phase.clone(),
            narrow_phase: physics.narrow_phase.clone(),
            ccd_solver: physics.ccd_solver.clone(),
            parameters: *physics.parameters,
            bodies: physics.bodies.clone(),
            colliders: physics.colliders.clone(),
            joints: physics.joints.clone(),
            multibody_joints: physics.multibody_joints.clone(),
            body_states,
            condition_state,
        }
    }

    /// Restore the physics and the bodies of an arena with these slots.
    pub(super) fn restore_slots(&self, physics: &mut Physics<'_>, slots: &mut [Slot]) {
        physics.islands.clone_from(&self.islands);
        physics.broad_phase.clone_from(&self.broad_phase);
        physics.narrow_phase.clone_from(&self.narrow_phase);
        physics.ccd_solver.clone_from(&self.ccd_solver);
        *physics.parameters = self.parameters;
        physics.bodies.clone_from(&self.bodies);
        physics.colliders.clone_from(&self.colliders);
        physics.joints.clone_from(&self.joints);
        physics.multibody_joints.clone_from(&self.multibody_joints);
        for (slot, body_state) in slots.iter_mut().zip(&self.body_states) {
            slot.body.load(body_state);
        }
    }

    /// Check that the snapshot can be restored in an arena with these slots.
    ///
    /// # Errors
    /// [`SnapshotError::Bodies`] when the arena has another number of controlled bodies,
    /// [`SnapshotError::DelayedActions`] when the sizes of the delayed actions do not match.
    pub(super) fn check(&self, slots: &[Slot]) -> Result<(), SnapshotError> {
        let (found, wanted) = (self.body_states.len(), slots.len());
        if found != wanted {
            return Err(SnapshotError::Bodies { found, wanted });
        }
        let ConditionState { conditions, delayed_actions } = &self.condition_state;
        let size_matches =
            |(slot, delayed): (&Slot, &Vec<f32>)| delayed.len() == conditions.delay as usize * slot.action.len();
        let without_conditions = delayed_actions.is_empty() && *conditions == Conditions::default();
        if !without_conditions
            && (delayed_actions.len() != wanted || !slots.iter().zip(delayed_actions).all(size_matches))
        {
            return Err(SnapshotError::DelayedActions { delay: conditions.delay });
        }
        Ok(())
    }

    /// Serialize to bytes (postcard).
    ///
    /// # Errors
    /// [`SnapshotError::Decode`] when a set does not serialize. Sets built through Rapier always do.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SnapshotError> {
        Ok(postcard::to_extend(&self.condition_state, postcard::to_stdvec(self)?)?)
    }

    /// Deserialize the bytes of [`Snapshot::to_bytes`].
    ///
    /// # Errors
    /// [`SnapshotError::Decode`] when the bytes are truncated, [`SnapshotError::Format`] when another version wrote them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let (found, _) = postcard::take_from_bytes::<u32>(bytes)?;
        if found != FORMAT && found != FORMAT_WITHOUT_CONDITIONS {
            return Err(SnapshotError::Format { found });
        }
        let (snapshot, rest): (Self, _) = postcard::take_from_bytes(bytes)?;
        let condition_state = if found == FORMAT { postcard::from_bytes(rest)? } else { ConditionState::default() };
        Ok(Self { format: FORMAT, condition_state, ..snapshot })
    }
}
