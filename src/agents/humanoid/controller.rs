//! The humanoid's controller: a state machine (walking, jumping, lying, getting up) that computes joint targets and the
//! setpoint of the harness for each physics step.

use bevy::math::{Vec3, ops};

use super::action::Control;
use super::body::Humanoid;
use super::footholds::MAX_STEP_HEIGHT;
use super::frames::{ahead, left};
use super::gait::{GaitCommand, Pelvis};
use super::harness::{LIFTING, STAND_GAIN, Setpoint, WALKING};
use super::joints::Joints;
use super::jump_and_recovery::DIP_TIME;
use super::measurement::Measurement;
use super::state::Mode;
use crate::sim::Physics;

/// How much the gait's commanded speed may exceed the speed of the body, m/s.
const MAX_LEG_SPEED_LEAD: f32 = 0.6;
/// Time constant of the low-pass filter of the body's velocity, s.
const VELOCITY_TIME_CONSTANT: f32 = 0.25;
/// Cosines of the trunk's tilt (37 and 18 degrees): below the first the body stops to regain balance, above the second
/// it walks at full speed.
const UPRIGHT_COSINES: [f32; 2] = [0.80, 0.95];
/// Tracking lag of a swing foot, m: above the first the body slows down, at the second it stops.
const BLOCKED_LAG: [f32; 2] = [0.14, 0.30];
/// Position of the leading foot relative to the pelvis along the direction of motion, m: at the first the body stops,
/// from the second it walks at full speed. A body without a foot below it would fall.
const SUPPORT_POSITION: [f32; 2] = [-0.40, -0.25];
/// Backward speed, m/s per m that the leading foot is behind the pelvis.
const BACKWARD_GAIN: f32 = 1.5;
/// Extra leg extension in the joint targets, m per m that the hips are below their target height.
const SAG_GAIN: f32 = 1.0;
/// Forward lean of the trunk per m/s, rad: upright in walking, 8 degrees in running.
const LEAN: f32 = 0.045;

/// Forward lean at full crouch, rad.
const CROUCH_LEAN: f32 = 0.3;
/// Time without ground contact, s, after which the harness stops holding the height: longer than the flight phase of
/// running.
const MAX_AIR_TIME: f32 = 0.3;
/// How far ahead of the hips the feet of a falling body are placed, in s of the hips' velocity.
const LANDING_LEAD: f32 = 0.1;

/// Cosine of the tilt (50 degrees) beyond which the body counts as fallen.
const FALL_COSINE: f32 = 0.643;
/// Height of the hips, as a fraction of their standing height, below which the body counts as fallen: below full
/// crouch.
const FALL_HEIGHT: f32 = 0.42;

/// 0 below `range[0]`, 1 above `range[1]`, linear in between.
fn ramp(value: f32, range: [f32; 2]) -> f32 {
    ((value - range[0]) / (range[1] - range[0])).clamp(0.0, 1.0)
}

impl Humanoid {
    /// The command for the gait. Its speed exceeds the body's speed by at most [`MAX_LEG_SPEED_LEAD`], so that steps
    /// against a load are short.
    pub(super) fn gait_command(&self, pelvis: &Pelvis) -> GaitCommand {
        let c = &self.state.command;
        let target = self.target_velocity(pelvis);
        let direction = target.normalize_or_zero();
        let max_speed = self.state.smoothed_velocity.dot(direction) + MAX_LEG_SPEED_LEAD;
        let scale = (max_speed / target.length().max(MAX_LEG_SPEED_LEAD)).clamp(0.0, 1.0);
        GaitCommand { velocity: target * scale, turn_rate: c.turn_rate, forward: c.forward * scale, crouch: c.crouch }
    }

    fn target_velocity(&self, pelvis: &Pelvis) -> Vec3 {
        let c = &self.state.command;
        ahead(pelvis.heading) * c.forward + left(pelvis.heading) * c.sideways
    }

    /// Measure the ground height and plan the footholds. Called once per tick.
    pub(super) fn plan_steps(&mut self, physics: &Physics<'_>) {
        let measured = self.measure(physics);
        let pelvis = measured.pelvis.position;
        if let Some(hit) = physics.cast_ray(pelvis, Vec3::NEG_Y, 3.0, self.others_filter()) {
            self.state.ground_height = pelvis.y - hit.distance;
        }
        if self.state.mode == Mode::Walk && self.options.control == Control::Command {
            let gait_command = self.gait_command(&measured.pelvis);
            let level = self.state.gait.support_height;
            let mut gait = self.state.gait.clone();
            // Anything above the maximum step height is a wall, not a foothold; a foot steps down by at most that
            // height.
            let ground = |position: Vec3| {
                let height = self.ground_at(physics, position, level).unwrap_or(level - MAX_STEP_HEIGHT);
                if height > level + MAX_STEP_HEIGHT { level } else { height.max(level - MAX_STEP_HEIGHT) }
            };
            gait.plan_footholds(&self.anatomy, &gait_command, &measured.pelvis, ground);
            self.state.gait = gait;
        }
    }

    pub(super) fn set_mode(&mut self, mode: Mode) {
        self.state.mode = mode;
        self.state.time_in_mode = 0.0;
    }

    /// Run the controller for the next physics step.
    pub(super) fn update_controller(&mut self, physics: &mut Physics<'_>) {
        let dt = physics.dt();
        let measured = self.measure(physics);
        let requested = self.state.requested_command;
        self.state.command.rate_limit(&requested, dt);
        self.state.time_in_mode += dt;
        let alpha = 1.0 - ops::exp(-dt / VELOCITY_TIME_CONSTANT);
        self.state.smoothed_velocity += (measured.pelvis.velocity.with_y(0.0) - self.state.smoothed_velocity) * alpha;
        self.state.time_in_air = if measured.contact == [false; 2] { self.state.time_in_air + dt } else { 0.0 };
        let height = measured.pelvis.position.y - self.state.ground_height;
        let upright = self.state.mode != Mode::Down && self.state.mode != Mode::GetUp;
        if upright && (measured.upright < FALL_COSINE || height < FALL_HEIGHT * self.anatomy.hip_height()) {
            self.set_mode(Mode::Down);
        }
        let mut targets = self.state.joint_targets;
        let (setpoint, gain) = match self.state.mode {
            Mode::Walk => self.walk(dt, &measured, &mut targets),
            Mode::Dip | Mode::Push | Mode::Flight | Mode::Land => self.jump(dt, &measured, &mut targets),
            Mode::Down => self.go_limp(&measured, &mut targets),
            Mode::GetUp => self.get_up(dt, &measured, &mut targets),
        };
        let joints = self.options.control == Control::Joints;
        if joints {
            for (i, target) in targets.iter_mut().enumerate() {
                let (low, high) = self.actuators.ranges[i];
                *target = 0.5 * (low + high) + 0.5 * (high - low) * self.state.joint_action[i];
            }
        }
        self.actuators.set_motors(physics, &targets, &self.state.joint_targets, if joints { 1.0 } else { gain });
        self.state.joint_targets = targets;
        let limits = if self.state.mode == Mode::Walk { WALKING } else { LIFTING };
        let setpoint = Setpoint { strength: setpoint.strength * self.options.harness, ..setpoint };
        self.state.harness.apply(physics, &self.parts, &self.anatomy, &setpoint, &limits, measured.pelvis.heading);
    }

    /// Stand, walk and run: follow the gait.
    fn walk(&mut self, dt: f32, measured: &Measurement, targets: &mut Joints) -> (Setpoint, f32) {
        let pelvis = &measured.pelvis;
        let gait_command = self.gait_command(pelvis);
        if self.options.control == Control::Joints {
            let standing_height = self.state.ground_height + self.anatomy.hip_height();
            let height = (self.state.time_in_air < MAX_AIR_TIME).then_some(standing_height);
            return (Setpoint { height, ..Setpoint::UPRIGHT }, 1.0);
        }
        if self.state.time_in_air < MAX_AIR_TIME {
            self.state.gait.advance(dt, &self.anatomy, &gait_command, pelvis, measured.contact, measured.ankles);
        } else {
            // Falling: both feet are placed on the ground below.
            self.state.gait = self.gait_below(pelvis, pelvis.velocity.with_y(0.0) * LANDING_LEAD);
        }
        if self.state.requested_command.jump && measured.contact != [false; 2] {
            self.state.gait = self.gait_below(pelvis, gait_command.velocity * DIP_TIME);
            self.set_mode(Mode::Dip);
        }
        let gait = &self.state.gait;
        // A tilted trunk or a blocked swing foot slows the body down until it has regained its balance.
        let upright = ramp(measured.upright, UPRIGHT_COSINES);
        let unblocked = 1.0 - ramp(gait.tracking_lag(), BLOCKED_LAG);
        let direction = gait_command.velocity.normalize_or_zero();
        let support =
            measured.ankles.iter().map(|ankle| (*ankle - pelvis.position).dot(direction)).fold(f32::MIN, f32::max);
        let supported = ramp(support, SUPPORT_POSITION);
        let mut balance = upright.min(unblocked).min(supported);
        // Without a foot below it, the body moves back over its leading foot.
        let correction = direction * ((1.0 - supported) * BACKWARD_GAIN * support.min(0.0));
        let mut velocity = self.target_velocity(pelvis) * balance + correction;
        let mut hips = pelvis.position + pelvis.velocity * dt;
        if !gait.moving {
            // Standing: hold the hips over the center of the feet.
            let feet_center = (gait.feet[0].stance_position + gait.feet[1].stance_position) * 0.5;
            velocity = (feet_center - pelvis.position) * STAND_GAIN;
            velocity.y = 0.0;
            balance = 0.0;
        }
        // Joint targets for raised hips when the hips sag, so that the legs carry their part of the weight.
        hips.y = gait.height + SAG_GAIN * (gait.height - pelvis.position.y);
        gait.pose(&self.anatomy, &self.actuators, &gait_command, &Pelvis { position: hips, ..*pelvis }, targets);
        let setpoint = Setpoint {
            // The height is not held after a step over an edge.
            height: (self.state.time_in_air < MAX_AIR_TIME).then_some(gait.height),
            velocity: Some(velocity),
            turn_rate: Some(gait_command.turn_rate),
            lean: LEAN * gait_command.forward + CROUCH_LEAN * gait_command.crouch,
            balance,
            ..Setpoint::UPRIGHT
        };
        (setpoint, 1.0)
    }
}
