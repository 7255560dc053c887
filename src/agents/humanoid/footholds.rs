//! Planning of the footholds of the swing feet.

use bevy::math::Vec3;

use super::anatomy::Anatomy;
use super::foot::EDGE_HEIGHT;
use super::frames::{ahead, left};
use super::gait::{Gait, GaitCommand, LATE_SWING, Pelvis, duty_factor, side, stride_rate};

/// Fraction of the stance in which the foot is ahead of the hip, at 1.4 m/s. It is below one half, because the raised
/// heel prolongs the part of the stance behind the hip.
const STANCE_AHEAD_FRACTION: f32 = 0.34;
/// Raibert's foot-placement gain: extra step length per m/s of velocity error, s.
const FOOT_PLACEMENT_GAIN: f32 = 0.12;
/// Shifts of a foothold along its heading, m, that are tried in this order if an edge lies under the foot.
const FOOTHOLD_SHIFTS: [f32; 6] = [0.08, -0.08, 0.16, -0.16, 0.24, -0.24];
/// Distance kept from an edge, m.
const EDGE_MARGIN: f32 = 0.03;
/// Maximum height of a step, m. Anything higher is a wall.
pub(super) const MAX_STEP_HEIGHT: f32 = 0.25;

impl Gait {
    /// Plan the footholds of the swing feet. `ground` maps a position to the height of the ground there (m).
    pub fn plan_footholds(
        &mut self,
        anatomy: &Anatomy,
        command: &GaitCommand,
        pelvis: &Pelvis,
        ground: impl Fn(Vec3) -> f32,
    ) {
        let speed = command.velocity.length();
        let stride_rate = stride_rate(command);
        let duty_factor = duty_factor(speed);
        for leg in 0..2 {
            let progress = self.feet[leg].progress.min(1.0);
            if self.feet[leg].stance || progress > LATE_SWING {
                continue;
            }
            let remaining = self.landing_time(leg, command);
            let stance = duty_factor / stride_rate;
            let ahead_fraction = if command.forward > 0.0 { STANCE_AHEAD_FRACTION } else { 0.5 };
            let heading = pelvis.heading + command.turn_rate * (remaining + 0.5 * stance);
            let mut velocity = pelvis.velocity;
            velocity.y = 0.0;
            // Steps use the measured velocity: against a load they are shorter than commanded.
            let step = velocity * remaining + (command.velocity + velocity) * (0.5 * ahead_fraction * stance);
            let correction = (velocity - command.velocity) * FOOT_PLACEMENT_GAIN;
            let mut position = Self::neutral_position(anatomy, pelvis, heading, leg) + step + correction;
            // The foothold never crosses the other foot.
            let other = self.feet[1 - leg].stance_position;
            let lateral_gap = (position - other).dot(left(heading)) * side(leg);
            position += left(heading) * (side(leg) * (anatomy.half_width - lateral_gap).max(0.0));
            let start = self.feet[leg].stance_position;
            position = avoid_edges(anatomy, position, heading, &ground);
            position.y = ground(position);
            let toe = ahead(heading) * anatomy.ball;
            let max_ground_height = [(0.35, toe), (0.7, toe), (1.0, toe * 1.4)]
                .map(|(t, ahead)| ground(start.lerp(position, t) + ahead))
                .into_iter()
                .fold(position.y, f32::max);
            let foot = &mut self.feet[leg];
            foot.foothold = position;
            foot.landing = (position - pelvis.position - velocity * remaining).with_y(0.0);
            foot.foothold_heading = heading;
            foot.max_ground_height = max_ground_height;
        }
    }
}

/// Shift a foothold along its heading by the first of [`FOOTHOLD_SHIFTS`] that leaves no edge under the foot, if one is
/// needed.
fn avoid_edges(anatomy: &Anatomy, position: Vec3, heading: f32, ground: impl Fn(Vec3) -> f32) -> Vec3 {
    let front = ahead(heading);
    let uneven = |at: Vec3| {
        let toe = ground(at + front * (anatomy.ball + EDGE_MARGIN));
        let heel = ground(at - front * (anatomy.heel + EDGE_MARGIN));
        (toe - heel).abs() > EDGE_HEIGHT
    };
    if !uneven(position) {
        return position;
    }
    FOOTHOLD_SHIFTS.into_iter().map(|shift| position + front * shift).find(|at| !uneven(*at)).unwrap_or(position)
}
