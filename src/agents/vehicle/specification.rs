//! The car's data sheet, in SI units.

use serde::{Deserialize, Serialize};

/// Dimensions, masses and forces of a car. The default is a small front-engined hatchback driven for fun.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VehicleSpecification {
    /// Mass, kg. A light B-segment car (kerb weight 1,000-1,200 kg).
    pub mass: f32,
    /// Length, m.
    pub length: f32,
    /// Width, m.
    pub width: f32,
    /// Height of the body, m.
    pub height: f32,
    /// Height of the centre of mass above the road, m. Passenger cars: 0.5-0.6 (Heydinger et al., SAE 1999-01-1336).
    pub mass_height: f32,
    /// Distance between the axles, m.
    pub wheelbase: f32,
    /// Distance between left and right wheels, m.
    pub track: f32,
    /// Radius of a tyre, m (195/55 R16).
    pub wheel_radius: f32,
    /// Length of the unloaded suspension, m.
    pub suspension_length: f32,
    /// How far the suspension moves either way, m.
    pub suspension_travel: f32,
    /// Spring rate of a wheel by mass of the car, 1/s². Four of them ride at √(4·30)/2π = 1.7 Hz, a sporty car's
    /// 1.5-2 Hz (Milliken & Milliken, Race Car Vehicle Dynamics, 1995, ch. 16).
    pub suspension_stiffness: f32,
    /// Damping when compressed by mass of the car, 1/s: 0.35 of critical.
    pub suspension_compression: f32,
    /// Damping on rebound by mass of the car, 1/s: 0.5 of critical.
    pub suspension_rebound: f32,
    /// Friction coefficient of tyre on road. Dry asphalt: 0.9-1.2 (Wong, Theory of Ground Vehicles, 2008, tab. 1.4).
    pub grip: f32,
    /// Share of the grip left to a locked wheel (Wong, tab. 1.4: sliding 0.75 of peak).
    pub sliding_grip: f32,
    /// Greatest drive force at both rear wheels, N.
    pub drive_force: f32,
    /// Engine power, W.
    pub power: f32,
    /// Speed at which the drive cuts out, m/s.
    pub top_speed: f32,
    /// Greatest drive force backwards, N.
    pub reverse_force: f32,
    /// Speed backwards at which the drive cuts out, m/s.
    pub reverse_speed: f32,
    /// Force of all brakes together, N: about 0.85 g.
    pub brake_force: f32,
    /// Share of the brakes at the front axle.
    pub brake_balance: f32,
    /// Force of the handbrake at the rear axle, N.
    pub handbrake_force: f32,
    /// Angle of the front wheels at full lock, rad (34°, a turning circle of 10.5 m).
    pub steering_lock: f32,
    /// Lateral acceleration that full steering asks for when fast, m/s².
    pub steering_acceleration: f32,
    /// How fast the front wheels turn, rad/s: a quick steering wheel.
    pub steering_rate: f32,
    /// Air drag ½ρ·c_d·A, kg/m (c_d 0.32, 2.1 m²).
    pub drag: f32,
    /// Rolling resistance and what the engine drags along, as a share of the weight. Tyres alone: 0.01-0.015 (Wong,
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
    /// Height of the wheel mounts, which are the body's origin, above the road at rest, m.
    pub fn ride_height(&self) -> f32 {
        let sag = crate::sim::GRAVITY / (4.0 * self.suspension_stiffness);
        self.wheel_radius + self.suspension_length - sag
    }
}
