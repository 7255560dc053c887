//! Task: a game of tag, in which one agent catches the other or the other escapes.

use bevy::math::Vec3;
use bevy_rapier3d::rapier::prelude::RigidBodyHandle;
use serde::{Deserialize, Serialize};

use super::kind::{TaskKind, TaskSensor};
use super::score::{Outcome, Task, TaskContext};
use crate::sim::{Body, GoalDetails, Physics, Sensor, Surface, TaskGoal, heading_frame};
use crate::spaces::Field;
use crate::world::{Checker, EpisodeStart, GroundPose, MAX_COORDINATE, Step, WorldSpecification};

/// Bound of the rival's observed position, m.
const MAX_DISTANCE: f32 = 40.0;
/// Bound of the rival's near position, m: a second, finer scale for the last meters.
const MAX_NEAR_DISTANCE: f32 = 5.0;
/// Bound of the rival's observed velocity, m/s.
const MAX_SPEED: f32 = 30.0;

/// Two agents play tag: the chaser must catch the runner, the runner must escape until the time limit. Chaser and runner
/// each have a score of their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    /// Distance between the agents' roots at which the runner is caught, m.
    pub radius: f32,
    /// Smallest distance between the agents at the start, m.
    pub apart: f32,
}

/// The other agent of a game of tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rival {
    /// Its root body.
    pub body: RigidBodyHandle,
    /// True for the chaser, who must catch the rival; false for the runner, who must escape it.
    pub chasing: bool,
}

impl Rival {
    /// Position of the rival in the heading frame of `observer`, m: x to the right, -z ahead.
    pub fn relative_position(&self, physics: &Physics<'_>, observer: RigidBodyHandle) -> Vec3 {
        let (position, rotation) = physics.pose(observer);
        heading_frame(rotation) * (physics.pose(self.body).0 - position)
    }
}

impl GoalDetails for Rival {
    fn boxed_clone(&self) -> Box<dyn GoalDetails> {
        Box::new(*self)
    }

    /// The role of the agent, and the opponent's distance and direction.
    fn status(&self, physics: &Physics<'_>, root: RigidBodyHandle) -> Option<String> {
        let place = self.relative_position(physics, root).with_y(0.0);
        // Within atan(0.4), about 22 degrees, of an axis, only that axis is named.
        let along = match place {
            p if p.z.abs() < 0.4 * p.x.abs() => "",
            p if p.z < 0.0 => " ahead",
            _ => " behind",
        };
        let across = match place {
            p if p.x.abs() < 0.4 * p.z.abs() => "",
            p if p.x < 0.0 => " left",
            _ => " right",
        };
        let role = if self.chasing { "Chase: runner" } else { "Flee: chaser" };
        Some(format!("{role} {:.0} m{along}{across}", place.length()))
    }
}

/// Observes the position, velocity and heading of the rival, and whether this body is the chaser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RivalSensor;

impl RivalSensor {
    /// The fields that it adds to an observation, with one component each, in the body's heading frame.
    pub fn fields() -> [Field; 9] {
        [
            Field::new("rival_forward", 1, "m", -MAX_DISTANCE, MAX_DISTANCE),
            Field::new("rival_left", 1, "m", -MAX_DISTANCE, MAX_DISTANCE),
            Field::new("rival_near_forward", 1, "m", -MAX_NEAR_DISTANCE, MAX_NEAR_DISTANCE),
            Field::new("rival_near_left", 1, "m", -MAX_NEAR_DISTANCE, MAX_NEAR_DISTANCE),
            Field::new("rival_velocity_forward", 1, "m/s", -MAX_SPEED, MAX_SPEED),
            Field::new("rival_velocity_left", 1, "m/s", -MAX_SPEED, MAX_SPEED),
            Field::new("rival_heading_sin", 1, "1", -1.0, 1.0),
            Field::new("rival_heading_cos", 1, "1", -1.0, 1.0),
            Field::new("chasing", 1, "1", 0.0, 1.0),
        ]
    }
}

impl Sensor for RivalSensor {
    fn size(&self) -> usize {
        Self::fields().len()
    }

    fn sense(&self, physics: &Physics<'_>, body: &dyn Body, goal: &TaskGoal, out: &mut [f32]) {
        out.fill(0.0);
        let Some(rival) = goal.details_as::<Rival>() else { return };
        let Some(rival_body) = physics.bodies.get(rival.body) else { return };
        let body_handle = body.parts()[0];
        let to_heading_frame = heading_frame(physics.pose(body_handle).1);
        let position = rival.relative_position(physics, body_handle);
        let velocity = to_heading_frame * rival_body.linvel();
        let facing = (to_heading_frame * (*rival_body.rotation() * Vec3::NEG_Z)).with_y(0.0).normalize_or(Vec3::NEG_Z);
        let pairs = [(position, MAX_DISTANCE), (position, MAX_NEAR_DISTANCE), (velocity, MAX_SPEED)];
        for (components, (vector, bound)) in out.chunks_exact_mut(2).zip(pairs) {
            components[0] = (-vector.z).clamp(-bound, bound);
            components[1] = (-vector.x).clamp(-bound, bound);
        }
        (out[6], out[7]) = (-facing.x, -facing.z);
        out[8] = f32::from(u8::from(rival.chasing));
    }
}

impl TaskKind for Tag {
    fn terms(&self) -> &'static [&'static str] {
        &["gap", "contact", "caught", "escaped"]
    }

    fn score(&self, world: &WorldSpecification) -> Box<dyn Task> {
        Box::new(TagScore { tag: self.clone(), tick_limit: world.tick_limit(), last_distance: 0.0, ticks: 0 })
    }

    fn check(&self, world: &WorldSpecification, checker: &mut Checker) {
        let Self { radius, apart } = self;
        checker.parameter("radius", *radius, 0.3, 20.0, "radius (m)");
        let others = [
            ("course", world.course.is_some()),
            ("gates", world.gates.is_some()),
            ("bays", !world.bays.is_empty()),
            ("relay", world.relay.is_some()),
            ("goal", world.goal.is_some()),
            ("traffic", world.traffic.is_some()),
        ];
        for (name, _) in others.into_iter().filter(|(_, there)| *there) {
            checker.report(&[Step::Key(name)], format!("`{name}` is not allowed in a game of tag; leave it out"));
        }
        checker.parameter("apart", *apart, *radius, MAX_COORDINATE, "apart (m)");
        // Two uniform samples from a rectangle are often enough farther apart than half of its longer side.
        let (x, z) = world.start.spread;
        if x.max(z) < *apart {
            let message =
                format!("the agents start within ({x}, {z}) m of `at`, which is too close for `apart` of {apart} m");
            checker.report(&[Step::Key("start")], message);
        }
    }

    fn sides(&self) -> &'static [&'static str] {
        &["chaser", "runner"]
    }

    fn sensors(&self, _: &WorldSpecification) -> Vec<TaskSensor> {
        vec![TaskSensor { fields: RivalSensor::fields().into(), sensor: Box::new(RivalSensor) }]
    }

    /// Place both agents and the objects, and set each agent's rival.
    fn begin(&self, episode: &mut EpisodeStart<'_, '_>) {
        let starts = sample_start_pair(episode, self.apart);
        episode.place_objects();
        episode.scatter(&starts.map(|start| start.position));
        let roots: Vec<RigidBodyHandle> = episode.slots.iter().map(|slot| slot.body.parts()[0]).collect();
        for (i, (slot, start)) in episode.slots.iter_mut().zip(starts).enumerate() {
            slot.body.place(episode.physics, start.position, start.heading);
            slot.goal = TaskGoal::default().with_details(Rival { body: roots[1 - i], chasing: i == 0 });
        }
    }
}

/// Start poses of the two agents, at least `min_distance` apart. The farthest of 200 samples when none is far enough.
fn sample_start_pair(episode: &mut EpisodeStart<'_, '_>, min_distance: f32) -> [GroundPose; 2] {
    let first = episode.sample_start();
    let mut second = episode.sample_start();
    for _ in 0..200 {
        let distance = second.position.distance(first.position);
        if distance >= min_distance {
            break;
        }
        let candidate = episode.sample_start();
        if candidate.position.distance(first.position) > distance {
            second = candidate;
        }
    }
    [first, second]
}

/// The state of a [`Tag`] in an episode, for one of its agents.
struct TagScore {
    tag: Tag,
    /// Ticks after which the runner has escaped.
    tick_limit: u64,
    /// Distance between the agents at the last tick, m.
    last_distance: f32,
    /// Ticks of the episode so far.
    ticks: u64,
}

/// Horizontal distance to the rival, m, and whether this agent is the chaser.
fn rival_distance(ctx: &TaskContext<'_>) -> (f32, bool) {
    let Some(rival) = ctx.goal.details_as::<Rival>() else { return (f32::INFINITY, false) };
    let position = rival.relative_position(ctx.physics, ctx.body.parts()[0]);
    (position.with_y(0.0).length(), rival.chasing)
}

impl Task for TagScore {
    fn terms(&self) -> &'static [&'static str] {
        self.tag.terms()
    }

    fn reset(&mut self, ctx: &TaskContext<'_>) {
        self.last_distance = rival_distance(ctx).0;
        self.ticks = 0;
    }

    /// Reward terms: `gap`, decrease of the distance for the chaser, increase for the runner, m; `contact`, 1 while in
    /// contact with an obstacle; `caught`, at the end of a game that the chaser wins, 1 for the chaser and -1 for the
    /// runner; `escaped`, at the end of a game that the runner wins, -1 for the chaser and 1 for the runner.
    fn step(&mut self, ctx: &TaskContext<'_>, terms: &mut [f32]) -> Outcome {
        terms.fill(0.0);
        let (distance, chasing) = rival_distance(ctx);
        let sign = if chasing { 1.0 } else { -1.0 };
        terms[0] = sign * (self.last_distance - distance);
        self.last_distance = distance;
        let in_contact = ctx.physics.touches(ctx.body.parts(), |c| Surface::of(c) == Surface::Obstacle);
        terms[1] = f32::from(u8::from(in_contact));
        self.ticks += 1;
        if distance < self.tag.radius {
            terms[2] = sign;
            return if chasing { Outcome::Success } else { Outcome::Failure("caught") };
        }
        if self.ticks >= self.tick_limit {
            terms[3] = -sign;
            return if chasing { Outcome::Failure("escaped") } else { Outcome::Success };
        }
        Outcome::Running
    }
}
