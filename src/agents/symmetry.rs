//! Left-right symmetry of observations and actions, for mirror augmentation.

use super::camera;
use super::registry::find_agent;
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

/// Rules for the fields of sensors that scenes and tasks add.
fn sensor_rule(field: &str) -> Option<MirrorRule> {
    match field {
        "post_forward"
        | "post_visited"
        | "rival_forward"
        | "rival_near_forward"
        | "rival_velocity_forward"
        | "rival_heading_cos"
        | "chasing" => Some(MirrorRule::Same),
        "post_left" | "rival_left" | "rival_near_left" | "rival_velocity_left" | "rival_heading_sin" => {
            Some(MirrorRule::Negated)
        }
        _ => camera::mirror_rule(field),
    }
}
