//! Meshes of the arena's bodies, and their transforms in every frame.

use bevy::light::NotShadowCaster;
use bevy::math::Vec3;
use bevy::prelude::*;
use bevy_rapier3d::rapier::prelude::{Collider, RigidBodyHandle};

use super::car_mesh::{CarShape, car, tail_lights, wheel};
use super::looks::{DrawnBody, look_of};
use super::markings::{TaskMarking, paint_task};
use super::materials::SharedMaterials;
use super::mesh_builder::MeshBuilder;
use super::mesh_spawner::{ActionLight, ArenaMesh, FollowBody, MeshSpawner, place_in_body};
use super::palette;
use super::poses::InterpolatedPoses;
use super::props::prop_mesh;
use super::scenery::build_scenery;
use crate::agents::{Action, Agent, Spaces};
use crate::live::{LiveSystems, Session};
use crate::sim::{Arena, Body, Physics, PhysicsSets, Surface, TaskGoal, WheelPose};

/// Its transform follows a wheel.
#[derive(Component)]
struct FollowWheel {
    slot: usize,
    wheel: usize,
}

/// Its transform moves up and down above a body.
#[derive(Component)]
struct HoverOver {
    body: RigidBodyHandle,
    height: f32,
}

/// The structure and episode that the current meshes belong to.
#[derive(Resource, Default)]
struct DrawnState {
    /// The arena and its number of colliders.
    structure: Option<(Entity, usize)>,
    /// The episode.
    episode: Option<EpisodeKey>,
}

/// What distinguishes an episode's markings from those of another.
#[derive(Clone, Copy, PartialEq)]
struct EpisodeKey {
    seed: u64,
    goal: Option<Vec3>,
    /// Address of the course.
    course: Option<usize>,
}

/// Spawns and moves the meshes of the session's arena.
pub struct BodiesPlugin;

impl Plugin for BodiesPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<DrawnState>().add_systems(
            Update,
            (rebuild_meshes, (move_body_meshes, move_wheel_meshes, update_action_lights, animate_arrows))
                .chain()
                .after(LiveSystems::After)
                .run_if(resource_exists::<Session>),
        );
    }
}

fn episode_key(goal: &TaskGoal, seed: u64) -> EpisodeKey {
    let course = goal.course.as_ref().map(|course| std::sync::Arc::as_ptr(course) as usize);
    EpisodeKey { seed, goal: goal.position, course }
}

/// Respawn all meshes when the arena's structure changes, and the task's markings when the episode changes.
fn rebuild_meshes(
    mut spawner: MeshSpawner,
    session: Res<Session>,
    mut state: ResMut<DrawnState>,
    mut arenas: Query<(&Arena, PhysicsSets)>,
    agents: Query<(Entity, &Agent, &Spaces)>,
    arena_meshes: Query<Entity, With<ArenaMesh>>,
    task_markings: Query<Entity, With<TaskMarking>>,
) {
    let Ok((arena, mut sets)) = arenas.get_mut(session.spawned.arena) else { return };
    let physics = sets.physics();
    let Ok((_, ego, spaces)) = agents.get(session.ego()) else { return };
    let Some(slot) = arena.slots.get(ego.slot) else { return };
    if arena.tick == 0 && arena.requested_seed().is_some() {
        // The arena is reset at the first tick; until then, the episode's goal and course are unknown.
        return;
    }
    let structure = Some((session.spawned.arena, physics.colliders.len()));
    let episode = Some(episode_key(&slot.goal, arena.seed));
    let rebuild = state.structure != structure;
    if !rebuild && state.episode == episode {
        return;
    }
    (state.structure, state.episode) = (structure, episode);
    for entity in task_markings.iter().chain(arena_meshes.iter().filter(|_| rebuild)) {
        spawner.commands.entity(entity).despawn();
    }
    let start = slot.body.parts().first().map_or(Vec3::ZERO, |root| physics.pose(*root).0);
    paint_task(&mut spawner.commands, &mut spawner.meshes, &spawner.materials, &physics, &slot.goal, start);
    spawn_object_arrow(&mut spawner, &physics, &slot.goal);
    if !rebuild {
        return;
    }
    build_scenery(&mut spawner.commands, &mut spawner.meshes, &spawner.materials, &physics, &slot.goal, &spaces.agent);
    let mut drawn = Vec::new();
    for (entity, agent, spaces) in agents.iter().filter(|(_, a, _)| a.arena == session.spawned.arena) {
        let Some(slot) = arena.slots.get(agent.slot) else { continue };
        let actor = session.spawned.agents.iter().position(|a| *a == entity);
        let color = actor.map_or_else(|| palette::traffic(agent.slot), palette::agent);
        build_agent(&mut spawner, &physics, &*slot.body, agent.slot, &spaces.agent, color);
        drawn.extend_from_slice(slot.body.parts());
    }
    for (handle, collider) in physics.colliders.iter() {
        if collider.parent().is_some_and(|parent| drawn.contains(&parent)) || collider.is_sensor() {
            continue;
        }
        match Surface::of(collider) {
            Surface::Road => {}
            Surface::Ground if collider.shape().as_cuboid().is_some_and(|b| b.half_extents.x > 10.0) => {}
            Surface::Parked => build_parked(&mut spawner, collider, handle.into_raw_parts().0 as usize),
            _ => build_prop(&mut spawner, collider),
        }
    }
}

fn build_agent(
    spawner: &mut MeshSpawner<'_, '_>,
    physics: &Physics<'_>,
    body: &dyn Body,
    slot: usize,
    kind: &str,
    color: Color,
) {
    let mut wheels = Vec::new();
    body.wheels(physics, &mut wheels);
    for (wheel, _) in wheels.iter().enumerate() {
        let mesh = Mesh3d(spawner.materials.wheel.clone());
        let material = MeshMaterial3d(spawner.materials.matte.clone());
        spawner.commands.spawn((ArenaMesh, FollowWheel { slot, wheel }, mesh, material, Transform::default()));
    }
    let drawn = DrawnBody { physics, body, slot, wheels: &wheels, color };
    look_of(kind).spawn(spawner, &drawn);
}

fn build_parked(spawner: &mut MeshSpawner<'_, '_>, collider: &Collider, index: usize) {
    let Some(parent) = collider.parent() else { return build_prop(spawner, collider) };
    let half = collider.shape().compute_local_aabb().half_extents();
    let radius = 0.31;
    let places = [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)]
        .map(|(x, z)| Vec3::new(x * (half.x - 0.11), radius - half.y, z * half.z * 0.65));
    let shape = CarShape {
        half_width: half.x,
        half_length: half.z,
        bottom: 0.24 - half.y,
        roof: half.y,
        wheels: places.to_vec(),
        wheel_radius: radius,
    };
    let (painted, glass) = car(&shape, palette::traffic(index));
    let mut wheels = MeshBuilder::default();
    for place in places {
        wheels.join(&wheel(), Transform::from_translation(place).with_scale(Vec3::new(0.2, radius, radius)));
    }
    spawner.spawn_mesh(parent, painted, spawner.materials.gloss.clone());
    spawner.spawn_mesh(parent, glass, spawner.materials.glass.clone());
    spawner.spawn_mesh(parent, wheels.finish(), spawner.materials.matte.clone());
    spawner.spawn_mesh(parent, tail_lights(&shape), spawner.materials.tail[0].clone());
}

fn build_prop(spawner: &mut MeshSpawner<'_, '_>, collider: &Collider) {
    let mesh = prop_mesh(collider);
    match collider.parent() {
        Some(parent) => {
            let entity = spawner.spawn_mesh(parent, mesh, spawner.materials.matte.clone());
            spawner.commands.entity(entity).insert(FollowBody { body: parent, local: place_in_body(collider) });
        }
        None => {
            let place = Transform::from_translation(collider.translation()).with_rotation(collider.rotation());
            let mesh = Mesh3d(spawner.meshes.add(mesh));
            spawner.commands.spawn((ArenaMesh, mesh, MeshMaterial3d(spawner.materials.matte.clone()), place));
        }
    }
}

/// An arrow above the object that must be moved to the goal.
fn spawn_object_arrow(spawner: &mut MeshSpawner<'_, '_>, physics: &Physics<'_>, goal: &TaskGoal) {
    let Some(body) = goal.object else { return };
    let Some(rigid_body) = physics.bodies.get(body) else { return };
    let top = rigid_body.colliders().iter().filter_map(|c| physics.colliders.get(*c));
    let height = top.map(|c| c.compute_aabb().maxs.y - rigid_body.translation().y).fold(0.5, f32::max) + 0.45;
    let mut arrow = MeshBuilder::default();
    let down = Transform::from_rotation(Quat::from_rotation_x(std::f32::consts::PI));
    arrow.mesh(Cone::new(0.17, 0.32), down, palette::GOAL);
    let arrow = (Mesh3d(spawner.meshes.add(arrow.finish())), MeshMaterial3d(spawner.materials.beacon.clone()));
    spawner.commands.spawn((TaskMarking, HoverOver { body, height }, arrow, NotShadowCaster, Transform::default()));
}

fn move_body_meshes(
    session: Res<Session>,
    poses: Res<InterpolatedPoses>,
    mut arenas: Query<PhysicsSets>,
    mut meshes: Query<(&FollowBody, &mut Transform)>,
) {
    let Ok(mut sets) = arenas.get_mut(session.spawned.arena) else { return };
    let physics = sets.physics();
    for (follows, mut transform) in &mut meshes {
        let (position, rotation) = poses.get(&physics, follows.body);
        *transform = Transform::from_translation(position).with_rotation(rotation) * follows.local;
    }
}

fn move_wheel_meshes(
    session: Res<Session>,
    poses: Res<InterpolatedPoses>,
    mut arenas: Query<(&Arena, PhysicsSets)>,
    mut meshes: Query<(&FollowWheel, &mut Transform)>,
    mut wheels: Local<Vec<WheelPose>>,
) {
    let Ok((arena, mut sets)) = arenas.get_mut(session.spawned.arena) else { return };
    let physics = sets.physics();
    for (slot, content) in arena.slots.iter().enumerate() {
        wheels.clear();
        content.body.wheels(&physics, &mut wheels);
        let Some(root) = content.body.parts().first().filter(|_| !wheels.is_empty()) else { continue };
        // The transform from the chassis' physics pose to its interpolated pose.
        let (to, turn) = poses.get(&physics, *root);
        let (from, back) = physics.pose(*root);
        let shift = turn * back.inverse();
        for (follows, mut transform) in meshes.iter_mut().filter(|(f, _)| f.slot == slot) {
            let Some(wheel) = wheels.get(follows.wheel) else { continue };
            transform.translation = to + shift * (wheel.position - from);
            transform.rotation = shift * wheel.rotation;
            transform.scale = Vec3::new(wheel.width, wheel.radius, wheel.radius);
        }
    }
}

fn update_action_lights(
    session: Res<Session>,
    materials: Res<SharedMaterials>,
    agents: Query<(&Agent, &Action)>,
    mut lights: Query<(&ActionLight, &mut MeshMaterial3d<StandardMaterial>)>,
) {
    for (agent, action) in agents.iter().filter(|(a, _)| a.arena == session.spawned.arena) {
        for (light, mut material) in lights.iter_mut().filter(|(light, _)| light.slot == agent.slot) {
            let on = action.0.get(light.action).is_some_and(|value| *value > 0.05);
            let lit = &materials.tail[usize::from(on)];
            if material.0 != *lit {
                material.0 = lit.clone();
            }
        }
    }
}

fn animate_arrows(
    time: Res<Time>,
    session: Res<Session>,
    poses: Res<InterpolatedPoses>,
    mut arenas: Query<PhysicsSets>,
    mut arrows: Query<(&HoverOver, &mut Transform)>,
) {
    let Ok(mut sets) = arenas.get_mut(session.spawned.arena) else { return };
    let physics = sets.physics();
    for (hovers, mut transform) in &mut arrows {
        let bob = 0.08 * bevy::math::ops::sin(time.elapsed_secs() * 3.5);
        transform.translation = poses.get(&physics, hovers.body).0 + Vec3::Y * (hovers.height + bob);
    }
}
