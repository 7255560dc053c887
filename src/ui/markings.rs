//! What the task asks for, painted into the scene. Drawn anew for each episode.

use bevy::light::NotShadowCaster;
use bevy::math::{Quat, Vec3};
use bevy::prelude::*;
use bevy_rapier3d::rapier::prelude::QueryFilter;

use super::looks::Looks;
use super::palette::{GOAL, KERB_RED, PAINT};
use super::sculpt::Sculpture;
use crate::scenes::COLOURS;
use crate::sim::{Course, Guide, Physics, Post, Surface};

/// Marks what is spawned anew for each episode.
#[derive(Component)]
pub struct Marked;

/// Height of paint over the ground, m.
const LIFT: f32 = 0.022;
/// Curvature from which a bend has kerbs, 1/m (a radius of 22 m).
const KERB_FROM: f32 = 0.045;
/// A bay's width and length, m (RASt 06: 2.50 m and 5 m, with the lines).
const BAY: (f32, f32) = (2.6, 5.0);

/// Paints on whatever ground lies below.
struct Painter<'a> {
    physics: &'a Physics<'a>,
    paint: Sculpture,
}

impl Painter<'_> {
    fn on_ground(&self, at: Vec3, lift: f32) -> Vec3 {
        let floor =
            |_, c: &bevy_rapier3d::rapier::prelude::Collider| matches!(Surface::of(c), Surface::Ground | Surface::Road);
        let filter = QueryFilter::only_fixed().predicate(&floor);
        let hit = self.physics.cast_ray(at.with_y(30.0), Vec3::NEG_Y, 60.0, filter);
        at.with_y(hit.map_or(0.0, |h| 30.0 - h.distance) + lift)
    }

    /// A strip along a course from one distance to another, between two offsets to its left, m.
    fn strip(&mut self, course: &Course, (from, to): (f32, f32), (left, right): (f32, f32), lift: f32, colour: Color) {
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
            self.paint.quad(quad, colour);
        }
    }

    /// An arrowhead on the ground that points along `heading`.
    fn chevron(&mut self, at: Vec3, heading: f32, size: f32, colour: Color) {
        let turn = Quat::from_rotation_y(heading);
        for side in [-1.0, 1.0] {
            let corners = [(0.0, -0.5), (0.0, -0.05), (side * 0.6, 0.5), (side * 0.6, 0.05)];
            let mut quad = corners.map(|(x, z)| self.on_ground(at + turn * Vec3::new(x, 0.0, z) * size, LIFT));
            if side < 0.0 {
                quad.reverse();
            }
            self.paint.quad(quad, colour);
        }
    }

    /// A line on the ground.
    fn line(&mut self, from: Vec3, to: Vec3, width: f32, colour: Color) {
        let across = (to - from).cross(Vec3::Y).normalize_or(Vec3::X) * (width / 2.0);
        let quad = [from + across, to + across, to - across, from - across].map(|p| self.on_ground(p, LIFT));
        self.paint.quad(quad, colour);
    }

    /// A chequered line across a course.
    fn chequers(&mut self, course: &Course, along: f32, half_width: f32) {
        let squares = (half_width * 2.0 / 0.5).floor();
        for row in 0..3 {
            for i in 0..squares as u32 {
                let colour = if (row + i) % 2 == 0 { PAINT } else { Color::srgb(0.05, 0.05, 0.06) };
                let left = half_width - i as f32 * 0.5;
                let start = along + row as f32 * 0.5;
                self.strip(course, (start, start + 0.5), (left, left - 0.5), 0.006, colour);
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
            let colour = if i % 2 == 0 { KERB_RED } else { PAINT };
            for side in [-1.0, 1.0] {
                let (inner, outer) = (side * (half - 0.62), side * (half - 0.05));
                let (left, right) = (inner.max(outer), inner.min(outer));
                self.strip(course, (from, from + 1.0), (left, right), 0.012, colour);
            }
        }
        self.chequers(course, course.project(start).along, half - 0.2);
    }

    fn gates(&mut self, course: &Course, guide: &Guide) {
        for i in 0..(course.length() / 2.0) as u32 {
            let from = i as f32 * 2.0;
            self.strip(course, (from, from + 0.7), (0.05, -0.05), 0.0, PAINT.darker(0.18));
        }
        for gate in &guide.gates {
            let near = course.project(gate.post);
            let left = Quat::from_rotation_y(near.heading) * Vec3::NEG_X;
            let at = gate.post + left * (gate.side * 1.6);
            self.chevron(at, near.heading, 1.4, GOAL);
        }
        self.chequers(course, course.length() - 2.0, 4.0);
    }

    fn bay(&mut self, at: Vec3, heading: f32, colour: Color) {
        let turn = Quat::from_rotation_y(heading);
        let (x, z) = (BAY.0 / 2.0, BAY.1 / 2.0);
        let corner = |sx: f32, sz: f32| at + turn * Vec3::new(sx * x, 0.0, sz * z);
        // Open at the back, where one comes in.
        self.line(corner(-1.0, 1.0), corner(-1.0, -1.0), 0.12, colour);
        self.line(corner(1.0, 1.0), corner(1.0, -1.0), 0.12, colour);
        self.line(corner(-1.0, -1.0), corner(1.0, -1.0), 0.12, colour);
    }
}

/// Paint what `guide` asks for. `start` is where the agent begins.
pub fn paint_task(
    commands: &mut Commands,
    meshes: &mut Assets<Mesh>,
    looks: &Looks,
    physics: &Physics<'_>,
    guide: &Guide,
    start: Vec3,
) {
    let has_road = physics.colliders.iter().any(|(_, c)| Surface::of(c) == Surface::Road);
    let mut painter = Painter { physics, paint: Sculpture::default() };
    let mut glow = Sculpture::default();
    match (&guide.course, has_road) {
        (Some(course), true) => painter.road(course, start),
        (Some(course), false) if !guide.gates.is_empty() => painter.gates(course, guide),
        _ => {}
    }
    for (_, parked) in physics.colliders.iter().filter(|(_, c)| Surface::of(c) == Surface::Parked) {
        let forward = parked.rotation() * Vec3::NEG_Z;
        painter.bay(parked.translation(), crate::sim::heading_of(forward), PAINT);
    }
    for (post, (_, [r, g, b])) in guide.relay.iter().flat_map(|relay| &relay.posts).zip(COLOURS) {
        coloured_post(&mut painter.paint, post, Color::srgb(r, g, b));
    }
    match (guide.goal, guide.goal_heading) {
        (Some(goal), Some(heading)) => {
            painter.bay(goal, heading, GOAL);
            painter.chevron(goal, heading, 1.5, GOAL);
            glowing_bay(&mut glow, goal, heading);
        }
        (Some(goal), None) => beacon(&mut glow, goal),
        _ => {}
    }
    if !painter.paint.is_empty() {
        let paint = (Mesh3d(meshes.add(painter.paint.finish())), MeshMaterial3d(looks.marking.clone()));
        commands.spawn((Marked, paint, NotShadowCaster));
    }
    if !glow.is_empty() {
        let glow = (Mesh3d(meshes.add(glow.finish())), MeshMaterial3d(looks.beacon.clone()));
        commands.spawn((Marked, glow, NotShadowCaster));
    }
}

/// A post's colour: a sleeve round it and a disc on the ground, which is gone once it has been visited.
fn coloured_post(paint: &mut Sculpture, post: &Post, colour: Color) {
    let at = |height: f32| Transform::from_translation(post.position + Vec3::Y * height);
    paint.mesh(Cylinder::new(0.135, 1.62), at(0.81), colour);
    if !post.visited {
        paint.mesh(Cylinder::new(0.55, 0.01), at(LIFT), colour);
    }
}

/// Walls of light that fade upwards, along a closed line.
fn fading_walls(glow: &mut Sculpture, line: &[Vec3], height: f32, alpha: f32) {
    for (i, a) in line.iter().enumerate() {
        let b = line[(i + 1) % line.len()];
        let (low, high) = (GOAL.with_alpha(alpha), GOAL.with_alpha(0.0));
        let corners = [(*a, low), (b, low), (b + Vec3::Y * height, high), (*a + Vec3::Y * height, high)];
        let [p, q, r, s] = corners.map(|(at, colour)| glow.vertex(at, Vec3::Y, [0.0; 2], colour));
        glow.triangle([p, q, r]);
        glow.triangle([p, r, s]);
    }
}

fn circle(at: Vec3, radius: f32) -> Vec<Vec3> {
    let point = |i: u32| at + Quat::from_rotation_y(i as f32 / 40.0 * std::f32::consts::TAU) * Vec3::X * radius;
    (0..40).map(point).collect()
}

fn glowing_bay(glow: &mut Sculpture, at: Vec3, heading: f32) {
    let turn = Quat::from_rotation_y(heading);
    let at = at.with_y(0.03);
    let (x, z) = (BAY.0 / 2.0, BAY.1 / 2.0);
    let ring = [(x, -z), (-x, -z), (-x, z), (x, z)].map(|(x, z)| at + turn * Vec3::new(x, 0.0, z));
    glow.quad(ring, GOAL.with_alpha(0.20));
    fading_walls(glow, &ring, 0.8, 0.45);
}

fn beacon(glow: &mut Sculpture, goal: Vec3) {
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
