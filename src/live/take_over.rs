//! The policy of a session: load it, hand over to it, and take over from it.

use std::path::Path;

use bevy::ecs::prelude::*;

use super::background_training::BackgroundTraining;
use super::commands::Command;
use super::keyboard::HeldKeys;
use super::scene_policies::ScenePolicies;
use super::session::Session;
use crate::agents::{Driver, Observation};
use crate::demos::Recorder;
use crate::policies::{Policies, Policy, PolicyError, TrainingRange, resolve_policy_dir};
use crate::teleop::KeyLatch;

/// Load a policy and hand over to it.
pub(super) fn load_policy(world: &mut World, path: &Path) {
    match resolve_policy_dir(path).and_then(|dir| Policy::load(&dir)) {
        Ok(policy) => {
            if let Err(error) = set_policy(world, policy, path.display().to_string()) {
                world.resource_mut::<Session>().notify_error(error.to_string());
                return;
            }
            let scene = world.resource::<Session>().scene.hash();
            world.resource_mut::<ScenePolicies>().remember(scene, path.to_owned());
            hand_over_to_policy(world);
        }
        Err(error) => world.resource_mut::<Session>().notify_error(error.to_string()),
    }
}

/// Set the loaded policy; it replaces the previous one. `name`: its folder, or what it is.
///
/// # Errors
/// [`PolicyError`] when its layouts do not fit the scene's agent.
pub(super) fn set_policy(world: &mut World, policy: Policy, name: String) -> Result<(), PolicyError> {
    let scene = &world.resource::<Session>().scene;
    let spaces = scene.blueprint.spaces();
    let config = policy.config().clone();
    let policy = policy.for_agent(&spaces, &scene.name)?;
    let training_range = TrainingRange::new(&config, &spaces.observation, &spaces.action)?;
    let previous = world.resource::<ScenePolicies>().index;
    let mut policies = world.resource_mut::<Policies>();
    let index = match previous {
        Some(index) => policies.replace(index, policy),
        None => policies.add(policy),
    };
    world.resource_mut::<ScenePolicies>().index = Some(index);
    let mut session = world.resource_mut::<Session>();
    session.policy = Some(index);
    session.policy_name = name;
    session.training_range = training_range;
    for agent in session.policy_agents() {
        world.entity_mut(agent).insert(index);
    }
    Ok(())
}

/// Let the loaded policy drive the [`Session::policy_agents`].
fn hand_over_to_policy(world: &mut World) {
    for agent in world.resource::<Session>().policy_agents() {
        set_driver(world, agent, Driver::Policy);
    }
}

fn set_driver(world: &mut World, agent: Entity, driver: Driver) {
    let held: Vec<_> = match driver {
        // The keys that the person holds already have an effect at once.
        Driver::Human => world.resource::<HeldKeys>().iter().collect(),
        _ => Vec::new(),
    };
    let mut entity = world.entity_mut(agent);
    entity.insert(driver);
    if let Some(mut keys) = entity.get_mut::<KeyLatch>() {
        keys.clear();
        held.into_iter().for_each(|key| keys.press(key));
    }
    if let Some(mut recorder) = entity.get_mut::<Recorder>() {
        // Ticks that the human drives after the policy are recorded as interventions.
        recorder.note_driver(driver);
    }
}

/// Note which observations are far outside of the data that the policy was trained on.
pub(super) fn note_outside(mut session: ResMut<Session>, agents: Query<(&Driver, &Observation)>) {
    let session = &mut *session;
    session.outside.clear();
    if let (Some(range), Ok((Driver::Policy, observation))) = (&session.training_range, agents.get(session.ego())) {
        session.outside.extend(range.outside(&observation.0).map(str::to_owned));
    }
}

/// Hand over to the policy, or take over from it.
pub(super) fn toggle_policy(world: &mut World) {
    let session = world.resource::<Session>();
    let (ego, policy) = (session.ego(), session.policy);
    let driver = world.get::<Driver>(ego).copied().unwrap_or_default();
    if driver != Driver::Human {
        set_driver(world, ego, Driver::Human);
        world.resource_mut::<Session>().notify("you drive");
    } else if policy.is_some() {
        hand_over_to_policy(world);
        let name = world.resource::<Session>().policy_name.clone();
        world.resource_mut::<Session>().notify(format!("the policy drives ({name})"));
    } else {
        let text = why_no_policy(world);
        world.resource_mut::<Session>().notify_error(text);
    }
}

/// Why no policy can drive, and what to do.
fn why_no_policy(world: &World) -> String {
    let (session, training) = (world.resource::<Session>(), world.resource::<BackgroundTraining>());
    let (record, train) = (session.key_name(Command::Record), session.key_name(Command::Train));
    if training.running && training.scene_hash == session.scene.hash() {
        let left = training.seconds_left().map_or(String::new(), |left| format!(", {left:.0} s left"));
        return format!("the policy is still being trained: step {} of {}{left}", training.step, training.total_steps);
    }
    let name = &session.scene.name;
    if session.episodes == 0 {
        format!("there is no policy for {name} yet: record some episodes ({record}), then train ({train})")
    } else {
        let episodes = session.episodes;
        format!("there is no policy for {name} yet: {train} trains one on the {episodes} recorded episodes")
    }
}
