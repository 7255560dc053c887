//! The episodes of a session: begun, recorded, kept, discarded.

use std::time::{Duration, Instant};

use bevy::ecs::prelude::*;

use super::session::Session;
use crate::agents::Driver;
use crate::demos::Recorder;
use crate::sim::{Arena, begin_episode};
use crate::tasks::{End, Score};

/// How long the end of an unrecorded episode is shown before the next begins.
const SHOWN: Duration = Duration::from_millis(1200);

/// Where the recording stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordingState {
    /// Nothing is recorded.
    #[default]
    Idle,
    /// An episode is being recorded.
    Recording,
    /// A recorded episode waits to be kept or discarded.
    Review,
}

/// Begin a new episode. One that is being recorded begins again from its start; nothing of it is kept.
pub(super) fn reset(world: &mut World) {
    let recording = world.resource::<Session>().recording;
    if recording == RecordingState::Review {
        world.resource_mut::<Session>().complain("keep (Enter) or discard (Backspace) the recorded episode first");
        return;
    }
    if recording == RecordingState::Recording {
        drop_recorder(world);
    }
    begin(world);
    if recording == RecordingState::Recording {
        attach_recorder(world);
        world.resource_mut::<Session>().say("recording begins again; what was recorded is discarded");
    }
}

fn begin(world: &mut World) {
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

/// Discard what is recorded; gives false where nothing was.
fn drop_recorder(world: &mut World) -> bool {
    let ego = world.resource::<Session>().ego();
    let Some(recorder) = world.entity_mut(ego).take::<Recorder>() else { return false };
    if let Err(error) = recorder.discard() {
        world.resource_mut::<Session>().complain(error.to_string());
    }
    // The folder that was made for the dataset goes too; it only goes when it is empty.
    let _ = std::fs::remove_dir(world.resource::<Session>().dataset_dir());
    true
}

pub(super) fn toggle_recording(world: &mut World) {
    match world.resource::<Session>().recording {
        RecordingState::Idle => {
            begin(world);
            attach_recorder(world);
            let mut session = world.resource_mut::<Session>();
            session.recording = RecordingState::Recording;
            session.say("recording");
        }
        RecordingState::Recording => {
            let ego = world.resource::<Session>().ego();
            if let Some(mut recorder) = world.get_mut::<Recorder>(ego) {
                recorder.stop();
            }
            review(world);
        }
        RecordingState::Review => {
            let text = "keep (Enter) or discard (Backspace) the recorded episode first";
            world.resource_mut::<Session>().complain(text);
        }
    }
}

fn review(world: &mut World) {
    let mut session = world.resource_mut::<Session>();
    session.recording = RecordingState::Review;
    session.say("recorded: Enter keeps it, Backspace discards it");
}

pub(super) fn keep(world: &mut World) {
    let recording = world.resource::<Session>().recording;
    if recording == RecordingState::Idle {
        world.resource_mut::<Session>().complain("nothing is recorded; R begins an episode");
        return;
    }
    let session = world.resource::<Session>();
    let (ego, dir) = (session.ego(), session.dataset_dir());
    let Some(recorder) = world.entity_mut(ego).take::<Recorder>() else { return };
    let kept = recorder.keep(&dir);
    let mut session = world.resource_mut::<Session>();
    session.recording = RecordingState::Idle;
    session.count_dataset();
    match kept {
        Ok(Some(number)) => {
            let episodes = session.episodes;
            session.say(format!("kept as episode {number}; {episodes} in {}", dir.display()));
        }
        Ok(None) => session.complain("nothing was recorded yet"),
        Err(error) => session.complain(error.to_string()),
    }
    begin(world);
}

pub(super) fn discard(world: &mut World) {
    if world.resource::<Session>().recording == RecordingState::Idle {
        world.resource_mut::<Session>().complain("nothing is recorded; R begins an episode");
        return;
    }
    drop_recorder(world);
    let mut session = world.resource_mut::<Session>();
    session.recording = RecordingState::Idle;
    session.say("discarded");
    begin(world);
}

/// Notice what ended: a recorded episode is offered, another is followed by the next.
pub(super) fn end_episodes(world: &mut World) {
    let session = world.resource::<Session>();
    let (ego, recording, ended_at) = (session.ego(), session.recording, session.ended_at);
    if let Some(error) = world.get_mut::<Recorder>(ego).and_then(|mut r| r.take_error()) {
        world.resource_mut::<Session>().complain(format!("{error}; the episode is still in memory"));
    }
    if recording == RecordingState::Recording && world.get::<Recorder>(ego).is_some_and(Recorder::ended) {
        review(world);
        return;
    }
    if recording != RecordingState::Idle {
        return;
    }
    if world.get::<Driver>(ego) == Some(&Driver::Replay) {
        // Whoever set the replay up decides what follows its end.
        return;
    }
    let arena = world.resource::<Session>().spawned.arena;
    if world.get::<Arena>(arena).is_some_and(|arena| arena.next_seed().is_some()) {
        // The score is still that of the episode before, which has been shown.
        return;
    }
    let Some(end) = world.get::<Score>(ego).and_then(|score| score.end) else { return };
    match ended_at {
        None => {
            let mut session = world.resource_mut::<Session>();
            session.ended_at = Some(Instant::now());
            match end {
                End::Success => session.say("done!"),
                End::Failure(why) => session.say(format!("failed: {why}")),
                End::TimeUp => session.say("time is up"),
            }
        }
        Some(at) if at.elapsed() > SHOWN => begin(world),
        Some(_) => {}
    }
}
