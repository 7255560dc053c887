//! The camera: behind the ego, or free.

use bevy::core_pipeline::tonemapping::Tonemapping;
use bevy::input::keyboard::{KeyCode, KeyboardInput};
use bevy::input::mouse::{MouseMotion, MouseWheel};
use bevy::light::ShadowFilteringMethod;
use bevy::math::{EulerRot, Quat, Vec3, ops};
use bevy::prelude::*;
use bevy::render::renderer::RenderAdapterInfo;

use super::poses::Poses;
use super::sky::{drawn_by_cpu, haze};
use crate::agents::{Agent, Spaces};
use crate::live::{LiveSystems, Session};
use crate::sim::{Arena, PhysicsSets, heading_of, wrap_angle};

/// How the camera moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CameraMode {
    /// Behind and above the ego.
    #[default]
    Follow,
    /// Where the person moves it.
    Free,
}

/// The camera's place and manner.
#[derive(Resource, Debug)]
pub struct View {
    /// How it moves.
    pub mode: CameraMode,
    /// Distance to the ego as a share of the usual one.
    zoom: f32,
    heading: f32,
    focus: Vec3,
    /// Heading and pitch of the free camera, rad.
    look: (f32, f32),
    settled: bool,
}

impl Default for View {
    fn default() -> Self {
        Self { mode: CameraMode::Follow, zoom: 1.0, heading: 0.0, focus: Vec3::ZERO, look: (0.0, -0.3), settled: false }
    }
}

/// How a kind of agent is looked at: distance behind, height, height of the point looked at, m; how far that point
/// lies ahead, m; how fast the camera swings round, 1/s.
struct Framing {
    behind: f32,
    above: f32,
    target: f32,
    ahead: f32,
    swing: f32,
}

/// A car is seen with the next bend, a person with the next few steps.
const CAR: Framing = Framing { behind: 7.2, above: 3.0, target: 0.7, ahead: 3.0, swing: 3.5 };
const PERSON: Framing = Framing { behind: 3.9, above: 1.3, target: 0.1, ahead: 1.4, swing: 2.2 };

/// A jump of the ego of more than this, m, is a new episode: the camera cuts.
const CUT: f32 = 4.0;
/// Speed of the free camera, m/s; twice that with Shift held would clash with running, so the wheel scales it.
const FLY: f32 = 12.0;
/// Radians by pixel of the mouse.
const MOUSE: f32 = 0.004;

/// Puts up and moves the camera.
pub struct CameraPlugin;

impl Plugin for CameraPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<View>().add_systems(Startup, put_up_camera).add_systems(
            Update,
            (read_wheel, follow_ego, fly).chain().after(LiveSystems::After).run_if(resource_exists::<Session>),
        );
    }
}

fn put_up_camera(mut commands: Commands, adapter: Res<RenderAdapterInfo>) {
    let projection = PerspectiveProjection { fov: 52_f32.to_radians(), far: 4000.0, ..Default::default() };
    let slow = drawn_by_cpu(&adapter);
    commands.spawn((
        Camera3d::default(),
        Projection::Perspective(projection),
        if slow { Msaa::Off } else { Msaa::Sample4 },
        if slow { ShadowFilteringMethod::Hardware2x2 } else { ShadowFilteringMethod::Gaussian },
        Tonemapping::AcesFitted,
        haze(),
        Transform::from_xyz(0.0, 5.0, 10.0).looking_at(Vec3::ZERO, Vec3::Y),
    ));
}

fn read_wheel(mut wheel: MessageReader<MouseWheel>, mut view: ResMut<View>) {
    for turn in wheel.read() {
        let notches = turn.y.clamp(-3.0, 3.0);
        view.zoom = (view.zoom * ops::powf(0.88, notches)).clamp(0.5, 6.0);
    }
}

fn follow_ego(
    time: Res<Time>,
    session: Res<Session>,
    poses: Res<Poses>,
    mut view: ResMut<View>,
    agents: Query<(&Agent, &Spaces)>,
    mut arenas: Query<(&Arena, PhysicsSets)>,
    mut camera: Single<&mut Transform, With<Camera3d>>,
) {
    let Ok((agent, spaces)) = agents.get(session.ego()) else { return };
    let Ok((arena, mut sets)) = arenas.get_mut(agent.arena) else { return };
    let physics = sets.physics();
    let Some(root) = arena.slots.get(agent.slot).and_then(|s| s.body.parts().first()) else { return };
    let (position, rotation) = poses.of(&physics, *root);
    if view.mode == CameraMode::Free {
        view.settled = false;
        return;
    }
    let framing = if &*spaces.agent == "vehicle" { CAR } else { PERSON };
    let forward = rotation * Vec3::NEG_Z;
    // A body on its back or nose has no heading to follow.
    let wanted = if forward.y.abs() < 0.85 { heading_of(forward) } else { view.heading };
    let dt = time.delta_secs().min(0.25);
    if !view.settled || view.focus.distance(position) > CUT.max(60.0 * dt) {
        (view.heading, view.focus, view.settled) = (wanted, position, true);
    }
    let blend = |rate: f32| 1.0 - ops::exp(-rate * dt);
    view.heading += wrap_angle(wanted - view.heading) * blend(framing.swing);
    let height = view.focus.y + (position.y - view.focus.y) * blend(6.0);
    view.focus = position.with_y(height);
    let back = Quat::from_rotation_y(view.heading) * Vec3::Z;
    let zoom = view.zoom;
    camera.translation = view.focus + back * (framing.behind * zoom) + Vec3::Y * (framing.above * zoom);
    camera.translation.y = camera.translation.y.max(0.3);
    camera.look_at(view.focus - back * framing.ahead + Vec3::Y * framing.target, Vec3::Y);
}

/// Fly with I J K L, U and O; turn with the right mouse button held.
fn fly(
    time: Res<Time>,
    mut view: ResMut<View>,
    mut keys: MessageReader<KeyboardInput>,
    mut motion: MessageReader<MouseMotion>,
    buttons: Res<ButtonInput<MouseButton>>,
    mut held: Local<Vec<KeyCode>>,
    mut camera: Single<&mut Transform, With<Camera3d>>,
) {
    for key in keys.read() {
        held.retain(|k| *k != key.key_code);
        if key.state.is_pressed() {
            held.push(key.key_code);
        }
    }
    let moved: Vec2 = motion.read().map(|m| m.delta).sum();
    if view.mode == CameraMode::Follow {
        let (heading, pitch, _) = camera.rotation.to_euler(EulerRot::YXZ);
        view.look = (heading, pitch);
        return;
    }
    if buttons.pressed(MouseButton::Right) {
        view.look.0 -= moved.x * MOUSE;
        view.look.1 = (view.look.1 - moved.y * MOUSE).clamp(-1.5, 1.5);
    }
    camera.rotation = Quat::from_euler(EulerRot::YXZ, view.look.0, view.look.1, 0.0);
    let axis = |plus: KeyCode, minus: KeyCode| {
        f32::from(u8::from(held.contains(&plus))) - f32::from(u8::from(held.contains(&minus)))
    };
    let along = Vec3::new(
        axis(KeyCode::KeyL, KeyCode::KeyJ),
        axis(KeyCode::KeyO, KeyCode::KeyU),
        axis(KeyCode::KeyK, KeyCode::KeyI),
    );
    let step = camera.rotation * along.with_y(0.0) + Vec3::Y * along.y;
    camera.translation += step * FLY * view.zoom * time.delta_secs().min(0.1);
    camera.translation.y = camera.translation.y.max(0.2);
}
