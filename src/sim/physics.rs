//! One arena's Rapier sets, as bodies, sensors and tasks access them.

use bevy::ecs::query::QueryData;
use bevy::math::{Quat, Vec3};
use bevy_rapier3d::plugin::context::{
    RapierContextColliders, RapierContextJoints, RapierContextSimulation, RapierRigidBodySet,
};
use bevy_rapier3d::rapier::parry::query::DefaultQueryDispatcher;
use bevy_rapier3d::rapier::prelude::*;

/// Standard gravity, m/s² (ISO 80000-3), along -y: Bevy's up is +y.
pub const GRAVITY: f32 = 9.806_65;

/// The components of an arena that hold its physics: the sets of one `RapierContext` entity.
#[derive(QueryData)]
#[query_data(mutable)]
pub struct PhysicsSets {
    simulation: &'static mut RapierContextSimulation,
    bodies: &'static mut RapierRigidBodySet,
    colliders: &'static mut RapierContextColliders,
    joints: &'static mut RapierContextJoints,
}

impl PhysicsSetsItem<'_, '_> {
    /// Mutable access to the arena's physics.
    pub fn physics(&mut self) -> Physics<'_> {
        let simulation = &mut *self.simulation;
        let joints = &mut *self.joints;
        Physics {
            islands: &mut simulation.islands,
            broad_phase: &mut simulation.broad_phase,
            narrow_phase: &mut simulation.narrow_phase,
            ccd_solver: &mut simulation.ccd_solver,
            pipeline: &mut simulation.pipeline,
            parameters: &mut simulation.integration_parameters,
            bodies: &mut self.bodies.bodies,
            colliders: &mut self.colliders.colliders,
            joints: &mut joints.impulse_joints,
            multibody_joints: &mut joints.multibody_joints,
        }
    }
}

/// One arena's Rapier sets, borrowed together.
pub struct Physics<'a> {
    /// Islands of active and sleeping bodies.
    pub islands: &'a mut IslandManager,
    /// The bounding-volume tree behind collisions and ray casts.
    pub broad_phase: &'a mut DefaultBroadPhase,
    /// The contacts of the last step.
    pub narrow_phase: &'a mut NarrowPhase,
    /// Continuous collision detection.
    pub ccd_solver: &'a mut CCDSolver,
    /// The solver's workspace.
    pub pipeline: &'a mut PhysicsPipeline,
    /// Time step and solver settings.
    pub parameters: &'a mut IntegrationParameters,
    /// Rigid bodies.
    pub bodies: &'a mut RigidBodySet,
    /// Colliders.
    pub colliders: &'a mut ColliderSet,
    /// Impulse joints.
    pub joints: &'a mut ImpulseJointSet,
    /// Multibody joints; empty unless a library user adds some.
    pub multibody_joints: &'a mut MultibodyJointSet,
}

/// Intersection of a ray with a collider.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RayHit {
    /// Distance along the ray, m.
    pub distance: f32,
    /// Outward unit normal of the surface at the hit.
    pub normal: Vec3,
    /// The collider hit.
    pub collider: ColliderHandle,
}

impl Physics<'_> {
    /// Advance by one step of `parameters.dt` seconds.
    pub fn step(&mut self) {
        self.pipeline.step(
            Vec3::new(0.0, -GRAVITY, 0.0),
            self.parameters,
            self.islands,
            self.broad_phase,
            self.narrow_phase,
            self.bodies,
            self.colliders,
            self.joints,
            self.multibody_joints,
            self.ccd_solver,
            &(),
            &(),
        );
    }

    /// Length of one physics step, s.
    pub fn dt(&self) -> f32 {
        self.parameters.dt
    }

    /// Insert a body with its colliders.
    pub fn insert(
        &mut self,
        body: impl Into<RigidBody>,
        colliders: impl IntoIterator<Item = Collider>,
    ) -> RigidBodyHandle {
        let handle = self.bodies.insert(body);
        for collider in colliders {
            self.colliders.insert_with_parent(collider, handle, self.bodies);
        }
        handle
    }

    /// Update colliders and broad phase after bodies were moved by hand, for ray casts and the next step.
    pub fn refresh(&mut self) {
        self.bodies.propagate_modified_body_positions_to_colliders(self.colliders);
        for (handle, collider) in self.colliders.iter() {
            self.broad_phase.set_aabb(self.parameters, handle, collider.compute_aabb());
        }
    }

    /// Nearest hit within `reach` meters of `origin` along the unit vector `direction`. Colliders are where the last step or
    /// [`Physics::refresh`] left them.
    pub fn cast_ray(&self, origin: Vec3, direction: Vec3, reach: f32, filter: QueryFilter<'_>) -> Option<RayHit> {
        let queries = self.broad_phase.as_query_pipeline(&DefaultQueryDispatcher, self.bodies, self.colliders, filter);
        queries.cast_ray_and_get_normal(&Ray::new(origin, direction), reach, true).map(|(collider, hit)| RayHit {
            distance: hit.time_of_impact,
            normal: hit.normal,
            collider,
        })
    }

    /// Whether a collider of `bodies` is in contact with a collider of another body that `filter` accepts.
    pub fn touches(&self, bodies: &[RigidBodyHandle], filter: impl Fn(&Collider) -> bool) -> bool {
        bodies.iter().filter_map(|b| self.bodies.get(*b)).flat_map(|b| b.colliders()).any(|own| {
            self.narrow_phase.contact_pairs_with(*own).any(|pair| {
                let other = if pair.collider1 == *own { pair.collider2 } else { pair.collider1 };
                pair.has_any_active_contact()
                    && self
                        .colliders
                        .get(other)
                        .is_some_and(|c| !c.parent().is_some_and(|parent| bodies.contains(&parent)) && filter(c))
            })
        })
    }

    /// Position (m) and orientation of a body; the identity for an invalid handle.
    pub fn pose(&self, body: RigidBodyHandle) -> (Vec3, Quat) {
        self.bodies.get(body).map_or((Vec3::ZERO, Quat::IDENTITY), |b| (b.translation(), *b.rotation()))
    }
}
