//! What the humanoid perceives.

use bevy::math::{Vec3, ops};

use super::frames::{ahead, heading_of, left, turned};
use super::{Humanoid, JOINT_COUNT, Mode};
use crate::sim::{Guide, Physics};
use crate::spaces::{Field, Layout};

/// Number of range rays, their half angle (rad, 100 degrees) and reach (m).
const RAYS: usize = 21;
const FAN: f32 = 1.745;
/// Angle between the first and the last range ray, rad.
pub const RANGE_ARC: f32 = 2.0 * FAN;
const REACH: f32 = 8.0;
/// How far ahead the ground is probed, m, and the limit of what is told, m.
const PROBES: [f32; 3] = [0.3, 0.6, 0.9];
const PROBE_LIMIT: f32 = 0.5;
/// Limits of what is told: places (m), velocities (m/s), joint and trunk rates (rad/s).
const FAR: f32 = 10.0;
const FAST: f32 = 10.0;
const QUICK: f32 = 30.0;

/// The observation's fields.
pub(super) fn layout() -> Layout {
    Layout::new(
        "humanoid/observation",
        vec![
            Field::new("joint_angle", JOINT_COUNT, "rad", -3.15, 3.15),
            Field::new("joint_speed", JOINT_COUNT, "rad/s", -QUICK, QUICK),
            Field::new("up", 3, "1", -1.0, 1.0),
            Field::new("velocity", 3, "m/s", -FAST, FAST),
            Field::new("spin", 3, "rad/s", -QUICK, QUICK),
            Field::new("contact", 2, "1", 0.0, 1.0),
            Field::new("height", 1, "m", 0.0, 2.0),
            Field::new("phase", 2, "1", -1.0, 1.0),
            Field::new("down", 1, "1", 0.0, 1.0),
            Field::new("goal", 2, "m", -FAR, FAR),
            Field::new("goal_direction", 2, "1", -1.0, 1.0),
            Field::new("object", 2, "m", -FAR, FAR),
            Field::new("object_to_goal", 2, "m", -FAR, FAR),
            Field::new("range", RAYS, "m", 0.0, REACH),
            Field::new("ground", PROBES.len(), "m", -PROBE_LIMIT, PROBE_LIMIT),
        ],
    )
}

/// Writes numbers one after the other, each within its bounds.
struct Writer<'a>(std::slice::IterMut<'a, f32>);

impl Writer<'_> {
    fn put(&mut self, value: f32, low: f32, high: f32) {
        if let Some(slot) = self.0.next() {
            *slot = if value.is_nan() { 0.0 } else { value.clamp(low, high) };
        }
    }

    fn put_all(&mut self, values: &[f32], limit: f32) {
        for value in values {
            self.put(*value, -limit, limit);
        }
    }
}

/// Write the observation.
pub(super) fn sense(body: &Humanoid, physics: &Physics<'_>, guide: &Guide, observation: &mut [f32]) {
    let mut out = Writer(observation.iter_mut());
    let (mut angles, mut speeds) = ([0.0; JOINT_COUNT], [0.0; JOINT_COUNT]);
    body.actuators.read(physics, &mut angles, &mut speeds);
    out.put_all(&angles, 3.15);
    out.put_all(&speeds, QUICK);

    let (position, rotation) = physics.pose(body.parts[0]);
    let heading = heading_of(rotation);
    let (front, side) = (ahead(heading), left(heading));
    let local = |v: Vec3| [v.dot(front), v.dot(side), v.y];
    let torso = body.parts[body.anatomy.torso];
    let (_, chest) = physics.pose(torso);
    // World up seen from the chest, as (forward, left, up).
    let up = chest.inverse() * Vec3::Y;
    out.put_all(&[-up.z, -up.x, up.y], 1.0);
    let (velocity, spin) = physics.bodies.get(torso).map_or((Vec3::ZERO, Vec3::ZERO), |b| (b.linvel(), b.angvel()));
    out.put_all(&local(velocity), FAST);
    out.put_all(&local(spin), QUICK);
    for touches in body.contacts(physics) {
        out.put(f32::from(u8::from(touches)), 0.0, 1.0);
    }
    let ground = body.memory.ground;
    out.put(position.y - ground, 0.0, 2.0);
    let (sin, cos) = ops::sin_cos(std::f32::consts::TAU * body.memory.gait.phase);
    out.put_all(&[sin, cos], 1.0);
    let down = matches!(body.memory.mode, Mode::Down | Mode::GetUp);
    out.put(f32::from(u8::from(down)), 0.0, 1.0);

    let flat = |to: Vec3| [(to - position).dot(front), (to - position).dot(side)];
    let goal = guide.goal.map(flat);
    let object = guide.object.and_then(|o| physics.bodies.get(o)).map(|o| flat(o.translation()));
    let [x, y] = goal.unwrap_or_default();
    // The vector is shortened, not bent, where it is longer than told.
    let distance = (x * x + y * y).sqrt();
    let shorten = (FAR / distance.max(FAR)).min(1.0);
    out.put_all(&[x * shorten, y * shorten], FAR);
    let inverse = if distance > 1e-3 { 1.0 / distance } else { 0.0 };
    out.put_all(&[x * inverse, y * inverse], 1.0);
    out.put_all(&object.unwrap_or_default(), FAR);
    let rest = goal.zip(object).map_or([0.0; 2], |(g, o)| [g[0] - o[0], g[1] - o[1]]);
    out.put_all(&rest, FAR);

    let filter = body.others();
    for i in 0..RAYS {
        let angle = FAN * (1.0 - 2.0 * i as f32 / (RAYS - 1) as f32);
        let direction = turned(Vec3::Y, angle) * front;
        let hit = physics.cast_ray(position, direction, REACH, filter);
        out.put(hit.map_or(REACH, |h| h.distance), 0.0, REACH);
    }
    for distance in PROBES {
        let height = body.ground_at(physics, position + front * distance, ground).unwrap_or(ground - PROBE_LIMIT);
        out.put(height - ground, -PROBE_LIMIT, PROBE_LIMIT);
    }
}
