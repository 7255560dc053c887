//! Meshes of props: cones, crates, posts, steps, and colliders of any other kind.

use bevy::math::{Quat, Vec3};
use bevy::prelude::*;
use bevy_rapier3d::rapier::prelude::{Collider, SharedShape, TypedShape};

use super::mesh_builder::MeshBuilder;
use super::palette::{CONE, KERB_RED, METAL, PAINT, POST, RUBBER, STEP, WOOD, WOOD_DARK};
use crate::sim::Surface;

/// Add the mesh of a collision shape in one color.
pub fn add_shape(to: &mut MeshBuilder, shape: &SharedShape, place: Transform, color: Color) {
    match shape.as_typed_shape() {
        TypedShape::Ball(ball) => to.mesh(Sphere::new(ball.radius), place, color),
        TypedShape::Cuboid(cuboid) => to.mesh(Cuboid { half_size: cuboid.half_extents }, place, color),
        TypedShape::RoundCuboid(round) => {
            let half_size = round.inner_shape.half_extents + Vec3::splat(round.border_radius);
            to.mesh(Cuboid { half_size }, place, color);
        }
        TypedShape::Capsule(capsule) => {
            let (a, b) = (capsule.segment.a, capsule.segment.b);
            let along = Transform::from_translation((a + b) / 2.0)
                .with_rotation(Quat::from_rotation_arc(Vec3::Y, (b - a).normalize_or(Vec3::Y)));
            to.mesh(Capsule3d::new(capsule.radius, a.distance(b)), place * along, color);
        }
        TypedShape::Cylinder(cylinder) => {
            to.mesh(Cylinder::new(cylinder.radius, cylinder.half_height * 2.0), place, color);
        }
        TypedShape::Cone(cone) => {
            to.mesh(bevy::math::primitives::Cone::new(cone.radius, cone.half_height * 2.0), place, color)
        }
        TypedShape::TriMesh(mesh) => triangles(to, mesh.vertices(), mesh.indices(), place, color),
        TypedShape::ConvexPolyhedron(hull) => {
            let (vertices, indices) = hull.to_trimesh();
            triangles(to, &vertices, &indices, place, color);
        }
        TypedShape::HeightField(field) => {
            let (vertices, indices) = field.to_trimesh();
            triangles(to, &vertices, &indices, place, color);
        }
        TypedShape::Compound(compound) => {
            for (pose, part) in compound.shapes() {
                let local = Transform::from_translation(pose.translation).with_rotation(pose.rotation);
                add_shape(to, part, place * local, color);
            }
        }
        // Any other shape is drawn as its bounding box.
        _ => {
            let bounds = shape.compute_local_aabb();
            let half_size = bounds.half_extents().min(Vec3::splat(500.0));
            to.mesh(Cuboid { half_size }, place * Transform::from_translation(bounds.center()), color);
        }
    }
}

fn triangles(to: &mut MeshBuilder, vertices: &[Vec3], indices: &[[u32; 3]], place: Transform, color: Color) {
    for corners in indices {
        let [a, b, c] = corners.map(|i| place.transform_point(vertices[i as usize]));
        let normal = (b - a).cross(c - a).normalize_or(Vec3::Y);
        let [a, b, c] = [a, b, c].map(|p| to.vertex(p, normal, [0.0; 2], color));
        to.triangle([a, b, c]);
    }
}

/// The mesh of a prop, in its collider's frame.
pub fn prop_mesh(collider: &Collider) -> Mesh {
    let mut out = MeshBuilder::default();
    let surface = Surface::of(collider);
    let shape = collider.shared_shape();
    match (surface, shape.as_typed_shape()) {
        (Surface::Cone, TypedShape::Cylinder(c)) => cone(&mut out, c.half_height, c.radius),
        (Surface::Crate, TypedShape::Cuboid(c)) => wooden_crate(&mut out, c.half_extents),
        (Surface::Obstacle, TypedShape::Cylinder(c)) => post(&mut out, c.half_height, c.radius),
        (Surface::Step, TypedShape::Cuboid(c)) => step(&mut out, c.half_extents),
        (surface, _) => {
            let color = match surface {
                Surface::Step => STEP,
                Surface::Cone => CONE,
                Surface::Crate => WOOD,
                _ => POST,
            };
            add_shape(&mut out, shape, Transform::default(), color);
        }
    }
    out.finish()
}

fn cone(out: &mut MeshBuilder, half: f32, radius: f32) {
    let frustum = |out: &mut MeshBuilder, low: f32, high: f32, color: Color| {
        let at = |y: f32| radius * (0.88 - 0.70 * (y + half) / (2.0 * half));
        let band = ConicalFrustum { radius_top: at(high), radius_bottom: at(low), height: high - low };
        out.mesh(band.mesh().resolution(20), Transform::from_xyz(0.0, (low + high) / 2.0, 0.0), color);
    };
    let h = 2.0 * half;
    out.cuboid(Vec3::Y * (0.02 - half), Vec3::new(radius * 2.3, 0.04, radius * 2.3), RUBBER);
    frustum(out, 0.03 - half, 0.36 * h - half, CONE);
    frustum(out, 0.36 * h - half, 0.58 * h - half, PAINT);
    frustum(out, 0.58 * h - half, 0.74 * h - half, CONE);
    frustum(out, 0.74 * h - half, 0.86 * h - half, PAINT);
    frustum(out, 0.86 * h - half, half, CONE);
}

fn wooden_crate(out: &mut MeshBuilder, half: Vec3) {
    let inset = 0.02;
    let frame = 0.14 * half.min_element() * 2.0;
    // Boards, alternately lighter and darker, inside a frame along the edges.
    let boards = 5;
    let height = 2.0 * (half.y - inset) / boards as f32;
    for i in 0..boards {
        let color = if i % 2 == 0 { WOOD } else { WOOD.mix(&WOOD_DARK, 0.22) };
        let y = -half.y + inset + height * (i as f32 + 0.5);
        let size = Vec3::new(half.x - inset, height / 2.0, half.z - inset) * 2.0;
        out.cuboid(Vec3::Y * y, size, color);
    }
    for a in [-1.0, 1.0] {
        for b in [-1.0, 1.0] {
            let edge = |v: Vec3| (half - Vec3::splat(frame / 2.0)) * v;
            let lengths = half * 2.0;
            out.cuboid(edge(Vec3::new(0.0, a, b)), Vec3::new(lengths.x, frame, frame), WOOD_DARK);
            out.cuboid(edge(Vec3::new(a, 0.0, b)), Vec3::new(frame, lengths.y, frame), WOOD_DARK);
            out.cuboid(edge(Vec3::new(a, b, 0.0)), Vec3::new(frame, frame, lengths.z), WOOD_DARK);
        }
    }
    // A brace across each side.
    for side in [-1.0, 1.0] {
        let (low, high) = (-half * 0.72, half * 0.72);
        let x = side * (half.x - inset * 0.6);
        out.beam(Vec3::new(x, low.y, low.z), Vec3::new(x, high.y, high.z), frame * 0.5, WOOD_DARK);
        let z = side * (half.z - inset * 0.6);
        out.beam(Vec3::new(low.x, low.y, z), Vec3::new(high.x, high.y, z), frame * 0.5, WOOD_DARK);
    }
}

fn post(out: &mut MeshBuilder, half: f32, radius: f32) {
    let ring = |out: &mut MeshBuilder, low: f32, high: f32, radius: f32, color: Color| {
        let band = Cylinder::new(radius, high - low);
        out.mesh(band.mesh().resolution(28), Transform::from_xyz(0.0, (low + high) / 2.0, 0.0), color);
    };
    ring(out, -half, half, radius, POST);
    ring(out, -half, -half + 0.12, radius + 0.05, METAL.darker(0.35));
    ring(out, half - 0.10, half, radius + 0.03, METAL.darker(0.35));
    ring(out, half * 0.25, half * 0.40, radius + 0.006, KERB_RED);
    ring(out, half * 0.40, half * 0.55, radius + 0.006, PAINT);
    ring(out, half * 0.55, half * 0.70, radius + 0.006, KERB_RED);
}

fn step(out: &mut MeshBuilder, half: Vec3) {
    out.cuboid(Vec3::ZERO, half * 2.0, STEP);
    // Painted edges make the step visible.
    for side in [-1.0, 1.0] {
        let z = side * (half.z - 0.030);
        out.cuboid(
            Vec3::new(0.0, half.y - 0.030, z),
            Vec3::new(half.x * 2.0 + 0.01, 0.072, 0.07),
            Color::srgb(0.95, 0.75, 0.15),
        );
    }
}
