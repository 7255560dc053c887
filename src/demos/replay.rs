//! Replaying a recorded episode: the simulation runs again with the recorded actions.

use bevy::app::{App, Plugin};
use bevy::ecs::prelude::*;

use super::episode::Episode;
use crate::agents::{Action, Agent, Driver};
use crate::sim::{Arena, DecideSystems, PhysicsSets, SimAct, Snapshot, SnapshotError, state_hash};

/// The recorded actions of an agent whose driver is [`Driver::Replay`], and the expected state hashes.
#[derive(Component, Clone, Debug)]
pub struct ReplayTrack {
    actions: Vec<f32>,
    hashes: Vec<u64>,
    /// The number of ticks whose state is compared: those before the first gap.
    compared: usize,
    next: usize,
    /// The first tick whose state hash differed from the recorded one.
    pub first_divergence: Option<usize>,
    /// The number of ticks whose state hash differed from the recorded one.
    pub divergences: usize,
}

impl ReplayTrack {
    /// The track of the episode's own agent.
    pub fn from_episode(episode: &Episode) -> Self {
        Self::with_actions(episode, episode.actions.clone())
    }

    /// The tracks of all agents in the arena, in the order of their slots. All have the same action dimension.
    fn for_all_agents(episode: &Episode) -> Vec<Self> {
        let (other_act_dim, act_dim) = (episode.header.other_act_dim, episode.header.action.size());
        let actions_of = |other: usize| -> Vec<f32> {
            let rows = episode.other_actions.chunks_exact(other_act_dim);
            rows.flat_map(|row| &row[other * act_dim..(other + 1) * act_dim]).copied().collect()
        };
        let mut tracks: Vec<Self> =
            (1..episode.n_agents()).map(|other| Self::with_actions(episode, actions_of(other - 1))).collect();
        tracks.insert(episode.header.agent_index.min(tracks.len()), Self::from_episode(episode));
        tracks
    }

    fn with_actions(episode: &Episode, actions: Vec<f32>) -> Self {
        let compared = episode.first_gap.unwrap_or(episode.len());
        let hashes = episode.state_hashes.clone();
        Self { actions, hashes, compared, next: 0, first_divergence: None, divergences: 0 }
    }

    /// Whether all recorded ticks have been replayed.
    pub fn finished(&self) -> bool {
        self.next >= self.hashes.len()
    }

    /// Restart at the first tick.
    pub fn rewind(&mut self) {
        self.next = 0;
        self.first_divergence = None;
        self.divergences = 0;
    }
}

/// Replay the episode from its start snapshot: reset `arena` and drive `agents`, which are all agents of the arena in the
/// order of their slots, with [`Driver::Replay`].
///
/// # Errors
/// As [`rewind_to_start`], and when the number of agents differs from the episode's; nothing is changed then.
pub fn start_replay(
    world: &mut World,
    arena: Entity,
    agents: &[Entity],
    episode: &Episode,
) -> Result<(), SnapshotError> {
    let tracks = ReplayTrack::for_all_agents(episode);
    if tracks.len() != agents.len() {
        return Err(SnapshotError::Bodies { found: tracks.len(), wanted: agents.len() });
    }
    world.get_mut::<Arena>(arena).map_or(Ok(()), |mut arena| rewind_to_start(&mut arena, episode))?;
    for (agent, track) in agents.iter().zip(tracks) {
        world.entity_mut(*agent).insert((Driver::Replay, track));
    }
    Ok(())
}

/// Reset `arena` to the episode's start snapshot at the next tick.
///
/// # Errors
/// [`SnapshotError`] when the snapshot cannot be decoded or has another number of bodies than the arena.
pub fn rewind_to_start(arena: &mut Arena, episode: &Episode) -> Result<(), SnapshotError> {
    let snapshot = Snapshot::from_bytes(&episode.header.snapshot)?;
    arena.request_reset_from(episode.header.seed, snapshot)
}

/// Replays the agents that have a [`ReplayTrack`].
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
        if tick < track.compared && state_hash(&physics, arena) != track.hashes[tick] {
            track.divergences += 1;
            track.first_divergence.get_or_insert(tick);
        }
        if let Some(recorded) = track.actions.get(tick * size..(tick + 1) * size) {
            action.0.copy_from_slice(recorded);
        }
        track.next += 1;
    }
}
