//! The car as a kind of agent.

use bevy::input::keyboard::KeyCode;
use bevy::math::Vec3;
use serde::{Deserialize, Serialize};

use super::bindings::bindings;
use super::body::{Vehicle, action_layout};
use super::drive::DriveOperator;
use super::sensors::{RAYS, observation_layout};
use super::specification::VehicleSpecification;
use crate::agents::kind::{AgentKind, OperatorOptions, ParameterRange, Spacing};
use crate::agents::tag::{TagLocomotion, TagOperator};
use crate::keys::{KeyBindings, KeyPair, Operator};
use crate::sim::{Body, Physics};
use crate::spaces::{Layout, MirrorRule};

/// A car.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VehicleKind {
    /// Parameters of the car; those left out have their defaults.
    pub car: VehicleSpecification,
}

impl AgentKind for VehicleKind {
    fn name(&self) -> &'static str {
        "vehicle"
    }

    fn observation_layout(&self) -> Layout {
        observation_layout()
    }

    fn action_layout(&self) -> Layout {
        action_layout()
    }

    fn spawn(&self, physics: &mut Physics<'_>) -> Box<dyn Body> {
        Box::new(Vehicle::spawn(physics, self.car.clone()))
    }

    fn bindings(&self) -> KeyBindings {
        bindings()
    }

    fn operator(&self, options: &OperatorOptions<'_>) -> Option<Box<dyn Operator>> {
        let OperatorOptions { skill, observation, pace } = *options;
        if observation.range("rival_forward").is_some() {
            return Some(Box::new(TagOperator::new(skill, observation, tag_locomotion())));
        }
        let operator = DriveOperator::new(skill, pace.cruise, pace.lateral, &self.car);
        Some(Box::new(operator.with_obstacle_avoidance(pace.dodge, pace.notice)))
    }

    fn mirror_rule(&self, field: &str) -> Option<MirrorRule> {
        Some(match field {
            "velocity_forward"
            | "velocity_up"
            | "pitch"
            | "course_heading_cos"
            | "course_ahead_forward"
            | "course_left_to_go"
            | "goal_forward"
            | "goal_near_forward"
            | "goal_heading_cos"
            | "throttle"
            | "brake"
            | "handbrake" => MirrorRule::Same,
            "velocity_left" | "yaw_rate" | "roll" | "course_offset" | "course_heading_sin" | "course_ahead_left"
            | "goal_left" | "goal_near_left" | "goal_heading_sin" | "steer" => MirrorRule::Negated,
            "wheel_contact" => MirrorRule::Swapped,
            "wheel_slip" => MirrorRule::SwappedNegated,
            "ray" => MirrorRule::Reversed,
            _ => return None,
        })
    }

    /// One behind the other.
    fn spacing(&self) -> Spacing {
        Spacing { direction: Vec3::Z, distance: 9.0 }
    }

    fn parameter_ranges(&self) -> Vec<ParameterRange> {
        let car = &self.car;
        [
            ("mass", car.mass, 50.0, 100_000.0),
            ("length", car.length, 0.5, 30.0),
            ("width", car.width, 0.3, 10.0),
            ("height", car.height, 0.3, 10.0),
            ("mass_height", car.mass_height, 0.01, 10.0),
            ("wheelbase", car.wheelbase, 0.3, 30.0),
            ("track", car.track, 0.3, 10.0),
            ("wheel_radius", car.wheel_radius, 0.05, 5.0),
            ("suspension_length", car.suspension_length, 0.01, 5.0),
            ("suspension_travel", car.suspension_travel, 0.01, 5.0),
            ("suspension_stiffness", car.suspension_stiffness, 1.0, 10_000.0),
            ("suspension_compression", car.suspension_compression, 0.0, 1000.0),
            ("suspension_rebound", car.suspension_rebound, 0.0, 1000.0),
            ("grip", car.grip, 0.01, 10.0),
            ("sliding_grip", car.sliding_grip, 0.01, 1.0),
            ("drive_force", car.drive_force, 0.0, 1e7),
            ("power", car.power, 0.0, 1e8),
            ("top_speed", car.top_speed, 0.1, 200.0),
            ("reverse_force", car.reverse_force, 0.0, 1e7),
            ("reverse_speed", car.reverse_speed, 0.0, 200.0),
            ("brake_force", car.brake_force, 0.0, 1e7),
            ("brake_balance", car.brake_balance, 0.0, 1.0),
            ("handbrake_force", car.handbrake_force, 0.0, 1e7),
            ("steering_lock", car.steering_lock, 0.01, 1.5),
            ("steering_acceleration", car.steering_acceleration, 0.1, 100.0),
            ("steering_rate", car.steering_rate, 0.01, 100.0),
            ("drag", car.drag, 0.0, 1000.0),
            ("rolling_resistance", car.rolling_resistance, 0.0, 10.0),
        ]
        .map(|(name, value, low, high)| ParameterRange { path: vec!["car", name], value, low, high })
        .to_vec()
    }
}

fn tag_locomotion() -> TagLocomotion {
    TagLocomotion {
        on_foot: false,
        pairs: vec![
            KeyPair { action: 0, up: KeyCode::KeyA, down: Some(KeyCode::KeyD) },
            KeyPair { action: 1, up: KeyCode::KeyW, down: None },
            KeyPair { action: 2, up: KeyCode::KeyS, down: None },
        ],
        rays: "ray",
        arc: RAYS.arc,
        velocity: "velocity_forward",
        avoidance_distance: 12.0,
        half_width: 1.6,
    }
}
