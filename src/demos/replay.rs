//! Replaying a recorded episode: the simulation runs again with the recorded actions.

use bevy::app::{App, Plugin};
use bevy::ecs::prelude::*;

use super::episode::Episode;
use crate::agents::{Action, Agent, Driver};
use crate::sim::{
    Arena, DecideSystems, PhysicsSets, SimAct, SimObserve, Snapshot, SnapshotError, begin_episode, state_hash, tick,
};

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
        let actions_of = |other: usize| column(&episode.other_actions, other_act_dim, act_dim, other);
        let mut tracks: Vec<Self> =
            (1..episode.n_agents()).map(|other| Self::with_actions(episode, actions_of(other - 1))).collect();
        tracks.insert(episode.header.agent_index.min(tracks.len()), Self::from_episode(episode));
        tracks
    }

    /// The tracks of the ticks before the episode's first one, in the order of the agents' slots, and the number of these
    /// ticks. No state is compared.
    fn lead_in(episode: &Episode) -> (Vec<Self>, usize) {
        let (lead_in, act_dim) = (&episode.header.lead_in, episode.header.action.size());
        let width = act_dim + episode.header.other_act_dim;
        let ticks = lead_in.len() / width.max(1);
        let track = |agent: usize| {
            let actions = column(lead_in, width, act_dim, agent);
            Self { actions, hashes: vec![0; ticks], compared: 0, next: 0, first_divergence: None, divergences: 0 }
        };
        ((0..episode.n_agents()).map(track).collect(), ticks)
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

/// The actions of one agent: of each row of `width` values, those of `agent`.
fn column(rows: &[f32], width: usize, act_dim: usize, agent: usize) -> Vec<f32> {
    rows.chunks_exact(width.max(1)).flat_map(|row| &row[agent * act_dim..(agent + 1) * act_dim]).copied().collect()
}

/// Replay the episode: reset `arena`, which is one of the episode's scene, with its seed, and drive `agents`, which are all
/// agents of the arena in the order of their slots, with [`Driver::Replay`]. Where the first ticks of the episode were
/// removed, they are simulated first.
///
/// # Errors
/// [`SnapshotError::Bodies`] when the number of agents differs from the episode's; nothing is changed then.
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
    begin_episode(world, arena, episode.header.seed);
    let (lead_in, ticks) = ReplayTrack::lead_in(episode);
    if ticks > 0 {
        drive(world, agents, lead_in);
        (0..ticks).for_each(|_| tick(world));
    }
    drive(world, agents, tracks);
    Ok(())
}

fn drive(world: &mut World, agents: &[Entity], tracks: Vec<ReplayTrack>) {
    for (agent, track) in agents.iter().zip(tracks) {
        world.entity_mut(*agent).insert((Driver::Replay, track));
    }
}

/// Check the start snapshot of an episode whose replay was just started: where the arena is in the recorded state, the
/// snapshot must be of that state. Where it is not, another build has recorded the episode, and the replay diverges.
///
/// # Errors
/// [`SnapshotError::Differs`]
pub fn check_start(world: &mut World, arena: Entity, episode: &Episode) -> Result<(), SnapshotError> {
    world.run_schedule(SimObserve);
    let mut arenas = world.query::<(&Arena, PhysicsSets)>();
    let Ok((arena, mut sets)) = arenas.get_mut(world, arena) else { return Ok(()) };
    let physics = sets.physics();
    let is_recorded =
        episode.first_gap != Some(0) && episode.state_hashes.first() == Some(&state_hash(&physics, arena));
    let snapshot = Snapshot::take(&physics, arena).to_bytes()?;
    if is_recorded && snapshot != episode.header.snapshot { Err(SnapshotError::Differs) } else { Ok(()) }
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
