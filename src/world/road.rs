//! Collider of a road: a banked ribbon on an embankment.

use bevy::math::{Quat, Vec3, ops};
use bevy_rapier3d::rapier::prelude::*;

use crate::sim::{Course, Surface};

/// Curvature from which a bend has its full bank angle, 1/m (a radius of 20 m).
const FULL_BANK: f32 = 0.05;
/// Half the window of the moving average that smooths the bank angle, in points of the course (1 m apart).
const SMOOTHING: i32 = 6;
/// Height of a flat road's surface above the ground, m.
const CLEARANCE: f32 = 0.02;
/// Slope of the embankment: horizontal by vertical extent.
const SLOPE: f32 = 1.5;

/// Bank angle at each point of the course, rad; a positive angle raises the right edge (in a left bend).
fn bank_angles(course: &Course, max_angle: f32) -> Vec<f32> {
    let length = course.length();
    let step = length / course.points().len() as f32;
    let raw = |along: f32| (course.curvature_at(along) / FULL_BANK).clamp(-1.0, 1.0) * max_angle;
    (0..course.points().len())
        .map(|i| {
            let along = i as f32 * step;
            (-SMOOTHING..=SMOOTHING).map(|k| raw(along + k as f32 * step)).sum::<f32>() / (2 * SMOOTHING + 1) as f32
        })
        .collect()
}

/// The collider of a course's road, banked by at most `max_bank` radians. `None` when Rapier rejects the mesh.
pub(super) fn road(course: &Course, max_bank: f32, friction: f32) -> Option<Collider> {
    let banks = bank_angles(course, max_bank);
    let step = course.length() / course.points().len() as f32;
    let half = course.half_width();
    let mut vertices = Vec::new();
    for (i, (point, bank)) in course.points().iter().zip(&banks).enumerate() {
        let heading = course.heading_at((i as f32 + 0.001) * step);
        let left = Quat::from_rotation_y(heading) * Vec3::NEG_X;
        // The lower edge stays on the ground; the center rises with the bank angle.
        let rise = half * ops::sin(bank.abs());
        let center = *point + Vec3::Y * (rise + CLEARANCE);
        let across = left * (half * ops::cos(*bank)) - Vec3::Y * (half * ops::sin(*bank));
        let (left_edge, right_edge) = (center + across, center - across);
        let foot = |edge: Vec3, out: Vec3| (edge + out * (edge.y * SLOPE + 0.3)).with_y(-0.02);
        vertices.extend([foot(left_edge, left), left_edge, right_edge, foot(right_edge, -left)]);
    }
    let n = course.points().len() as u32;
    let segments = if course.closed() { n } else { n - 1 };
    let mut indices = Vec::new();
    for i in 0..segments {
        let (a, b) = (i * 4, ((i + 1) % n) * 4);
        for strip in 0..3 {
            let (l0, r0, l1, r1) = (a + strip, a + strip + 1, b + strip, b + strip + 1);
            indices.push([l0, r0, r1]);
            indices.push([l0, r1, l1]);
        }
    }
    let builder = ColliderBuilder::trimesh_with_flags(vertices, indices, TriMeshFlags::FIX_INTERNAL_EDGES).ok()?;
    Some(Surface::Road.mark(builder.friction(friction)).build())
}
