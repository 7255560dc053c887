//! The car's body.

use bevy::math::{Quat, Vec3, ops};
use bevy_rapier3d::rapier::control::{DynamicRayCastVehicleController, WheelTuning};
use bevy_rapier3d::rapier::parry::query::DefaultQueryDispatcher;
use bevy_rapier3d::rapier::prelude::*;
use serde::{Deserialize, Serialize};

use super::specification::VehicleSpecification;
use crate::agents::rays::ray_filter;
use crate::sim::{Body, Conditions, Physics, TaskGoal, WheelPose};
use crate::spaces::{Field, Layout};

/// The car counts as flipped (on its side or roof) below this cosine of its tilt.
const FLIPPED_COSINE: f32 = 0.35;
/// Time after which a flipped car is put back on its wheels, s: long enough for a person to notice the crash.
const RECOVERY_TIME: f32 = 1.5;

/// The car's action layout: steering wheel, pedals and handbrake.
pub fn action_layout() -> Layout {
    Layout::new(
        "vehicle/action",
        vec![
            Field::new("steer", 1, "1", -1.0, 1.0),
            Field::new("throttle", 1, "1", -1.0, 1.0),
            Field::new("brake", 1, "1", 0.0, 1.0),
            Field::new("handbrake", 1, "1", 0.0, 1.0),
        ],
    )
}

/// The car's state between ticks. It is part of the arena's snapshot.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct VehicleState {
    /// Angle of the front wheels, rad, positive left.
    steering: f32,
    /// Action of the current tick: steer, throttle, brake, handbrake.
    action: [f32; 4],
    /// How long the car has been flipped, s.
    time_flipped: f32,
    /// Rotation of each wheel about its axle, rad, for rendering only.
    rotation: [f32; 4],
}

/// Mass properties of a car with this mass (kg): those of a box around its center of mass.
fn mass_properties(s: &VehicleSpecification, mass: f32) -> MassProperties {
    let inertia = Vec3::new(
        s.height * s.height + s.length * s.length,
        s.width * s.width + s.length * s.length,
        s.width * s.width + s.height * s.height,
    ) * (mass / 12.0);
    MassProperties::new(Vec3::new(0.0, s.mass_height - s.ride_height(), 0.0), mass, inertia)
}

/// A car in an arena.
pub struct Vehicle {
    specification: VehicleSpecification,
    pub(super) controller: DynamicRayCastVehicleController,
    parts: [RigidBodyHandle; 1],
    state: VehicleState,
    /// Physical conditions of the episode.
    conditions: Conditions,
}

impl Vehicle {
    /// Insert a car into an arena, at rest at the origin.
    pub fn spawn(physics: &mut Physics<'_>, specification: VehicleSpecification) -> Self {
        let s = &specification;
        let half = Vec3::new(s.width, s.height, s.length) / 2.0;
        let body = RigidBodyBuilder::dynamic().additional_mass_properties(mass_properties(s, s.mass)).can_sleep(false);
        // The lower half of the body: it collides with other cars, cones and curbs.
        let collider = ColliderBuilder::round_cuboid(half.x - 0.1, half.y * 0.6 - 0.1, half.z - 0.1, 0.1)
            .translation(Vec3::new(0.0, half.y * 0.1, 0.0))
            .density(0.0)
            .friction(0.3)
            .restitution(0.1)
            .build();
        let chassis = physics.insert(body, [collider]);
        let mut controller = DynamicRayCastVehicleController::new(chassis);
        controller.index_up_axis = 1;
        controller.index_forward_axis = 2;
        let tuning = WheelTuning {
            suspension_stiffness: s.suspension_stiffness,
            suspension_compression: s.suspension_compression,
            suspension_damping: s.suspension_rebound,
            max_suspension_travel: s.suspension_travel,
            side_friction_stiffness: 1.0,
            friction_slip: s.grip,
            max_suspension_force: s.mass * 40.0,
        };
        for (x, z) in [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)] {
            let mount = Vec3::new(x * s.track / 2.0, 0.0, z * s.wheelbase / 2.0);
            controller.add_wheel(mount, Vec3::NEG_Y, Vec3::X, s.suspension_length, s.wheel_radius, &tuning);
        }
        Self {
            specification,
            controller,
            parts: [chassis],
            state: VehicleState::default(),
            conditions: Conditions::default(),
        }
    }

    /// The car's specification.
    pub fn specification(&self) -> &VehicleSpecification {
        &self.specification
    }

    pub(super) fn chassis(&self) -> RigidBodyHandle {
        self.parts[0]
    }

    /// Set the steering angle, drive forces and brake forces of the wheels for the next physics step.
    fn set_wheel_forces(&mut self, physics: &Physics<'_>) {
        let s = &self.specification;
        let dt = physics.dt();
        let grip = s.grip * self.conditions.grip;
        let Some(chassis) = physics.bodies.get(self.parts[0]) else { return };
        let forward = *chassis.rotation() * Vec3::NEG_Z;
        let speed = chassis.linvel().dot(forward);
        let [steer, throttle, brake, handbrake] = self.state.action;

        // Full lock at walking speed, less at higher speeds: the lateral acceleration stays within the tires' grip.
        let max_steering = ops::atan(s.wheelbase * s.steering_acceleration / (speed * speed).max(0.1));
        let target = steer * s.steering_lock.min(max_steering);
        let change = s.steering_rate * dt;
        self.state.steering += (target - self.state.steering).clamp(-change, change);

        let force = if throttle >= 0.0 { s.drive_force } else { s.reverse_force };
        let power_limit = s.power / speed.abs().max(1.0);
        let above_top_speed = if throttle >= 0.0 { speed > s.top_speed } else { speed < -s.reverse_speed };
        let total_drive_force = if above_top_speed { 0.0 } else { throttle * force.min(power_limit) };
        for (i, wheel) in self.controller.wheels_mut().iter_mut().enumerate() {
            let front = i < 2;
            wheel.steering = if front { self.state.steering } else { 0.0 };
            let share = if front { s.brake_balance } else { 1.0 - s.brake_balance } / 2.0;
            let handbrake_force = if front { 0.0 } else { handbrake * s.handbrake_force / 2.0 };
            let drive_force = if front { 0.0 } else { total_drive_force / 2.0 };
            let brake_force = brake * s.brake_force * share + handbrake_force;
            // The controller ignores the brake of a driven wheel, so the larger of the two forces is reduced by the
            // other.
            wheel.engine_force =
                if drive_force.abs() > brake_force { drive_force - brake_force * drive_force.signum() } else { 0.0 };
            wheel.brake = (brake_force - drive_force.abs()).max(0.0) * dt;
            // Locked rear wheels have sliding friction: the car oversteers.
            wheel.friction_slip = if front || handbrake < 0.5 { grip } else { grip * s.sliding_grip };
        }
    }

    /// Apply air drag (½ ρ c_d A v²) and the rolling resistance of the tires in contact.
    fn apply_drag(&self, physics: &mut Physics<'_>) {
        let s = &self.specification;
        let dt = physics.dt();
        let wheels_in_contact = self.controller.wheels().iter().filter(|w| w.raycast_info().is_in_contact).count();
        let weight = self.conditions.mass * self.conditions.gravity;
        let rolling = s.rolling_resistance * s.mass * crate::sim::GRAVITY * wheels_in_contact as f32 / 4.0 * weight;
        if let Some(chassis) = physics.bodies.get_mut(self.parts[0]) {
            let v = chassis.linvel();
            // Below 1 m/s the rolling resistance is proportional to the speed: the car stops smoothly and starts at
            // light throttle.
            let rolling_factor = rolling / v.length().max(1.0);
            chassis.apply_impulse(-v * (v.length() * s.drag + rolling_factor) * dt, false);
        }
    }

    /// Put the car back on its wheels after it has been flipped for [`RECOVERY_TIME`].
    fn recover(&mut self, physics: &mut Physics<'_>) {
        let dt = physics.dt();
        let Some(chassis) = physics.bodies.get(self.parts[0]) else { return };
        let up = *chassis.rotation() * Vec3::Y;
        if up.y > FLIPPED_COSINE || chassis.linvel().length() > 2.0 {
            self.state.time_flipped = 0.0;
            return;
        }
        self.state.time_flipped += dt;
        if self.state.time_flipped > RECOVERY_TIME {
            let forward = *chassis.rotation() * Vec3::NEG_Z;
            let position = chassis.translation() - Vec3::Y * chassis.translation().y;
            let ground = self.ground_below(physics, chassis.translation());
            self.place_at(physics, position + Vec3::Y * ground, crate::sim::heading_of(forward));
        }
    }

    fn ground_below(&self, physics: &Physics<'_>, position: Vec3) -> f32 {
        let chassis = self.parts[0];
        let predicate = move |_: ColliderHandle, c: &Collider| c.parent() != Some(chassis);
        let from = position + Vec3::Y;
        physics.cast_ray(from, Vec3::NEG_Y, 50.0, ray_filter(&predicate)).map_or(0.0, |hit| from.y - hit.distance)
    }

    fn place_at(&mut self, physics: &mut Physics<'_>, ground: Vec3, heading: f32) {
        let height = self.specification.ride_height();
        if let Some(chassis) = physics.bodies.get_mut(self.parts[0]) {
            chassis.set_position(Pose::from_parts(ground + Vec3::Y * height, Quat::from_rotation_y(heading)), true);
            chassis.set_linvel(Vec3::ZERO, true);
            chassis.set_angvel(Vec3::ZERO, true);
            chassis.reset_forces(true);
        }
        self.state = VehicleState::default();
    }
}

impl Body for Vehicle {
    fn sense(&mut self, physics: &Physics<'_>, goal: &TaskGoal, observation: &mut [f32]) {
        self.write_observation(physics, goal, observation);
    }

    fn actuate(&mut self, _physics: &mut Physics<'_>, action: &[f32]) {
        self.state.action.copy_from_slice(action);
    }

    fn before_step(&mut self, physics: &mut Physics<'_>) {
        self.recover(physics);
        self.set_wheel_forces(physics);
        self.apply_drag(physics);
    }

    fn run_controller(&mut self, physics: &mut Physics<'_>) {
        let dt = physics.dt();
        let filter = QueryFilter::default().exclude_rigid_body(self.chassis()).exclude_sensors();
        let queries = physics.broad_phase.as_query_pipeline_mut(
            &DefaultQueryDispatcher,
            physics.bodies,
            physics.colliders,
            filter,
        );
        self.controller.update_vehicle(dt, queries);
        for (rotation, wheel) in self.state.rotation.iter_mut().zip(self.controller.wheels()) {
            *rotation = wheel.rotation;
        }
    }

    fn scale_mass(&mut self, physics: &mut Physics<'_>, factor: f32) {
        let properties = mass_properties(&self.specification, self.specification.mass * factor);
        if let Some(chassis) = physics.bodies.get_mut(self.parts[0]) {
            chassis.set_additional_mass_properties(properties, true);
        }
    }

    fn set_conditions(&mut self, conditions: &Conditions) {
        self.conditions = *conditions;
    }

    fn place(&mut self, physics: &mut Physics<'_>, position: Vec3, heading: f32) {
        self.place_at(physics, position, heading);
        for wheel in self.controller.wheels_mut() {
            wheel.rotation = 0.0;
        }
    }

    fn parts(&self) -> &[RigidBodyHandle] {
        &self.parts
    }

    fn save(&self, out: &mut Vec<u8>) {
        let saved = (&self.state, &self.controller);
        if let Ok(bytes) = postcard::to_extend(&saved, std::mem::take(out)) {
            *out = bytes;
        }
    }

    fn load(&mut self, bytes: &[u8]) -> bool {
        match postcard::from_bytes(bytes) {
            Ok((state, controller)) => {
                self.state = state;
                self.controller = controller;
                true
            }
            Err(_) => false,
        }
    }

    fn wheels(&self, physics: &Physics<'_>, out: &mut Vec<WheelPose>) {
        let (position, rotation) = physics.pose(self.chassis());
        for (wheel, spin) in self.controller.wheels().iter().zip(self.state.rotation) {
            let along = wheel.raycast_info().suspension_length.min(self.specification.suspension_length + 0.1);
            let center = wheel.chassis_connection_point_cs + Vec3::NEG_Y * along;
            out.push(WheelPose {
                position: position + rotation * center,
                rotation: rotation * Quat::from_rotation_y(wheel.steering) * Quat::from_rotation_x(-spin),
                radius: wheel.radius,
                width: 0.22,
            });
        }
    }

    fn is_down(&self, physics: &Physics<'_>) -> bool {
        let (_, rotation) = physics.pose(self.chassis());
        (rotation * Vec3::Y).y < FLIPPED_COSINE
    }
}
