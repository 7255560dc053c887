//! The features of a linear reward.

use super::transitions::InputNormalizer;
use crate::spaces::Layout;

/// Normalized observations are clipped to this many standard deviations before they become features.
const FEATURE_CLIP: f32 = 3.0;

/// Names of the features: each observed number and its square, both relative to the demonstrations' mean and in their
/// standard deviations.
pub(super) fn feature_names(layout: &Layout) -> Vec<String> {
    let names = layout.names();
    names.iter().cloned().chain(names.iter().map(|name| format!("{name}^2"))).collect()
}

/// The features `[n, 2 * obs_dim]`, each within -1 and 1, of observations `[n, obs_dim]` in the layout's units.
pub(super) fn features(normalizer: &InputNormalizer, observations: &[f32]) -> Vec<f32> {
    let mut rows = observations.to_vec();
    normalizer.normalize_observations(&mut rows);
    let obs_dim = normalizer.observations.size();
    let mut out = Vec::with_capacity(2 * rows.len());
    for row in rows.chunks_exact(obs_dim) {
        out.extend(row.iter().map(|x| x.clamp(-FEATURE_CLIP, FEATURE_CLIP) / FEATURE_CLIP));
        out.extend(row.iter().map(|x| (x.clamp(-FEATURE_CLIP, FEATURE_CLIP) / FEATURE_CLIP).powi(2)));
    }
    out
}
