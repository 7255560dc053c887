//! The schema of the world of a scene file: everything but the task, its weights and the curriculum. Distances are in
//! meters, angles in degrees; x points right, z towards the viewer.

use serde::{Deserialize, Serialize};

use crate::agents::{AgentSpecification, DepthCamera, Pace};
use crate::sim::ConditionRanges;

/// The world of a scene: agents, ground, objects and their distributions over episodes. The fields are those of the scene
/// file.
#[derive(Clone, Debug)]
pub struct WorldSpecification {
    /// The agent.
    pub agent: AgentSpecification,
    /// The second side's agent in a scene of two sides, when it differs from the first side's (`agent`).
    pub runner: Option<AgentSpecification>,
    /// Length of a tick, s.
    pub control_dt: f32,
    /// Length of a physics step, s.
    pub sim_dt: f32,
    /// Time limit of an episode, s.
    pub time_limit: f32,
    /// The ground.
    pub ground: Ground,
    /// Domain randomization: physics parameters, constant or sampled for each episode.
    pub conditions: ConditionRanges,
    /// A road.
    pub course: Option<Road>,
    /// A row of cones to pass.
    pub gates: Option<Gates>,
    /// Marked parking bays; parked cars stand in all but one.
    pub bays: Vec<Bay>,
    /// Objects at given positions.
    pub objects: Vec<Object>,
    /// Objects at random positions.
    pub scatter: Option<Scatter>,
    /// Distribution of the agent's start pose.
    pub start: Start,
    /// Distribution of the goal position.
    pub goal: Option<Goal>,
    /// Colored posts in a ring.
    pub relay: Option<Posts>,
    /// A depth camera on each agent.
    pub camera: Option<DepthCamera>,
    /// Other, slower cars on the road.
    pub traffic: Option<Traffic>,
    /// Parameters of the scripted operators.
    pub pace: Pace,
}

impl WorldSpecification {
    /// Time limit of an episode, ticks.
    pub fn tick_limit(&self) -> u64 {
        (self.time_limit / self.control_dt).round() as u64
    }
}

/// The ground.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ground {
    /// Half the side length of the square, m.
    pub half_size: f32,
    /// Friction coefficient.
    pub friction: f32,
}

impl Default for Ground {
    fn default() -> Self {
        Self { half_size: 100.0, friction: 0.9 }
    }
}

/// A road along a spline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Road {
    /// Points (x, z) of the spline, m.
    pub points: Vec<(f32, f32)>,
    /// Whether the road is a closed loop.
    pub closed: bool,
    /// Half the road's width, m.
    pub half_width: f32,
    /// Greatest bank angle in bends, degrees.
    #[serde(default)]
    pub bank: f32,
    /// Whether half of the episodes go in the opposite direction.
    #[serde(default)]
    pub reversible: bool,
}

/// A row of cones along -z, to be passed alternately on the left and on the right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gates {
    /// Number of cones.
    pub count: usize,
    /// Distance of the first cone from the start, m.
    pub first: f32,
    /// Distance between neighboring cones, m.
    pub spacing: f32,
    /// Lateral distance between a cone and the course that passes it, m.
    pub aside: f32,
    /// Greatest random offset of a cone along and across the row, m.
    pub spread: f32,
}

/// A parking bay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bay {
    /// Center (x, z), m.
    pub at: (f32, f32),
    /// Heading of a car parked in it, degrees; 0 along -z, positive to the left.
    pub heading: f32,
}

/// The kind of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ObjectKind {
    /// A wall or post, to be avoided.
    Obstacle,
    /// A step or curb.
    Step,
    /// A traffic cone.
    Cone,
    /// A crate.
    Crate,
    /// A parked car.
    Parked,
}

/// The shape of an object.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Shape {
    /// Width (x), height and depth (z), m.
    Box(f32, f32, f32),
    /// Radius and height, m.
    Cylinder(f32, f32),
}

impl Shape {
    /// Height, m.
    pub fn height(self) -> f32 {
        match self {
            Self::Box(_, height, _) | Self::Cylinder(_, height) => height,
        }
    }
}

/// An object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// Kind of the object.
    pub kind: ObjectKind,
    /// Shape of the object.
    pub shape: Shape,
    /// Position (x, z), m.
    pub at: (f32, f32),
    /// Heading, degrees; 0 along -z, positive to the left.
    #[serde(default)]
    pub heading: f32,
    /// Mass, kg; `None` for a fixed object.
    #[serde(default)]
    pub mass: Option<f32>,
    /// Friction coefficient.
    #[serde(default = "default_friction")]
    pub friction: f32,
    /// Greatest random offset of the position (x, z), m.
    #[serde(default)]
    pub spread: (f32, f32),
    /// Greatest random offset of the heading, degrees.
    #[serde(default)]
    pub turn: f32,
}

fn default_friction() -> f32 {
    0.6
}

/// Objects at random positions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scatter {
    /// Kind of the objects.
    pub kind: ObjectKind,
    /// Shape of the objects.
    pub shape: Shape,
    /// Number of objects.
    pub count: usize,
    /// Two opposite corners (x, z) of the area, m.
    pub area: ((f32, f32), (f32, f32)),
    /// Smallest distance between two objects, and from start and goal, m.
    pub apart: f32,
}

/// Colored posts in a ring.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Posts {
    /// Number of posts, each of another color. Their order in the ring is random in each episode.
    pub posts: usize,
    /// Number of posts to visit.
    pub visits: usize,
    /// Radius of the ring, m.
    pub ring: f32,
    /// Greatest random offset (x, z) of a post from its place in the ring, m.
    #[serde(default)]
    pub spread: f32,
    /// Indices of the posts to visit, in order; empty for a random order in each episode.
    #[serde(default)]
    pub order: Vec<usize>,
}

/// Distribution of an agent's start pose.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Start {
    /// Position (x, z), m.
    pub at: (f32, f32),
    /// Heading, degrees; 0 along -z, positive to the left.
    pub heading: f32,
    /// Greatest random offset of the position (x, z), m; on a course: along and across it.
    pub spread: (f32, f32),
    /// Greatest random offset of the heading, degrees.
    pub turn: f32,
    /// Start at a random position along the course instead of at `at`.
    pub anywhere: bool,
}

/// Distribution of the goal position of an agent, or of the object that it pushes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// Position (x, z), m.
    pub at: (f32, f32),
    /// Greatest random offset of the position (x, z), m.
    #[serde(default)]
    pub spread: (f32, f32),
}

/// Other, slower cars on the road.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// Number of cars.
    pub count: usize,
    /// Speed of the slowest and of the fastest car, m/s.
    pub speed: (f32, f32),
}
