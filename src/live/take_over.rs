//! The policy of a session: load it, hand over to it, and take over from it.

use std::path::Path;

use bevy::ecs::prelude::*;

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
            hand_over_to_policy(world);
        }
        Err(error) => world.resource_mut::<Session>().notify_error(error.to_string()),
    }
}

/// Set the loaded policy; it replaces the previous one.
///
/// # Errors
/// [`PolicyError`] when its layouts do not fit the scene's agent.
pub(super) fn set_policy(world: &mut World, policy: Policy, name: String) -> Result<(), PolicyError> {
    let scene = &world.resource::<Session>().scene;
    let spaces = scene.blueprint.spaces();
    let training_range = TrainingRange::new(policy.config(), &spaces.observation, &spaces.action)?;
    let policy = policy.for_agent(&spaces, &scene.name)?;
    let previous = world.resource::<Session>().policy;
    let mut policies = world.resource_mut::<Policies>();
    let index = match previous {
        Some(index) => policies.replace(index, policy),
        None => policies.add(policy),
    };
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
    let mut entity = world.entity_mut(agent);
    entity.insert(driver);
    if let Some(mut keys) = entity.get_mut::<KeyLatch>() {
        keys.clear();
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
        world
            .resource_mut::<Session>()
            .notify_error("there is no policy yet: record some episodes (R), then train (T)");
    }
}
