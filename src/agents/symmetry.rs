//! What agents' numbers become when left and right are exchanged.

use crate::spaces::{Layout, Mirror, Mirrored};

/// The mirrors of an agent's observations and actions.
///
/// # Errors
/// The name of a field whose symmetry is not known; of a person that is so for all joints.
pub fn mirrors(agent: &str, observation: &Layout, action: &Layout) -> Result<(Mirror, Mirror), String> {
    let rule = |name: &str| if agent == "vehicle" { of_vehicle(name) } else { of_scene(name) };
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

/// Of the sensors that scenes add.
fn of_scene(field: &str) -> Option<Mirrored> {
    Some(match field {
        "post_forward" | "post_visited" => Mirrored::Same,
        "post_left" => Mirrored::Negated,
        "depth" => Mirrored::Reversed,
        _ => return None,
    })
}
