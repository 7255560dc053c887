//! Re-simulating a recorded episode.

use bevy::app::{App, Plugin};
use bevy::ecs::prelude::*;

use super::episode::Episode;
use crate::agents::{Action, Agent, Driver};
use crate::sim::{Arena, DecideSystems, PhysicsSets, SimAct, Snapshot, SnapshotError, state_hash};

/// The recorded actions of an agent whose driver is [`Driver::Replay`], and the state hashes they should lead to.
#[derive(Component, Clone, Debug)]
pub struct ReplayTrack {
    actions: Vec<f32>,
    hashes: Vec<u64>,
    next: usize,
    /// The first tick at which the state was not the recorded one.
    pub diverged: Option<usize>,
    /// Ticks whose state was not the recorded one.
    pub divergences: usize,
}

impl ReplayTrack {
    /// The track of an episode.
    pub fn of(episode: &Episode) -> Self {
        Self::with(episode, episode.actions.clone())
    }

    /// The tracks of everybody in the arena, by their places. All actions are of one size.
    fn of_all(episode: &Episode) -> Vec<Self> {
        let (all, size) = (episode.header.others, episode.header.action.size());
        let theirs = |other: usize| -> Vec<f32> {
            let rows = episode.others.chunks_exact(all);
            rows.flat_map(|row| &row[other * size..(other + 1) * size]).copied().collect()
        };
        let mut tracks: Vec<Self> =
            (1..episode.players()).map(|other| Self::with(episode, theirs(other - 1))).collect();
        tracks.insert(episode.header.slot.min(tracks.len()), Self::of(episode));
        tracks
    }

    fn with(episode: &Episode, actions: Vec<f32>) -> Self {
        Self { actions, hashes: episode.state_hashes.clone(), next: 0, diverged: None, divergences: 0 }
    }

    /// Whether all recorded ticks have been replayed.
    pub fn finished(&self) -> bool {
        self.next >= self.hashes.len()
    }

    /// Back to the first tick.
    pub fn rewind(&mut self) {
        self.next = 0;
        self.diverged = None;
        self.divergences = 0;
    }
}

/// Let `agents`, everybody in `arena` by their places, carry out the episode again from its recorded start.
///
/// # Errors
/// As [`rewind_to_start`], or another number of agents than the episode has; nothing is changed then.
pub fn run_again(world: &mut World, arena: Entity, agents: &[Entity], episode: &Episode) -> Result<(), SnapshotError> {
    let tracks = ReplayTrack::of_all(episode);
    if tracks.len() != agents.len() {
        return Err(SnapshotError::Bodies { found: tracks.len(), wanted: agents.len() });
    }
    world.get_mut::<Arena>(arena).map_or(Ok(()), |mut arena| rewind_to_start(&mut arena, episode))?;
    for (agent, track) in agents.iter().zip(tracks) {
        world.entity_mut(*agent).insert((Driver::Replay, track));
    }
    Ok(())
}

/// Let `arena` begin the episode again from its recorded start at the next tick.
///
/// # Errors
/// [`SnapshotError`] when the recorded start does not decode or holds another number of bodies than the arena.
pub fn rewind_to_start(arena: &mut Arena, episode: &Episode) -> Result<(), SnapshotError> {
    let snapshot = Snapshot::from_bytes(&episode.header.snapshot)?;
    arena.begin_from(episode.header.seed, snapshot)
}

/// Replays the agents that carry a [`ReplayTrack`].
pub struct ReplayPlugin;

impl Plugin for ReplayPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(SimAct, replay.in_set(DecideSystems::Replay));
    }
}

fn replay(
    mut arenas: Query<(&Arena, PhysicsSets)>,
    mut agents: Query<(&Agent, &Driver, &mut ReplayTrack, &mut Action)>,
) {
    for (agent, driver, mut track, mut action) in &mut agents {
        if *driver != Driver::Replay || track.finished() {
            continue;
        }
        let Ok((arena, mut sets)) = arenas.get_mut(agent.arena) else { continue };
        let physics = sets.physics();
        let (tick, size) = (track.next, action.0.len());
        if state_hash(&physics, arena) != track.hashes[tick] {
            track.divergences += 1;
            track.diverged.get_or_insert(tick);
        }
        if let Some(recorded) = track.actions.get(tick * size..(tick + 1) * size) {
            action.0.copy_from_slice(recorded);
        }
        track.next += 1;
    }
}
