//! A car: Rapier's ray-cast vehicle controller on a chassis with four wheels.

mod sensors;
mod specification;

use bevy::math::{Quat, Vec3, ops};
use bevy_rapier3d::rapier::control::{DynamicRayCastVehicleController, WheelTuning};
use bevy_rapier3d::rapier::parry::query::DefaultQueryDispatcher;
use bevy_rapier3d::rapier::prelude::*;
use serde::{Deserialize, Serialize};

pub use sensors::{AHEAD, RAYS, observation_layout};
pub use specification::VehicleSpecification;

use crate::sim::{Body, Conditions, Guide, Physics, WheelPose};
use crate::spaces::{Field, Layout};

/// Below this share of the up direction the car counts as on its side or roof.
const FLIPPED_UP: f32 = 0.35;
/// A flipped car is set back on its wheels after this long, s. Long enough to see that one has crashed.
const RECOVERY_TIME: f32 = 1.5;

/// The car's action: steering wheel, pedals and handbrake.
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

/// What the car remembers between ticks.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Memory {
    /// Angle of the front wheels, rad, positive left.
    steering: f32,
    /// Tick's commands: steer, throttle, brake, handbrake.
    command: [f32; 4],
    /// How long it has been on its side or roof, s.
    flipped: f32,
    /// Rotation of each wheel on its axle, rad; seen only.
    rotation: [f32; 4],
}

/// Mass properties of a car of that mass, kg: those of a box about its centre of mass.
fn weight(s: &VehicleSpecification, mass: f32) -> MassProperties {
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
    controller: DynamicRayCastVehicleController,
    parts: [RigidBodyHandle; 1],
    memory: Memory,
    /// What its world is like.
    conditions: Conditions,
}

impl Vehicle {
    /// Put a car into an arena, at rest at the origin.
    pub fn spawn(physics: &mut Physics<'_>, specification: VehicleSpecification) -> Self {
        let s = &specification;
        let half = Vec3::new(s.width, s.height, s.length) / 2.0;
        let body = RigidBodyBuilder::dynamic().additional_mass_properties(weight(s, s.mass)).can_sleep(false);
        // The lower half of the body: what touches other cars, cones and kerbs.
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
            memory: Memory::default(),
            conditions: Conditions::default(),
        }
    }

    /// The car's data sheet.
    pub fn specification(&self) -> &VehicleSpecification {
        &self.specification
    }

    fn chassis(&self) -> RigidBodyHandle {
        self.parts[0]
    }

    /// Set the wheels' forces for the coming step from the command.
    fn drive(&mut self, physics: &Physics<'_>) {
        let s = &self.specification;
        let dt = physics.dt();
        let grip = s.grip * self.conditions.grip;
        let Some(chassis) = physics.bodies.get(self.parts[0]) else { return };
        let forward = *chassis.rotation() * Vec3::NEG_Z;
        let speed = chassis.linvel().dot(forward);
        let [steer, throttle, brake, handbrake] = self.memory.command;

        // Full lock at a walking pace, less when fast: no more than what the tyres' grip can follow.
        let followable = ops::atan(s.wheelbase * s.steering_acceleration / (speed * speed).max(0.1));
        let wanted = steer * s.steering_lock.min(followable);
        let change = s.steering_rate * dt;
        self.memory.steering += (wanted - self.memory.steering).clamp(-change, change);

        let force = if throttle >= 0.0 { s.drive_force } else { s.reverse_force };
        let power_limit = s.power / speed.abs().max(1.0);
        let over = if throttle >= 0.0 { speed > s.top_speed } else { speed < -s.reverse_speed };
        let drive = if over { 0.0 } else { throttle * force.min(power_limit) };
        for (i, wheel) in self.controller.wheels_mut().iter_mut().enumerate() {
            let front = i < 2;
            wheel.steering = if front { self.memory.steering } else { 0.0 };
            let share = if front { s.brake_balance } else { 1.0 - s.brake_balance } / 2.0;
            let hand = if front { 0.0 } else { handbrake * s.handbrake_force / 2.0 };
            let (pull, hold) = (if front { 0.0 } else { drive / 2.0 }, brake * s.brake_force * share + hand);
            // The controller ignores the brake of a driven wheel: the stronger of the two is left with the difference.
            wheel.engine_force = if pull.abs() > hold { pull - hold * pull.signum() } else { 0.0 };
            wheel.brake = (hold - pull.abs()).max(0.0) * dt;
            // Locked wheels slide: the rear steps out.
            wheel.friction_slip = if front || handbrake < 0.5 { grip } else { grip * s.sliding_grip };
        }
    }

    /// Air drag (½ ρ c_d A v²), and the rolling resistance of the tyres on the ground.
    fn drag(&self, physics: &mut Physics<'_>) {
        let s = &self.specification;
        let dt = physics.dt();
        let touching = self.controller.wheels().iter().filter(|w| w.raycast_info().is_in_contact).count();
        let weight = self.conditions.mass * self.conditions.gravity;
        let rolling = s.rolling_resistance * s.mass * crate::sim::GRAVITY * touching as f32 / 4.0 * weight;
        if let Some(chassis) = physics.bodies.get_mut(self.parts[0]) {
            let v = chassis.linvel();
            // Fades out below a walking pace: the car rolls out gently and answers to a touch of the pedal.
            let slow = rolling / v.length().max(1.0);
            chassis.apply_impulse(-v * (v.length() * s.drag + slow) * dt, false);
        }
    }

    /// Count how long the car has been off its wheels, and set it back on them.
    fn recover(&mut self, physics: &mut Physics<'_>) {
        let dt = physics.dt();
        let Some(chassis) = physics.bodies.get(self.parts[0]) else { return };
        let up = *chassis.rotation() * Vec3::Y;
        if up.y > FLIPPED_UP || chassis.linvel().length() > 2.0 {
            self.memory.flipped = 0.0;
            return;
        }
        self.memory.flipped += dt;
        if self.memory.flipped > RECOVERY_TIME {
            let forward = *chassis.rotation() * Vec3::NEG_Z;
            let position = chassis.translation() - Vec3::Y * chassis.translation().y;
            let ground = self.ground_below(physics, chassis.translation());
            self.put(physics, position + Vec3::Y * ground, crate::sim::heading_of(forward));
        }
    }

    fn ground_below(&self, physics: &Physics<'_>, position: Vec3) -> f32 {
        let own = self.parts[0];
        let predicate = move |_: ColliderHandle, c: &Collider| c.parent() != Some(own);
        let from = position + Vec3::Y;
        physics
            .cast_ray(from, Vec3::NEG_Y, 50.0, super::body_filter(&predicate))
            .map_or(0.0, |hit| from.y - hit.distance)
    }

    fn put(&mut self, physics: &mut Physics<'_>, ground: Vec3, heading: f32) {
        let height = self.specification.ride_height();
        if let Some(chassis) = physics.bodies.get_mut(self.parts[0]) {
            chassis.set_position(Pose::from_parts(ground + Vec3::Y * height, Quat::from_rotation_y(heading)), true);
            chassis.set_linvel(Vec3::ZERO, true);
            chassis.set_angvel(Vec3::ZERO, true);
            chassis.reset_forces(true);
        }
        self.memory = Memory::default();
    }
}

impl Body for Vehicle {
    fn sense(&mut self, physics: &Physics<'_>, guide: &Guide, observation: &mut [f32]) {
        sensors::sense(self, physics, guide, observation);
    }

    fn actuate(&mut self, _physics: &mut Physics<'_>, action: &[f32]) {
        self.memory.command.copy_from_slice(action);
    }

    fn before_step(&mut self, physics: &mut Physics<'_>) {
        self.recover(physics);
        self.drive(physics);
        self.drag(physics);
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
        for (rotation, wheel) in self.memory.rotation.iter_mut().zip(self.controller.wheels()) {
            *rotation = wheel.rotation;
        }
    }

    fn weigh(&mut self, physics: &mut Physics<'_>, factor: f32) {
        let weight = weight(&self.specification, self.specification.mass * factor);
        if let Some(chassis) = physics.bodies.get_mut(self.parts[0]) {
            chassis.set_additional_mass_properties(weight, true);
        }
    }

    fn condition(&mut self, conditions: &Conditions) {
        self.conditions = *conditions;
    }

    fn place(&mut self, physics: &mut Physics<'_>, position: Vec3, heading: f32) {
        self.put(physics, position, heading);
        for wheel in self.controller.wheels_mut() {
            wheel.rotation = 0.0;
        }
    }

    fn parts(&self) -> &[RigidBodyHandle] {
        &self.parts
    }

    fn save(&self, out: &mut Vec<u8>) {
        let saved = (&self.memory, &self.controller);
        if let Ok(bytes) = postcard::to_extend(&saved, std::mem::take(out)) {
            *out = bytes;
        }
    }

    fn load(&mut self, bytes: &[u8]) -> bool {
        match postcard::from_bytes(bytes) {
            Ok((memory, controller)) => {
                self.memory = memory;
                self.controller = controller;
                true
            }
            Err(_) => false,
        }
    }

    fn wheels(&self, physics: &Physics<'_>, out: &mut Vec<WheelPose>) {
        let (position, rotation) = physics.pose(self.chassis());
        for (wheel, spin) in self.controller.wheels().iter().zip(self.memory.rotation) {
            let along = wheel.raycast_info().suspension_length.min(self.specification.suspension_length + 0.1);
            let centre = wheel.chassis_connection_point_cs + Vec3::NEG_Y * along;
            out.push(WheelPose {
                position: position + rotation * centre,
                rotation: rotation * Quat::from_rotation_y(wheel.steering) * Quat::from_rotation_x(-spin),
                radius: wheel.radius,
                width: 0.22,
            });
        }
    }

    fn is_down(&self, physics: &Physics<'_>) -> bool {
        let (_, rotation) = physics.pose(self.chassis());
        (rotation * Vec3::Y).y < FLIPPED_UP
    }
}
