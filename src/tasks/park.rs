//! Task: stop in a marked parking bay.

use std::sync::Arc;

use bevy::math::{Quat, Vec3};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::kind::TaskKind;
use super::score::{Outcome, Task, TaskContext};
use crate::sim::{Course, Surface, TaskGoal, heading_of, wrap_angle};
use crate::world::{Checker, EpisodeStart, GroundPose, WorldSpecification, ground_point};

/// Speed below which the car counts as stopped, m/s.
const STOPPED: f32 = 0.25;

/// Stop in the free bay, aligned with it, and stay stopped for a time. In each episode, a random bay is free.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Park {
    /// Greatest distance between the car's center and the bay's, m.
    pub distance: f32,
    /// Greatest angle between the car's heading and the bay's, degrees.
    pub angle: f32,
    /// Time for which the car must stay stopped in the bay, s.
    pub hold: f32,
}

impl TaskKind for Park {
    fn terms(&self) -> &'static [&'static str] {
        &["approach", "contact", "parked"]
    }

    fn score(&self, _: &WorldSpecification) -> Box<dyn Task> {
        let angle = self.angle.to_radians();
        Box::new(ParkScore { park: self.clone(), angle, held: 0.0, last_distance: 0.0 })
    }

    fn check(&self, world: &WorldSpecification, checker: &mut Checker) {
        checker.parameter("distance", self.distance, 0.05, 5.0, "distance (m)");
        checker.parameter("angle", self.angle, 0.5, 180.0, "angle (degrees)");
        checker.parameter("hold", self.hold, 0.0, 60.0, "hold (s)");
        checker.needs(!world.bays.is_empty(), "bays");
    }

    fn observed_field(&self) -> Option<&'static str> {
        Some("course_offset")
    }

    fn begin(&self, episode: &mut EpisodeStart<'_, '_>) {
        let (start, _) = episode.place_world();
        let goal = choose_bay(episode, start);
        episode.place_agents(start, &goal);
    }
}

/// Choose the free bay, park cars in the others and lay the course into the free one.
fn choose_bay(episode: &mut EpisodeStart<'_, '_>, start: GroundPose) -> TaskGoal {
    let bays = &episode.world.bays;
    let chosen = episode.rng.random_range(0..bays.len());
    let mut cars = episode.objects.parked.iter();
    for (i, bay) in bays.iter().enumerate() {
        if i == chosen {
            continue;
        }
        if let Some(car) = cars.next() {
            let heading = (bay.heading + episode.uniform(3.0)).to_radians();
            episode.set_pose(*car, ground_point(bay.at) + Vec3::Y * 0.7, heading);
        }
    }
    let bay = &bays[chosen];
    let goal = ground_point(bay.at);
    let goal_heading = bay.heading.to_radians();
    let bay_direction = Quat::from_rotation_y(goal_heading) * Vec3::NEG_Z;
    let start_direction = Quat::from_rotation_y(start.heading) * Vec3::NEG_Z;
    // Along the lane, then onto the bay's axis 7 m before its center.
    let from = start.position;
    let entry = goal - bay_direction * 7.0;
    let first = from + start_direction * 3.0;
    let waypoints =
        [from, first, first.lerp(entry, 0.5), entry, goal - bay_direction * 4.0, goal - bay_direction * 2.0, goal];
    let waypoints: Vec<(f32, f32)> = waypoints.iter().map(|p| (p.x, p.z)).collect();
    let course = Course::spline(&waypoints, false, 2.0).ok().map(Arc::new);
    TaskGoal { course, position: Some(goal), heading: Some(goal_heading), ..TaskGoal::default() }
}

/// The state of a [`Park`] in an episode.
struct ParkScore {
    park: Park,
    /// Greatest angle between the car's heading and the bay's, rad.
    angle: f32,
    /// Time for which the car has been stopped in the bay, s.
    held: f32,
    /// Distance to the bay at the last tick, m.
    last_distance: f32,
}

impl Task for ParkScore {
    fn terms(&self) -> &'static [&'static str] {
        self.park.terms()
    }

    fn reset(&mut self, ctx: &TaskContext<'_>) {
        self.held = 0.0;
        self.last_distance = ctx.distance_to_goal();
    }

    /// Reward terms: `approach`, decrease of the distance to the bay, m; `contact`, 1 while in contact; `parked`, 1 on
    /// success.
    fn step(&mut self, ctx: &TaskContext<'_>, terms: &mut [f32]) -> Outcome {
        terms.fill(0.0);
        let parts = ctx.body.parts();
        let distance = ctx.distance_to_goal();
        terms[0] = self.last_distance - distance;
        self.last_distance = distance;
        if ctx.physics.touches(parts, |c| !Surface::of(c).is_floor()) {
            terms[1] = 1.0;
            return Outcome::Failure("touched something");
        }
        let Some(car) = ctx.physics.bodies.get(parts[0]) else { return Outcome::Failure("no car") };
        let heading = heading_of(*car.rotation() * Vec3::NEG_Z);
        let heading_error = ctx.goal.heading.map_or(0.0, |h| wrap_angle(h - heading).abs());
        let parked = distance < self.park.distance && heading_error < self.angle && car.linvel().length() < STOPPED;
        self.held = if parked { self.held + ctx.dt } else { 0.0 };
        if self.held >= self.park.hold {
            terms[2] = 1.0;
            return Outcome::Success;
        }
        Outcome::Running
    }
}
