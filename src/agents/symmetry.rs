//! Left-right symmetry of observations and actions, for mirror augmentation.

use super::registry::find_agent;
use super::{camera, posts, rival};
use crate::spaces::{Layout, Mirror, MirrorRule};

/// The mirror transforms of an agent's observations and actions.
///
/// # Errors
/// The name of a field whose symmetry is not known.
pub fn mirrors(agent: &str, observation: &Layout, action: &Layout) -> Result<(Mirror, Mirror), String> {
    let kind = find_agent(agent);
    let rule = |field: &str| kind.as_ref().and_then(|kind| kind.mirror_rule(field)).or_else(|| sensor_rule(field));
    Ok((Mirror::new(observation, rule)?, Mirror::new(action, rule)?))
}

/// Rules for the fields of sensors that scenes add.
fn sensor_rule(field: &str) -> Option<MirrorRule> {
    [posts::mirror_rule, rival::mirror_rule, camera::mirror_rule].into_iter().find_map(|rule| rule(field))
}
