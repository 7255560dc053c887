//! Showing a recorded episode.

use std::time::{Duration, Instant};

use bevy::prelude::*;

use crate::agents::Driver;
use crate::demos::{Episode, ReplayTrack, run_again};
use crate::live::{LiveSystems, Session, SimClock};

/// How long the end is shown before the episode begins again.
const SHOWN: Duration = Duration::from_millis(1500);

/// The episode that is shown.
#[derive(Resource)]
pub struct Playback {
    /// The episode.
    pub episode: Episode,
    /// How many times it was shown to its end.
    pub shown: usize,
    /// What the last showing found: the first tick that differed, if any. `None` before the first end.
    pub verdict: Option<Option<usize>>,
    /// Begin again now.
    pub again: bool,
    ended: Option<Instant>,
}

impl Playback {
    /// A playback that has yet to begin.
    pub fn of(episode: Episode) -> Self {
        Self { episode, shown: 0, verdict: None, again: true, ended: None }
    }
}

/// Begins the replay, and begins it again.
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
    let begun = world.get::<ReplayTrack>(ego).is_some();
    if begun && world.get::<Driver>(ego) != Some(&Driver::Replay) {
        // Somebody took over.
        end(world);
        return;
    }
    let (finished, diverged) = world.get::<ReplayTrack>(ego).map_or((false, None), |t| (t.finished(), t.diverged));
    let paused = world.resource::<SimClock>().paused;
    let mut playback = world.resource_mut::<Playback>();
    if finished && playback.ended.is_none() {
        playback.ended = Some(Instant::now());
        playback.verdict = Some(diverged);
        playback.shown += 1;
    }
    let over = playback.ended.is_some_and(|at| at.elapsed() > SHOWN) && !paused;
    if playback.again || over {
        playback.again = false;
        playback.ended = None;
        begin(world, ego);
    }
}

fn begin(world: &mut World, ego: Entity) {
    let session = world.resource::<Session>();
    let (arena, agents) = (session.spawned.arena, session.spawned.agents.clone());
    let begun =
        world.resource_scope(|world, playback: Mut<Playback>| run_again(world, arena, &agents, &playback.episode));
    if let Err(error) = begun {
        end(world);
        world.entity_mut(ego).insert(Driver::Human);
        world.resource_mut::<Session>().complain(error.to_string());
    }
}

/// Nobody replays any longer; the others do what they did before.
fn end(world: &mut World) {
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
