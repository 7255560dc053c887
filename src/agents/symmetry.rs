//! What agents' numbers become when left and right are exchanged.

use super::humanoid::JOINTS;
use crate::spaces::{Layout, Mirror, Mirrored};

/// The mirrors of an agent's observations and actions.
///
/// # Errors
/// The name of a field whose symmetry is not known.
pub fn mirrors(agent: &str, observation: &Layout, action: &Layout) -> Result<(Mirror, Mirror), String> {
    let rule = |name: &str| match agent {
        "vehicle" => of_vehicle(name),
        "humanoid" => of_humanoid(name),
        _ => of_scene(name),
    };
    Ok((Mirror::new(observation, rule)?, Mirror::new(action, rule)?))
}

fn of_vehicle(field: &str) -> Option<Mirrored> {
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
        | "handbrake" => Mirrored::Same,
        "velocity_left" | "yaw_rate" | "roll" | "course_offset" | "course_heading_sin" | "course_ahead_left"
        | "goal_left" | "goal_near_left" | "goal_heading_sin" | "steer" => Mirrored::Negated,
        "wheel_contact" => Mirrored::Swapped,
        "wheel_slip" => Mirrored::SwappedNegated,
        "ray" => Mirrored::Reversed,
        other => return of_scene(other),
    })
}

fn of_humanoid(field: &str) -> Option<Mirrored> {
    Some(match field {
        "height" | "down" | "ground" | "forward" | "jump" | "crouch" => Mirrored::Same,
        // The right leg is half a stride later than the left.
        "phase" | "sideways" | "turn" => Mirrored::Negated,
        "goal" | "goal_direction" | "object" | "object_to_goal" => Mirrored::SecondNegated,
        "contact" => Mirrored::Swapped,
        "range" => Mirrored::Reversed,
        // Forward, left, up: a direction and a velocity, but a rotation turns the other way.
        "up" | "velocity" => Mirrored::Listed(vec![(0, 1.0), (1, -1.0), (2, 1.0)]),
        "spin" => Mirrored::Listed(vec![(0, -1.0), (1, 1.0), (2, -1.0)]),
        "joint_angle" | "joint_speed" => Mirrored::Listed(JOINTS.iter().map(|joint| counterpart(joint)).collect()),
        joint if JOINTS.contains(&joint) => {
            let (other, sign) = counterpart(joint);
            Mirrored::From(JOINTS[other].into(), sign)
        }
        other => return of_scene(other),
    })
}

/// The joint that a joint's mirror image is, by its place in [`JOINTS`], and the sign of its angle: the limbs' axes mirror
/// each other, and what bends or turns the trunk sideways bends or turns it to the other side.
fn counterpart(joint: &str) -> (usize, f32) {
    let other = match (joint.strip_prefix("left_"), joint.strip_prefix("right_")) {
        (Some(limb), _) => format!("right_{limb}"),
        (_, Some(limb)) => format!("left_{limb}"),
        _ => joint.into(),
    };
    let sideways = other == joint && !joint.ends_with("_flexion");
    let place = JOINTS.iter().position(|name| *name == other).unwrap_or(0);
    (place, if sideways { -1.0 } else { 1.0 })
}

/// Of the sensors that scenes add.
fn of_scene(field: &str) -> Option<Mirrored> {
    Some(match field {
        "post_forward"
        | "post_visited"
        | "rival_forward"
        | "rival_near_forward"
        | "rival_velocity_forward"
        | "rival_heading_cos"
        | "chasing" => Mirrored::Same,
        "post_left" | "rival_left" | "rival_near_left" | "rival_velocity_left" | "rival_heading_sin" => {
            Mirrored::Negated
        }
        "depth" => Mirrored::Reversed,
        _ => return None,
    })
}
