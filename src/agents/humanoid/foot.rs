//! The plan of one foot.

use bevy::math::Vec3;
use serde::{Deserialize, Serialize};

/// Minimum height difference of an edge, m.
pub(super) const EDGE_HEIGHT: f32 = 0.04;

/// The plan of one foot. Its position is that of the sole's point under the ankle, m.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Foot {
    /// In stance, otherwise in swing.
    pub stance: bool,
    /// Progress of the swing, 0..1; above 1 while the foot waits for contact.
    pub progress: f32,
    /// Position on the ground in stance, m.
    pub stance_position: Vec3,
    /// Heading in stance, rad.
    pub stance_heading: f32,
    /// Position at the end of the swing, m.
    pub foothold: Vec3,
    /// Heading at the end of the swing, rad.
    pub foothold_heading: f32,
    /// Maximum height of the ground between lift-off and foothold, m.
    pub max_ground_height: f32,
    /// Position relative to the pelvis at lift-off, m (horizontal, world axes).
    pub lift_off: Vec3,
    /// Position relative to the pelvis at landing, m (horizontal, world axes).
    pub landing: Vec3,
    /// How far the sole is behind its planned position in the swing, m.
    pub tracking_lag: f32,
    /// How long the swing has been blocked, s.
    pub blocked_time: f32,
    /// Lift by the elevating reflex, m.
    pub trip_lift: f32,
}

impl Foot {
    /// Whether the swing crosses ground that is higher than the lift-off position.
    pub fn steps_over_obstacle(&self) -> bool {
        self.max_ground_height > self.stance_position.y + EDGE_HEIGHT
    }
}
