//! Keeping what a person has made: recorded episodes and trained policies. What cannot be written stays until it is saved,
//! here or in another folder, or is discarded.

use std::ffi::OsStr;
use std::path::Path;

use bevy::ecs::prelude::*;

use super::background_training::BackgroundTraining;
use super::commands::Command;
use super::episodes::{begin, drop_recorder};
use super::recovered::{discard_take, keep_take};
use super::scene_policies::ScenePolicies;
use super::session::{RecordingState, Session};
use super::training::unused_run;
use crate::demos::Recorder;

/// Append the recorded episode to the dataset; without one, the recovered take that is asked about; without that, save the
/// unsaved policy.
pub(super) fn keep(world: &mut World) {
    if world.resource::<Session>().recording != RecordingState::Idle {
        keep_episode(world);
    } else if world.resource::<Session>().asked_take().is_some() {
        keep_take(world);
    } else if world.resource::<BackgroundTraining>().unsaved.is_some() {
        save_policy(world);
    } else {
        nothing_recorded(world);
    }
}

fn keep_episode(world: &mut World) {
    let session = world.resource::<Session>();
    let (ego, dir, dt) = (session.ego(), session.dataset_dir(), session.scene.blueprint.control_dt());
    let Some(mut recorder) = world.get_mut::<Recorder>(ego) else { return };
    recorder.stop();
    let seconds = recorder.len() as f32 * dt;
    let kept = recorder.keep(&dir);
    let mut session = world.resource_mut::<Session>();
    let kept = match kept {
        Ok(kept) => kept,
        Err(error) => {
            session.recording = RecordingState::Review;
            session.notify_error(format!("the episode of {seconds:.1} s is not saved, and is still here: {error}"));
            session.save_error = Some(error.to_string());
            return;
        }
    };
    session.recording = RecordingState::Idle;
    session.save_error = None;
    session.refresh_dataset_counts();
    match kept {
        Some(index) => {
            let (episodes, successes) = (session.episodes, session.successes);
            let text = format!("kept as episode {index}; {episodes} in {}, {successes} succeeded", dir.display());
            session.notify(text);
        }
        None => nothing_recorded(world),
    }
    world.entity_mut(ego).remove::<Recorder>();
    begin(world);
}

fn nothing_recorded(world: &mut World) {
    let mut session = world.resource_mut::<Session>();
    let key = session.key_name(Command::Record);
    session.notify_error(format!("nothing is recorded; {key} begins an episode"));
}

/// Discard the recorded episode; without one, the recovered take; without that, the unsaved policy.
pub(super) fn discard(world: &mut World) {
    if world.resource::<Session>().recording != RecordingState::Idle {
        drop_recorder(world);
        let mut session = world.resource_mut::<Session>();
        session.recording = RecordingState::Idle;
        session.save_error = None;
        session.notify("discarded");
        begin(world);
    } else if world.resource::<Session>().asked_take().is_some() {
        discard_take(world);
    } else if world.resource_mut::<BackgroundTraining>().unsaved.take().is_some() {
        world.resource_mut::<Session>().notify("the policy that was not saved is discarded");
    } else {
        nothing_recorded(world);
    }
}

/// Save the unsaved policy into its run's folder.
fn save_policy(world: &mut World) {
    let mut training = world.resource_mut::<BackgroundTraining>();
    let Some(unsaved) = &mut training.unsaved else { return };
    let (run, scene) = (unsaved.run.clone(), unsaved.scene);
    if let Err(error) = unsaved.policy.save(&run.join("best")) {
        unsaved.error = error.to_string();
        world.resource_mut::<Session>().notify_error(format!("the policy is not saved, and is still here: {error}"));
        return;
    }
    training.unsaved = None;
    let name = run.display().to_string();
    world.resource_mut::<ScenePolicies>().remember(scene, run);
    let mut session = world.resource_mut::<Session>();
    session.notify(format!("the policy is saved in {name}"));
    if session.scene.hash() == scene {
        session.policy_name = name;
    }
}

/// Keep datasets and runs in `folder` from now on, and save there what could not be saved.
pub(super) fn save_into(world: &mut World, folder: &Path) {
    let mut session = world.resource_mut::<Session>();
    if let Err(error) = std::fs::create_dir_all(folder) {
        session.notify_error(format!("cannot create the folder {}: {error}; choose another", folder.display()));
        return;
    }
    let inside = |path: &Path, name: &str| folder.join(path.file_name().unwrap_or(OsStr::new(name)));
    session.options.datasets = inside(&session.options.datasets, "datasets");
    session.options.runs = inside(&session.options.runs, "runs");
    session.refresh_dataset_counts();
    let (waits, runs) = (session.recording == RecordingState::Review, session.options.runs.clone());
    let text = format!(
        "episodes are now kept in {}, which has {}; runs in {}",
        session.dataset_dir().display(),
        session.episodes,
        runs.display()
    );
    session.notify(text);
    let mut training = world.resource_mut::<BackgroundTraining>();
    let scene = training.scene.clone();
    let has_policy = training.unsaved.as_mut().map(|unsaved| unsaved.run = unused_run(&runs, &scene)).is_some();
    if waits {
        keep_episode(world);
    }
    if has_policy {
        save_policy(world);
    }
}
