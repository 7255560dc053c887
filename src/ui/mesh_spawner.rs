//! Spawns the meshes of bodies.

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;
use bevy_rapier3d::rapier::prelude::{Collider, RigidBodyHandle};

use super::materials::SharedMaterials;
use super::mesh_builder::MeshBuilder;
use super::props::add_shape;
use crate::sim::Physics;

/// Marks entities that are respawned when the arena's structure changes.
#[derive(Component)]
pub struct ArenaMesh;

/// Its transform follows a rigid body.
#[derive(Component)]
pub struct FollowBody {
    /// The rigid body.
    pub body: RigidBodyHandle,
    /// Transform in the body's frame.
    pub local: Transform,
}

/// A light of an agent that is on while a component of the action is above 0, such as a car's tail lights.
#[derive(Component)]
pub struct ActionLight {
    /// The slot of the agent's body.
    pub slot: usize,
    /// Index into the action.
    pub action: usize,
}

/// Spawns meshes that follow rigid bodies.
#[derive(SystemParam)]
pub struct MeshSpawner<'w, 's> {
    /// Commands, for further components.
    pub commands: Commands<'w, 's>,
    /// The meshes.
    pub meshes: ResMut<'w, Assets<Mesh>>,
    /// Shared materials.
    pub materials: Res<'w, SharedMaterials>,
}

impl MeshSpawner<'_, '_> {
    /// Spawn a mesh in the frame of a rigid body.
    pub fn spawn_mesh(&mut self, body: RigidBodyHandle, mesh: Mesh, material: Handle<StandardMaterial>) -> Entity {
        let follows = FollowBody { body, local: Transform::IDENTITY };
        let mesh = Mesh3d(self.meshes.add(mesh));
        self.commands.spawn((ArenaMesh, follows, mesh, MeshMaterial3d(material), Transform::default())).id()
    }

    /// Spawn the collision shapes of a rigid body in one color.
    pub fn spawn_shapes(&mut self, physics: &Physics<'_>, body: RigidBodyHandle, color: Color) {
        let Some(rigid_body) = physics.bodies.get(body) else { return };
        let mut mesh = MeshBuilder::default();
        for collider in rigid_body.colliders().iter().filter_map(|c| physics.colliders.get(*c)) {
            add_shape(&mut mesh, collider.shared_shape(), place_in_body(collider), color);
        }
        if !mesh.is_empty() {
            self.spawn_mesh(body, mesh.finish(), self.materials.matte.clone());
        }
    }
}

/// Transform of a collider in the frame of its body.
pub fn place_in_body(collider: &Collider) -> Transform {
    collider
        .position_wrt_parent()
        .map_or(Transform::IDENTITY, |pose| Transform::from_translation(pose.translation).with_rotation(pose.rotation))
}
