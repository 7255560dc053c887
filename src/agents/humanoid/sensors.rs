//! The humanoid's sensors.

use bevy::math::{Vec3, ops};

use super::body::Humanoid;
use super::frames::{ahead, axis_angle, heading_of, left};
use super::joints::JOINT_COUNT;
use super::state::Mode;
use crate::agents::observation_writer::ObservationWriter;
use crate::sim::{Physics, TaskGoal};
use crate::spaces::{Field, Layout};

/// Range sensor: number of rays, half of the arc that they cover (rad, 100 degrees) and maximum range (m).
const RAY_COUNT: usize = 21;
const RAY_HALF_ARC: f32 = 1.745;
/// Angle between the first and the last range ray, rad.
pub const RANGE_ARC: f32 = 2.0 * RAY_HALF_ARC;
const RAY_RANGE: f32 = 8.0;
/// Height probes of the ground: distances ahead of the pelvis (m), and the bound of the observed height (m).
const GROUND_PROBES: [f32; 3] = [0.3, 0.6, 0.9];
const GROUND_PROBE_LIMIT: f32 = 0.5;
/// Bounds of the observation: positions (m), velocities (m/s), angular velocities of joints and trunk (rad/s).
const MAX_DISTANCE: f32 = 10.0;
const MAX_VELOCITY: f32 = 10.0;
const MAX_ANGULAR_VELOCITY: f32 = 30.0;

/// The humanoid's observation layout.
pub fn observation_layout() -> Layout {
    Layout::new(
        "humanoid/observation",
        vec![
            Field::new("joint_angle", JOINT_COUNT, "rad", -3.15, 3.15),
            Field::new("joint_speed", JOINT_COUNT, "rad/s", -MAX_ANGULAR_VELOCITY, MAX_ANGULAR_VELOCITY),
            Field::new("up", 3, "1", -1.0, 1.0),
            Field::new("velocity", 3, "m/s", -MAX_VELOCITY, MAX_VELOCITY),
            Field::new("spin", 3, "rad/s", -MAX_ANGULAR_VELOCITY, MAX_ANGULAR_VELOCITY),
            Field::new("contact", 2, "1", 0.0, 1.0),
            Field::new("height", 1, "m", 0.0, 2.0),
            Field::new("phase", 2, "1", -1.0, 1.0),
            Field::new("down", 1, "1", 0.0, 1.0),
            Field::new("goal", 2, "m", -MAX_DISTANCE, MAX_DISTANCE),
            Field::new("goal_direction", 2, "1", -1.0, 1.0),
            Field::new("object", 2, "m", -MAX_DISTANCE, MAX_DISTANCE),
            Field::new("object_to_goal", 2, "m", -MAX_DISTANCE, MAX_DISTANCE),
            Field::new("range", RAY_COUNT, "m", 0.0, RAY_RANGE),
            Field::new("ground", GROUND_PROBES.len(), "m", -GROUND_PROBE_LIMIT, GROUND_PROBE_LIMIT),
        ],
    )
}

impl Humanoid {
    /// Write the observation in the order of [`observation_layout`].
    pub(super) fn write_observation(&self, physics: &Physics<'_>, goal: &TaskGoal, observation: &mut [f32]) {
        let mut out = ObservationWriter::new(observation);
        let (mut joint_angles, mut joint_velocities) = ([0.0; JOINT_COUNT], [0.0; JOINT_COUNT]);
        self.actuators.read_joints(physics, &mut joint_angles, &mut joint_velocities);
        out.push_all(&joint_angles, 3.15);
        out.push_all(&joint_velocities, MAX_ANGULAR_VELOCITY);

        let (position, rotation) = physics.pose(self.parts[0]);
        let heading = heading_of(rotation);
        let (front, side) = (ahead(heading), left(heading));
        let local = |v: Vec3| [v.dot(front), v.dot(side), v.y];
        let torso = self.parts[self.anatomy.torso];
        let (_, chest) = physics.pose(torso);
        // The world's up axis in the chest's frame, as (forward, left, up).
        let up = chest.inverse() * Vec3::Y;
        out.push_all(&[-up.z, -up.x, up.y], 1.0);
        let (velocity, angular_velocity) =
            physics.bodies.get(torso).map_or((Vec3::ZERO, Vec3::ZERO), |b| (b.linvel(), b.angvel()));
        out.push_all(&local(velocity), MAX_VELOCITY);
        out.push_all(&local(angular_velocity), MAX_ANGULAR_VELOCITY);
        for in_contact in self.contacts(physics) {
            out.push(f32::from(u8::from(in_contact)), 0.0, 1.0);
        }
        let ground = self.state.ground_height;
        out.push(position.y - ground, 0.0, 2.0);
        let (sin, cos) = ops::sin_cos(std::f32::consts::TAU * self.state.gait.phase);
        out.push_all(&[sin, cos], 1.0);
        let down = matches!(self.state.mode, Mode::Down | Mode::GetUp);
        out.push(f32::from(u8::from(down)), 0.0, 1.0);

        let horizontal = |to: Vec3| [(to - position).dot(front), (to - position).dot(side)];
        let goal_position = goal.position.map(horizontal);
        let object = goal.object.and_then(|o| physics.bodies.get(o)).map(|o| horizontal(o.translation()));
        let [x, y] = goal_position.unwrap_or_default();
        // Beyond the bound the vector is shortened: its direction is kept.
        let distance = (x * x + y * y).sqrt();
        let scale = (MAX_DISTANCE / distance.max(MAX_DISTANCE)).min(1.0);
        out.push_all(&[x * scale, y * scale], MAX_DISTANCE);
        let inverse = if distance > 1e-3 { 1.0 / distance } else { 0.0 };
        out.push_all(&[x * inverse, y * inverse], 1.0);
        out.push_all(&object.unwrap_or_default(), MAX_DISTANCE);
        let object_to_goal = goal_position.zip(object).map_or([0.0; 2], |(g, o)| [g[0] - o[0], g[1] - o[1]]);
        out.push_all(&object_to_goal, MAX_DISTANCE);

        let filter = self.others_filter();
        for i in 0..RAY_COUNT {
            let angle = RAY_HALF_ARC * (1.0 - 2.0 * i as f32 / (RAY_COUNT - 1) as f32);
            let direction = axis_angle(Vec3::Y, angle) * front;
            let hit = physics.cast_ray(position, direction, RAY_RANGE, filter);
            out.push(hit.map_or(RAY_RANGE, |h| h.distance), 0.0, RAY_RANGE);
        }
        for distance in GROUND_PROBES {
            let height =
                self.ground_at(physics, position + front * distance, ground).unwrap_or(ground - GROUND_PROBE_LIMIT);
            out.push(height - ground, -GROUND_PROBE_LIMIT, GROUND_PROBE_LIMIT);
        }
    }
}
