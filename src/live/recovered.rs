//! The takes of earlier sessions that nobody kept or discarded: the person is asked about them when the scene opens.

use bevy::ecs::prelude::*;

use super::commands::Command;
use super::session::Session;
use crate::demos::{RecoveredTake, recovered_takes};

/// Find the takes that wait beside the scene's dataset. Returns what to say about those that cannot be read.
pub(super) fn find_takes(session: &mut Session) -> Vec<String> {
    let (mut takes, mut unreadable) = (Vec::new(), Vec::new());
    match recovered_takes(session.dataset_dir()) {
        Ok(found) => {
            for take in found {
                match take {
                    Ok(take) => takes.push(take),
                    Err(error) => unreadable.push(error.to_string()),
                }
            }
        }
        Err(error) => unreadable.push(error.to_string()),
    }
    if !takes.is_empty() {
        bevy::log::info!("{} recovered take(s) wait for an answer", takes.len());
    }
    session.recovered = takes;
    unreadable
}

/// Append the first of the takes to the dataset. When that fails, it goes on to wait.
pub(super) fn keep_take(world: &mut World) {
    let mut session = world.resource_mut::<Session>();
    let dir = session.dataset_dir();
    let Some(take) = session.recovered.first() else { return };
    let seconds = take.seconds();
    match take.keep(&dir) {
        Ok(index) => {
            session.recovered.remove(0);
            session.refresh_dataset_counts();
            session.notify(format!("the recovered {seconds:.1} s are kept as episode {index} in {}", dir.display()));
        }
        Err(error) => {
            session.notify_error(format!("the recovered {seconds:.1} s are not kept, and are still here: {error}"));
        }
    }
}

/// Discard the first of the takes.
pub(super) fn discard_take(world: &mut World) {
    let mut session = world.resource_mut::<Session>();
    let Some(take) = session.recovered.first() else { return };
    match take.discard() {
        Ok(()) => {
            session.recovered.remove(0);
            session.notify("the recovered take is discarded");
        }
        Err(error) => session.notify_error(error.to_string()),
    }
}

/// Leave the takes where they are; the next start asks again.
pub(super) fn decide_later(world: &mut World) {
    let mut session = world.resource_mut::<Session>();
    let count = std::mem::take(&mut session.recovered).len();
    if count > 0 {
        let command = format!("apprentice dataset recovered {}", session.dataset_dir().display());
        session.notify(format!("{count} recovered take(s) wait; `{command}` shows them"));
    }
}

impl Session {
    /// The recovered take that the person is asked about.
    pub fn asked_take(&self) -> Option<&RecoveredTake> {
        self.recovered.first()
    }

    /// The keys that answer the question about a recovered take, with what they do.
    pub fn answers(&self) -> [(String, &'static str); 3] {
        let answer = |command, label| (self.key_name(command), label);
        [
            answer(Command::Keep, "keep it in the dataset"),
            answer(Command::Discard, "discard it"),
            answer(Command::Close, "decide later"),
        ]
    }
}
