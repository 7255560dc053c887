//! Opening a session: the arena and its drivers, and the recordings that a crash interrupted.

use bevy::ecs::prelude::*;

use super::episodes::reset;
use super::session::{RecordingState, Session, SessionOptions};
use crate::agents::Driver;
use crate::demos::{Recovery, recover_kept};
use crate::policies::{Policies, Policy, PolicyError, resolve_policy_dir};
use crate::scenes::{Scene, despawn_arena, find, spawn_arena};
use crate::teleop::{ScriptedOperator, Skill};

/// Open a session in `scene`. Recordings that had been kept when the program ended are
/// recovered into the dataset first; takes that nobody answered wait beside it.
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
    recover(&mut session);
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

/// Append the recordings that had been kept when the program ended, and report the takes that wait.
fn recover(session: &mut Session) {
    let dir = session.dataset_dir();
    match recover_kept(&dir) {
        Ok(Recovery { appended, waiting, failed }) => {
            if waiting > 0 {
                let command = format!("`apprentice dataset recovered {}`", dir.display());
                session.notify(format!("{waiting} recovered take(s) wait; {command} keeps or discards them"));
            } else if !appended.is_empty() {
                session.notify(format!("recovered {} episode(s) of an interrupted recording", appended.len()));
            }
            failed.iter().for_each(|error| session.notify_error(error.to_string()));
        }
        Err(error) => session.notify_error(error.to_string()),
    }
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
