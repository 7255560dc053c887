//! A scripted expert that drives a car along its course.

use bevy::input::keyboard::KeyCode;
use bevy::math::ops;

use super::sensors::{AHEAD, RAYS, observation_layout};
use super::specification::VehicleSpecification;
use crate::keys::{KeyController, KeyLatch, KeyPair, Operator, Skill};

/// Planned deceleration, m/s²: half of the brakes' maximum.
const PLANNED_BRAKING: f32 = 4.0;
/// Gain of the parking speed, 1/s: the speed is proportional to the distance to the goal, so the car slows down as it
/// approaches and reverses after it has passed the goal.
const APPROACH_GAIN: f32 = 0.6;
/// Below this forward distance to the goal, m, that distance replaces the remaining course length.
const GOAL_NEAR_RANGE: f32 = 1.9;
/// The car counts as parked within this distance of the goal, m.
const GOAL_TOLERANCE: f32 = 0.2;
/// Half the width of the lane that is checked for obstacles, m.
const LANE_HALF_WIDTH: f32 = 1.4;
/// Gap kept to an obstacle on the lane, m, from the middle of the hood.
const FOLLOWING_GAP: f32 = 4.5;

/// Distance for which the car keeps its passing offset after an obstacle was last detected, m: the obstacle's length
/// and half the car's.
const CLEARANCE_AFTER_OBSTACLE: f32 = 5.0;

/// A scripted expert for cars: steers by pure pursuit (Coulter 1992, eq. 1), brakes before bends and obstacles on the
/// lane, and stops at a goal.
pub struct DriveOperator {
    key_controller: KeyController,
    skill: Skill,
    cruise: f32,
    lateral_acceleration: f32,
    wheelbase: f32,
    steering_lock: f32,
    steering_acceleration: f32,
    fields: Fields,
    /// Lateral offset with which the car passes an obstacle on the lane, m, positive to the left; 0: it stops behind
    /// the obstacle.
    passing_offset: f32,
    /// Distance to an obstacle at which the car begins to pass it, m.
    detection_distance: f32,
    /// Remaining distance for which the car keeps its passing offset, m.
    passing_distance_left: f32,
    /// Current deviation from the ideal line, m, positive to the left.
    lateral_offset: f32,
    /// Current factor on the ideal speed.
    speed_variation: f32,
    /// Time until the next random deviation, s.
    deviation_time_left: f32,
}

/// Start indices of observation fields.
struct Fields {
    ahead: usize,
    left: usize,
    to_go: usize,
    goal_near: usize,
    goal_heading: usize,
    rays: usize,
}

impl DriveOperator {
    /// An expert that drives at most `cruise` m/s, and takes bends with a lateral acceleration of at most
    /// `lateral_acceleration` m/s².
    pub fn new(skill: Skill, cruise: f32, lateral_acceleration: f32, car: &VehicleSpecification) -> Self {
        let layout = observation_layout();
        let start = |name: &str| layout.range(name).map_or(0, |r| r.start);
        let pairs = vec![
            KeyPair { action: 0, up: KeyCode::KeyA, down: Some(KeyCode::KeyD) },
            KeyPair { action: 1, up: KeyCode::KeyW, down: None },
            KeyPair { action: 2, up: KeyCode::KeyS, down: None },
        ];
        Self {
            key_controller: KeyController::new(skill, pairs),
            skill,
            cruise,
            lateral_acceleration,
            wheelbase: car.wheelbase,
            steering_lock: car.steering_lock,
            steering_acceleration: car.steering_acceleration,
            fields: Fields {
                ahead: start("course_ahead_forward"),
                left: start("course_ahead_left"),
                to_go: start("course_left_to_go"),
                goal_near: start("goal_near_forward"),
                goal_heading: start("goal_heading_sin"),
                rays: start("ray"),
            },
            passing_offset: 0.0,
            detection_distance: 0.0,
            passing_distance_left: 0.0,
            lateral_offset: 0.0,
            speed_variation: 1.0,
            deviation_time_left: 0.0,
        }
    }

    /// Pass obstacles on the lane with a lateral offset of `passing_offset` m, once they are `detection_distance` m
    /// ahead. The side is chosen at random in each episode.
    pub fn with_obstacle_avoidance(self, passing_offset: f32, detection_distance: f32) -> Self {
        Self { passing_offset, detection_distance, ..self }
    }

    /// Every few seconds, sample a new random deviation from the ideal line and speed.
    fn update_deviation(&mut self, dt: f32) {
        self.deviation_time_left -= dt;
        if self.deviation_time_left <= 0.0 {
            let deviation = self.skill.deviation();
            self.deviation_time_left = 1.5 + 0.7 * self.key_controller.noise();
            self.lateral_offset = deviation.lateral * self.key_controller.noise();
            self.speed_variation = 1.0 + deviation.speed * self.key_controller.noise();
        }
    }

    /// The course ahead as points (forward, left), m. The first is the car's position.
    fn path(&self, observation: &[f32]) -> [(f32, f32); AHEAD.len() + 1] {
        let mut path = [(0.0, 0.0); AHEAD.len() + 1];
        for (i, point) in path[1..].iter_mut().enumerate() {
            *point = (observation[self.fields.ahead + i], observation[self.fields.left + i]);
        }
        path
    }

    /// The look-ahead point of pure pursuit: the path's point about `distance` m ahead.
    fn look_ahead(path: &[(f32, f32)], distance: f32) -> (f32, f32) {
        let mut last = 0.0;
        for (i, d) in AHEAD.into_iter().enumerate() {
            if d >= distance {
                let t = (distance - last) / (d - last);
                let (a, b) = (path[i], path[i + 1]);
                return (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t);
            }
            last = d;
        }
        path[path.len() - 1]
    }

    /// Maximum speed that the bends ahead allow, m/s.
    fn bend_speed(&self, path: &[(f32, f32)]) -> f32 {
        let mut speed_limit = f32::INFINITY;
        for i in 1..path.len() - 2 {
            let (a, b, c) = (path[i], path[i + 1], path[i + 2]);
            let (u, v) = ((b.0 - a.0, b.1 - a.1), (c.0 - b.0, c.1 - b.1));
            let angle = ops::atan2(u.0 * v.1 - u.1 * v.0, u.0 * v.0 + u.1 * v.1);
            let length = 0.5 * (ops::hypot(u.0, u.1) + ops::hypot(v.0, v.1));
            let curvature = angle.abs() / length.max(0.5);
            let bend_speed = (self.lateral_acceleration / curvature.max(1e-3)).sqrt();
            let distance = (AHEAD[i] - 2.0).max(0.0);
            speed_limit = speed_limit.min((bend_speed * bend_speed + 2.0 * PLANNED_BRAKING * distance).sqrt());
        }
        speed_limit
    }

    /// Distance to the first obstacle on the path, m; infinite if there is none.
    fn obstacle_distance(&self, observation: &[f32], path: &[(f32, f32)]) -> f32 {
        let mut obstacle_distance = f32::INFINITY;
        for i in 0..RAYS.count {
            let distance = observation[self.fields.rays + i];
            if distance > RAYS.max_range - 0.1 {
                continue;
            }
            let angle = RAYS.arc * (0.5 - i as f32 / (RAYS.count - 1) as f32);
            // The rays start 0.6 m ahead of the car's center.
            let (forward, left) = (0.6 + distance * ops::cos(angle), distance * ops::sin(angle));
            if forward < 1.0 {
                continue;
            }
            let on_path = Self::look_ahead(path, ops::hypot(forward, left));
            if (left - on_path.1).abs() < LANE_HALF_WIDTH && (forward - on_path.0).abs() < 4.0 {
                obstacle_distance = obstacle_distance.min(distance);
            }
        }
        obstacle_distance
    }
}

impl Operator for DriveOperator {
    fn begin(&mut self, seed: u64) {
        self.key_controller.begin(seed);
        self.deviation_time_left = 0.0;
        self.passing_distance_left = 0.0;
        if self.passing_offset != 0.0 {
            self.passing_offset = self.passing_offset.abs().copysign(self.key_controller.noise());
        }
    }

    fn press(&mut self, observation: &[f32], action: &[f32], dt: f32, keys: &mut KeyLatch) {
        self.update_deviation(dt);
        let speed = observation[0];
        let path = self.path(observation);
        let (forward, left) = Self::look_ahead(&path, (2.5 + 0.45 * speed.abs()).clamp(3.0, 18.0));
        // The deviation fades out towards the end of an open course.
        let mut left = left + self.lateral_offset * (observation[self.fields.to_go] / 12.0).min(1.0);
        let obstacle_distance = self.obstacle_distance(observation, &path);
        self.passing_distance_left -= speed.max(0.0) * dt;
        if self.passing_offset != 0.0 && obstacle_distance < self.detection_distance {
            self.passing_distance_left = obstacle_distance + CLEARANCE_AFTER_OBSTACLE;
        }
        if self.passing_distance_left > 0.0 {
            left += self.passing_offset;
        }
        let squared_distance = (forward * forward + left * left).max(1.0);
        let curvature = 2.0 * left / squared_distance;
        let max_steering = ops::atan(self.wheelbase * self.steering_acceleration / (speed * speed).max(0.1));
        let steer = ops::atan(self.wheelbase * curvature) / self.steering_lock.min(max_steering);

        let mut target_speed = self.cruise.min(self.bend_speed(&path)) * self.skill.speed_factor();
        let gap = obstacle_distance - FOLLOWING_GAP;
        if gap.is_finite() && self.passing_offset == 0.0 {
            target_speed = target_speed.min((2.0 * PLANNED_BRAKING * gap.max(0.0)).sqrt() * 0.8);
        }
        let goal = &observation[self.fields.goal_heading..self.fields.goal_heading + 2];
        if goal[0] != 0.0 || goal[1] != 0.0 {
            let near = observation[self.fields.goal_near];
            let distance_to_goal = if near < GOAL_NEAR_RANGE { near } else { observation[self.fields.to_go] };
            let approach_speed =
                if distance_to_goal.abs() < GOAL_TOLERANCE { 0.0 } else { APPROACH_GAIN * distance_to_goal };
            target_speed = target_speed.min(approach_speed);
        }
        target_speed *= self.speed_variation;
        let throttle =
            if target_speed > speed && target_speed > 0.0 { ((target_speed - speed) * 0.6).min(1.0) } else { 0.0 };
        // At very low speed the brake key reverses.
        let brake = if target_speed < 0.0 && speed > target_speed + 0.1 {
            0.4
        } else if speed > target_speed + 0.25 && speed > 0.35 {
            ((speed - target_speed) * 0.6).min(1.0)
        } else {
            0.0
        };
        self.key_controller.press(&[steer, throttle, brake], action, dt, keys);
    }
}
