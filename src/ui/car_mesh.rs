//! Meshes of a car.

use std::f32::consts::FRAC_PI_2;

use bevy::math::{Quat, Vec3};
use bevy::prelude::*;

use super::mesh_builder::MeshBuilder;
use super::palette::{GLASS, METAL, PAINT, RUBBER};

/// A car's dimensions in its own frame (front is -z), m.
#[derive(Clone, Debug)]
pub struct CarShape {
    /// Half its width.
    pub half_width: f32,
    /// Half its length.
    pub half_length: f32,
    /// Height of its underside.
    pub bottom: f32,
    /// Height of its roof.
    pub roof: f32,
    /// Centers of its wheels.
    pub wheels: Vec<Vec3>,
    /// Radius of its wheels.
    pub wheel_radius: f32,
}

/// Headlights.
const LIGHT: Color = Color::srgb(0.98, 0.97, 0.88);
/// Tail lights when not braking.
const TAIL: Color = Color::srgb(0.50, 0.04, 0.04);

/// Two meshes: the painted and dark parts, and the windows, whose material is more reflective.
pub fn car(shape: &CarShape, paint: Color) -> (Mesh, Mesh) {
    let (mut body, mut glass) = (MeshBuilder::default(), MeshBuilder::default());
    let CarShape { half_width: x, half_length: z, bottom, roof, .. } = *shape;
    let height = roof - bottom;
    let (sill, waist, hood) = (bottom + 0.17 * height, bottom + 0.46 * height, bottom + 0.56 * height);
    let flank = x * 0.93;
    // Underbody, flanks, hood, trunk lid.
    body.taper((bottom, sill), (flank * 0.96, -z * 0.95, z * 0.96), (flank, -z, z), RUBBER);
    body.taper((sill, waist), (flank, -z, z), (flank * 0.985, -z * 0.985, z * 0.99), paint);
    body.block(
        ring(waist, flank * 0.985, -z * 0.985, -z * 0.30, waist),
        ring(waist + 0.06, flank * 0.90, -z * 0.93, -z * 0.30, hood),
        paint,
    );
    body.taper((waist, hood), (flank * 0.985, z * 0.70, z * 0.99), (flank * 0.93, z * 0.74, z * 0.96), paint);
    body.taper((waist, hood - 0.02), (flank * 0.985, -z * 0.32, z * 0.75), (flank * 0.95, -z * 0.32, z * 0.75), paint);
    // Windows, roof, pillars.
    let low = (flank * 0.93, -z * 0.36, z * 0.93);
    let high = (flank * 0.74, -z * 0.04, z * 0.70);
    glass.taper((hood - 0.03, roof - 0.05), low, high, GLASS);
    body.taper(
        (roof - 0.06, roof),
        (high.0 + 0.02, high.1 - 0.04, high.2 + 0.06),
        (high.0 * 0.93, high.1 + 0.1, high.2 - 0.06),
        paint,
    );
    for side in [-1.0, 1.0] {
        let at = |y: f32, (w, _, _): (f32, f32, f32), z: f32| Vec3::new(side * (w + 0.004), y, z);
        let (y0, y1) = (hood - 0.03, roof - 0.04);
        body.beam(at(y0, low, low.1), at(y1, high, high.1), 0.06, paint);
        body.beam(at(y0, low, low.2 - 0.03), at(y1, high, high.2 - 0.02), 0.10, paint);
        body.beam(at(y0, low, z * 0.30), at(y1, high, z * 0.28), 0.07, paint);
        let mirror = Vec3::new(side * (flank + 0.06), hood + 0.05, -z * 0.24);
        body.cuboid(mirror, Vec3::new(0.16, 0.11, 0.09), paint);
        body.cuboid(Vec3::new(side * flank * 0.72, waist - 0.04, -z * 0.985), Vec3::new(0.34, 0.13, 0.06), LIGHT);
        body.cuboid(Vec3::new(side * (flank + 0.002), waist + 0.02, z * 0.15), Vec3::new(0.02, 0.025, 0.15), METAL);
    }
    body.cuboid(Vec3::new(0.0, sill + 0.07, -z * 0.995), Vec3::new(x * 1.05, 0.14, 0.05), RUBBER);
    body.cuboid(Vec3::new(0.0, waist - 0.06, -z * 0.99), Vec3::new(x * 0.75, 0.07, 0.05), RUBBER);
    body.cuboid(Vec3::new(0.0, waist - 0.08, z), Vec3::new(0.48, 0.11, 0.03), PAINT);
    body.cuboid(Vec3::new(0.0, sill + 0.05, z * 0.995), Vec3::new(x * 1.5, 0.10, 0.05), RUBBER);
    for wheel in &shape.wheels {
        // A dark arch around each wheel, closed on the inside by the body's flank.
        let arch = Cylinder::new(shape.wheel_radius + 0.06, flank - wheel.x.abs() * 0.4);
        let middle =
            Vec3::new(wheel.x.signum() * (flank * 0.5 + wheel.x.abs() * 0.2 + 0.012), bottom + 0.14 * height, wheel.z);
        body.mesh(arch, Transform::from_translation(middle).with_rotation(Quat::from_rotation_z(FRAC_PI_2)), RUBBER);
    }
    (body.finish(), glass.finish())
}

fn ring(y: f32, x: f32, front: f32, back: f32, back_y: f32) -> [Vec3; 4] {
    [Vec3::new(x, y, front), Vec3::new(-x, y, front), Vec3::new(-x, back_y, back), Vec3::new(x, back_y, back)]
}

/// The tail lights, in a separate mesh because their material changes.
pub fn tail_lights(shape: &CarShape) -> Mesh {
    let mut lights = MeshBuilder::default();
    let height = shape.roof - shape.bottom;
    for side in [-1.0, 1.0] {
        let middle = Vec3::new(side * shape.half_width * 0.70, shape.bottom + 0.43 * height, shape.half_length * 0.995);
        lights.cuboid(middle, Vec3::new(0.30, 0.12, 0.05), Color::WHITE);
    }
    lights.finish()
}

/// Material of tail lights.
pub fn tail_material(braking: bool) -> StandardMaterial {
    StandardMaterial {
        base_color: if braking { Color::srgb(1.0, 0.10, 0.06) } else { TAIL },
        emissive: if braking { LinearRgba::rgb(1.2, 0.03, 0.02) } else { LinearRgba::BLACK },
        perceptual_roughness: 0.35,
        ..Default::default()
    }
}

/// A wheel of 1 m radius and 1 m width with its axle along x; five spokes make its rotation visible.
pub fn wheel() -> MeshBuilder {
    let mut wheel = MeshBuilder::default();
    let across = Transform::from_rotation(Quat::from_rotation_z(FRAC_PI_2));
    wheel.mesh(Cylinder::new(1.0, 1.0).mesh().resolution(28), across, RUBBER);
    wheel.mesh(Cylinder::new(0.66, 1.02).mesh().resolution(20), across, Color::srgb(0.16, 0.16, 0.17));
    wheel.mesh(Cylinder::new(0.18, 1.08).mesh().resolution(12), across, METAL);
    for spoke in 0..5 {
        let turn = Quat::from_rotation_x(spoke as f32 * std::f32::consts::TAU / 5.0);
        for side in [-0.52, 0.52] {
            let mut arm = MeshBuilder::default();
            arm.cuboid(Vec3::new(side, 0.36, 0.0), Vec3::new(0.06, 0.60, 0.17), METAL);
            wheel.join(&arm, Transform::from_rotation(turn));
        }
    }
    wheel
}
