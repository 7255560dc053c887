//! The action spaces.

use serde::{Deserialize, Serialize};

use super::joints::JOINTS;
use crate::spaces::{Field, Layout};

/// The action space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Control {
    /// Velocity commands: the gait controller computes the joint targets.
    #[default]
    Command,
    /// PD targets of all joints: the harness only holds the height of the hips and keeps the trunk upright.
    Joints,
}

/// The humanoid's action layout.
pub fn action_layout(control: Control) -> Layout {
    match control {
        Control::Command => Layout::new(
            "humanoid/command",
            vec![
                Field::new("forward", 1, "1", -1.0, 2.0),
                Field::new("sideways", 1, "1", -1.0, 1.0),
                Field::new("turn", 1, "1", -1.0, 1.0),
                Field::new("jump", 1, "1", 0.0, 1.0),
                Field::new("crouch", 1, "1", 0.0, 1.0),
            ],
        ),
        Control::Joints => {
            Layout::new("humanoid/joints", JOINTS.iter().map(|j| Field::new(*j, 1, "1", -1.0, 1.0)).collect())
        }
    }
}
