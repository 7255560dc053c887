//! Light, sky and haze.

use std::f32::consts::{FRAC_PI_2, TAU};

use bevy::light::{
    CascadeShadowConfigBuilder, DirectionalLightShadowMap, GlobalAmbientLight, NotShadowCaster, NotShadowReceiver,
};
use bevy::math::{Vec3, ops};
use bevy::pbr::{DistanceFog, FogFalloff};
use bevy::prelude::*;
use bevy::render::renderer::RenderAdapterInfo;

use super::palette::{HORIZON, ZENITH};
use super::sculpt::Sculpture;

/// From where the sun shines: a mid-morning sun, high enough for short shadows, low enough to model shapes.
const SUN: Vec3 = Vec3::new(-0.55, 0.75, 0.38);
/// Radius of the sky's dome, m: beyond everything, within the camera's range.
const DOME: f32 = 1500.0;
/// Shadows are drawn this far, m: all that is near enough for one to see them.
const SHADOWS: f32 = 70.0;

/// The sky's dome; it goes with the camera.
#[derive(Component)]
struct Dome;

/// Sun, sky light, dome.
pub struct SkyPlugin;

impl Plugin for SkyPlugin {
    fn build(&self, app: &mut App) {
        app.insert_resource(ClearColor(bright(HORIZON)))
            .insert_resource(GlobalAmbientLight {
                color: Color::srgb(0.80, 0.88, 1.0),
                brightness: 420.0,
                ..Default::default()
            })
            .add_systems(Startup, raise_sky)
            .add_systems(PostUpdate, carry_dome.before(TransformSystems::Propagate));
    }
}

/// Whether pictures are drawn by the processor: then shadows and edges must be cheap.
pub fn drawn_by_cpu(adapter: &RenderAdapterInfo) -> bool {
    format!("{:?}", adapter.device_type) == "Cpu"
}

/// The haze; a component of the camera.
pub fn haze() -> DistanceFog {
    DistanceFog {
        color: bright(HORIZON),
        directional_light_color: Color::srgba(1.0, 0.95, 0.85, 0.25),
        directional_light_exponent: 24.0,
        falloff: FogFalloff::from_visibility_squared(520.0),
    }
}

fn raise_sky(
    mut commands: Commands,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<StandardMaterial>>,
    adapter: Res<RenderAdapterInfo>,
) {
    let size = if drawn_by_cpu(&adapter) { 1024 } else { 4096 };
    commands.insert_resource(DirectionalLightShadowMap { size });
    commands.spawn((
        DirectionalLight {
            color: Color::srgb(1.0, 0.96, 0.88),
            illuminance: 7_500.0,
            shadow_maps_enabled: true,
            ..Default::default()
        },
        CascadeShadowConfigBuilder {
            num_cascades: if drawn_by_cpu(&adapter) { 1 } else { 3 },
            maximum_distance: if drawn_by_cpu(&adapter) { 40.0 } else { SHADOWS },
            first_cascade_far_bound: 14.0,
            ..Default::default()
        }
        .build(),
        Transform::from_translation(SUN).looking_at(Vec3::ZERO, Vec3::Y),
    ));
    commands.spawn((
        Dome,
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

/// A sky colour as the camera sees it.
fn bright(colour: Color) -> Color {
    (colour.to_linear() * 1.35).into()
}

/// Colour of the sky in a direction.
fn sky(direction: Vec3) -> Color {
    let height = direction.y.max(0.0);
    // Brighter than white paint: the tone mapping takes the top off.
    let base = bright(HORIZON).mix(&bright(ZENITH), ops::powf(height, 0.55));
    let glow = direction.dot(SUN.normalize()).max(0.0);
    base.mix(&bright(Color::srgb(1.0, 0.98, 0.92)), 0.6 * ops::powf(glow, 60.0) + 0.15 * ops::powf(glow, 6.0))
}

fn dome() -> Mesh {
    const AROUND: u32 = 64;
    const UP: u32 = 24;
    let mut dome = Sculpture::default();
    for ring in 0..=UP {
        // From a little below the horizon; rings lie closer there, where the colour changes fastest.
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

fn carry_dome(
    camera: Single<&Transform, (With<Camera3d>, Without<Dome>)>,
    mut dome: Single<&mut Transform, With<Dome>>,
) {
    dome.translation = camera.translation;
}
