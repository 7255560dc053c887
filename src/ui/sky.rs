//! Light, sky and fog.

use std::f32::consts::{FRAC_PI_2, TAU};

use bevy::light::{
    CascadeShadowConfigBuilder, DirectionalLightShadowMap, GlobalAmbientLight, NotShadowCaster, NotShadowReceiver,
};
use bevy::math::{Vec3, ops};
use bevy::pbr::{DistanceFog, FogFalloff};
use bevy::prelude::*;
use bevy::render::renderer::RenderAdapterInfo;

use super::mesh_builder::MeshBuilder;
use super::palette::{HORIZON, ZENITH};

/// Direction to the sun: high enough for short shadows, low enough to shade shapes.
const SUN: Vec3 = Vec3::new(-0.55, 0.75, 0.38);
/// Radius of the sky dome, m: beyond all scenery, within the camera's far plane (4000 m).
const DOME: f32 = 1500.0;
/// Maximum distance of shadows from the camera, m.
const SHADOWS: f32 = 70.0;

/// The sky dome; its center follows the camera.
#[derive(Component)]
struct SkyDome;

/// Sun, ambient light and sky dome.
pub struct SkyPlugin;

impl Plugin for SkyPlugin {
    fn build(&self, app: &mut App) {
        app.insert_resource(ClearColor(brighten(HORIZON)))
            .insert_resource(GlobalAmbientLight {
                color: Color::srgb(0.80, 0.88, 1.0),
                brightness: 420.0,
                ..Default::default()
            })
            .add_systems(Startup, spawn_sky)
            .add_systems(PostUpdate, move_sky_dome.before(TransformSystems::Propagate));
    }
}

/// Whether the adapter is a software renderer (on the CPU). Shadows and anti-aliasing are then reduced.
pub fn is_software_renderer(adapter: &RenderAdapterInfo) -> bool {
    format!("{:?}", adapter.device_type) == "Cpu"
}

/// The fog; a component of the camera.
pub fn distance_fog() -> DistanceFog {
    DistanceFog {
        color: brighten(HORIZON),
        directional_light_color: Color::srgba(1.0, 0.95, 0.85, 0.25),
        directional_light_exponent: 24.0,
        falloff: FogFalloff::from_visibility_squared(520.0),
    }
}

fn spawn_sky(
    mut commands: Commands,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<StandardMaterial>>,
    adapter: Res<RenderAdapterInfo>,
) {
    let size = if is_software_renderer(&adapter) { 1024 } else { 4096 };
    commands.insert_resource(DirectionalLightShadowMap { size });
    commands.spawn((
        DirectionalLight {
            color: Color::srgb(1.0, 0.96, 0.88),
            illuminance: 7_500.0,
            shadow_maps_enabled: true,
            ..Default::default()
        },
        CascadeShadowConfigBuilder {
            num_cascades: if is_software_renderer(&adapter) { 1 } else { 3 },
            maximum_distance: if is_software_renderer(&adapter) { 40.0 } else { SHADOWS },
            first_cascade_far_bound: 14.0,
            ..Default::default()
        }
        .build(),
        Transform::from_translation(SUN).looking_at(Vec3::ZERO, Vec3::Y),
    ));
    commands.spawn((
        SkyDome,
        Mesh3d(meshes.add(dome())),
        MeshMaterial3d(materials.add(StandardMaterial {
            unlit: true,
            fog_enabled: false,
            cull_mode: None,
            ..Default::default()
        })),
        Transform::default(),
        NotShadowCaster,
        NotShadowReceiver,
    ));
}

/// A sky color, brightened to compensate for tone mapping.
fn brighten(color: Color) -> Color {
    (color.to_linear() * 1.35).into()
}

/// Color of the sky in a direction.
fn sky(direction: Vec3) -> Color {
    let height = direction.y.max(0.0);
    // Brighter than white paint; tone mapping compresses the highlights.
    let base = brighten(HORIZON).mix(&brighten(ZENITH), ops::powf(height, 0.55));
    let glow = direction.dot(SUN.normalize()).max(0.0);
    base.mix(&brighten(Color::srgb(1.0, 0.98, 0.92)), 0.6 * ops::powf(glow, 60.0) + 0.15 * ops::powf(glow, 6.0))
}

fn dome() -> Mesh {
    const AROUND: u32 = 64;
    const UP: u32 = 24;
    let mut dome = MeshBuilder::default();
    for ring in 0..=UP {
        // Start a little below the horizon. Rings are denser there, where the color changes fastest.
        let t = ring as f32 / UP as f32;
        let elevation = -0.1 + (FRAC_PI_2 + 0.1) * t * t.sqrt();
        for i in 0..=AROUND {
            let turn = i as f32 / AROUND as f32 * TAU;
            let flat = ops::cos(elevation);
            let direction = Vec3::new(flat * ops::cos(turn), ops::sin(elevation), flat * ops::sin(turn));
            dome.vertex(direction * DOME, -direction, [0.0; 2], sky(direction));
        }
    }
    for ring in 0..UP {
        for i in 0..AROUND {
            let a = ring * (AROUND + 1) + i;
            let b = a + AROUND + 1;
            dome.triangle([a, a + 1, b]);
            dome.triangle([a + 1, b + 1, b]);
        }
    }
    dome.finish()
}

fn move_sky_dome(
    camera: Single<&Transform, (With<Camera3d>, Without<SkyDome>)>,
    mut dome: Single<&mut Transform, With<SkyDome>>,
) {
    dome.translation = camera.translation;
}
