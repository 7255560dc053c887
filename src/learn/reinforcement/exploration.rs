//! Initial mean and standard deviation of a policy's Gaussian exploration.

use crate::policies::PolicyConfig;
use crate::spaces::{Layout, Normalizer};

/// Mean and standard deviation of an action that rests at `rest`. The standard deviation is half of the action's range on
/// its larger side of zero. An action that rests at one of its bounds, such as a pedal, gets a mean one standard deviation
/// beyond that bound, so that it is applied in one sample of six: a car whose brake is pressed in half of all samples never
/// starts to move.
fn mean_and_std(rest: f32, low: f32, high: f32) -> (f32, f32) {
    let zero = 0.0f32.clamp(low, high);
    let std = 0.5 * (high - zero).max(zero - low).max(1e-3);
    let tolerance = 1e-3 * (high - low);
    if rest - low <= tolerance {
        (rest - std, std)
    } else if high - rest <= tolerance {
        (rest + std, std)
    } else {
        (rest, std)
    }
}

/// Action normalizer of a policy with random initialization: centered on zero, the action at rest.
pub(super) fn exploration_normalizer(action: &Layout) -> Normalizer {
    let (mean, std) = action.bounds().map(|(low, high)| mean_and_std(0.0f32.clamp(low, high), low, high)).unzip();
    Normalizer::of_moments(mean, std)
}

/// Action normalizer of a policy that is initialized from `pretrained`: that of `pretrained`, except for actions that were
/// constant in the demonstrations of a head without a standard deviation, such as a handbrake that was never pulled. Those are centered on
/// the demonstrated value, with the standard deviation of [`exploration_normalizer`]: a very small one would let that
/// action dominate the log-probability of the whole action vector.
pub(super) fn exploration_normalizer_from(pretrained: &PolicyConfig) -> Normalizer {
    let mut normalizer = pretrained.action_normalizer.clone();
    if pretrained.head.kind.is_mean_only() {
        for (index, (low, high)) in pretrained.action.bounds().enumerate() {
            if pretrained.action_normalizer.is_constant(index) {
                (normalizer.mean[index], normalizer.std[index]) = mean_and_std(normalizer.mean[index], low, high);
            }
        }
    }
    normalizer
}
