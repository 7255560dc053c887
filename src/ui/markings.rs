//! Markings of the task: road paint, courses, arrows, bays, pillars and goals. Respawned for each episode.

use bevy::light::NotShadowCaster;
use bevy::math::{Quat, Vec3};
use bevy::prelude::*;
use bevy_rapier3d::rapier::prelude::QueryFilter;

use super::materials::SharedMaterials;
use super::mesh_builder::MeshBuilder;
use super::palette::{GOAL, KERB_RED, PAINT};
use crate::sim::{Course, Mark, Physics, Surface, TaskGoal};

/// Marks entities that are respawned for each episode.
#[derive(Component)]
pub struct TaskMarking;

/// Height of paint above the ground, m.
const LIFT: f32 = 0.022;
/// Curvature above which a bend has curbs, 1/m (a radius of 22 m).
const KERB_FROM: f32 = 0.045;
/// A parking bay's width and length, m (the guideline RASt 06: 2.50 m and 5 m, here with the lines).
const BAY: (f32, f32) = (2.6, 5.0);

/// Builds markings on the surface of the ground or road below them.
struct Painter<'a> {
    physics: &'a Physics<'a>,
    paint: MeshBuilder,
}

impl Painter<'_> {
    fn on_ground(&self, at: Vec3, lift: f32) -> Vec3 {
        let floor =
            |_, c: &bevy_rapier3d::rapier::prelude::Collider| matches!(Surface::of(c), Surface::Ground | Surface::Road);
        let filter = QueryFilter::only_fixed().predicate(&floor);
        let hit = self.physics.cast_ray(at.with_y(30.0), Vec3::NEG_Y, 60.0, filter);
        at.with_y(hit.map_or(0.0, |h| 30.0 - h.distance) + lift)
    }

    /// A strip along a course, between two distances along it and between two lateral offsets (positive: left), m.
    fn strip(&mut self, course: &Course, (from, to): (f32, f32), (left, right): (f32, f32), lift: f32, color: Color) {
        let pieces = ((to - from) / 1.0).ceil().max(1.0);
        let at = |i: f32, offset: f32| {
            let along = from + (to - from) * i / pieces;
            let side = Quat::from_rotation_y(course.heading_at(along)) * Vec3::NEG_X;
            self.on_ground(course.point_at(along) + side * offset, LIFT + lift)
        };
        let quads: Vec<[Vec3; 4]> = (0..pieces as usize)
            .map(|i| {
                let (i, j) = (i as f32, i as f32 + 1.0);
                [at(j, right), at(j, left), at(i, left), at(i, right)]
            })
            .collect();
        for quad in quads {
            self.paint.quad(quad, color);
        }
    }

    /// An arrowhead on the ground that points along `heading`.
    fn chevron(&mut self, at: Vec3, heading: f32, size: f32, color: Color) {
        let turn = Quat::from_rotation_y(heading);
        for side in [-1.0, 1.0] {
            let corners = [(0.0, -0.5), (0.0, -0.05), (side * 0.6, 0.5), (side * 0.6, 0.05)];
            let mut quad = corners.map(|(x, z)| self.on_ground(at + turn * Vec3::new(x, 0.0, z) * size, LIFT));
            if side < 0.0 {
                quad.reverse();
            }
            self.paint.quad(quad, color);
        }
    }

    /// A line on the ground.
    fn line(&mut self, from: Vec3, to: Vec3, width: f32, color: Color) {
        let across = (to - from).cross(Vec3::Y).normalize_or(Vec3::X) * (width / 2.0);
        let quad = [from + across, to + across, to - across, from - across].map(|p| self.on_ground(p, LIFT));
        self.paint.quad(quad, color);
    }

    /// A checkered line across a course.
    fn checkers(&mut self, course: &Course, along: f32, half_width: f32) {
        let squares = (half_width * 2.0 / 0.5).floor();
        for row in 0..3 {
            for i in 0..squares as u32 {
                let color = if (row + i) % 2 == 0 { PAINT } else { Color::srgb(0.05, 0.05, 0.06) };
                let left = half_width - i as f32 * 0.5;
                let start = along + row as f32 * 0.5;
                self.strip(course, (start, start + 0.5), (left, left - 0.5), 0.006, color);
            }
        }
    }

    fn road(&mut self, course: &Course, start: Vec3) {
        let (length, half) = (course.length(), course.half_width());
        for side in [-1.0, 1.0] {
            let edge = side * (half - 0.35);
            self.strip(course, (0.0, length), (edge + 0.08, edge - 0.08), 0.0, PAINT);
        }
        for i in 0..(length / 6.0) as u32 {
            let from = i as f32 * 6.0;
            self.strip(course, (from, from + 2.5), (0.07, -0.07), 0.0, PAINT);
            if i % 4 == 2 {
                for side in [-1.0, 1.0] {
                    let heading = course.heading_at(from);
                    let at = course.point_at(from) + Quat::from_rotation_y(heading) * Vec3::X * (side * half * 0.5);
                    self.chevron(at, heading, 1.3, PAINT.with_alpha(1.0).darker(0.25));
                }
            }
        }
        for i in 0..length as u32 {
            let from = i as f32;
            if course.curvature_at(from + 0.5).abs() < KERB_FROM {
                continue;
            }
            let color = if i % 2 == 0 { KERB_RED } else { PAINT };
            for side in [-1.0, 1.0] {
                let (inner, outer) = (side * (half - 0.62), side * (half - 0.05));
                let (left, right) = (inner.max(outer), inner.min(outer));
                self.strip(course, (from, from + 1.0), (left, right), 0.012, color);
            }
        }
        self.checkers(course, course.project(start).along, half - 0.2);
    }

    /// A dashed line along a course, with a finish line.
    fn dashed(&mut self, course: &Course) {
        for i in 0..(course.length() / 2.0) as u32 {
            let from = i as f32 * 2.0;
            self.strip(course, (from, from + 0.7), (0.05, -0.05), 0.0, PAINT.darker(0.18));
        }
        self.checkers(course, course.length() - 2.0, 4.0);
    }

    fn bay(&mut self, at: Vec3, heading: f32, color: Color) {
        let turn = Quat::from_rotation_y(heading);
        let (x, z) = (BAY.0 / 2.0, BAY.1 / 2.0);
        let corner = |sx: f32, sz: f32| at + turn * Vec3::new(sx * x, 0.0, sz * z);
        // Open at the back, where cars drive in.
        self.line(corner(-1.0, 1.0), corner(-1.0, -1.0), 0.12, color);
        self.line(corner(1.0, 1.0), corner(1.0, -1.0), 0.12, color);
        self.line(corner(-1.0, -1.0), corner(1.0, -1.0), 0.12, color);
    }
}

/// Spawn the markings of `goal`. `start` is the agent's start position.
pub fn paint_task(
    commands: &mut Commands,
    meshes: &mut Assets<Mesh>,
    materials: &SharedMaterials,
    physics: &Physics<'_>,
    goal: &TaskGoal,
    start: Vec3,
) {
    let has_road = physics.colliders.iter().any(|(_, c)| Surface::of(c) == Surface::Road);
    let mut painter = Painter { physics, paint: MeshBuilder::default() };
    let mut glow = MeshBuilder::default();
    if let Some(course) = goal.course.as_ref().filter(|_| has_road) {
        painter.road(course, start);
    }
    for (_, parked) in physics.colliders.iter().filter(|(_, c)| Surface::of(c) == Surface::Parked) {
        let forward = parked.rotation() * Vec3::NEG_Z;
        painter.bay(parked.translation(), crate::sim::heading_of(forward), PAINT);
    }
    for mark in goal.marks() {
        match mark {
            Mark::Course => goal.course.iter().filter(|_| !has_road).for_each(|course| painter.dashed(course)),
            Mark::Arrow { position, heading } => painter.chevron(position, heading, 1.4, GOAL),
            Mark::Pillar { position, color: [r, g, b], disc } => {
                pillar(&mut painter.paint, position, Color::srgb(r, g, b), disc);
            }
        }
    }
    match (goal.position, goal.heading) {
        (Some(goal), Some(heading)) => {
            painter.bay(goal, heading, GOAL);
            painter.chevron(goal, heading, 1.5, GOAL);
            glowing_bay(&mut glow, goal, heading);
        }
        (Some(goal), None) => beacon(&mut glow, goal),
        _ => {}
    }
    if !painter.paint.is_empty() {
        let paint = (Mesh3d(meshes.add(painter.paint.finish())), MeshMaterial3d(materials.marking.clone()));
        commands.spawn((TaskMarking, paint, NotShadowCaster));
    }
    if !glow.is_empty() {
        let glow = (Mesh3d(meshes.add(glow.finish())), MeshMaterial3d(materials.beacon.clone()));
        commands.spawn((TaskMarking, glow, NotShadowCaster));
    }
}

/// A colored sleeve around a pillar, and a disc on the ground.
fn pillar(paint: &mut MeshBuilder, position: Vec3, color: Color, disc: bool) {
    let at = |height: f32| Transform::from_translation(position + Vec3::Y * height);
    paint.mesh(Cylinder::new(0.135, 1.62), at(0.81), color);
    if disc {
        paint.mesh(Cylinder::new(0.55, 0.01), at(LIFT), color);
    }
}

/// Glowing walls along a closed line that fade out upwards.
fn fading_walls(glow: &mut MeshBuilder, line: &[Vec3], height: f32, alpha: f32) {
    for (i, a) in line.iter().enumerate() {
        let b = line[(i + 1) % line.len()];
        let (low, high) = (GOAL.with_alpha(alpha), GOAL.with_alpha(0.0));
        let corners = [(*a, low), (b, low), (b + Vec3::Y * height, high), (*a + Vec3::Y * height, high)];
        let [p, q, r, s] = corners.map(|(at, color)| glow.vertex(at, Vec3::Y, [0.0; 2], color));
        glow.triangle([p, q, r]);
        glow.triangle([p, r, s]);
    }
}

fn circle(at: Vec3, radius: f32) -> Vec<Vec3> {
    let point = |i: u32| at + Quat::from_rotation_y(i as f32 / 40.0 * std::f32::consts::TAU) * Vec3::X * radius;
    (0..40).map(point).collect()
}

fn glowing_bay(glow: &mut MeshBuilder, at: Vec3, heading: f32) {
    let turn = Quat::from_rotation_y(heading);
    let at = at.with_y(0.03);
    let (x, z) = (BAY.0 / 2.0, BAY.1 / 2.0);
    let ring = [(x, -z), (-x, -z), (-x, z), (x, z)].map(|(x, z)| at + turn * Vec3::new(x, 0.0, z));
    glow.quad(ring, GOAL.with_alpha(0.20));
    fading_walls(glow, &ring, 0.8, 0.45);
}

fn beacon(glow: &mut MeshBuilder, goal: Vec3) {
    let at = goal.with_y(0.03);
    let (outer, inner) = (circle(at, 0.60), circle(at, 0.50));
    for i in 0..outer.len() {
        let j = (i + 1) % outer.len();
        glow.quad([outer[i], outer[j], inner[j], inner[i]], GOAL.with_alpha(0.95));
        glow.quad([inner[i], inner[j], at, at], GOAL.with_alpha(0.22));
    }
    fading_walls(glow, &outer, 2.6, 0.42);
    fading_walls(glow, &circle(at, 0.22), 4.5, 0.35);
}
