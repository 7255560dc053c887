//! The schema of a scene file: its world, its task, the weights of the reward terms and the curriculum.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::agents::{AgentSpecification, DepthCamera, Pace};
use crate::sim::ConditionRanges;
use crate::tasks::TaskSpecification;
use crate::world::{Bay, Gates, Goal, Ground, Object, Posts, Road, Scatter, Start, Traffic, WorldSpecification};

/// A scene file.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "SceneFile")]
pub struct SceneSpecification {
    /// One line of description, for lists and the title bar.
    pub title: String,
    /// Everything but the task, its weights and the curriculum. In the file, its fields stand beside the others.
    pub world: WorldSpecification,
    /// The task.
    pub task: TaskSpecification,
    /// Weights of the task's reward terms; 0 for terms that are left out.
    pub terms: BTreeMap<String, f32>,
    /// Curriculum: easier stages that reinforcement learning goes through, in order, before the scene itself.
    pub curriculum: Vec<StageSpecification>,
}

/// The fields of a scene file.
#[derive(Deserialize)]
#[serde(rename = "SceneSpecification", deny_unknown_fields)]
struct SceneFile {
    title: String,
    agent: AgentSpecification,
    #[serde(default)]
    runner: Option<AgentSpecification>,
    #[serde(default = "default_control_dt")]
    control_dt: f32,
    #[serde(default = "default_sim_dt")]
    sim_dt: f32,
    time_limit: f32,
    #[serde(default)]
    ground: Ground,
    #[serde(default)]
    conditions: ConditionRanges,
    #[serde(default)]
    course: Option<Road>,
    #[serde(default)]
    gates: Option<Gates>,
    #[serde(default)]
    bays: Vec<Bay>,
    #[serde(default)]
    objects: Vec<Object>,
    #[serde(default)]
    scatter: Option<Scatter>,
    #[serde(default)]
    start: Start,
    #[serde(default)]
    goal: Option<Goal>,
    #[serde(default)]
    relay: Option<Posts>,
    #[serde(default)]
    camera: Option<DepthCamera>,
    #[serde(default)]
    traffic: Option<Traffic>,
    task: TaskSpecification,
    terms: BTreeMap<String, f32>,
    #[serde(default)]
    pace: Pace,
    #[serde(default)]
    curriculum: Vec<StageSpecification>,
}

impl From<SceneFile> for SceneSpecification {
    fn from(file: SceneFile) -> Self {
        let SceneFile {
            title,
            agent,
            runner,
            control_dt,
            sim_dt,
            time_limit,
            ground,
            conditions,
            course,
            gates,
            bays,
            objects,
            scatter,
            start,
            goal,
            relay,
            camera,
            traffic,
            pace,
            task,
            terms,
            curriculum,
        } = file;
        let world = WorldSpecification {
            agent,
            runner,
            control_dt,
            sim_dt,
            time_limit,
            ground,
            conditions,
            course,
            gates,
            bays,
            objects,
            scatter,
            start,
            goal,
            relay,
            camera,
            traffic,
            pace,
        };
        Self { title, world, task, terms, curriculum }
    }
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
    pub task: Option<TaskSpecification>,
}

/// Replace a value by the one of a curriculum stage, if it has one.
fn replace<T>(value: &mut T, other: Option<T>) {
    if let Some(other) = other {
        *value = other;
    }
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
        let world = &mut scene.world;
        replace(&mut world.agent, agent);
        replace(&mut world.time_limit, time_limit);
        replace(&mut world.ground, ground);
        replace(&mut world.conditions, conditions);
        replace(&mut world.gates, gates.map(Some));
        replace(&mut world.scatter, scatter.map(Some));
        replace(&mut world.start, start);
        replace(&mut world.goal, goal.map(Some));
        replace(&mut world.traffic, traffic.map(Some));
        replace(&mut scene.task, task);
        scene
    }
}

fn default_control_dt() -> f32 {
    1.0 / 30.0
}

fn default_sim_dt() -> f32 {
    1.0 / 120.0
}
