//! The car's specification, in SI units.

use serde::{Deserialize, Serialize};

/// Dimensions, masses and forces of a car. The default is a small front-engined hatchback with a sporty setup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VehicleSpecification {
    /// Mass, kg. A light B-segment car (curb weight 1,000-1,200 kg).
    pub mass: f32,
    /// Length, m.
    pub length: f32,
    /// Width, m.
    pub width: f32,
    /// Height of the body, m.
    pub height: f32,
    /// Height of the center of mass above the road, m. Passenger cars: 0.5-0.6 (Heydinger et al., SAE 1999-01-1336).
    pub mass_height: f32,
    /// Distance between the axles, m.
    pub wheelbase: f32,
    /// Distance between left and right wheels, m.
    pub track: f32,
    /// Radius of a tire, m (195/55 R16).
    pub wheel_radius: f32,
    /// Length of the unloaded suspension, m.
    pub suspension_length: f32,
    /// Suspension travel in each direction, m.
    pub suspension_travel: f32,
    /// Spring rate of one wheel per mass of the car, 1/s². Four wheels with the default of 30 have a natural frequency
    /// of √(4·30)/2π = 1.7 Hz; sporty cars have 1.5-2 Hz (Milliken & Milliken, Race Car Vehicle Dynamics, 1995, ch.
    /// 16).
    pub suspension_stiffness: f32,
    /// Damping in compression per mass of the car, 1/s: 0.35 of critical.
    pub suspension_compression: f32,
    /// Damping in rebound per mass of the car, 1/s: 0.5 of critical.
    pub suspension_rebound: f32,
    /// Friction coefficient between tire and road. Dry asphalt: 0.9-1.2 (Wong, Theory of Ground Vehicles, 2008, tab.
    /// 1.4).
    pub grip: f32,
    /// Friction of a locked wheel as a fraction of the grip (Wong, tab. 1.4: sliding 0.75 of peak).
    pub sliding_grip: f32,
    /// Maximum drive force of both rear wheels together, N.
    pub drive_force: f32,
    /// Engine power, W.
    pub power: f32,
    /// Maximum speed: the drive force is 0 above it, m/s.
    pub top_speed: f32,
    /// Maximum drive force in reverse, N.
    pub reverse_force: f32,
    /// Maximum speed in reverse: the drive force is 0 above it, m/s.
    pub reverse_speed: f32,
    /// Maximum force of all brakes together, N: about 0.85 g.
    pub brake_force: f32,
    /// Fraction of the brake force at the front axle.
    pub brake_balance: f32,
    /// Maximum force of the handbrake at the rear axle, N.
    pub handbrake_force: f32,
    /// Angle of the front wheels at full lock, rad (34°, a turning circle of 10.5 m).
    pub steering_lock: f32,
    /// Lateral acceleration at full steering, which limits the steering angle at high speed, m/s².
    pub steering_acceleration: f32,
    /// Maximum rate of the front wheels' steering angle, rad/s: quick steering.
    pub steering_rate: f32,
    /// Air drag coefficient ½ρ·c_d·A, kg/m (c_d 0.32, 2.1 m²).
    pub drag: f32,
    /// Rolling resistance and engine drag, as a fraction of the weight. Tires alone: 0.01-0.015 (Wong,
    /// tab. 1.2).
    pub rolling_resistance: f32,
}

impl Default for VehicleSpecification {
    fn default() -> Self {
        Self {
            mass: 1100.0,
            length: 3.8,
            width: 1.7,
            height: 1.3,
            mass_height: 0.5,
            wheelbase: 2.5,
            track: 1.48,
            wheel_radius: 0.31,
            suspension_length: 0.35,
            suspension_travel: 0.18,
            suspension_stiffness: 30.0,
            suspension_compression: 1.9,
            suspension_rebound: 2.7,
            grip: 1.1,
            sliding_grip: 0.75,
            drive_force: 5000.0,
            power: 80_000.0,
            top_speed: 25.0,
            reverse_force: 2500.0,
            reverse_speed: 5.0,
            brake_force: 9200.0,
            brake_balance: 0.6,
            handbrake_force: 6000.0,
            steering_lock: 0.6,
            steering_acceleration: 9.0,
            steering_rate: 3.5,
            drag: 0.4,
            rolling_resistance: 0.04,
        }
    }
}

impl VehicleSpecification {
    /// Height of the wheel mounts above the road at rest, m. The body's origin is at that height.
    pub fn ride_height(&self) -> f32 {
        let sag = crate::sim::GRAVITY / (4.0 * self.suspension_stiffness);
        self.wheel_radius + self.suspension_length - sag
    }
}
