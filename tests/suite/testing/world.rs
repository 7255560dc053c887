//! A bare physics world with flat ground, to which tests add bodies.

use apprentice::sim::{Body, Physics};
use bevy::math::{Quat, Vec3};
use bevy_rapier3d::rapier::prelude::*;

/// Physics steps per control tick.
pub const STEPS: usize = 4;
/// Control ticks per second.
pub const RATE: f32 = 30.0;
/// Length of a physics step, s.
pub const DT: f32 = 1.0 / (RATE * STEPS as f32);

/// The Rapier sets that a [`Physics`] view borrows.
#[derive(Default)]
pub struct World {
    islands: IslandManager,
    broad_phase: DefaultBroadPhase,
    narrow_phase: NarrowPhase,
    ccd_solver: CCDSolver,
    pipeline: PhysicsPipeline,
    parameters: IntegrationParameters,
    pub bodies: RigidBodySet,
    pub colliders: ColliderSet,
    pub joints: ImpulseJointSet,
    multibody_joints: MultibodyJointSet,
}

impl World {
    /// Flat ground of friction 0.8 with its top at y = 0.
    pub fn flat() -> Self {
        let mut world = Self::default();
        world.parameters.dt = DT;
        let ground = ColliderBuilder::cuboid(500.0, 0.5, 500.0).translation(Vec3::new(0.0, -0.5, 0.0)).friction(0.8);
        world.physics().insert(RigidBodyBuilder::fixed(), [ground.build()]);
        world.physics().refresh();
        world
    }

    /// A view that borrows all sets.
    pub fn physics(&mut self) -> Physics<'_> {
        Physics {
            islands: &mut self.islands,
            broad_phase: &mut self.broad_phase,
            narrow_phase: &mut self.narrow_phase,
            ccd_solver: &mut self.ccd_solver,
            pipeline: &mut self.pipeline,
            parameters: &mut self.parameters,
            bodies: &mut self.bodies,
            colliders: &mut self.colliders,
            joints: &mut self.joints,
            multibody_joints: &mut self.multibody_joints,
        }
    }

    /// Add a fixed box. `base`: center of its bottom face, m; `size`: edge lengths, m.
    pub fn block(&mut self, base: Vec3, size: Vec3) {
        let half = size * 0.5;
        let shape = ColliderBuilder::cuboid(half.x, half.y, half.z).friction(0.8);
        let body = RigidBodyBuilder::fixed().translation(base + Vec3::Y * half.y);
        self.physics().insert(body, [shape.build()]);
        self.physics().refresh();
    }

    /// Position and orientation of a body's root part.
    pub fn root(&self, body: &impl Body) -> (Vec3, Quat) {
        let root = &self.bodies[body.parts()[0]];
        (root.translation(), *root.rotation())
    }

    /// Apply one action for `seconds`, and call `after_step` after each physics step.
    pub fn run<B: Body>(
        &mut self,
        body: &mut B,
        seconds: f32,
        action: &[f32],
        mut after_step: impl FnMut(&mut Self, &mut B),
    ) {
        for _ in 0..(seconds * RATE).round() as usize {
            body.actuate(&mut self.physics(), action);
            for _ in 0..STEPS {
                body.before_step(&mut self.physics());
                body.run_controller(&mut self.physics());
                self.physics().step();
                after_step(self, body);
            }
        }
    }
}
