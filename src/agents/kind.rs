//! What a kind of agent is: body, observation and action spaces, keys, scripted operators, mirror rules.

use std::fmt::Debug;
use std::sync::Arc;

use bevy::math::Vec3;
use serde::{Deserialize, Serialize};

use super::agent::Spaces;
use crate::keys::{KeyBindings, Operator, Skill};
use crate::sim::{Body, Physics};
use crate::spaces::{Field, Layout, MirrorRule};

/// A kind of agent with the parameters that a scene file gives it. The type of a kind is the schema of these parameters,
/// and its `Default` has those that a file leaves out.
///
/// A built-in kind is one folder in `src/agents/` that implements this, and one line in the list of
/// [`AgentEntry`](super::AgentEntry)s. See [`register`](super::register) for kinds of other crates.
pub trait AgentKind: Debug + Send + Sync + 'static {
    /// Name in datasets, policies and lists, such as `vehicle`.
    fn name(&self) -> &'static str;

    /// Layout of the body's own observation. A scene may append the fields of its sensors.
    fn observation_layout(&self) -> Layout;

    /// Layout of the action.
    fn action_layout(&self) -> Layout;

    /// Insert a body into an arena, anywhere: each episode places it.
    fn spawn(&self, physics: &mut Physics<'_>) -> Box<dyn Body>;

    /// The keys of a person or of an operator.
    fn bindings(&self) -> KeyBindings;

    /// A scripted operator, if there is one that solves tasks of these observations.
    fn operator(&self, options: &OperatorOptions<'_>) -> Option<Box<dyn Operator>>;

    /// How a field of the observation or action changes when left and right are exchanged; `None` for fields of other
    /// layouts.
    fn mirror_rule(&self, field: &str) -> Option<MirrorRule>;

    /// Where each agent of an arena starts, relative to the one before.
    fn spacing(&self) -> Spacing;

    /// The allowed ranges of the parameters.
    fn parameter_ranges(&self) -> Vec<ParameterRange> {
        Vec::new()
    }
}

impl dyn AgentKind + '_ {
    /// Observation and action spaces of an agent whose scene appends `sensor_fields` to the observation.
    pub fn spaces(&self, sensor_fields: Vec<Field>) -> Spaces {
        let mut observation = self.observation_layout();
        observation.fields.extend(sensor_fields);
        Spaces { agent: self.name().into(), observation: Arc::new(observation), action: Arc::new(self.action_layout()) }
    }
}

/// What a scripted operator is built for.
#[derive(Clone, Copy, Debug)]
pub struct OperatorOptions<'a> {
    /// Its skill.
    pub skill: Skill,
    /// Layout of the observation, with the fields of the scene's sensors. They tell which task there is: in a game of
    /// tag, for instance, the observation has `rival_forward`.
    pub observation: &'a Layout,
    /// The scene's parameters for operators.
    pub pace: &'a Pace,
}

/// Parameters of the scripted operators in a scene file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pace {
    /// Greatest speed, m/s.
    pub cruise: f32,
    /// Greatest lateral acceleration in bends, m/s².
    pub lateral: f32,
    /// Lateral distance at which to pass an object in the lane, on a random side, m. With 0, the operator stops behind it.
    pub dodge: f32,
    /// Distance from an object in the lane at which the operator chooses the side, m.
    pub notice: f32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { cruise: 12.0, lateral: 5.0, dodge: 0.0, notice: 16.0 }
    }
}

/// Offset between the start positions of two agents.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spacing {
    /// Unit vector in the heading frame: +x to the right, +z backward.
    pub direction: Vec3,
    /// Distance, m.
    pub distance: f32,
}

/// A parameter with its allowed range, bounds included.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterRange {
    /// The names that lead to it in the kind's parameters; the last is its own.
    pub path: Vec<&'static str>,
    /// Its value.
    pub value: f32,
    /// Lower bound.
    pub low: f32,
    /// Upper bound.
    pub high: f32,
}
