//! Randomization of the episodes of a RON scene: start poses, objects, goals, driving direction.

use std::sync::Arc;

use bevy::math::{Quat, Vec3};
use bevy_rapier3d::rapier::prelude::*;
use rand::RngExt;

use super::colors::COLORS;
use super::specification::{Gates, Posts, SceneSpecification, Shape, TaskKind};
use crate::agents::Spacing;
use crate::sim::{Course, Gate, Physics, Post, Relay, Rival, SimRng, Slot, TaskGoal, Variation};

/// Distance between the agents on a course, each behind the one before, m; less when the course is too short.
const COURSE_SPACING: f32 = 9.0;

/// Smallest distance between a random start position among gates and the end of the course, m.
const END_CLEARANCE: f32 = 8.0;

/// Randomizes an arena of a RON scene.
pub(super) struct SceneVariation {
    pub scene: Arc<SceneSpecification>,
    /// The course in both directions.
    pub courses: Option<[Arc<Course>; 2]>,
    pub cones: Vec<RigidBodyHandle>,
    pub parked: Vec<RigidBodyHandle>,
    pub objects: Vec<RigidBodyHandle>,
    pub scattered: Vec<RigidBodyHandle>,
    pub posts: Vec<RigidBodyHandle>,
    /// Number of agents; the slots after them are non-player cars.
    pub agents: usize,
}

/// A sample of the uniform distribution over `±spread`.
fn uniform(rng: &mut SimRng, spread: f32) -> f32 {
    (rng.random::<f32>() * 2.0 - 1.0) * spread
}

fn ground_point((x, z): (f32, f32)) -> Vec3 {
    Vec3::new(x, 0.0, z)
}

fn set_pose(physics: &mut Physics<'_>, handle: RigidBodyHandle, position: Vec3, heading: f32) {
    if let Some(body) = physics.bodies.get_mut(handle) {
        body.set_position(Pose::from_parts(position, Quat::from_rotation_y(heading)), true);
        if body.is_dynamic() {
            body.set_linvel(Vec3::ZERO, true);
            body.set_angvel(Vec3::ZERO, true);
        }
    }
}

fn height_of(shape: Shape) -> f32 {
    match shape {
        Shape::Box(_, height, _) | Shape::Cylinder(_, height) => height,
    }
}

impl SceneVariation {
    /// Sample the start position and heading of an agent, for scenes without a course.
    fn sample_start(&self, rng: &mut SimRng) -> (Vec3, f32) {
        let start = &self.scene.start;
        let position =
            ground_point(start.at) + Vec3::new(uniform(rng, start.spread.0), 0.0, uniform(rng, start.spread.1));
        (position, (start.heading + uniform(rng, start.turn)).to_radians())
    }

    fn place_objects(&self, physics: &mut Physics<'_>, rng: &mut SimRng) {
        for (object, handle) in self.scene.objects.iter().zip(&self.objects) {
            let position =
                ground_point(object.at) + Vec3::new(uniform(rng, object.spread.0), 0.0, uniform(rng, object.spread.1));
            let heading = (object.heading + uniform(rng, object.turn)).to_radians();
            set_pose(physics, *handle, position + Vec3::Y * (height_of(object.shape) / 2.0), heading);
        }
    }

    /// Start positions and headings of the two agents of a game of tag, at least `min_distance` apart. The farthest of 200
    /// samples when none is far enough.
    fn sample_start_pair(&self, rng: &mut SimRng, min_distance: f32) -> [(Vec3, f32); 2] {
        let first = self.sample_start(rng);
        let mut second = self.sample_start(rng);
        for _ in 0..200 {
            let distance = second.0.distance(first.0);
            if distance >= min_distance {
                break;
            }
            let candidate = self.sample_start(rng);
            if candidate.0.distance(first.0) > distance {
                second = candidate;
            }
        }
        [first, second]
    }

    /// Tag: place both agents and the objects, and set each agent's rival.
    fn tag(&self, physics: &mut Physics<'_>, slots: &mut [Slot], rng: &mut SimRng, min_distance: f32) {
        let starts = self.sample_start_pair(rng, min_distance);
        self.place_objects(physics, rng);
        self.scatter(physics, rng, &starts.map(|(position, _)| position));
        let roots: Vec<RigidBodyHandle> = slots.iter().map(|slot| slot.body.parts()[0]).collect();
        for (i, (slot, (position, heading))) in slots.iter_mut().zip(starts).enumerate() {
            slot.body.place(physics, position, heading);
            slot.goal = TaskGoal { rival: Some(Rival { body: roots[1 - i], chasing: i == 0 }), ..TaskGoal::default() };
        }
    }

    /// Place the scattered objects by rejection sampling: up to 200 samples each, until one is far enough from the other
    /// objects and from `keep_clear`; the last sample when none is.
    fn scatter(&self, physics: &mut Physics<'_>, rng: &mut SimRng, keep_clear: &[Vec3]) {
        let Some(scatter) = &self.scene.scatter else { return };
        let ((x0, z0), (x1, z1)) = scatter.area;
        let mut positions: Vec<Vec3> = Vec::new();
        for handle in &self.scattered {
            let mut position = Vec3::ZERO;
            for _ in 0..200 {
                position = Vec3::new(x0 + rng.random::<f32>() * (x1 - x0), 0.0, z0 + rng.random::<f32>() * (z1 - z0));
                if positions.iter().chain(keep_clear).all(|p| p.distance(position) > scatter.apart) {
                    break;
                }
            }
            positions.push(position);
            set_pose(physics, *handle, position + Vec3::Y * (height_of(scatter.shape) / 2.0), 0.0);
        }
    }

    /// Place the cones and lay the course past them.
    fn gates(&self, physics: &mut Physics<'_>, rng: &mut SimRng, gates: &Gates, from: Vec3) -> TaskGoal {
        let mut side = if rng.random::<bool>() { 1.0 } else { -1.0 };
        let mut waypoints = vec![(from.x, from.z), (from.x * 0.5, from.z - gates.first * 0.4)];
        let mut out = Vec::new();
        for i in 0..gates.count {
            let post = Vec3::new(
                uniform(rng, gates.spread),
                0.0,
                -(gates.first + i as f32 * gates.spacing) + uniform(rng, gates.spread),
            );
            set_pose(physics, self.cones[i], post + Vec3::Y * super::build::CONE_HEIGHT / 2.0, 0.0);
            // To pass on the left of a post is to pass it at smaller x.
            waypoints.push((post.x - side * gates.aside, post.z));
            out.push(Gate { post, side });
            side = -side;
        }
        let end = -(gates.first + gates.count as f32 * gates.spacing + 4.0);
        waypoints.push((0.0, end + 4.0));
        waypoints.push((0.0, end));
        let course = Course::spline(&waypoints, false, gates.aside + 1.0).ok().map(Arc::new);
        TaskGoal { course, gates: out, ..TaskGoal::default() }
    }

    /// Choose the free bay, park cars in the others and lay the course into the free one.
    fn bays(&self, physics: &mut Physics<'_>, rng: &mut SimRng, from: Vec3, heading: f32) -> TaskGoal {
        let chosen = rng.random_range(0..self.scene.bays.len());
        let mut cars = self.parked.iter();
        for (i, bay) in self.scene.bays.iter().enumerate() {
            if i == chosen {
                continue;
            }
            if let Some(car) = cars.next() {
                let car_heading = (bay.heading + uniform(rng, 3.0)).to_radians();
                set_pose(physics, *car, ground_point(bay.at) + Vec3::Y * 0.7, car_heading);
            }
        }
        let bay = &self.scene.bays[chosen];
        let goal = ground_point(bay.at);
        let goal_heading = bay.heading.to_radians();
        let bay_direction = Quat::from_rotation_y(goal_heading) * Vec3::NEG_Z;
        let start_direction = Quat::from_rotation_y(heading) * Vec3::NEG_Z;
        // Along the lane, then onto the bay's axis 7 m before its center.
        let entry = goal - bay_direction * 7.0;
        let first = from + start_direction * 3.0;
        let waypoints =
            [from, first, first.lerp(entry, 0.5), entry, goal - bay_direction * 4.0, goal - bay_direction * 2.0, goal];
        let waypoints: Vec<(f32, f32)> = waypoints.iter().map(|p| (p.x, p.z)).collect();
        let course = Course::spline(&waypoints, false, 2.0).ok().map(Arc::new);
        TaskGoal { course, position: Some(goal), heading: Some(goal_heading), ..TaskGoal::default() }
    }

    /// Place the posts in random order on the ring and sample the order of the visits.
    fn relay(&self, physics: &mut Physics<'_>, rng: &mut SimRng, spec: &Posts, radius: f32) -> TaskGoal {
        let mut places: Vec<usize> = (0..spec.posts).collect();
        let mut order = places.clone();
        for list in [&mut places, &mut order] {
            for i in (1..list.len()).rev() {
                list.swap(i, rng.random_range(0..=i));
            }
        }
        order.truncate(spec.visits);
        if !spec.order.is_empty() {
            order.clone_from(&spec.order);
        }
        let first_angle = uniform(rng, 180.0);
        let mut posts = Vec::new();
        for (place, handle) in places.iter().zip(&self.posts) {
            let angle = (first_angle + 360.0 * *place as f32 / spec.posts as f32).to_radians();
            let on_ring = Quat::from_rotation_y(angle) * Vec3::NEG_Z * spec.ring;
            let position = on_ring + Vec3::new(uniform(rng, spec.spread), 0.0, uniform(rng, spec.spread));
            set_pose(physics, *handle, position + Vec3::Y * (height_of(super::build::POST) / 2.0), 0.0);
            posts.push(Post { position, visited: false });
        }
        let colors: Vec<&str> = order.iter().map(|post| COLORS[*post].0).collect();
        let relay = Relay { posts, order, radius };
        let position = relay.next().map(|post| relay.posts[post].position);
        let instruction = Some(format!("visit {}", colors.join(", ")));
        TaskGoal { position, relay: Some(relay), instruction, ..TaskGoal::default() }
    }

    /// Place the agents and the non-player cars along the road.
    fn on_course(&self, physics: &mut Physics<'_>, slots: &mut [Slot], rng: &mut SimRng, courses: &[Arc<Course>; 2]) {
        let reversible = self.scene.course.as_ref().is_some_and(|r| r.reversible);
        let direction = usize::from(reversible && rng.random::<bool>());
        let course = &courses[direction];
        let start = &self.scene.start;
        let along = if start.anywhere {
            rng.random::<f32>() * course.length()
        } else {
            course.project(ground_point(start.at)).along + uniform(rng, start.spread.0)
        };
        let npcs = slots.len() - self.agents;
        // The non-player cars and the agents are evenly spaced along the road.
        let spacing = course.length() / (npcs + 1) as f32;
        for (i, slot) in slots.iter_mut().enumerate() {
            let (place, lateral, turn) = if i < self.agents {
                let behind = COURSE_SPACING.min(course.length() / self.agents as f32) * i as f32;
                (along - behind, uniform(rng, start.spread.1), uniform(rng, start.turn))
            } else {
                let index = (i - self.agents + 1) as f32 + uniform(rng, 0.15);
                (along + index * spacing, uniform(rng, 0.3), 0.0)
            };
            let heading = course.heading_at(place);
            let left = Quat::from_rotation_y(heading) * Vec3::NEG_X;
            let mut position = course.point_at(place) + left * lateral;
            position.y = floor_height(physics, position);
            slot.body.place(physics, position, heading + turn.to_radians());
            slot.goal = TaskGoal { course: Some(course.clone()), ..TaskGoal::default() };
        }
    }
}

/// Height of the fixed ground under a position, m; a banked road is not at height 0.
fn floor_height(physics: &Physics<'_>, position: Vec3) -> f32 {
    let from = position + Vec3::Y * 20.0;
    let filter = QueryFilter::only_fixed();
    physics.cast_ray(from, Vec3::NEG_Y, 40.0, filter).map_or(0.0, |hit| from.y - hit.distance)
}

impl Variation for SceneVariation {
    fn apply(&mut self, physics: &mut Physics<'_>, slots: &mut [Slot], rng: &mut SimRng) {
        if let Some(courses) = &self.courses {
            self.place_objects(physics, rng);
            self.scatter(physics, rng, &[]);
            self.on_course(physics, slots, rng, courses);
            return;
        }
        if let TaskKind::Tag { apart: min_distance, .. } = self.scene.task {
            self.tag(physics, slots, rng, min_distance);
            return;
        }
        let (from, heading) = self.sample_start(rng);
        self.place_objects(physics, rng);
        let goal_position = self.scene.goal.as_ref().map(|goal| {
            ground_point(goal.at) + Vec3::new(uniform(rng, goal.spread.0), 0.0, uniform(rng, goal.spread.1))
        });
        let clear: Vec<Vec3> = std::iter::once(from).chain(goal_position).collect();
        self.scatter(physics, rng, &clear);
        let goal = if let Some(gates) = &self.scene.gates {
            self.gates(physics, rng, gates, from)
        } else if let (Some(posts), TaskKind::Relay { radius }) = (&self.scene.relay, &self.scene.task) {
            self.relay(physics, rng, posts, *radius)
        } else if !self.scene.bays.is_empty() {
            self.bays(physics, rng, from, heading)
        } else {
            let object = match self.scene.task {
                TaskKind::Push { object, .. } => self.objects.get(object).copied(),
                _ => None,
            };
            TaskGoal { position: goal_position, object, ..TaskGoal::default() }
        };
        let (from, heading) = match &goal.course {
            Some(course) if self.scene.start.anywhere && !goal.gates.is_empty() => {
                let along = rng.random::<f32>() * (course.length() - END_CLEARANCE).max(0.0);
                let course_heading = course.heading_at(along);
                let left = Quat::from_rotation_y(course_heading) * Vec3::NEG_X;
                let lateral = left * uniform(rng, self.scene.start.spread.0);
                (course.point_at(along) + lateral, course_heading + uniform(rng, self.scene.start.turn).to_radians())
            }
            _ => (from, heading),
        };
        let Spacing { direction, distance } = self.scene.agent.spacing();
        let spacing = Quat::from_rotation_y(heading) * direction * distance;
        for (i, slot) in slots.iter_mut().enumerate() {
            slot.body.place(physics, from + spacing * i as f32, heading);
            slot.goal = goal.clone();
        }
    }
}
