//! The schema of a scene file. Distances are in meters, angles in degrees; x points right, z towards the viewer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::agents::{AgentSpecification, DepthCamera, Pace};
use crate::sim::ConditionRanges;

/// A scene file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SceneSpecification {
    /// One line of description, for lists and the title bar.
    pub title: String,
    /// The agent.
    pub agent: AgentSpecification,
    /// The runner of a game of tag, when it differs from the chaser (`agent`).
    #[serde(default)]
    pub runner: Option<AgentSpecification>,
    /// Length of a tick, s.
    #[serde(default = "default_control_dt")]
    pub control_dt: f32,
    /// Length of a physics step, s.
    #[serde(default = "default_sim_dt")]
    pub sim_dt: f32,
    /// Time limit of an episode, s.
    pub time_limit: f32,
    /// The ground.
    #[serde(default)]
    pub ground: Ground,
    /// Domain randomization: physics parameters, constant or sampled for each episode.
    #[serde(default)]
    pub conditions: ConditionRanges,
    /// A road.
    #[serde(default)]
    pub course: Option<Road>,
    /// A row of cones to pass.
    #[serde(default)]
    pub gates: Option<Gates>,
    /// Marked parking bays. In each episode, a random one is free and the goal; the others hold parked cars.
    #[serde(default)]
    pub bays: Vec<Bay>,
    /// Objects at given positions.
    #[serde(default)]
    pub objects: Vec<Object>,
    /// Objects at random positions.
    #[serde(default)]
    pub scatter: Option<Scatter>,
    /// Distribution of the agent's start pose.
    #[serde(default)]
    pub start: Start,
    /// Distribution of the goal position.
    #[serde(default)]
    pub goal: Option<Goal>,
    /// Colored posts to visit in a given order.
    #[serde(default)]
    pub relay: Option<Posts>,
    /// A depth camera on each agent.
    #[serde(default)]
    pub camera: Option<DepthCamera>,
    /// Other, slower cars on the road.
    #[serde(default)]
    pub traffic: Option<Traffic>,
    /// The task.
    pub task: TaskKind,
    /// Weights of the task's reward terms; 0 for terms that are left out.
    pub terms: BTreeMap<String, f32>,
    /// Parameters of the scripted operators.
    #[serde(default)]
    pub pace: Pace,
    /// Curriculum: easier stages that reinforcement learning goes through, in order, before the scene itself.
    #[serde(default)]
    pub curriculum: Vec<StageSpecification>,
}

/// One stage of a curriculum: a modification of the scene. Each field that is given replaces that of the scene.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageSpecification {
    /// Success rate over the last 100 episodes at which the next stage, or the scene itself, begins.
    pub success_threshold: f32,
    /// The agent; its observation and action spaces must be those of the scene's.
    #[serde(default)]
    pub agent: Option<AgentSpecification>,
    /// The time limit, s.
    #[serde(default)]
    pub time_limit: Option<f32>,
    /// The ground.
    #[serde(default)]
    pub ground: Option<Ground>,
    /// Domain randomization.
    #[serde(default)]
    pub conditions: Option<ConditionRanges>,
    /// The row of cones; their number must be that of the scene.
    #[serde(default)]
    pub gates: Option<Gates>,
    /// Objects at random positions.
    #[serde(default)]
    pub scatter: Option<Scatter>,
    /// Distribution of the agent's start pose.
    #[serde(default)]
    pub start: Option<Start>,
    /// Distribution of the goal position.
    #[serde(default)]
    pub goal: Option<Goal>,
    /// Other, slower cars on the road.
    #[serde(default)]
    pub traffic: Option<Traffic>,
    /// Parameters of the task; the task itself must be that of the scene.
    #[serde(default)]
    pub task: Option<TaskKind>,
}

impl SceneSpecification {
    /// The scene at a stage of its curriculum.
    pub fn at_stage(&self, stage: &StageSpecification) -> Self {
        let mut scene = Self { curriculum: Vec::new(), ..self.clone() };
        let StageSpecification {
            success_threshold: _,
            agent,
            time_limit,
            ground,
            conditions,
            gates,
            scatter,
            start,
            goal,
            traffic,
            task,
        } = stage.clone();
        scene.agent = agent.unwrap_or(scene.agent);
        scene.time_limit = time_limit.unwrap_or(scene.time_limit);
        scene.ground = ground.unwrap_or(scene.ground);
        scene.conditions = conditions.unwrap_or(scene.conditions);
        scene.gates = gates.or(scene.gates);
        scene.scatter = scatter.or(scene.scatter);
        scene.start = start.unwrap_or(scene.start);
        scene.goal = goal.or(scene.goal);
        scene.traffic = traffic.or(scene.traffic);
        scene.task = task.unwrap_or(scene.task);
        scene
    }
}

fn default_control_dt() -> f32 {
    1.0 / 30.0
}

fn default_sim_dt() -> f32 {
    1.0 / 120.0
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

/// A task, with its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum TaskKind {
    /// Drive laps of a closed course, or to the end of an open one.
    Lap {
        /// Number of laps of a closed course.
        laps: f32,
        /// Greatest distance beyond the road's edge, m.
        #[serde(default)]
        margin: f32,
        /// Whether contact fails the task.
        #[serde(default)]
        no_contact: bool,
    },
    /// Pass the gates' cones alternately on the left and on the right.
    Slalom {
        /// Greatest lateral distance from a cone at which passing it counts, m.
        reach: f32,
    },
    /// Park in the free bay.
    Park {
        /// Greatest distance from the bay's center, m.
        distance: f32,
        /// Greatest angle between the car's heading and the bay's, degrees.
        angle: f32,
        /// Time for which the car must stay stopped, s.
        hold: f32,
    },
    /// Walk to the goal.
    Reach {
        /// Distance within which the goal is reached, m.
        radius: f32,
    },
    /// Visit the posts in order.
    Relay {
        /// Distance within which a post counts as visited, m.
        radius: f32,
    },
    /// Two agents play tag: the chaser must catch the runner, the runner must escape until the time limit.
    Tag {
        /// Distance between the agents' roots at which the runner is caught, m.
        radius: f32,
        /// Smallest distance between the agents at the start, m.
        apart: f32,
    },
    /// Push an object to the goal.
    Push {
        /// Index of the object in `objects`.
        object: usize,
        /// Distance within which the goal is reached, m.
        radius: f32,
    },
}
