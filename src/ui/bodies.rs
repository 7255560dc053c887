//! Meshes for the bodies of the arena, and their places in every frame.

use bevy::ecs::system::SystemParam;
use bevy::light::NotShadowCaster;
use bevy::math::Vec3;
use bevy::prelude::*;
use bevy_rapier3d::rapier::prelude::{Collider, RigidBodyHandle};

use super::car_look::{CarShape, car, tail_lights, wheel};
use super::humanoid_look::{dress, part_colour};
use super::looks::Looks;
use super::markings::{Marked, paint_task};
use super::palette;
use super::poses::Poses;
use super::scenery::{Built, build_scenery};
use super::sculpt::Sculpture;
use super::thing_look::{add_shape, thing};
use crate::agents::{Action, Agent, Spaces, humanoid};
use crate::live::{LiveSystems, Session};
use crate::sim::{Arena, Body, Guide, Physics, PhysicsSets, Surface, WheelPose};

/// Position of the brake in a car's action.
const BRAKE: usize = 2;

/// Goes where a body goes.
#[derive(Component)]
struct Follows {
    body: RigidBodyHandle,
    local: Transform,
}

/// Goes where a wheel goes.
#[derive(Component)]
struct FollowsWheel {
    slot: usize,
    wheel: usize,
}

/// Lights up when an agent brakes.
#[derive(Component)]
struct TailLight {
    slot: usize,
}

/// Bobs over a body.
#[derive(Component)]
struct Hovers {
    body: RigidBodyHandle,
    height: f32,
}

/// What is drawn now.
#[derive(Resource, Default)]
struct Shown {
    /// The arena and how many colliders it had.
    structure: Option<(Entity, usize)>,
    /// The episode: its seed, its goal, its course.
    episode: Option<(u64, Option<Vec3>, Option<usize>)>,
}

/// Draws the session's arena.
pub struct BodiesPlugin;

impl Plugin for BodiesPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Shown>().add_systems(
            Update,
            (build, (follow, follow_wheels, light_tails, hover))
                .chain()
                .after(LiveSystems::After)
                .run_if(resource_exists::<Session>),
        );
    }
}

/// Where new meshes go.
#[derive(SystemParam)]
struct Stage<'w, 's> {
    commands: Commands<'w, 's>,
    meshes: ResMut<'w, Assets<Mesh>>,
    looks: Res<'w, Looks>,
}

impl Stage<'_, '_> {
    fn follow(&mut self, body: RigidBodyHandle, mesh: Mesh, material: Handle<StandardMaterial>) -> Entity {
        let follows = Follows { body, local: Transform::IDENTITY };
        let mesh = Mesh3d(self.meshes.add(mesh));
        self.commands.spawn((Built, follows, mesh, MeshMaterial3d(material), Transform::default())).id()
    }
}

fn place_in_body(collider: &Collider) -> Transform {
    collider
        .position_wrt_parent()
        .map_or(Transform::IDENTITY, |pose| Transform::from_translation(pose.translation).with_rotation(pose.rotation))
}

fn key(guide: &Guide, seed: u64) -> (u64, Option<Vec3>, Option<usize>) {
    (seed, guide.goal, guide.course.as_ref().map(|c| std::sync::Arc::as_ptr(c) as usize))
}

/// Spawn meshes anew when the arena has become another, and paint the task anew when the episode has.
fn build(
    mut stage: Stage,
    session: Res<Session>,
    mut shown: ResMut<Shown>,
    mut arenas: Query<(&Arena, PhysicsSets)>,
    agents: Query<(Entity, &Agent, &Spaces)>,
    built: Query<Entity, With<Built>>,
    marked: Query<Entity, With<Marked>>,
) {
    let Ok((arena, mut sets)) = arenas.get_mut(session.spawned.arena) else { return };
    let physics = sets.physics();
    let Ok((_, ego, spaces)) = agents.get(session.ego()) else { return };
    let Some(slot) = arena.slots.get(ego.slot) else { return };
    if arena.tick == 0 && arena.next_seed().is_some() {
        // The layout of the episode comes with the first tick.
        return;
    }
    let structure = Some((session.spawned.arena, physics.colliders.len()));
    let episode = Some(key(&slot.guide, arena.seed));
    let rebuild = shown.structure != structure;
    if !rebuild && shown.episode == episode {
        return;
    }
    (shown.structure, shown.episode) = (structure, episode);
    for entity in marked.iter().chain(built.iter().filter(|_| rebuild)) {
        stage.commands.entity(entity).despawn();
    }
    let start = slot.body.parts().first().map_or(Vec3::ZERO, |root| physics.pose(*root).0);
    paint_task(&mut stage.commands, &mut stage.meshes, &stage.looks, &physics, &slot.guide, start);
    hang_arrow(&mut stage, &physics, &slot.guide);
    if !rebuild {
        return;
    }
    build_scenery(&mut stage.commands, &mut stage.meshes, &stage.looks, &physics, &slot.guide, &spaces.agent);
    let mut drawn = Vec::new();
    for (entity, agent, spaces) in agents.iter().filter(|(_, a, _)| a.arena == session.spawned.arena) {
        let Some(slot) = arena.slots.get(agent.slot) else { continue };
        let actor = session.spawned.agents.iter().position(|a| *a == entity);
        let colour = actor.map_or_else(|| palette::other(agent.slot), palette::agent);
        build_agent(&mut stage, &physics, &*slot.body, agent.slot, &spaces.agent, colour);
        drawn.extend_from_slice(slot.body.parts());
    }
    for (handle, collider) in physics.colliders.iter() {
        if collider.parent().is_some_and(|parent| drawn.contains(&parent)) || collider.is_sensor() {
            continue;
        }
        match Surface::of(collider) {
            Surface::Road => {}
            Surface::Ground if collider.shape().as_cuboid().is_some_and(|b| b.half_extents.x > 10.0) => {}
            Surface::Parked => build_parked(&mut stage, collider, handle.into_raw_parts().0 as usize),
            _ => build_thing(&mut stage, collider),
        }
    }
}

fn build_agent(
    stage: &mut Stage<'_, '_>,
    physics: &Physics<'_>,
    body: &dyn Body,
    slot: usize,
    kind: &str,
    colour: Color,
) {
    let mut wheels = Vec::new();
    body.wheels(physics, &mut wheels);
    for (wheel, _) in wheels.iter().enumerate() {
        let mesh = Mesh3d(stage.looks.wheel.clone());
        let material = MeshMaterial3d(stage.looks.matt.clone());
        stage.commands.spawn((Built, FollowsWheel { slot, wheel }, mesh, material, Transform::default()));
    }
    if kind == "vehicle"
        && let [chassis] = body.parts()
        && let Some(shape) = car_shape(physics, *chassis, &wheels)
    {
        let (painted, glass) = car(&shape, colour);
        stage.follow(*chassis, painted, stage.looks.gloss.clone());
        stage.follow(*chassis, glass, stage.looks.glass.clone());
        let lights = stage.follow(*chassis, tail_lights(&shape), stage.looks.tail[0].clone());
        stage.commands.entity(lights).insert(TailLight { slot });
        return;
    }
    let names: Vec<&str> = humanoid::Blueprint::embedded().part_names().collect();
    let is_person = kind == "humanoid" && names.len() == body.parts().len();
    for (i, part) in body.parts().iter().enumerate() {
        let Some(rigid_body) = physics.bodies.get(*part) else { continue };
        let tint = if is_person { part_colour(names[i], colour) } else { colour.lighter(0.04 * (i % 3) as f32) };
        let mut mesh = Sculpture::default();
        for collider in rigid_body.colliders().iter().filter_map(|c| physics.colliders.get(*c)) {
            add_shape(&mut mesh, collider.shared_shape(), place_in_body(collider), tint);
        }
        if !mesh.is_empty() {
            stage.follow(*part, mesh.finish(), stage.looks.matt.clone());
        }
        if is_person && let Some(extra) = dress(names[i], colour) {
            stage.follow(*part, extra, stage.looks.matt.clone());
        }
    }
}

/// Measures of the car around a chassis' collider.
fn car_shape(physics: &Physics<'_>, chassis: RigidBodyHandle, wheels: &[WheelPose]) -> Option<CarShape> {
    let body = physics.bodies.get(chassis)?;
    let collider = physics.colliders.get(*body.colliders().first()?)?;
    let bounds = collider.shape().compute_local_aabb();
    let (middle, half) = (bounds.center() + place_in_body(collider).translation, bounds.half_extents());
    let (position, rotation) = physics.pose(chassis);
    Some(CarShape {
        half_width: half.x,
        half_length: half.z,
        bottom: middle.y - half.y,
        // The collider is the lower half of the body; the cabin rises above it.
        roof: middle.y - half.y + 2.0 * half.y * 1.38,
        wheels: wheels.iter().map(|w| rotation.inverse() * (w.position - position)).collect(),
        wheel_radius: wheels.first().map_or(0.3, |w| w.radius),
    })
}

fn build_parked(stage: &mut Stage<'_, '_>, collider: &Collider, index: usize) {
    let Some(parent) = collider.parent() else { return build_thing(stage, collider) };
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
    let (painted, glass) = car(&shape, palette::other(index));
    let mut wheels = Sculpture::default();
    for place in places {
        wheels.join(&wheel(), Transform::from_translation(place).with_scale(Vec3::new(0.2, radius, radius)));
    }
    stage.follow(parent, painted, stage.looks.gloss.clone());
    stage.follow(parent, glass, stage.looks.glass.clone());
    stage.follow(parent, wheels.finish(), stage.looks.matt.clone());
    stage.follow(parent, tail_lights(&shape), stage.looks.tail[0].clone());
}

fn build_thing(stage: &mut Stage<'_, '_>, collider: &Collider) {
    let mesh = thing(collider);
    match collider.parent() {
        Some(parent) => {
            let entity = stage.follow(parent, mesh, stage.looks.matt.clone());
            stage.commands.entity(entity).insert(Follows { body: parent, local: place_in_body(collider) });
        }
        None => {
            let place = Transform::from_translation(collider.translation()).with_rotation(collider.rotation());
            let mesh = Mesh3d(stage.meshes.add(mesh));
            stage.commands.spawn((Built, mesh, MeshMaterial3d(stage.looks.matt.clone()), place));
        }
    }
}

/// An arrow over the thing that is to be brought to the goal.
fn hang_arrow(stage: &mut Stage<'_, '_>, physics: &Physics<'_>, guide: &Guide) {
    let Some(body) = guide.object else { return };
    let Some(rigid_body) = physics.bodies.get(body) else { return };
    let top = rigid_body.colliders().iter().filter_map(|c| physics.colliders.get(*c));
    let height = top.map(|c| c.compute_aabb().maxs.y - rigid_body.translation().y).fold(0.5, f32::max) + 0.45;
    let mut arrow = Sculpture::default();
    let down = Transform::from_rotation(Quat::from_rotation_x(std::f32::consts::PI));
    arrow.mesh(Cone::new(0.17, 0.32), down, palette::GOAL);
    let arrow = (Mesh3d(stage.meshes.add(arrow.finish())), MeshMaterial3d(stage.looks.beacon.clone()));
    stage.commands.spawn((Marked, Hovers { body, height }, arrow, NotShadowCaster, Transform::default()));
}

fn follow(
    session: Res<Session>,
    poses: Res<Poses>,
    mut arenas: Query<PhysicsSets>,
    mut meshes: Query<(&Follows, &mut Transform)>,
) {
    let Ok(mut sets) = arenas.get_mut(session.spawned.arena) else { return };
    let physics = sets.physics();
    for (follows, mut transform) in &mut meshes {
        let (position, rotation) = poses.of(&physics, follows.body);
        *transform = Transform::from_translation(position).with_rotation(rotation) * follows.local;
    }
}

fn follow_wheels(
    session: Res<Session>,
    poses: Res<Poses>,
    mut arenas: Query<(&Arena, PhysicsSets)>,
    mut meshes: Query<(&FollowsWheel, &mut Transform)>,
    mut wheels: Local<Vec<WheelPose>>,
) {
    let Ok((arena, mut sets)) = arenas.get_mut(session.spawned.arena) else { return };
    let physics = sets.physics();
    for (slot, content) in arena.slots.iter().enumerate() {
        wheels.clear();
        content.body.wheels(&physics, &mut wheels);
        let Some(root) = content.body.parts().first().filter(|_| !wheels.is_empty()) else { continue };
        // From where the chassis is to where it is drawn.
        let (to, turn) = poses.of(&physics, *root);
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

fn light_tails(
    session: Res<Session>,
    looks: Res<Looks>,
    agents: Query<(&Agent, &Action)>,
    mut lights: Query<(&TailLight, &mut MeshMaterial3d<StandardMaterial>)>,
) {
    for (agent, action) in agents.iter().filter(|(a, _)| a.arena == session.spawned.arena) {
        let on = action.0.get(BRAKE).is_some_and(|brake| *brake > 0.05);
        for (_, mut material) in
            lights.iter_mut().filter(|(light, m)| light.slot == agent.slot && m.0 != looks.tail[usize::from(on)])
        {
            material.0 = looks.tail[usize::from(on)].clone();
        }
    }
}

fn hover(
    time: Res<Time>,
    session: Res<Session>,
    poses: Res<Poses>,
    mut arenas: Query<PhysicsSets>,
    mut arrows: Query<(&Hovers, &mut Transform)>,
) {
    let Ok(mut sets) = arenas.get_mut(session.spawned.arena) else { return };
    let physics = sets.physics();
    for (hovers, mut transform) in &mut arrows {
        let bob = 0.08 * bevy::math::ops::sin(time.elapsed_secs() * 3.5);
        transform.translation = poses.of(&physics, hovers.body).0 + Vec3::Y * (hovers.height + bob);
    }
}
