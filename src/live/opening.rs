//! Opening a session: the arena and its drivers, and the recordings that a crash interrupted.

use std::fmt::Display;

use bevy::ecs::prelude::*;

use super::commands::Command;
use super::episodes::reset;
use super::recovered::find_takes;
use super::restoring::restore_policy;
use super::session::{RecordingState, Session, SessionOptions};
use crate::agents::Driver;
use crate::demos::{Recovery, recover_kept};
use crate::policies::{Policies, Policy, PolicyError, resolve_policy_dir};
use crate::scenes::{Scene, despawn_arena, find, spawn_arena};
use crate::teleop::{KeyBindings, ScriptedOperator, Skill};

/// Open a session in `scene`. Recordings that had been kept when the program ended are recovered into the dataset first;
/// about takes that nobody kept or discarded the person is asked. The policy that the scene had last is loaded, or else the one of its newest
/// run.
pub fn open_session(world: &mut World, scene: Scene, options: SessionOptions) {
    let spawned = spawn_arena(world, &scene, options.agents, Driver::Human);
    let mut session = Session::new(scene, spawned, options);
    let bindings = world.get::<KeyBindings>(session.ego()).into_iter().flat_map(|keys| &keys.bindings);
    session.driving_keys = bindings.flat_map(|binding| binding.keys.clone()).collect();
    for agent in session.spawned.agents.clone() {
        // A scripted operator drives the other agents until a policy is loaded.
        if agent != session.ego()
            && let Some(operator) = session.scene.blueprint.operator(Skill::Steady)
        {
            world.entity_mut(agent).insert((Driver::Scripted, ScriptedOperator(operator)));
        }
    }
    let mut notes = Notes::default();
    notes.extend(who_drives_the_others(&session));
    recover(&mut session, &mut notes);
    if let Err(error) = load_opponent(world, &session) {
        notes.push_error(error);
    }
    session.refresh_dataset_counts();
    if let Some(previous) = world.remove_resource::<Session>() {
        session.keyboard = previous.keyboard;
    }
    world.insert_resource(session);
    match restore_policy(world) {
        Ok(found) => notes.extend(found),
        Err(error) => notes.push_error(error),
    }
    reset(world);
    notes.show(&mut world.resource_mut::<Session>());
}

/// What there is to say when a session opens, shown as one message.
#[derive(Default)]
struct Notes {
    lines: Vec<String>,
    is_error: bool,
}

impl Notes {
    fn push(&mut self, line: String) {
        self.lines.push(line);
    }

    fn push_error(&mut self, error: impl Display) {
        self.lines.push(error.to_string());
        self.is_error = true;
    }

    fn extend(&mut self, line: Option<String>) {
        self.lines.extend(line);
    }

    fn show(self, session: &mut Session) {
        match self.lines.join("\n") {
            text if text.is_empty() => {}
            text if self.is_error => session.notify_error(text),
            text => session.notify(text),
        }
    }
}

/// Who drives the other agents, in a scene without sides.
fn who_drives_the_others(session: &Session) -> Option<String> {
    let others = session.spawned.agents.len() - 1;
    if others == 0 || !session.scene.blueprint.sides().is_empty() {
        return None;
    }
    let who = match session.scene.blueprint.operator(Skill::Steady) {
        Some(_) => format!("the scripted operator `{}` drives", Skill::Steady),
        None => "nobody drives".to_owned(),
    };
    let policy = session.key_name(Command::Policy);
    let agents = if others == 1 { "the other agent".to_owned() } else { format!("the other {others} agents") };
    Some(format!("you drive the first agent; {who} {agents}, and with {policy} the policy drives all"))
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

/// Append the recordings that had been kept when the program ended, and find the takes that wait.
fn recover(session: &mut Session, notes: &mut Notes) {
    let dir = session.dataset_dir();
    match recover_kept(&dir) {
        Ok(Recovery { appended, waiting, failed }) => {
            if !appended.is_empty() {
                notes.push(format!("recovered {} kept episode(s) of an interrupted recording", appended.len()));
            }
            if waiting > 0 {
                find_takes(session).into_iter().for_each(|error| notes.push_error(error));
            }
            failed.into_iter().for_each(|error| notes.push_error(error));
        }
        Err(error) => notes.push_error(error),
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
    let session = world.resource::<Session>();
    let (arena, options) = (session.spawned.arena, session.options.clone());
    despawn_arena(world, arena);
    open_session(world, scene, options);
}
