//! Opening a session: the arena and its drivers, and the recordings that a crash interrupted.

use std::path::Path;

use bevy::ecs::prelude::*;

use super::episodes::reset;
use super::session::{RecordingState, Session, SessionOptions};
use crate::agents::Driver;
use crate::demos::{Dataset, DatasetError, Recovery, recover};
use crate::policies::{Policies, Policy, PolicyError, resolve_policy_dir};
use crate::scenes::{Scene, despawn_arena, find, spawn_arena};
use crate::teleop::{ScriptedOperator, Skill};

/// Open a session in `scene`. Recordings that a crash interrupted are recovered into the dataset first.
pub fn open_session(world: &mut World, scene: Scene, options: SessionOptions) {
    let spawned = spawn_arena(world, &scene, options.agents, Driver::Human);
    let mut session = Session::new(scene, spawned, options);
    for agent in session.spawned.agents.clone() {
        // A scripted operator drives the other agents until a policy is loaded.
        if agent != session.ego()
            && let Some(operator) = session.scene.blueprint.operator(Skill::Steady)
        {
            world.entity_mut(agent).insert((Driver::Scripted, ScriptedOperator(operator)));
        }
    }
    match recover_journals(&session.dataset_dir()) {
        Ok(0) => {}
        Ok(n) => session.notify(format!("recovered {n} episode(s) of an interrupted recording")),
        Err(error) => session.notify_error(error.to_string()),
    }
    if let Err(error) = load_opponent(world, &session) {
        session.notify_error(error.to_string());
    }
    session.refresh_dataset_counts();
    world.insert_resource(session);
    reset(world);
}

/// Load the opponent policy, if there is one, and let it drive the other side.
fn load_opponent(world: &mut World, session: &Session) -> Result<(), PolicyError> {
    let sides = session.scene.blueprint.sides();
    let Some(path) = session.options.opponent.as_ref().filter(|_| !sides.is_empty()) else { return Ok(()) };
    let policy = Policy::load(&resolve_policy_dir(path)?)?;
    let policy = policy.for_agent(&session.scene.blueprint.spaces(), &session.scene.name)?;
    let index = world.resource_mut::<Policies>().add(policy);
    for agent in session.spawned.agents.iter().filter(|agent| **agent != session.ego()) {
        world.entity_mut(*agent).insert((Driver::Policy, index));
    }
    Ok(())
}

/// Recover the recordings that a crash left in a dataset's `journal` folder. Returns the number of appended episodes.
///
/// # Errors
/// [`DatasetError`] when the dataset cannot be opened or written.
pub fn recover_journals(dir: &Path) -> Result<usize, DatasetError> {
    let journals = dir.join("journal");
    if !journals.is_dir() {
        return Ok(0);
    }
    let mut dataset = match Dataset::open(dir) {
        Ok(dataset) => dataset,
        Err(DatasetError::NoDataset { .. }) => {
            // The crash came before the first episode was kept: create the dataset from the header of a journal.
            let mut recovered = recover(&journals)?.into_iter().flatten();
            let Some(first) = recovered.find(|r| !r.episode.is_empty()) else { return Ok(0) };
            Dataset::create_or_open(dir, &first.episode.header)?
        }
        Err(error) => return Err(error),
    };
    let mut count = 0;
    for recovery in dataset.recover()? {
        match recovery {
            Recovery::Appended { .. } => count += 1,
            Recovery::AlreadyAppended { .. } | Recovery::Empty { .. } => {}
            Recovery::Failed { path, cause } => {
                bevy::log::warn!("{} was not recovered; move or remove the file: {cause}", path.display())
            }
        }
    }
    Ok(count)
}

/// Replace the session by one in another scene.
pub(super) fn change_scene(world: &mut World, name: &str) {
    let scene = match find(name) {
        Ok(scene) => scene,
        Err(error) => {
            world.resource_mut::<Session>().notify_error(error.to_string());
            return;
        }
    };
    if world.resource::<Session>().recording != RecordingState::Idle {
        let text = "keep (Enter) or discard (Backspace) the recording before you leave the scene";
        world.resource_mut::<Session>().notify_error(text);
        return;
    }
    let Some(session) = world.remove_resource::<Session>() else { return };
    despawn_arena(world, session.spawned.arena);
    open_session(world, scene, session.options);
}
