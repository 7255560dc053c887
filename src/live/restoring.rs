//! Restoring the policy of a scene when it opens.

use bevy::ecs::prelude::*;

use super::background_training::BackgroundTraining;
use super::commands::Command;
use super::scene_policies::{ScenePolicies, newest_policy};
use super::session::Session;
use super::take_over::set_policy;
use crate::policies::{Policy, resolve_policy_dir};

/// Load the policy that the session's scene had last, or else the one of the newest run. It does not drive until the person
/// hands over to it. Returns what to say about it.
///
/// # Errors
/// A message, when there is a policy but it cannot be loaded.
pub(super) fn restore_policy(world: &mut World) -> Result<Option<String>, String> {
    let session = world.resource::<Session>();
    let scene = session.scene.hash();
    if let Some(unsaved) = world.resource::<BackgroundTraining>().unsaved.as_ref().filter(|u| u.scene == scene) {
        let (policy, name) = (unsaved.policy.clone(), unsaved.name());
        return set_policy(world, policy, name).map(|()| None).map_err(|error| error.to_string());
    }
    let remembered = world.resource::<ScenePolicies>().folders.get(&scene).cloned();
    let is_new = remembered.is_none();
    let folder = remembered.or_else(|| {
        let side = session.scene.blueprint.sides().get(session.side_index()).copied();
        newest_policy(&session.options.runs, &session.scene, side)
    });
    let Some(folder) = folder else { return Ok(None) };
    let name = folder.display().to_string();
    resolve_policy_dir(&folder)
        .and_then(|dir| Policy::load(&dir))
        .and_then(|policy| set_policy(world, policy, name.clone()))
        .map_err(|error| format!("the policy of {name} is not loaded: {error}"))?;
    world.resource_mut::<ScenePolicies>().remember(scene, folder);
    let key = world.resource::<Session>().key_name(Command::Policy);
    Ok(is_new.then(|| format!("the policy of {name} is loaded; {key} lets it drive")))
}
