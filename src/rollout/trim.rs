//! Removing the first ticks of a recorded episode. Their actions lead in to the rest; its start snapshot is taken from a
//! re-simulation.

use thiserror::Error;

use super::resimulation::{Resimulation, resimulate};
use crate::demos::{Episode, ReplayTrack};
use crate::scenes::Scene;
use crate::sim::{Arena, PhysicsSets, Snapshot, SnapshotError, tick};

/// Why the first ticks of an episode cannot be removed.
#[derive(Debug, Error)]
pub enum TrimError {
    /// A snapshot cannot be read or written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The re-simulation differs from the recording before the new start.
    #[error(
        "the re-simulation differs from the recording at tick {tick}, since another build recorded it: its first ticks \
         cannot be removed, only its last ones"
    )]
    Diverged {
        /// The first tick that differs.
        tick: usize,
    },
    /// The scene cannot begin in the middle of an episode.
    #[error(
        "the scene `{scene}` cannot begin at tick {start} of an episode: a replay from there differs at tick {tick}. Remove \
         the last ticks only, or the whole episode"
    )]
    Start {
        /// The scene's name.
        scene: String,
        /// The tick of the new start.
        start: usize,
        /// The first tick that differs.
        tick: usize,
    },
}

/// The episode without its first `start` ticks. Its replay is compared with the recorded state hashes.
///
/// # Errors
/// [`TrimError`] when the replay of the episode, or of the rest, is not exact.
///
/// # Panics
/// When the episode has fewer than `start` ticks.
pub fn trim_start(scene: &Scene, episode: &Episode, start: usize) -> Result<Episode, TrimError> {
    let Resimulation { mut world, agent } = Resimulation::start(scene, episode)?;
    for _ in 0..start {
        tick(&mut world);
    }
    if let Some(tick) = world.get::<ReplayTrack>(agent).and_then(|track| track.first_divergence) {
        return Err(TrimError::Diverged { tick });
    }
    let mut rest = episode.slice(start..episode.len());
    let mut arenas = world.query::<(&Arena, PhysicsSets)>();
    for (arena, mut sets) in arenas.iter_mut(&mut world) {
        rest.header.snapshot = Snapshot::take(&sets.physics(), arena).to_bytes()?;
    }
    match resimulate(scene, &rest)?.first_divergence {
        None => Ok(rest),
        Some(tick) => Err(TrimError::Start { scene: scene.name.clone(), start, tick: start + tick }),
    }
}
