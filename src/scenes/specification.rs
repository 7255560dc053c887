//! The schema of a scene file. Distances in metres, angles in degrees, x to the right, z towards the viewer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::agents::DepthCamera;
use crate::agents::humanoid::Control;
use crate::agents::vehicle::VehicleSpecification;
use crate::sim::ConditionRanges;

/// A scene file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SceneSpecification {
    /// One line for lists and the title bar.
    pub title: String,
    /// Who acts.
    pub agent: AgentKind,
    /// Who runs in a game of tag, if not the same as who chases.
    #[serde(default)]
    pub runner: Option<AgentKind>,
    /// Length of a tick, s.
    #[serde(default = "default_control_dt")]
    pub control_dt: f32,
    /// Length of a physics step, s.
    #[serde(default = "default_sim_dt")]
    pub sim_dt: f32,
    /// Time after which an episode ends, s.
    pub time_limit: f32,
    /// The ground.
    #[serde(default)]
    pub ground: Ground,
    /// What the world is like beside its layout: constants, or ranges that each episode draws from.
    #[serde(default)]
    pub conditions: ConditionRanges,
    /// A road.
    #[serde(default)]
    pub course: Option<Road>,
    /// A row of cones to pass.
    #[serde(default)]
    pub gates: Option<Gates>,
    /// Marked parking bays: one is the goal, drawn for each episode, the others are taken.
    #[serde(default)]
    pub bays: Vec<Bay>,
    /// Things.
    #[serde(default)]
    pub objects: Vec<Object>,
    /// Things in random places.
    #[serde(default)]
    pub scatter: Option<Scatter>,
    /// Where the agent begins.
    #[serde(default)]
    pub start: Start,
    /// Where it is to go.
    #[serde(default)]
    pub goal: Option<Goal>,
    /// Coloured posts to visit in an order.
    #[serde(default)]
    pub relay: Option<Posts>,
    /// A depth camera on each agent.
    #[serde(default)]
    pub camera: Option<DepthCamera>,
    /// Other cars on the road.
    #[serde(default)]
    pub traffic: Option<Traffic>,
    /// What is asked.
    pub task: TaskKind,
    /// Weight of each of the task's score terms.
    pub terms: BTreeMap<String, f32>,
    /// How the scripted operators go about it.
    #[serde(default)]
    pub pace: Pace,
    /// Easier versions that whoever learns by acting begins with, one after the other.
    #[serde(default)]
    pub lessons: Vec<Lesson>,
}

/// An easier version of a scene: what it says takes the place of what the scene says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lesson {
    /// Share of the last hundred episodes that has to succeed before the next lesson, or the scene itself, begins.
    pub until: f32,
    /// Who acts, if differently: the same kind, with the same senses and actions.
    #[serde(default)]
    pub agent: Option<AgentKind>,
    /// The time limit, s.
    #[serde(default)]
    pub time_limit: Option<f32>,
    /// The ground.
    #[serde(default)]
    pub ground: Option<Ground>,
    /// What the world is like beside its layout.
    #[serde(default)]
    pub conditions: Option<ConditionRanges>,
    /// The row of cones, of as many.
    #[serde(default)]
    pub gates: Option<Gates>,
    /// Things in random places.
    #[serde(default)]
    pub scatter: Option<Scatter>,
    /// Where the agent begins.
    #[serde(default)]
    pub start: Option<Start>,
    /// Where it is to go.
    #[serde(default)]
    pub goal: Option<Goal>,
    /// Other cars on the road.
    #[serde(default)]
    pub traffic: Option<Traffic>,
    /// What is asked: the same task.
    #[serde(default)]
    pub task: Option<TaskKind>,
}

impl SceneSpecification {
    /// The scene as it is in this lesson.
    pub fn in_lesson(&self, lesson: &Lesson) -> Self {
        let mut scene = Self { lessons: Vec::new(), ..self.clone() };
        let lesson = lesson.clone();
        let Lesson { until: _, agent, time_limit, ground, conditions, gates, scatter, start, goal, traffic, task } =
            lesson;
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

/// Who acts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum AgentKind {
    /// A car.
    Vehicle {
        /// Its data sheet; what is left out is the default's.
        #[serde(default)]
        car: VehicleSpecification,
    },
    /// A person.
    Humanoid {
        /// Commands or joint targets.
        #[serde(default)]
        control: Control,
        /// Strength of the harness, 0 to 1.
        #[serde(default = "full")]
        harness: f32,
    },
}

fn full() -> f32 {
    1.0
}

impl AgentKind {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Vehicle { .. } => "vehicle",
            Self::Humanoid { .. } => "humanoid",
        }
    }
}

/// The ground.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ground {
    /// Half the length of its sides, m.
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
    /// Points (x, z) that it passes through, m.
    pub points: Vec<(f32, f32)>,
    /// Whether it returns to its start.
    pub closed: bool,
    /// Half its width, m.
    pub half_width: f32,
    /// Greatest bank in bends, degrees.
    #[serde(default)]
    pub bank: f32,
    /// Whether half of the episodes go round the other way.
    #[serde(default)]
    pub reversible: bool,
}

/// A row of cones along -z, passed alternately left and right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gates {
    /// How many.
    pub count: usize,
    /// Distance of the first from the start, m.
    pub first: f32,
    /// Distance between two, m.
    pub spacing: f32,
    /// How far beside a cone the way leads, m.
    pub aside: f32,
    /// How far a cone strays along and across the row, m.
    pub spread: f32,
}

/// A parking bay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bay {
    /// Its middle (x, z), m.
    pub at: (f32, f32),
    /// Which way a car in it points, degrees, positive left of -z.
    pub heading: f32,
}

/// What a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Thing {
    /// A wall or post, not to be touched.
    Obstacle,
    /// A step or kerb, to be stood on.
    Step,
    /// A traffic cone.
    Cone,
    /// A crate.
    Crate,
    /// A parked car.
    Parked,
}

/// A thing's shape.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Form {
    /// Width (x), height, depth (z), m.
    Box(f32, f32, f32),
    /// Radius, height, m.
    Cylinder(f32, f32),
}

/// A thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// What it is.
    pub kind: Thing,
    /// Its shape.
    pub form: Form,
    /// Where it stands (x, z), m.
    pub at: (f32, f32),
    /// Degrees, positive left.
    #[serde(default)]
    pub heading: f32,
    /// Mass, kg; fixed without.
    #[serde(default)]
    pub mass: Option<f32>,
    /// Friction coefficient.
    #[serde(default = "default_friction")]
    pub friction: f32,
    /// How far it strays from its place (x, z), m.
    #[serde(default)]
    pub spread: (f32, f32),
    /// How far it strays from its heading, degrees.
    #[serde(default)]
    pub turn: f32,
}

fn default_friction() -> f32 {
    0.6
}

/// Things in random places.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scatter {
    /// What they are.
    pub kind: Thing,
    /// Their shape.
    pub form: Form,
    /// How many.
    pub count: usize,
    /// Corners (x, z) of the area, m.
    pub area: ((f32, f32), (f32, f32)),
    /// Least distance between two, and from start and goal, m.
    pub apart: f32,
}

/// Coloured posts in a ring.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Posts {
    /// How many, each of another colour; their places are dealt for each episode.
    pub posts: usize,
    /// How many of them are to be visited.
    pub visits: usize,
    /// Radius of the ring, m.
    pub ring: f32,
    /// How far a post strays from its place on the ring, m.
    #[serde(default)]
    pub spread: f32,
    /// Which posts to visit, counted from 0, in order; empty to draw them for each episode.
    #[serde(default)]
    pub order: Vec<usize>,
}

/// Where an agent begins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Start {
    /// Place (x, z), m.
    pub at: (f32, f32),
    /// Degrees, positive left of -z.
    pub heading: f32,
    /// How far it strays from its place (x, z), m; on a course: along and across.
    pub spread: (f32, f32),
    /// How far it strays from its heading, degrees.
    pub turn: f32,
    /// Begin anywhere along the course, or between the gates, instead of at `at`.
    pub anywhere: bool,
}

/// Where an agent, or the thing it pushes, is to go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// Place (x, z), m.
    pub at: (f32, f32),
    /// How far it strays (x, z), m.
    #[serde(default)]
    pub spread: (f32, f32),
}

/// Other cars.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// How many.
    pub count: usize,
    /// Speed of the slowest and the fastest, m/s.
    pub speed: (f32, f32),
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum TaskKind {
    /// Round a closed course, or to the end of an open one.
    Lap {
        /// How many times round.
        laps: f32,
        /// How far beyond the edge one may get, m.
        #[serde(default)]
        margin: f32,
        /// Whether a touch fails the task.
        #[serde(default)]
        no_contact: bool,
    },
    /// Past the gates.
    Slalom {
        /// How far from a cone one may pass it, m.
        reach: f32,
    },
    /// Into the bay.
    Park {
        /// How far from its middle, m.
        distance: f32,
        /// How far from its direction, degrees.
        angle: f32,
        /// How long to stand, s.
        hold: f32,
    },
    /// To the goal.
    Reach {
        /// How near, m.
        radius: f32,
    },
    /// The posts, in order.
    Relay {
        /// How near to a post is a visit, m.
        radius: f32,
    },
    /// Two agents: the first catches the other, which gets away until the time is up.
    Tag {
        /// How near is caught, middle to middle, m.
        radius: f32,
        /// How far from each other they begin at least, m.
        apart: f32,
    },
    /// The object with this index to the goal.
    Push {
        /// Which of `objects`.
        object: usize,
        /// How near, m.
        radius: f32,
    },
}

/// How the scripted operators go about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pace {
    /// Greatest speed, m/s.
    pub cruise: f32,
    /// Lateral acceleration in bends, m/s².
    pub lateral: f32,
    /// How far beside a thing on the lane to pass it, on a side that chance chooses, m. 0 stops behind it.
    pub dodge: f32,
    /// How far ahead a thing on the lane is when the choice falls, m.
    pub notice: f32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { cruise: 12.0, lateral: 5.0, dodge: 0.0, notice: 16.0 }
    }
}
