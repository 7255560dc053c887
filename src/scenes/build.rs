//! Builds the content of an arena from a RON scene.

use std::sync::Arc;

use bevy::math::Vec3;
use bevy_rapier3d::rapier::prelude::RigidBodyHandle;

use super::blueprint::{ArenaContents, Blueprint, CurriculumStage, Role};
use super::specification::{SceneSpecification, StageSpecification};
use crate::agents::Spaces;
use crate::agents::humanoid::{self, Humanoid, HumanoidOptions};
use crate::agents::vehicle::{self, Vehicle, VehicleSpecification};
use crate::sim::{Body, ConditionRanges, Physics, Sensor, SimRng, Slot, TaskGoal, Variation};
use crate::spaces::Field;
use crate::tasks::TaskSpecification;
use crate::teleop::{DriveOperator, KeyBindings, Operator, Skill, WalkOperator, vehicle_bindings, walk_bindings};
use crate::world::{AgentKind, EpisodeStart, WorldObjects, WorldSpecification};

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

fn spaces(agent: &AgentKind, sensor_fields: Vec<Field>) -> Spaces {
    let (mut observation, action) = match agent {
        AgentKind::Vehicle { .. } => (vehicle::observation_layout(), vehicle::action_layout()),
        AgentKind::Humanoid { control, .. } => (humanoid::observation_layout(), humanoid::action_layout(*control)),
    };
    observation.fields.extend(sensor_fields);
    Spaces { agent: agent.name().into(), observation: Arc::new(observation), action: Arc::new(action) }
}

fn body(physics: &mut Physics<'_>, agent: &AgentKind) -> Box<dyn Body> {
    match agent {
        AgentKind::Vehicle { car } => Box::new(Vehicle::spawn(physics, car.clone())),
        AgentKind::Humanoid { control, harness } => {
            let options = HumanoidOptions { control: *control, harness: *harness, ..HumanoidOptions::default() };
            Box::new(Humanoid::spawn(physics, Vec3::ZERO, 0.0, &options))
        }
    }
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
    fn slot(&self, physics: &mut Physics<'_>, agent: &AgentKind, with_sensors: bool) -> Slot {
        let (fields, sensors) = if with_sensors { scene_sensors(self) } else { (Vec::new(), Vec::new()) };
        let spaces = spaces(agent, fields);
        Slot {
            body: body(physics, agent),
            goal: TaskGoal::default(),
            sensors,
            observation: vec![0.0; spaces.observation.size()],
            action: vec![0.0; spaces.action.size()],
        }
    }

    fn car(&self) -> VehicleSpecification {
        match &self.world.agent {
            AgentKind::Vehicle { car } => car.clone(),
            AgentKind::Humanoid { .. } => VehicleSpecification::default(),
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
        spaces(&self.world.agent, scene_sensors(self).0)
    }

    fn bindings(&self) -> KeyBindings {
        match self.world.agent {
            AgentKind::Vehicle { .. } => vehicle_bindings(),
            AgentKind::Humanoid { .. } => walk_bindings(),
        }
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
            slots.push(self.slot(physics, agent, true));
            roles.push(Role::Agent(task.kind.score(world)));
        }
        if let Some(traffic) = &world.traffic {
            let car = AgentKind::Vehicle { car: VehicleSpecification::default() };
            let (slow, fast) = traffic.speed;
            for i in 0..traffic.count {
                slots.push(self.slot(physics, &car, false));
                let fraction = i as f32 / (traffic.count.max(2) - 1) as f32;
                let cruise = slow + (fast - slow) * fraction;
                let driver = DriveOperator::new(Skill::Steady, cruise / Skill::Steady.speed_factor(), 4.0, &self.car());
                roles.push(Role::Npc(Box::new(driver)));
            }
        }
        let variation = SceneVariation { world: world.clone(), task: task.clone(), objects, task_objects, agents };
        ArenaContents { slots, roles, variation: Box::new(variation) }
    }

    fn operator(&self, skill: Skill) -> Option<Box<dyn Operator>> {
        let of_task = self.task.kind.operator(&self.world, &self.spaces().observation, skill);
        if of_task.is_some() {
            return of_task;
        }
        Some(match &self.world.agent {
            AgentKind::Vehicle { car } => {
                let operator = DriveOperator::new(skill, self.world.pace.cruise, self.world.pace.lateral, car);
                Box::new(operator.with_obstacle_avoidance(self.world.pace.dodge, self.world.pace.notice))
            }
            AgentKind::Humanoid { .. } => Box::new(WalkOperator::new(skill)),
        })
    }
}
