//! Builds the content of an arena from a RON scene.

use std::sync::Arc;

use bevy_rapier3d::rapier::prelude::RigidBodyHandle;

use super::blueprint::{ArenaContents, Blueprint, CurriculumStage, Role};
use super::specification::{SceneSpecification, StageSpecification};
use crate::agents::vehicle::VehicleKind;
use crate::agents::{AgentKind, OperatorOptions, Pace, Spaces};
use crate::sim::{ConditionRanges, Physics, Sensor, SimRng, Slot, TaskGoal, Variation};
use crate::spaces::Field;
use crate::tasks::TaskSpecification;
use crate::teleop::{KeyBindings, Operator, Skill};
use crate::world::{EpisodeStart, Traffic, WorldObjects, WorldSpecification};

/// The sensors that a scene adds to its agents' bodies, with their observation fields.
fn scene_sensors(scene: &SceneSpecification) -> (Vec<Field>, Vec<Box<dyn Sensor>>) {
    let (mut fields, mut sensors) = (Vec::new(), Vec::<Box<dyn Sensor>>::new());
    for added in scene.task.kind.sensors(&scene.world) {
        fields.extend(added.fields);
        sensors.push(added.sensor);
    }
    if let Some(camera) = &scene.world.camera {
        fields.push(camera.field());
        sensors.push(Box::new(camera.clone()));
    }
    (fields, sensors)
}

/// Randomizes an arena of a RON scene as its task does.
struct SceneVariation {
    world: WorldSpecification,
    task: TaskSpecification,
    objects: WorldObjects,
    task_objects: Vec<RigidBodyHandle>,
    /// Number of agents; the slots after them are non-player cars.
    agents: usize,
}

impl Variation for SceneVariation {
    fn apply(&mut self, physics: &mut Physics<'_>, slots: &mut [Slot], rng: &mut SimRng) {
        self.task.kind.begin(&mut EpisodeStart {
            world: &self.world,
            objects: &self.objects,
            task_objects: &self.task_objects,
            agents: self.agents,
            physics,
            slots,
            rng,
        });
    }
}

impl SceneSpecification {
    /// A slot for an agent (with the scene's sensors) or for a non-player car (without).
    fn slot(&self, physics: &mut Physics<'_>, agent: &dyn AgentKind, with_sensors: bool) -> Slot {
        let (fields, sensors) = if with_sensors { scene_sensors(self) } else { (Vec::new(), Vec::new()) };
        let spaces = agent.spaces(fields);
        Slot {
            body: agent.spawn(physics),
            goal: TaskGoal::default(),
            sensors,
            observation: vec![0.0; spaces.observation.size()],
            action: vec![0.0; spaces.action.size()],
        }
    }

    /// Add the non-player cars of the traffic.
    fn add_traffic(
        &self,
        physics: &mut Physics<'_>,
        traffic: &Traffic,
        (slots, roles): (&mut Vec<Slot>, &mut Vec<Role>),
    ) {
        let world = &self.world;
        let car: &dyn AgentKind = &VehicleKind::default();
        let spaces = car.spaces(Vec::new());
        // Where the agents are cars, too, the operators of the traffic drive as if in a car like theirs.
        let driven: &dyn AgentKind = if world.agent.name() == car.name() { &*world.agent } else { car };
        let (slow, fast) = traffic.speed;
        for i in 0..traffic.count {
            let fraction = i as f32 / (traffic.count.max(2) - 1) as f32;
            let cruise = slow + (fast - slow) * fraction;
            let skill = Skill::Steady;
            let pace = Pace { cruise: cruise / skill.speed_factor(), lateral: 4.0, dodge: 0.0, ..world.pace };
            let options = OperatorOptions { skill, observation: &spaces.observation, pace: &pace };
            let Some(operator) = driven.operator(&options) else { continue };
            slots.push(self.slot(physics, car, false));
            roles.push(Role::Npc { spaces: spaces.clone(), bindings: car.bindings(), operator });
        }
    }
}

/// Whether the agents of both scenes have the same observation and action spaces.
pub(super) fn same_spaces(a: &SceneSpecification, b: &SceneSpecification) -> bool {
    let (a, b) = (a.spaces(), b.spaces());
    a.agent == b.agent && a.observation == b.observation && a.action == b.action
}

impl Blueprint for SceneSpecification {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn spaces(&self) -> Spaces {
        self.world.agent.spaces(scene_sensors(self).0)
    }

    fn bindings(&self) -> KeyBindings {
        self.world.agent.bindings()
    }

    fn control_dt(&self) -> f32 {
        self.world.control_dt
    }

    fn sides(&self) -> &'static [&'static str] {
        self.task.kind.sides()
    }

    fn conditions(&self) -> ConditionRanges {
        self.world.conditions
    }

    fn curriculum(&self) -> Vec<CurriculumStage<Arc<dyn Blueprint>>> {
        let stage = |stage: &StageSpecification| CurriculumStage {
            success_threshold: stage.success_threshold,
            scene: Arc::new(self.at_stage(stage)) as Arc<dyn Blueprint>,
        };
        self.curriculum.iter().map(stage).collect()
    }

    fn sim_dt(&self) -> f32 {
        self.world.sim_dt
    }

    fn time_limit(&self) -> f32 {
        self.world.time_limit
    }

    fn terms(&self) -> Vec<(String, f32)> {
        self.task
            .kind
            .terms()
            .iter()
            .map(|name| ((*name).to_owned(), self.terms.get(*name).copied().unwrap_or(0.0)))
            .collect()
    }

    fn build(&self, physics: &mut Physics<'_>, agents: usize) -> ArenaContents {
        let Self { world, task, .. } = self;
        let objects = world.build(physics);
        let task_objects = task.kind.build(world, physics);
        let mut slots = Vec::new();
        let mut roles = Vec::new();
        for i in 0..agents {
            let agent = world.runner.as_ref().filter(|_| i == 1).unwrap_or(&world.agent);
            slots.push(self.slot(physics, &**agent, true));
            roles.push(Role::Agent(task.kind.score(world)));
        }
        if let Some(traffic) = &world.traffic {
            self.add_traffic(physics, traffic, (&mut slots, &mut roles));
        }
        let variation = SceneVariation { world: world.clone(), task: task.clone(), objects, task_objects, agents };
        ArenaContents { slots, roles, variation: Box::new(variation) }
    }

    fn operator(&self, skill: Skill) -> Option<Box<dyn Operator>> {
        let Self { world, task, .. } = self;
        let observation = self.spaces().observation;
        let of_task = task.kind.operator(world, &observation, skill);
        of_task
            .or_else(|| world.agent.operator(&OperatorOptions { skill, observation: &observation, pace: &world.pace }))
    }
}
