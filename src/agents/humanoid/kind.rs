//! The humanoid as a kind of agent.

use bevy::input::keyboard::KeyCode;
use bevy::math::Vec3;
use serde::{Deserialize, Serialize};

use super::action::{Control, action_layout};
use super::bindings::bindings;
use super::body::{Humanoid, HumanoidOptions};
use super::joints::JOINTS;
use super::sensors::{RANGE_ARC, observation_layout};
use super::walk::WalkOperator;
use crate::agents::kind::{AgentKind, OperatorOptions, ParameterRange, Spacing};
use crate::agents::tag::{TagLocomotion, TagOperator};
use crate::keys::{KeyBindings, KeyPair, Operator};
use crate::sim::{Body, Physics};
use crate::spaces::{Layout, MirrorRule};

/// A humanoid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HumanoidKind {
    /// Kind of its actions: commands or joint targets.
    pub control: Control,
    /// Strength of the balance harness, 0 to 1.
    pub harness: f32,
}

impl Default for HumanoidKind {
    fn default() -> Self {
        Self { control: Control::Command, harness: 1.0 }
    }
}

impl AgentKind for HumanoidKind {
    fn name(&self) -> &'static str {
        "humanoid"
    }

    fn observation_layout(&self) -> Layout {
        observation_layout()
    }

    fn action_layout(&self) -> Layout {
        action_layout(self.control)
    }

    fn spawn(&self, physics: &mut Physics<'_>) -> Box<dyn Body> {
        let options = HumanoidOptions { control: self.control, harness: self.harness, ..HumanoidOptions::default() };
        Box::new(Humanoid::spawn(physics, Vec3::ZERO, 0.0, &options))
    }

    fn bindings(&self) -> KeyBindings {
        bindings()
    }

    fn operator(&self, options: &OperatorOptions<'_>) -> Option<Box<dyn Operator>> {
        let OperatorOptions { skill, observation, .. } = *options;
        if observation.range("rival_forward").is_some() {
            return Some(Box::new(TagOperator::new(skill, observation, tag_locomotion())));
        }
        Some(Box::new(WalkOperator::new(skill)))
    }

    fn mirror_rule(&self, field: &str) -> Option<MirrorRule> {
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
            "joint_angle" | "joint_speed" => {
                MirrorRule::Listed(JOINTS.iter().map(|joint| mirrored_joint(joint)).collect())
            }
            joint if JOINTS.contains(&joint) => {
                let (other, sign) = mirrored_joint(joint);
                MirrorRule::From(JOINTS[other].into(), sign)
            }
            _ => return None,
        })
    }

    /// Side by side.
    fn spacing(&self) -> Spacing {
        Spacing { direction: Vec3::X, distance: 1.6 }
    }

    fn parameter_ranges(&self) -> Vec<ParameterRange> {
        vec![ParameterRange { path: vec!["harness"], value: self.harness, low: 0.0, high: 1.0 }]
    }
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

fn tag_locomotion() -> TagLocomotion {
    TagLocomotion {
        on_foot: true,
        pairs: vec![
            KeyPair { action: 0, up: KeyCode::KeyW, down: Some(KeyCode::KeyS) },
            KeyPair { action: 2, up: KeyCode::KeyA, down: Some(KeyCode::KeyD) },
        ],
        rays: "range",
        arc: RANGE_ARC,
        velocity: "velocity",
        avoidance_distance: 3.5,
        half_width: 0.62,
    }
}
