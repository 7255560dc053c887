//! Left-right symmetry of observations and actions, for mirror augmentation.

use super::humanoid::JOINTS;
use crate::spaces::{Layout, Mirror, MirrorRule};

/// The mirror transforms of an agent's observations and actions.
///
/// # Errors
/// The name of a field whose symmetry is not known.
pub fn mirrors(agent: &str, observation: &Layout, action: &Layout) -> Result<(Mirror, Mirror), String> {
    let rule = |name: &str| match agent {
        "vehicle" => vehicle_rule(name),
        "humanoid" => humanoid_rule(name),
        _ => scene_sensor_rule(name),
    };
    Ok((Mirror::new(observation, rule)?, Mirror::new(action, rule)?))
}

fn vehicle_rule(field: &str) -> Option<MirrorRule> {
    Some(match field {
        "velocity_forward"
        | "velocity_up"
        | "pitch"
        | "course_heading_cos"
        | "course_ahead_forward"
        | "course_left_to_go"
        | "goal_forward"
        | "goal_near_forward"
        | "goal_heading_cos"
        | "throttle"
        | "brake"
        | "handbrake" => MirrorRule::Same,
        "velocity_left" | "yaw_rate" | "roll" | "course_offset" | "course_heading_sin" | "course_ahead_left"
        | "goal_left" | "goal_near_left" | "goal_heading_sin" | "steer" => MirrorRule::Negated,
        "wheel_contact" => MirrorRule::Swapped,
        "wheel_slip" => MirrorRule::SwappedNegated,
        "ray" => MirrorRule::Reversed,
        other => return scene_sensor_rule(other),
    })
}

fn humanoid_rule(field: &str) -> Option<MirrorRule> {
    Some(match field {
        "height" | "down" | "ground" | "forward" | "jump" | "crouch" => MirrorRule::Same,
        // The phase of the right leg is half a stride behind the left.
        "phase" | "sideways" | "turn" => MirrorRule::Negated,
        "goal" | "goal_direction" | "object" | "object_to_goal" => MirrorRule::SecondNegated,
        "contact" => MirrorRule::Swapped,
        "range" => MirrorRule::Reversed,
        // (forward, left, up): `up` and `velocity` are vectors, `spin` is a pseudovector.
        "up" | "velocity" => MirrorRule::Listed(vec![(0, 1.0), (1, -1.0), (2, 1.0)]),
        "spin" => MirrorRule::Listed(vec![(0, -1.0), (1, 1.0), (2, -1.0)]),
        "joint_angle" | "joint_speed" => MirrorRule::Listed(JOINTS.iter().map(|joint| mirrored_joint(joint)).collect()),
        joint if JOINTS.contains(&joint) => {
            let (other, sign) = mirrored_joint(joint);
            MirrorRule::From(JOINTS[other].into(), sign)
        }
        other => return scene_sensor_rule(other),
    })
}

/// The mirror image of a joint: its index in [`JOINTS`] and the sign of its angle. The axes of left and right limbs
/// mirror each other, so their sign is +1. Bending and turning the trunk sideways changes sign.
fn mirrored_joint(joint: &str) -> (usize, f32) {
    let other = match (joint.strip_prefix("left_"), joint.strip_prefix("right_")) {
        (Some(name), _) => format!("right_{name}"),
        (_, Some(name)) => format!("left_{name}"),
        _ => joint.into(),
    };
    let is_lateral = other == joint && !joint.ends_with("_flexion");
    let index = JOINTS.iter().position(|name| *name == other).unwrap_or(0);
    (index, if is_lateral { -1.0 } else { 1.0 })
}

/// Rules for the fields of sensors that scenes add.
fn scene_sensor_rule(field: &str) -> Option<MirrorRule> {
    Some(match field {
        "post_forward"
        | "post_visited"
        | "rival_forward"
        | "rival_near_forward"
        | "rival_velocity_forward"
        | "rival_heading_cos"
        | "chasing" => MirrorRule::Same,
        "post_left" | "rival_left" | "rival_near_left" | "rival_velocity_left" | "rival_heading_sin" => {
            MirrorRule::Negated
        }
        "depth" => MirrorRule::Reversed,
        _ => return None,
    })
}
