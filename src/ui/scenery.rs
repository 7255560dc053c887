//! Static scenery: ground, road, landscape.

use std::f32::consts::TAU;

use bevy::light::NotShadowCaster;
use bevy::math::{Vec3, ops};
use bevy::prelude::*;
use bevy_rapier3d::rapier::prelude::{TriMesh, TypedShape};

use super::looks::look_of;
use super::materials::SharedMaterials;
use super::mesh_builder::{MeshBuilder, hash01};
use super::mesh_spawner::ArenaMesh;
use super::palette::{ASPHALT, HORIZON, VERGE};
use super::texture::{Floor, SPAN};
use crate::sim::{Course, Physics, Surface, TaskGoal};

/// Half the size of the ground, m: that of the largest box marked as ground.
fn ground_half(physics: &Physics<'_>) -> f32 {
    let boxes = physics.colliders.iter().filter(|(_, c)| Surface::of(c) == Surface::Ground);
    boxes
        .filter_map(|(_, c)| c.shape().as_cuboid().map(|b| b.half_extents.x.max(b.half_extents.z)))
        .fold(20.0, f32::max)
}

/// Spawn ground, landscape and roads.
pub fn build_scenery(
    commands: &mut Commands,
    meshes: &mut Assets<Mesh>,
    materials: &SharedMaterials,
    physics: &Physics<'_>,
    goal: &TaskGoal,
    agent: &str,
) {
    let roads: Vec<_> = physics.colliders.iter().filter(|(_, c)| Surface::of(c) == Surface::Road).collect();
    let floor = look_of(agent).floor(roads.is_empty() && goal.course.is_some());
    let half = ground_half(physics);
    let mut ground = MeshBuilder::default();
    let uv = half / SPAN;
    let corners = [(1.0, -1.0), (-1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)];
    let [a, b, c, d] = corners
        .map(|(x, z)| ground.vertex(Vec3::new(x * half, 0.0, z * half), Vec3::Y, [x * uv, z * uv], Color::WHITE));
    ground.triangle([a, b, c]);
    ground.triangle([a, c, d]);
    let still = |mesh: Handle<Mesh>, material: Handle<StandardMaterial>| {
        (ArenaMesh, Mesh3d(mesh), MeshMaterial3d(material), NotShadowCaster)
    };
    commands.spawn(still(meshes.add(ground.finish()), materials.floor(floor)));
    commands.spawn(still(meshes.add(outer_landscape(half)), materials.matte.clone()));
    for (_, collider) in roads {
        if let TypedShape::TriMesh(mesh) = collider.shape().as_typed_shape() {
            let (surface, verge) = road(mesh, goal.course.as_deref());
            commands.spawn(still(meshes.add(surface), materials.floor(Floor::Asphalt)));
            commands.spawn(still(meshes.add(verge), materials.matte.clone()));
        }
    }
}

/// The meshes of the road's surface and of its embankment, each with smooth normals, with a sharp edge between them.
fn road(mesh: &TriMesh, course: Option<&Course>) -> (Mesh, Mesh) {
    let (vertices, indices) = (mesh.vertices(), mesh.indices());
    let on_road = |corners: &[u32; 3]| {
        let middle = corners.iter().map(|i| vertices[*i as usize]).sum::<Vec3>() / 3.0;
        course.is_none_or(|c| c.project(middle).offset.abs() < c.half_width())
    };
    let mut out = [false, true].map(|surface| {
        let own: Vec<&[u32; 3]> = indices.iter().filter(|t| on_road(t) == surface).collect();
        let mut normals = vec![Vec3::ZERO; vertices.len()];
        for corners in &own {
            let [a, b, c] = corners.map(|i| vertices[i as usize]);
            // Not normalized: vertex normals are weighted by triangle area.
            let normal = (b - a).cross(c - a);
            for i in **corners {
                normals[i as usize] += normal;
            }
        }
        let mut builder = MeshBuilder::default();
        let color = if surface { Color::WHITE.mix(&ASPHALT, 0.45) } else { VERGE };
        for (position, normal) in vertices.iter().zip(&normals) {
            builder.vertex(*position, normal.normalize_or(Vec3::Y), [position.x / SPAN, position.z / SPAN], color);
        }
        for corners in own {
            builder.triangle(*corners);
        }
        builder.finish()
    });
    let verge = std::mem::replace(&mut out[0], MeshBuilder::default().finish());
    let [_, surface] = out;
    (surface, verge)
}

/// A hedge at the ground's border, and meadows, hills and trees beyond it. Nothing here has a collider; all of it is out
/// of reach.
fn outer_landscape(half: f32) -> Mesh {
    let mut out = MeshBuilder::default();
    let meadow = Color::srgb(0.42, 0.52, 0.28);
    let (hedge, hedge_dark) = (Color::srgb(0.20, 0.34, 0.16), Color::srgb(0.16, 0.28, 0.13));
    // The hedge is a row of bushes of slightly different heights.
    let bushes = (half / 2.0) as u32;
    let length = 2.0 * half / bushes as f32;
    for i in 0..bushes {
        let along = -half + length * (i as f32 + 0.5);
        for (side, seed) in [(-1.0, 0), (1.0, 1)] {
            let (h, k) = (0.9 + 0.4 * hash01(i * 4 + seed), 0.9 + 0.4 * hash01(i * 4 + seed + 2));
            let tint = |t: u32| if hash01(i * 8 + t) > 0.5 { hedge } else { hedge_dark };
            let edge = side * (half + 0.6);
            out.cuboid(Vec3::new(along, h / 2.0, edge), Vec3::new(length + 0.1, h, 1.2), tint(seed));
            out.cuboid(Vec3::new(edge, k / 2.0, along), Vec3::new(1.2, k, length + 0.1), tint(seed + 2));
        }
    }
    outer_terrain(&mut out, half, meadow);
    for i in 0..150_u32 {
        let turn = (i as f32 + hash01(i * 3)) / 150.0 * TAU;
        // Around the square border, at a pseudorandom distance beyond it.
        let (sin, cos) = (ops::sin(turn), ops::cos(turn));
        let beyond = half * (1.45 + 0.9 * hash01(i * 3 + 1)) + 4.0;
        let place = Vec3::new(cos * beyond, height(half, beyond, turn) - 0.1, sin * beyond);
        tree(&mut out, place, 0.75 + 0.7 * hash01(i * 3 + 2), i);
    }
    out.finish()
}

/// Height of the terrain beyond the ground, m: flat near the border, then hills.
fn height(half: f32, radius: f32, turn: f32) -> f32 {
    let far = ((radius / half - 1.6) / 2.5).clamp(0.0, 1.0);
    let waves =
        0.55 + 0.25 * ops::sin(turn * 5.0 + 1.0) + 0.20 * ops::sin(turn * 11.0) + 0.12 * ops::sin(turn * 23.0 + 2.0);
    -0.15 + far * far * waves * (14.0 + half * 0.28)
}

fn outer_terrain(out: &mut MeshBuilder, half: f32, meadow: Color) {
    const AROUND: u32 = 96;
    let rings = [0.9_f32, 1.2, 1.6, 2.1, 2.7, 3.4, 4.2, 6.0];
    let at = |ring: usize, i: u32| {
        let turn = i as f32 / AROUND as f32 * TAU;
        let (sin, cos) = (ops::sin(turn), ops::cos(turn));
        // Blend from a square at the border to a circle at a distance.
        let square = 1.0 / sin.abs().max(cos.abs());
        let round = (ring as f32 / 3.0).min(1.0);
        let radius = half * rings[ring] * (square + (1.0 - square) * round);
        Vec3::new(cos * radius, height(half, radius, turn), sin * radius)
    };
    for ring in 0..rings.len() - 1 {
        for i in 0..AROUND {
            let corners = [at(ring, i), at(ring + 1, i), at(ring + 1, i + 1), at(ring, i + 1)];
            let shade = hash01(ring as u32 * AROUND + i);
            let color = meadow.mix(&Color::srgb(0.30, 0.43, 0.25), 0.25 * shade + 0.09 * ring as f32);
            out.quad([corners[0], corners[3], corners[2], corners[1]], color.mix(&HORIZON, 0.04 * ring as f32));
        }
    }
}

fn tree(out: &mut MeshBuilder, at: Vec3, size: f32, seed: u32) {
    let shade = hash01(seed * 5 + 77);
    let leaves = Color::srgb(0.19, 0.36, 0.17).mix(&Color::srgb(0.40, 0.50, 0.20), shade);
    let trunk = Transform::from_translation(at + Vec3::Y * 0.9 * size);
    out.mesh(Cylinder::new(0.22 * size, 1.9 * size).mesh().resolution(6), trunk, Color::srgb(0.32, 0.23, 0.16));
    if hash01(seed * 5 + 78) > 0.45 {
        for (y, radius, tall) in [(2.6, 1.7, 2.8), (4.2, 1.25, 2.5), (5.6, 0.8, 2.0)] {
            let cone = Cone::new(radius * size, tall * size);
            let darker = leaves.darker(0.10 - y * 0.012);
            out.mesh(cone.mesh().resolution(8), Transform::from_translation(at + Vec3::Y * y * size), darker);
        }
    } else {
        for (x, y, z, radius) in
            [(0.0, 3.2, 0.0, 1.7), (0.9, 2.7, 0.4, 1.1), (-0.8, 2.9, -0.5, 1.2), (0.1, 4.3, -0.2, 1.1)]
        {
            let ball =
                Sphere::new(radius * size).mesh().ico(1).unwrap_or_else(|_| Sphere::new(radius * size).mesh().uv(8, 6));
            out.mesh(
                ball,
                Transform::from_translation(at + Vec3::new(x, y, z) * size),
                leaves.lighter(0.03 * (y - 3.0)),
            );
        }
    }
}
