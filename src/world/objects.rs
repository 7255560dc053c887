//! Inserts the parts of a world into the physics sets of an arena.

use std::sync::Arc;

use bevy::math::Vec3;
use bevy_rapier3d::rapier::prelude::*;

use super::road::road;
use super::specification::{Object, ObjectKind, Shape, WorldSpecification};
use crate::sim::{Course, Physics, Surface};

/// A colored post: radius and height, m.
pub const POST: Shape = Shape::Cylinder(0.12, 1.6);
/// Height of a cone, m: a large traffic cone of EN 13422.
pub const CONE_HEIGHT: f32 = 0.9;
/// Radius of the cylinder that approximates a cone, m.
const CONE_RADIUS: f32 = 0.18;
/// Mass of a cone, kg.
const CONE_MASS: f32 = 4.0;
/// Width, height and length of a parked car, m.
const PARKED: Vec3 = Vec3::new(1.75, 1.4, 4.0);

/// The rigid bodies and courses of a built world.
#[derive(Clone, Debug, Default)]
pub struct WorldObjects {
    /// The course of the road in both directions.
    pub courses: Option<[Arc<Course>; 2]>,
    /// The objects at given positions.
    pub objects: Vec<RigidBodyHandle>,
    /// The objects at random positions.
    pub scattered: Vec<RigidBodyHandle>,
    /// The colored posts.
    pub posts: Vec<RigidBodyHandle>,
    /// The cones of the row.
    pub cones: Vec<RigidBodyHandle>,
    /// The parked cars, one fewer than there are bays.
    pub parked: Vec<RigidBodyHandle>,
}

impl ObjectKind {
    /// The surface of an object of this kind.
    fn surface(self) -> Surface {
        match self {
            Self::Obstacle => Surface::Obstacle,
            Self::Step => Surface::Step,
            Self::Cone => Surface::Cone,
            Self::Crate => Surface::Crate,
            Self::Parked => Surface::Parked,
        }
    }
}

impl Shape {
    fn collider(self) -> ColliderBuilder {
        match self {
            Self::Box(x, y, z) => ColliderBuilder::cuboid(x / 2.0, y / 2.0, z / 2.0),
            Self::Cylinder(radius, height) => ColliderBuilder::cylinder(height / 2.0, radius),
        }
    }
}

/// Insert an object at the origin; with a `mass` (kg) it is movable, without it is fixed.
pub fn insert_object(
    physics: &mut Physics<'_>,
    kind: ObjectKind,
    shape: Shape,
    mass: Option<f32>,
    friction: f32,
) -> RigidBodyHandle {
    let collider = kind.surface().mark(shape.collider().friction(friction));
    match mass {
        Some(mass) => {
            let body = RigidBodyBuilder::dynamic().can_sleep(false).linear_damping(0.05).angular_damping(0.3);
            physics.insert(body, [collider.mass(mass).build()])
        }
        None => physics.insert(RigidBodyBuilder::fixed(), [collider.build()]),
    }
}

fn reversed(course: &Course, points: &[(f32, f32)]) -> Option<Course> {
    let points: Vec<(f32, f32)> = points.iter().rev().copied().collect();
    Course::spline(&points, course.closed(), course.half_width()).ok()
}

impl WorldSpecification {
    /// Insert ground, road and objects; all objects are at the origin until an episode places them.
    pub fn build(&self, physics: &mut Physics<'_>) -> WorldObjects {
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
        WorldObjects { courses, objects, scattered, posts, cones, parked }
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
}
