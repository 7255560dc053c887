//! The simulation of a recorded episode again, from its seed and its actions.

use bevy::ecs::entity::Entity;
use bevy::ecs::world::World;

use super::headless::headless_app;
use crate::agents::Driver;
use crate::demos::{Episode, ReplayTrack, check_start, start_replay};
use crate::scenes::{Scene, spawn_arena};
use crate::sim::{SnapshotError, tick};

/// A world with one arena that replays a recorded episode.
pub(super) struct Resimulation {
    /// The world.
    pub world: World,
    /// The recorded agent.
    pub agent: Entity,
}

impl Resimulation {
    /// The world of `episode` before its first tick.
    ///
    /// # Errors
    /// [`SnapshotError`] when the start snapshot is not of the state that the episode begins in, or the scene has another
    /// number of agents.
    pub fn start(scene: &Scene, episode: &Episode) -> Result<Self, SnapshotError> {
        let mut world = std::mem::take(headless_app(1).world_mut());
        let spawned = spawn_arena(&mut world, scene, episode.n_agents(), Driver::Replay);
        start_replay(&mut world, spawned.arena, &spawned.agents, episode)?;
        check_start(&mut world, spawned.arena, episode)?;
        let agent = spawned.agents[episode.header.agent_index.min(spawned.agents.len() - 1)];
        Ok(Self { world, agent })
    }
}

/// Check that a recorded episode can be replayed in its scene.
///
/// # Errors
/// As [`resimulate`].
pub fn check_replay(scene: &Scene, episode: &Episode) -> Result<(), SnapshotError> {
    Resimulation::start(scene, episode).map(|_| ())
}

/// Re-simulate the recorded actions of an episode from its start.
///
/// # Errors
/// When the start snapshot is not of the state that the episode begins in, or the scene has another number of agents.
pub fn resimulate(scene: &Scene, episode: &Episode) -> Result<ReplayTrack, SnapshotError> {
    let Resimulation { mut world, agent } = Resimulation::start(scene, episode)?;
    for _ in 0..episode.len() {
        tick(&mut world);
    }
    let track = world.entity_mut(agent).take::<ReplayTrack>();
    Ok(track.unwrap_or_else(|| ReplayTrack::from_episode(episode)))
}
