//! The episodes of a session: reset, recording, review, and the end of an episode.

use std::time::{Duration, Instant};

use bevy::ecs::prelude::*;

use super::commands::Command;
use super::session::{RecordingState, Session};
use crate::agents::Driver;
use crate::demos::Recorder;
use crate::sim::{Arena, begin_episode};
use crate::tasks::{EpisodeEnd, Score};

/// Delay between the end of an unrecorded episode and the start of the next.
const RESET_DELAY: Duration = Duration::from_millis(1200);
/// The error of a request that a recorded episode must not get lost by.
const DECIDE_FIRST: &str = "keep (Enter) or discard (Backspace) the recorded episode first";

/// Begin a new episode. While an episode is being recorded, discard its ticks and record the new episode.
pub(super) fn reset(world: &mut World) {
    let recording = world.resource::<Session>().recording;
    if recording == RecordingState::Review {
        world.resource_mut::<Session>().notify_error(DECIDE_FIRST);
        return;
    }
    if recording == RecordingState::Recording {
        drop_recorder(world);
    }
    begin(world);
    if recording == RecordingState::Recording {
        attach_recorder(world);
        world.resource_mut::<Session>().notify("recording restarted; the previous ticks are discarded");
    }
}

/// Begin a new episode at the next tick.
pub(super) fn begin(world: &mut World) {
    let mut session = world.resource_mut::<Session>();
    session.ended_at = None;
    let (arena, seed) = (session.spawned.arena, session.next_seed());
    begin_episode(world, arena, seed);
}

fn attach_recorder(world: &mut World) {
    let session = world.resource::<Session>();
    let (ego, journals) = (session.ego(), session.dataset_dir().join("journal"));
    let driver = world.get::<Driver>(ego).copied().unwrap_or_default();
    let operator = match driver {
        Driver::Human => world.resource::<Session>().options.operator.clone(),
        other => other.name().to_owned(),
    };
    let mut recorder = Recorder::with_journal(operator, journals);
    recorder.note_driver(driver);
    world.entity_mut(ego).insert(recorder);
}

/// Remove the recorder and discard its episode.
pub(super) fn drop_recorder(world: &mut World) {
    let ego = world.resource::<Session>().ego();
    let Some(recorder) = world.entity_mut(ego).take::<Recorder>() else { return };
    if let Err(error) = recorder.discard() {
        world.resource_mut::<Session>().notify_error(error.to_string());
    }
    // Removes the folder only if it is empty: the journal had created it.
    let _ = std::fs::remove_dir(world.resource::<Session>().dataset_dir());
}

pub(super) fn toggle_recording(world: &mut World) {
    match world.resource::<Session>().recording {
        RecordingState::Idle => {
            begin(world);
            attach_recorder(world);
            let mut session = world.resource_mut::<Session>();
            session.recording = RecordingState::Recording;
            session.notify("recording");
        }
        RecordingState::Recording => {
            let ego = world.resource::<Session>().ego();
            if world.get::<Recorder>(ego).is_none_or(Recorder::is_empty) {
                drop_recorder(world);
                let mut session = world.resource_mut::<Session>();
                session.recording = RecordingState::Idle;
                let key = session.key_name(Command::Record);
                session.notify_error(format!("nothing was recorded: no time has passed; {key} begins an episode"));
                return;
            }
            if let Some(mut recorder) = world.get_mut::<Recorder>(ego) {
                recorder.stop();
            }
            review(world);
        }
        RecordingState::Review => {
            world.resource_mut::<Session>().notify_error(DECIDE_FIRST);
        }
    }
}

fn review(world: &mut World) {
    let mut session = world.resource_mut::<Session>();
    session.recording = RecordingState::Review;
    session.notify("recorded: Enter keeps it, Backspace discards it");
}

/// Handle the end of an episode: review a recorded one; after an unrecorded one, begin the next.
pub(super) fn handle_episode_end(world: &mut World) {
    let session = world.resource::<Session>();
    let (ego, recording, ended_at) = (session.ego(), session.recording, session.ended_at);
    if let Some(error) = world.get_mut::<Recorder>(ego).and_then(|mut r| r.take_error()) {
        world.resource_mut::<Session>().notify_error(format!("{error}; the episode is still in memory"));
    }
    if recording == RecordingState::Recording && world.get::<Recorder>(ego).is_some_and(Recorder::ended) {
        review(world);
        return;
    }
    if recording != RecordingState::Idle {
        return;
    }
    if world.get::<Driver>(ego) == Some(&Driver::Replay) {
        // The code that started the replay handles its end.
        return;
    }
    let arena = world.resource::<Session>().spawned.arena;
    if world.get::<Arena>(arena).is_some_and(|arena| arena.requested_seed().is_some()) {
        // The score is still that of the previous episode, whose end was already handled.
        return;
    }
    let Some(end) = world.get::<Score>(ego).and_then(|score| score.end) else { return };
    match ended_at {
        None => {
            let mut session = world.resource_mut::<Session>();
            session.ended_at = Some(Instant::now());
            match end {
                EpisodeEnd::Success => session.notify("success"),
                EpisodeEnd::Failure(why) => session.notify(format!("failed: {why}")),
                EpisodeEnd::TimeLimit => session.notify("time limit reached"),
            }
        }
        Some(at) if at.elapsed() > RESET_DELAY => begin(world),
        Some(_) => {}
    }
}
