//! Replay of a recorded episode in the window.

use std::time::{Duration, Instant};

use bevy::prelude::*;

use crate::agents::Driver;
use crate::demos::{Episode, ReplayTrack, start_replay};
use crate::live::{LiveSystems, Session, SimClock};

/// Pause at the end of the episode before the replay restarts.
const END_PAUSE: Duration = Duration::from_millis(1500);

/// The episode being replayed.
#[derive(Resource)]
pub struct Playback {
    /// The episode.
    pub episode: Episode,
    /// Number of finished replays.
    pub completed: usize,
    /// Result of the last finished replay: the first tick that diverged, if any. `None` before the first end.
    pub result: Option<Option<usize>>,
    /// Restart the replay in this frame.
    pub restart: bool,
    ended: Option<Instant>,
}

impl Playback {
    /// A playback that starts in the next frame.
    pub fn new(episode: Episode) -> Self {
        Self { episode, completed: 0, result: None, restart: true, ended: None }
    }
}

/// Starts and restarts the replay.
pub struct ReplayViewPlugin;

impl Plugin for ReplayViewPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(
            Update,
            run_playback
                .before(LiveSystems::Ticks)
                .run_if(resource_exists::<Session>.and_then(resource_exists::<Playback>)),
        );
    }
}

fn run_playback(world: &mut World) {
    let ego = world.resource::<Session>().ego();
    let started = world.get::<ReplayTrack>(ego).is_some();
    if started && world.get::<Driver>(ego) != Some(&Driver::Replay) {
        // The person took over.
        stop_playback(world);
        return;
    }
    let (finished, diverged) =
        world.get::<ReplayTrack>(ego).map_or((false, None), |t| (t.finished(), t.first_divergence));
    let paused = world.resource::<SimClock>().is_paused();
    let mut playback = world.resource_mut::<Playback>();
    if finished && playback.ended.is_none() {
        playback.ended = Some(Instant::now());
        playback.result = Some(diverged);
        playback.completed += 1;
    }
    let over = playback.ended.is_some_and(|at| at.elapsed() > END_PAUSE) && !paused;
    if playback.restart || over {
        playback.restart = false;
        playback.ended = None;
        start_playback(world, ego);
    }
}

fn start_playback(world: &mut World, ego: Entity) {
    let session = world.resource::<Session>();
    let (arena, agents) = (session.spawned.arena, session.spawned.agents.clone());
    let started =
        world.resource_scope(|world, playback: Mut<Playback>| start_replay(world, arena, &agents, &playback.episode));
    if let Err(error) = started {
        stop_playback(world);
        world.entity_mut(ego).insert(Driver::Human);
        world.resource_mut::<Session>().notify_error(error.to_string());
    }
}

/// Remove the playback; the other agents are scripted again.
fn stop_playback(world: &mut World) {
    let session = world.resource::<Session>();
    let ego = session.ego();
    for agent in session.spawned.agents.clone() {
        let mut agent = world.entity_mut(agent);
        agent.remove::<ReplayTrack>();
        if agent.id() != ego {
            agent.insert(Driver::Scripted);
        }
    }
    world.remove_resource::<Playback>();
}
