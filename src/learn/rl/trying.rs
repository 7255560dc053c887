//! Around what actions a policy tries something at first, and how far.

use crate::learn::init::informs;
use crate::policies::{HeadKind, PolicyConfig};
use crate::spaces::{Layout, Normalizer};

/// Around `rest`, with a deviation of half of what can be done. What can go one way alone from there, as a pedal does, is
/// aside of it by that much, so that it goes so when drawn further than one deviation: who has a brake that is pressed in half
/// of all draws never comes to move.
fn around(rest: f32, (low, high): (f32, f32)) -> (f32, f32) {
    let still = 0.0f32.clamp(low, high);
    let deviation = 0.5 * (high - still).max(still - low).max(1e-3);
    let near = 1e-3 * (high - low);
    if rest - low <= near {
        (rest - deviation, deviation)
    } else if high - rest <= near {
        (rest + deviation, deviation)
    } else {
        (rest, deviation)
    }
}

/// Actions for a network that knows nothing: around rest.
pub(super) fn tried_from_chance(action: &Layout) -> Normalizer {
    let (mean, std) = action.bounds().map(|(low, high)| around(0.0f32.clamp(low, high), (low, high))).unzip();
    Normalizer { mean, std }
}

/// Actions for a network that goes on from `base`: as there, but what a squared error never saw change, such as a handbrake
/// that nobody pulled, is around what was shown. Where a Gaussian is narrow a hair's breadth would outweigh in an action's
/// likelihood everything else that was tried.
pub(super) fn tried_from(base: &PolicyConfig) -> Normalizer {
    let mut out = base.action_normalizer.clone();
    if base.head.kind == HeadKind::SquaredError {
        for (at, bounds) in base.action.bounds().enumerate() {
            if !informs(&base.action_normalizer, at) {
                (out.mean[at], out.std[at]) = around(out.mean[at], bounds);
            }
        }
    }
    out
}
