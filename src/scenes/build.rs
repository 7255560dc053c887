//! Builds the content of an arena from a RON scene.

use std::sync::Arc;

use bevy::math::Vec3;
use bevy_rapier3d::rapier::prelude::*;

use super::blueprint::{ArenaContents, Blueprint, CurriculumStage, Role};
use super::road::road;
use super::specification::{Object, ObjectKind, SceneSpecification, Shape, StageSpecification, TaskKind, Traffic};
use super::variation::SceneVariation;
use crate::agents::vehicle::VehicleKind;
use crate::agents::{AgentKind, OperatorOptions, Pace, PostSensor, RivalSensor, Spaces};
use crate::sim::{ConditionRanges, Course, Physics, Sensor, Slot, Surface, TaskGoal};
use crate::spaces::Field;
use crate::tasks::{Lap, Park, Push, Reach, Slalom, Tag, Task, Visit};
use crate::teleop::{KeyBindings, Operator, Skill};

/// A colored post of a relay: radius and height, m.
pub(super) const POST: Shape = Shape::Cylinder(0.12, 1.6);
/// Height of a cone, m: a large traffic cone of EN 13422.
pub(super) const CONE_HEIGHT: f32 = 0.9;
/// Radius of the cylinder that approximates a cone, m.
const CONE_RADIUS: f32 = 0.18;
/// Mass of a cone, kg.
const CONE_MASS: f32 = 4.0;
/// Width, height and length of a parked car, m.
const PARKED: Vec3 = Vec3::new(1.75, 1.4, 4.0);

fn surface_of(kind: ObjectKind) -> Surface {
    match kind {
        ObjectKind::Obstacle => Surface::Obstacle,
        ObjectKind::Step => Surface::Step,
        ObjectKind::Cone => Surface::Cone,
        ObjectKind::Crate => Surface::Crate,
        ObjectKind::Parked => Surface::Parked,
    }
}

fn collider_builder(shape: Shape) -> ColliderBuilder {
    match shape {
        Shape::Box(x, y, z) => ColliderBuilder::cuboid(x / 2.0, y / 2.0, z / 2.0),
        Shape::Cylinder(radius, height) => ColliderBuilder::cylinder(height / 2.0, radius),
    }
}

fn insert_object(
    physics: &mut Physics<'_>,
    kind: ObjectKind,
    shape: Shape,
    mass: Option<f32>,
    friction: f32,
) -> RigidBodyHandle {
    let collider = surface_of(kind).mark(collider_builder(shape).friction(friction));
    match mass {
        Some(mass) => {
            let body = RigidBodyBuilder::dynamic().can_sleep(false).linear_damping(0.05).angular_damping(0.3);
            physics.insert(body, [collider.mass(mass).build()])
        }
        None => physics.insert(RigidBodyBuilder::fixed(), [collider.build()]),
    }
}

/// The sensors that a scene adds to its agents' bodies, with their observation fields.
fn scene_sensors(scene: &SceneSpecification) -> (Vec<Field>, Vec<Box<dyn Sensor>>) {
    let (mut fields, mut sensors) = (Vec::new(), Vec::<Box<dyn Sensor>>::new());
    if let Some(relay) = &scene.relay {
        let sensor = PostSensor { posts: relay.posts };
        fields.extend(sensor.fields());
        sensors.push(Box::new(sensor));
    }
    if matches!(scene.task, TaskKind::Tag { .. }) {
        fields.extend(RivalSensor::fields());
        sensors.push(Box::new(RivalSensor));
    }
    if let Some(camera) = &scene.camera {
        fields.push(camera.field());
        sensors.push(Box::new(camera.clone()));
    }
    (fields, sensors)
}

fn task(scene: &SceneSpecification) -> Box<dyn Task> {
    let tick_limit = (scene.time_limit / scene.control_dt).round() as u64;
    match scene.task {
        TaskKind::Lap { laps, margin, no_contact } => Box::new(Lap::new(laps, margin, no_contact)),
        TaskKind::Slalom { reach } => Box::new(Slalom::new(reach)),
        TaskKind::Park { distance, angle, hold } => Box::new(Park::new(distance, angle.to_radians(), hold)),
        TaskKind::Reach { radius } => Box::new(Reach::new(radius)),
        TaskKind::Relay { .. } => Box::new(Visit::default()),
        TaskKind::Tag { radius, .. } => Box::new(Tag::new(radius, tick_limit)),
        TaskKind::Push { radius, .. } => Box::new(Push::new(radius)),
    }
}

fn reversed(course: &Course, points: &[(f32, f32)]) -> Option<Course> {
    let points: Vec<(f32, f32)> = points.iter().rev().copied().collect();
    Course::spline(&points, course.closed(), course.half_width()).ok()
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

    /// Insert the road and return its course in both directions.
    fn courses(&self, physics: &mut Physics<'_>) -> Option<[Arc<Course>; 2]> {
        let road_spec = self.course.as_ref()?;
        let course = Course::spline(&road_spec.points, road_spec.closed, road_spec.half_width).ok()?;
        if let Some(collider) = road(&course, road_spec.bank.to_radians(), self.ground.friction) {
            physics.insert(RigidBodyBuilder::fixed(), [collider]);
        }
        let backward = reversed(&course, &road_spec.points)?;
        Some([Arc::new(course), Arc::new(backward)])
    }

    /// Add the non-player cars of the traffic.
    fn add_traffic(
        &self,
        physics: &mut Physics<'_>,
        traffic: &Traffic,
        (slots, roles): (&mut Vec<Slot>, &mut Vec<Role>),
    ) {
        let car: &dyn AgentKind = &VehicleKind::default();
        let spaces = car.spaces(Vec::new());
        // Where the agents are cars, too, the operators of the traffic drive as if in a car like theirs.
        let driven: &dyn AgentKind = if self.agent.name() == car.name() { &*self.agent } else { car };
        let (slow, fast) = traffic.speed;
        for i in 0..traffic.count {
            let fraction = i as f32 / (traffic.count.max(2) - 1) as f32;
            let cruise = slow + (fast - slow) * fraction;
            let skill = Skill::Steady;
            let pace = Pace { cruise: cruise / skill.speed_factor(), lateral: 4.0, dodge: 0.0, ..self.pace };
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
        self.agent.spaces(scene_sensors(self).0)
    }

    fn bindings(&self) -> KeyBindings {
        self.agent.bindings()
    }

    fn control_dt(&self) -> f32 {
        self.control_dt
    }

    fn sides(&self) -> &'static [&'static str] {
        match self.task {
            TaskKind::Tag { .. } => &["chaser", "runner"],
            _ => &[],
        }
    }

    fn conditions(&self) -> ConditionRanges {
        self.conditions
    }

    fn curriculum(&self) -> Vec<CurriculumStage<Arc<dyn Blueprint>>> {
        let stage = |stage: &StageSpecification| CurriculumStage {
            success_threshold: stage.success_threshold,
            scene: Arc::new(self.at_stage(stage)) as Arc<dyn Blueprint>,
        };
        self.curriculum.iter().map(stage).collect()
    }

    fn sim_dt(&self) -> f32 {
        self.sim_dt
    }

    fn time_limit(&self) -> f32 {
        self.time_limit
    }

    fn terms(&self) -> Vec<(String, f32)> {
        super::validate::terms_of(&self.task)
            .iter()
            .map(|name| ((*name).to_owned(), self.terms.get(*name).copied().unwrap_or(0.0)))
            .collect()
    }

    fn build(&self, physics: &mut Physics<'_>, agents: usize) -> ArenaContents {
        let half = self.ground.half_size;
        let ground = ColliderBuilder::cuboid(half, 0.5, half).translation(Vec3::NEG_Y * 0.5);
        let ground = Surface::Ground.mark(ground.friction(self.ground.friction)).build();
        physics.insert(RigidBodyBuilder::fixed(), [ground]);
        let courses = self.courses(physics);
        let object =
            |physics: &mut Physics<'_>, o: &Object| insert_object(physics, o.kind, o.shape, o.mass, o.friction);
        let objects = self.objects.iter().map(|o| object(physics, o)).collect();
        let scattered = self.scatter.iter().flat_map(|s| std::iter::repeat_n(s, s.count));
        let scattered = scattered.map(|s| insert_object(physics, s.kind, s.shape, None, 0.6)).collect();
        let posts = (0..self.relay.as_ref().map_or(0, |relay| relay.posts))
            .map(|_| insert_object(physics, ObjectKind::Obstacle, POST, None, 0.6))
            .collect();
        let cone = Shape::Cylinder(CONE_RADIUS, CONE_HEIGHT);
        let cones = (0..self.gates.as_ref().map_or(0, |g| g.count))
            .map(|_| insert_object(physics, ObjectKind::Cone, cone, Some(CONE_MASS), 0.8))
            .collect();
        let parked = (1..self.bays.len())
            .map(|_| insert_object(physics, ObjectKind::Parked, Shape::Box(PARKED.x, PARKED.y, PARKED.z), None, 0.6))
            .collect();

        let mut slots = Vec::new();
        let mut roles = Vec::new();
        for i in 0..agents {
            let agent = self.runner.as_ref().filter(|_| i == 1).unwrap_or(&self.agent);
            slots.push(self.slot(physics, &**agent, true));
            roles.push(Role::Agent(task(self)));
        }
        if let Some(traffic) = &self.traffic {
            self.add_traffic(physics, traffic, (&mut slots, &mut roles));
        }
        let variation =
            SceneVariation { scene: Arc::new(self.clone()), courses, cones, parked, objects, scattered, posts, agents };
        ArenaContents { slots, roles, variation: Box::new(variation) }
    }

    fn operator(&self, skill: Skill) -> Option<Box<dyn Operator>> {
        let observation = self.spaces().observation;
        self.agent.operator(&OperatorOptions { skill, observation: &observation, pace: &self.pace })
    }
}
