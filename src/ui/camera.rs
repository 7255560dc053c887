//! The camera: follows the ego agent, or moves freely.

use bevy::core_pipeline::tonemapping::Tonemapping;
use bevy::input::keyboard::KeyCode;
use bevy::input::mouse::{MouseMotion, MouseWheel};
use bevy::light::ShadowFilteringMethod;
use bevy::math::{EulerRot, Quat, Vec3, ops};
use bevy::prelude::*;
use bevy::render::renderer::RenderAdapterInfo;

use super::looks::look_of;
use super::poses::InterpolatedPoses;
use super::sky::{distance_fog, is_software_renderer};
use crate::agents::{Agent, Spaces};
use crate::live::{HeldKeys, LiveSystems, Session};
use crate::sim::{Arena, PhysicsSets, heading_of, wrap_angle};

/// How the camera moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CameraMode {
    /// Behind and above the ego agent.
    #[default]
    Follow,
    /// Moved by keys and mouse.
    Free,
}

/// The camera's mode and state.
#[derive(Resource, Debug)]
pub struct CameraState {
    /// How it moves.
    pub mode: CameraMode,
    /// Factor of the default distance to the ego agent.
    zoom: f32,
    heading: f32,
    focus: Vec3,
    /// Heading and pitch of the free camera, rad.
    look: (f32, f32),
    /// False until heading and focus have been set: the next frame cuts to the agent.
    settled: bool,
}

impl Default for CameraState {
    fn default() -> Self {
        Self { mode: CameraMode::Follow, zoom: 1.0, heading: 0.0, focus: Vec3::ZERO, look: (0.0, -0.3), settled: false }
    }
}

/// A displacement of the ego agent between two frames of more than this, m, is a new episode: the camera cuts.
const CUT_DISTANCE: f32 = 4.0;
/// Speed of the free camera, m/s. The mouse wheel scales it; Shift cannot, because it makes the humanoid run.
const FLY_SPEED: f32 = 12.0;
/// Rotation per pixel of mouse motion, rad.
const MOUSE_SENSITIVITY: f32 = 0.004;

/// The keys that move the free camera, by position: forward, left, back, right, down, up.
pub(super) const MOVING_KEYS: [KeyCode; 6] =
    [KeyCode::KeyI, KeyCode::KeyJ, KeyCode::KeyK, KeyCode::KeyL, KeyCode::KeyU, KeyCode::KeyO];

/// Spawns and moves the camera.
pub struct CameraPlugin;

impl Plugin for CameraPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<CameraState>().add_systems(Startup, spawn_camera).add_systems(
            Update,
            (zoom_camera, follow_ego, move_free_camera)
                .chain()
                .after(LiveSystems::After)
                .run_if(resource_exists::<Session>),
        );
    }
}

fn spawn_camera(mut commands: Commands, adapter: Res<RenderAdapterInfo>) {
    let projection = PerspectiveProjection { fov: 52_f32.to_radians(), far: 4000.0, ..Default::default() };
    let slow = is_software_renderer(&adapter);
    commands.spawn((
        Camera3d::default(),
        Projection::Perspective(projection),
        if slow { Msaa::Off } else { Msaa::Sample4 },
        if slow { ShadowFilteringMethod::Hardware2x2 } else { ShadowFilteringMethod::Gaussian },
        Tonemapping::AcesFitted,
        distance_fog(),
        Transform::from_xyz(0.0, 5.0, 10.0).looking_at(Vec3::ZERO, Vec3::Y),
    ));
}

fn zoom_camera(mut wheel: MessageReader<MouseWheel>, mut view: ResMut<CameraState>) {
    for turn in wheel.read() {
        let notches = turn.y.clamp(-3.0, 3.0);
        view.zoom = (view.zoom * ops::powf(0.88, notches)).clamp(0.5, 6.0);
    }
}

fn follow_ego(
    time: Res<Time>,
    session: Res<Session>,
    poses: Res<InterpolatedPoses>,
    mut view: ResMut<CameraState>,
    agents: Query<(&Agent, &Spaces)>,
    mut arenas: Query<(&Arena, PhysicsSets)>,
    mut camera: Single<&mut Transform, With<Camera3d>>,
) {
    let Ok((agent, spaces)) = agents.get(session.ego()) else { return };
    let Ok((arena, mut sets)) = arenas.get_mut(agent.arena) else { return };
    let physics = sets.physics();
    let Some(root) = arena.slots.get(agent.slot).and_then(|s| s.body.parts().first()) else { return };
    let (position, rotation) = poses.get(&physics, *root);
    if view.mode == CameraMode::Free {
        view.settled = false;
        return;
    }
    let framing = look_of(&spaces.agent).framing();
    let forward = rotation * Vec3::NEG_Z;
    // The heading is undefined while the forward axis is nearly vertical.
    let heading = if forward.y.abs() < 0.85 { heading_of(forward) } else { view.heading };
    let dt = time.delta_secs().min(0.25);
    if !view.settled || view.focus.distance(position) > CUT_DISTANCE.max(60.0 * dt) {
        (view.heading, view.focus, view.settled) = (heading, position, true);
    }
    let blend = |rate: f32| 1.0 - ops::exp(-rate * dt);
    view.heading += wrap_angle(heading - view.heading) * blend(framing.swing);
    let height = view.focus.y + (position.y - view.focus.y) * blend(6.0);
    view.focus = position.with_y(height);
    let back = Quat::from_rotation_y(view.heading) * Vec3::Z;
    let zoom = view.zoom;
    camera.translation = view.focus + back * (framing.behind * zoom) + Vec3::Y * (framing.above * zoom);
    camera.translation.y = camera.translation.y.max(0.3);
    camera.look_at(view.focus - back * framing.ahead + Vec3::Y * framing.target, Vec3::Y);
}

/// Move with I J K L, U and O; turn with the right mouse button held.
fn move_free_camera(
    time: Res<Time>,
    mut view: ResMut<CameraState>,
    held: Res<HeldKeys>,
    session: Res<Session>,
    mut motion: MessageReader<MouseMotion>,
    buttons: Res<ButtonInput<MouseButton>>,
    mut camera: Single<&mut Transform, With<Camera3d>>,
) {
    let moved: Vec2 = motion.read().map(|m| m.delta).sum();
    if view.mode == CameraMode::Follow {
        let (heading, pitch, _) = camera.rotation.to_euler(EulerRot::YXZ);
        view.look = (heading, pitch);
        return;
    }
    if buttons.pressed(MouseButton::Right) {
        view.look.0 -= moved.x * MOUSE_SENSITIVITY;
        view.look.1 = (view.look.1 - moved.y * MOUSE_SENSITIVITY).clamp(-1.5, 1.5);
    }
    camera.rotation = Quat::from_euler(EulerRot::YXZ, view.look.0, view.look.1, 0.0);
    let axis = |plus: KeyCode, minus: KeyCode| {
        let is_down = |key| held.contains(key) && !session.typing;
        f32::from(u8::from(is_down(plus))) - f32::from(u8::from(is_down(minus)))
    };
    let [forward, left, back, right, down, up] = MOVING_KEYS;
    let along = Vec3::new(axis(right, left), axis(up, down), axis(back, forward));
    let step = camera.rotation * along.with_y(0.0) + Vec3::Y * along.y;
    camera.translation += step * FLY_SPEED * view.zoom * time.delta_secs().min(0.1);
    camera.translation.y = camera.translation.y.max(0.2);
}
