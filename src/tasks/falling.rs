//! How long a body has been down after a fall.

use super::score::TaskContext;

/// Time after a fall at which the task fails, s: long enough to get up again.
const DOWN_LIMIT: f32 = 6.0;

/// Whether a body stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Posture {
    /// It stands.
    Up,
    /// It has fallen.
    Down,
    /// It has been down for too long.
    StayedDown,
}

/// Time since the fall, s.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FallTimer(f32);

impl FallTimer {
    /// Posture after a tick.
    pub fn step(&mut self, ctx: &TaskContext<'_>) -> Posture {
        if !ctx.body.is_down(ctx.physics) {
            self.0 = 0.0;
            return Posture::Up;
        }
        self.0 += ctx.dt;
        if self.0 > DOWN_LIMIT { Posture::StayedDown } else { Posture::Down }
    }
}
