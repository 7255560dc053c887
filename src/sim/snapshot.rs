//! An arena's whole state: to reset, to rewind, to replay, to branch.

use bevy_rapier3d::rapier::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::arena::{Arena, Slot};
use super::conditions::Conditions;
use super::physics::Physics;

/// Changes when the bytes of a snapshot change meaning.
const FORMAT: u32 = 2;
/// The format without conditions, which is still read.
const UNCONDITIONED: u32 = 1;

/// Everything that determines what an arena does next, but for the guides, which the scene and the seed give.
#[derive(Clone, Serialize, Deserialize)]
pub struct Snapshot {
    format: u32,
    tick: u64,
    seed: u64,
    islands: IslandManager,
    broad_phase: DefaultBroadPhase,
    narrow_phase: NarrowPhase,
    ccd_solver: CCDSolver,
    parameters: IntegrationParameters,
    bodies: RigidBodySet,
    colliders: ColliderSet,
    joints: ImpulseJointSet,
    multibody_joints: MultibodyJointSet,
    memories: Vec<Vec<u8>>,
    /// Written after the rest, since [`UNCONDITIONED`] ends before.
    #[serde(skip)]
    after: After,
}

/// What an arena's conditions add to its state.
#[derive(Clone, Default, Serialize, Deserialize)]
struct After {
    conditions: Conditions,
    waiting: Vec<Vec<f32>>,
}

/// Why bytes are not a snapshot.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// The bytes end early or do not decode.
    #[error("the snapshot does not decode ({0}); it was cut short or written by another version")]
    Decode(#[from] postcard::Error),
    /// Written by another version.
    #[error("the snapshot has format {found}, this version reads {FORMAT}")]
    Format {
        /// The format found.
        found: u32,
    },
    /// Taken of an arena with other bodies.
    #[error("the snapshot holds {found} acting bodies, the arena has {wanted}; it was taken in another scene")]
    Bodies {
        /// Bodies in the snapshot.
        found: usize,
        /// Bodies in the arena.
        wanted: usize,
    },
    /// The actions that wait are not those of a delay.
    #[error(
        "the snapshot has a delay of {delay} ticks, and other actions that wait; it was damaged or taken in another scene"
    )]
    Waiting {
        /// Ticks.
        delay: u32,
    },
}

impl Snapshot {
    /// Take the state of an arena.
    pub fn take(physics: &Physics<'_>, arena: &Arena) -> Self {
        let memories = arena
            .slots
            .iter()
            .map(|slot| {
                let mut memory = Vec::new();
                slot.body.save(&mut memory);
                memory
            })
            .collect();
        Self {
            format: FORMAT,
            tick: arena.tick,
            seed: arena.seed,
            islands: physics.islands.clone(),
            broad_phase: physics.broad_phase.clone(),
            narrow_phase: physics.narrow_phase.clone(),
            ccd_solver: physics.ccd_solver.clone(),
            parameters: *physics.parameters,
            bodies: physics.bodies.clone(),
            colliders: physics.colliders.clone(),
            joints: physics.joints.clone(),
            multibody_joints: physics.multibody_joints.clone(),
            memories,
            after: After { conditions: arena.conditions(), waiting: arena.waiting.clone() },
        }
    }

    /// Put an arena of the same scene back into this state.
    pub fn restore(&self, physics: &mut Physics<'_>, arena: &mut Arena) {
        arena.tick = self.tick;
        arena.seed = self.seed;
        physics.islands.clone_from(&self.islands);
        physics.broad_phase.clone_from(&self.broad_phase);
        physics.narrow_phase.clone_from(&self.narrow_phase);
        physics.ccd_solver.clone_from(&self.ccd_solver);
        *physics.parameters = self.parameters;
        physics.bodies.clone_from(&self.bodies);
        physics.colliders.clone_from(&self.colliders);
        physics.joints.clone_from(&self.joints);
        physics.multibody_joints.clone_from(&self.multibody_joints);
        for (slot, memory) in arena.slots.iter_mut().zip(&self.memories) {
            slot.body.load(memory);
        }
        arena.set_conditions(self.after.conditions);
        for (waiting, then) in arena.waiting.iter_mut().zip(&self.after.waiting) {
            waiting.clone_from(then);
        }
    }

    /// Check that it can be put into `arena`.
    ///
    /// # Errors
    /// [`SnapshotError::Bodies`] when the arena has another number of acting bodies, [`SnapshotError::Waiting`] when they act
    /// otherwise.
    pub(super) fn check(&self, arena: &Arena) -> Result<(), SnapshotError> {
        let (found, wanted) = (self.memories.len(), arena.slots.len());
        if found != wanted {
            return Err(SnapshotError::Bodies { found, wanted });
        }
        let After { conditions, waiting } = &self.after;
        let whole = |(slot, own): (&Slot, &Vec<f32>)| own.len() == conditions.delay as usize * slot.action.len();
        let before = waiting.is_empty() && *conditions == Conditions::default();
        if !before && (waiting.len() != wanted || !arena.slots.iter().zip(waiting).all(whole)) {
            return Err(SnapshotError::Waiting { delay: conditions.delay });
        }
        Ok(())
    }

    /// As bytes (postcard).
    ///
    /// # Errors
    /// When a set does not serialise, which no set that was built through Rapier does.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SnapshotError> {
        Ok(postcard::to_extend(&self.after, postcard::to_stdvec(self)?)?)
    }

    /// From the bytes of [`Snapshot::to_bytes`].
    ///
    /// # Errors
    /// When the bytes were cut short or written by another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let (found, _) = postcard::take_from_bytes::<u32>(bytes)?;
        if found != FORMAT && found != UNCONDITIONED {
            return Err(SnapshotError::Format { found });
        }
        let (snapshot, rest): (Self, _) = postcard::take_from_bytes(bytes)?;
        let after = if found == FORMAT { postcard::from_bytes(rest)? } else { After::default() };
        Ok(Self { format: FORMAT, after, ..snapshot })
    }
}
