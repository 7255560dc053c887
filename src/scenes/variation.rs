//! How the episodes of a RON scene differ: starts, things, goals, the way round.

use std::sync::Arc;

use bevy::math::{Quat, Vec3};
use bevy_rapier3d::rapier::prelude::*;
use rand::RngExt;

use super::colours::COLOURS;
use super::specification::{AgentKind, Form, Gates, Posts, SceneSpecification, TaskKind};
use crate::sim::{Course, Gate, Guide, Physics, Post, Relay, Rival, SimRng, Slot, Variation};

/// Room that each further agent of an arena gets behind or beside the first, m; less where the course is too short.
const AGENT_SPACING: f32 = 9.0;
/// The same on foot, m.
const PERSON_SPACING: f32 = 1.6;

/// Nobody who begins anywhere between gates begins nearer to the end than this, m.
const END_CLEAR: f32 = 8.0;

/// Varies an arena of a RON scene.
pub(super) struct SceneVariation {
    pub scene: Arc<SceneSpecification>,
    /// The road, and the same road the other way.
    pub courses: Option<[Arc<Course>; 2]>,
    pub cones: Vec<RigidBodyHandle>,
    pub parked: Vec<RigidBodyHandle>,
    pub objects: Vec<RigidBodyHandle>,
    pub scattered: Vec<RigidBodyHandle>,
    pub posts: Vec<RigidBodyHandle>,
    /// Agents with a task; the slots after them are the scene's own cars.
    pub actors: usize,
}

/// A number within `±spread`, even.
fn stray(rng: &mut SimRng, spread: f32) -> f32 {
    (rng.random::<f32>() * 2.0 - 1.0) * spread
}

fn flat((x, z): (f32, f32)) -> Vec3 {
    Vec3::new(x, 0.0, z)
}

fn put(physics: &mut Physics<'_>, handle: RigidBodyHandle, position: Vec3, heading: f32) {
    if let Some(body) = physics.bodies.get_mut(handle) {
        body.set_position(Pose::from_parts(position, Quat::from_rotation_y(heading)), true);
        if body.is_dynamic() {
            body.set_linvel(Vec3::ZERO, true);
            body.set_angvel(Vec3::ZERO, true);
        }
    }
}

fn height_of(form: Form) -> f32 {
    match form {
        Form::Box(_, height, _) | Form::Cylinder(_, height) => height,
    }
}

impl SceneVariation {
    /// Start place and heading of the first agent where no course decides it.
    fn start(&self, rng: &mut SimRng) -> (Vec3, f32) {
        let start = &self.scene.start;
        let position = flat(start.at) + Vec3::new(stray(rng, start.spread.0), 0.0, stray(rng, start.spread.1));
        (position, (start.heading + stray(rng, start.turn)).to_radians())
    }

    fn vary_objects(&self, physics: &mut Physics<'_>, rng: &mut SimRng) {
        for (object, handle) in self.scene.objects.iter().zip(&self.objects) {
            let position = flat(object.at) + Vec3::new(stray(rng, object.spread.0), 0.0, stray(rng, object.spread.1));
            let heading = (object.heading + stray(rng, object.turn)).to_radians();
            put(physics, *handle, position + Vec3::Y * (height_of(object.form) / 2.0), heading);
        }
    }

    /// Places and headings of the two who play tag: the farthest of 200 draws where none is far enough.
    fn apart(&self, rng: &mut SimRng, apart: f32) -> [(Vec3, f32); 2] {
        let first = self.start(rng);
        let mut second = self.start(rng);
        for _ in 0..200 {
            let far = second.0.distance(first.0);
            if far >= apart {
                break;
            }
            let other = self.start(rng);
            if other.0.distance(first.0) > far {
                second = other;
            }
        }
        [first, second]
    }

    /// Tag: who begins where, between things, and who is whose.
    fn tag(&self, physics: &mut Physics<'_>, slots: &mut [Slot], rng: &mut SimRng, apart: f32) {
        let places = self.apart(rng, apart);
        self.vary_objects(physics, rng);
        self.scatter(physics, rng, &places.map(|(place, _)| place));
        let roots: Vec<RigidBodyHandle> = slots.iter().map(|slot| slot.body.parts()[0]).collect();
        for (i, (slot, (place, heading))) in slots.iter_mut().zip(places).enumerate() {
            slot.body.place(physics, place, heading);
            slot.guide = Guide { rival: Some(Rival { body: roots[1 - i], chasing: i == 0 }), ..Guide::default() };
        }
    }

    /// Scatter things by drawing places until one is far enough from the others; the last of 200 draws counts.
    fn scatter(&self, physics: &mut Physics<'_>, rng: &mut SimRng, keep_clear: &[Vec3]) {
        let Some(scatter) = &self.scene.scatter else { return };
        let ((x0, z0), (x1, z1)) = scatter.area;
        let mut places: Vec<Vec3> = Vec::new();
        for handle in &self.scattered {
            let mut place = Vec3::ZERO;
            for _ in 0..200 {
                place = Vec3::new(x0 + rng.random::<f32>() * (x1 - x0), 0.0, z0 + rng.random::<f32>() * (z1 - z0));
                if places.iter().chain(keep_clear).all(|p| p.distance(place) > scatter.apart) {
                    break;
                }
            }
            places.push(place);
            put(physics, *handle, place + Vec3::Y * (height_of(scatter.form) / 2.0), 0.0);
        }
    }

    /// Set up the cones and the way past them.
    fn gates(&self, physics: &mut Physics<'_>, rng: &mut SimRng, gates: &Gates, from: Vec3) -> Guide {
        let mut side = if rng.random::<bool>() { 1.0 } else { -1.0 };
        let mut way = vec![(from.x, from.z), (from.x * 0.5, from.z - gates.first * 0.4)];
        let mut out = Vec::new();
        for i in 0..gates.count {
            let post = Vec3::new(
                stray(rng, gates.spread),
                0.0,
                -(gates.first + i as f32 * gates.spacing) + stray(rng, gates.spread),
            );
            put(physics, self.cones[i], post + Vec3::Y * super::build::CONE_HEIGHT / 2.0, 0.0);
            // Passing left of a post means passing it at smaller x.
            way.push((post.x - side * gates.aside, post.z));
            out.push(Gate { post, side });
            side = -side;
        }
        let end = -(gates.first + gates.count as f32 * gates.spacing + 4.0);
        way.push((0.0, end + 4.0));
        way.push((0.0, end));
        let course = Course::spline(&way, false, gates.aside + 1.0).ok().map(Arc::new);
        Guide { course, gates: out, ..Guide::default() }
    }

    /// Choose a bay, fill the others, and lay the way into it.
    fn bays(&self, physics: &mut Physics<'_>, rng: &mut SimRng, from: Vec3, heading: f32) -> Guide {
        let chosen = rng.random_range(0..self.scene.bays.len());
        let mut cars = self.parked.iter();
        for (i, bay) in self.scene.bays.iter().enumerate() {
            if i == chosen {
                continue;
            }
            if let Some(car) = cars.next() {
                let askew = (bay.heading + stray(rng, 3.0)).to_radians();
                put(physics, *car, flat(bay.at) + Vec3::Y * 0.7, askew);
            }
        }
        let bay = &self.scene.bays[chosen];
        let goal = flat(bay.at);
        let goal_heading = bay.heading.to_radians();
        let into = Quat::from_rotation_y(goal_heading) * Vec3::NEG_Z;
        let away = Quat::from_rotation_y(heading) * Vec3::NEG_Z;
        // Along the lane, then onto the bay's axis 7 m before its middle.
        let entry = goal - into * 7.0;
        let first = from + away * 3.0;
        let way = [from, first, first.lerp(entry, 0.5), entry, goal - into * 4.0, goal - into * 2.0, goal];
        let way: Vec<(f32, f32)> = way.iter().map(|p| (p.x, p.z)).collect();
        let course = Course::spline(&way, false, 2.0).ok().map(Arc::new);
        Guide { course, goal: Some(goal), goal_heading: Some(goal_heading), ..Guide::default() }
    }

    /// Deal the posts to their places on the ring, and the order of the visits.
    fn relay(&self, physics: &mut Physics<'_>, rng: &mut SimRng, wanted: &Posts, radius: f32) -> Guide {
        let mut places: Vec<usize> = (0..wanted.posts).collect();
        let mut order = places.clone();
        for list in [&mut places, &mut order] {
            for i in (1..list.len()).rev() {
                list.swap(i, rng.random_range(0..=i));
            }
        }
        order.truncate(wanted.visits);
        if !wanted.order.is_empty() {
            order.clone_from(&wanted.order);
        }
        let begin = stray(rng, 180.0);
        let mut posts = Vec::new();
        for (place, handle) in places.iter().zip(&self.posts) {
            let angle = (begin + 360.0 * *place as f32 / wanted.posts as f32).to_radians();
            let on_ring = Quat::from_rotation_y(angle) * Vec3::NEG_Z * wanted.ring;
            let position = on_ring + Vec3::new(stray(rng, wanted.spread), 0.0, stray(rng, wanted.spread));
            put(physics, *handle, position + Vec3::Y * (height_of(super::build::POST) / 2.0), 0.0);
            posts.push(Post { position, visited: false });
        }
        let named: Vec<&str> = order.iter().map(|post| COLOURS[*post].0).collect();
        let relay = Relay { posts, order, radius };
        let goal = relay.next().map(|post| relay.posts[post].position);
        let instruction = Some(format!("visit {}", named.join(", ")));
        Guide { goal, relay: Some(relay), instruction, ..Guide::default() }
    }

    /// Place the agents, and the scene's own cars, along a road.
    fn on_course(&self, physics: &mut Physics<'_>, slots: &mut [Slot], rng: &mut SimRng, courses: &[Arc<Course>; 2]) {
        let reversible = self.scene.course.as_ref().is_some_and(|r| r.reversible);
        let way = usize::from(reversible && rng.random::<bool>());
        let course = &courses[way];
        let start = &self.scene.start;
        let along = if start.anywhere {
            rng.random::<f32>() * course.length()
        } else {
            course.project(flat(start.at)).along + stray(rng, start.spread.0)
        };
        let extras = slots.len() - self.actors;
        // The scene's cars share the road evenly with the agents.
        let room = course.length() / (extras + 1) as f32;
        for (i, slot) in slots.iter_mut().enumerate() {
            let (place, aside, turn) = if i < self.actors {
                let behind = AGENT_SPACING.min(course.length() / self.actors as f32) * i as f32;
                (along - behind, stray(rng, start.spread.1), stray(rng, start.turn))
            } else {
                let share = (i - self.actors + 1) as f32 + stray(rng, 0.15);
                (along + share * room, stray(rng, 0.3), 0.0)
            };
            let heading = course.heading_at(place);
            let left = Quat::from_rotation_y(heading) * Vec3::NEG_X;
            let mut position = course.point_at(place) + left * aside;
            position.y = floor_height(physics, position);
            slot.body.place(physics, position, heading + turn.to_radians());
            slot.guide = Guide { course: Some(course.clone()), ..Guide::default() };
        }
    }
}

/// Height of the fixed ground under a place, m: roads are banked.
fn floor_height(physics: &Physics<'_>, position: Vec3) -> f32 {
    let from = position + Vec3::Y * 20.0;
    let filter = QueryFilter::only_fixed();
    physics.cast_ray(from, Vec3::NEG_Y, 40.0, filter).map_or(0.0, |hit| from.y - hit.distance)
}

impl Variation for SceneVariation {
    fn apply(&mut self, physics: &mut Physics<'_>, slots: &mut [Slot], rng: &mut SimRng) {
        if let Some(courses) = &self.courses {
            self.vary_objects(physics, rng);
            self.scatter(physics, rng, &[]);
            self.on_course(physics, slots, rng, courses);
            return;
        }
        if let TaskKind::Tag { apart, .. } = self.scene.task {
            self.tag(physics, slots, rng, apart);
            return;
        }
        let (from, heading) = self.start(rng);
        self.vary_objects(physics, rng);
        let goal = self
            .scene
            .goal
            .as_ref()
            .map(|goal| flat(goal.at) + Vec3::new(stray(rng, goal.spread.0), 0.0, stray(rng, goal.spread.1)));
        let clear: Vec<Vec3> = std::iter::once(from).chain(goal).collect();
        self.scatter(physics, rng, &clear);
        let guide = if let Some(gates) = &self.scene.gates {
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
            Guide { goal, object, ..Guide::default() }
        };
        let (from, heading) = match &guide.course {
            Some(course) if self.scene.start.anywhere && !guide.gates.is_empty() => {
                let along = rng.random::<f32>() * (course.length() - END_CLEAR).max(0.0);
                let way = course.heading_at(along);
                let left = Quat::from_rotation_y(way) * Vec3::NEG_X;
                let aside = left * stray(rng, self.scene.start.spread.0);
                (course.point_at(along) + aside, way + stray(rng, self.scene.start.turn).to_radians())
            }
            _ => (from, heading),
        };
        let on_foot = matches!(self.scene.agent, AgentKind::Humanoid { .. });
        let spacing = if on_foot {
            Quat::from_rotation_y(heading) * Vec3::X * PERSON_SPACING
        } else {
            Quat::from_rotation_y(heading) * Vec3::Z * AGENT_SPACING
        };
        for (i, slot) in slots.iter_mut().enumerate() {
            slot.body.place(physics, from + spacing * i as f32, heading);
            slot.guide = guide.clone();
        }
    }
}
