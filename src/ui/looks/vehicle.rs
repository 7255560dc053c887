//! The look of a car.

use bevy_rapier3d::rapier::prelude::RigidBodyHandle;

use super::look::{DrawnBody, Framing, Look, spawn_shapes};
use crate::sim::{Physics, WheelPose};
use crate::ui::car_mesh::{CarShape, car, tail_lights};
use crate::ui::mesh_spawner::{ActionLight, MeshSpawner, place_in_body};
use crate::ui::texture::Floor;

/// Position of the brake in a car's action.
const BRAKE: usize = 2;

/// A car.
pub struct VehicleLook;

impl Look for VehicleLook {
    fn agent(&self) -> &'static str {
        "vehicle"
    }

    /// Shows the next bend.
    fn framing(&self) -> Framing {
        Framing { behind: 7.2, above: 3.0, target: 0.7, ahead: 3.0, swing: 3.5 }
    }

    fn floor(&self, lot: bool) -> Floor {
        if lot { Floor::Asphalt } else { Floor::Grass }
    }

    fn spawn(&self, spawner: &mut MeshSpawner<'_, '_>, drawn: &DrawnBody<'_>) {
        let [chassis] = drawn.body.parts() else { return spawn_shapes(spawner, drawn) };
        let Some(shape) = car_shape(drawn.physics, *chassis, drawn.wheels) else { return spawn_shapes(spawner, drawn) };
        let (painted, glass) = car(&shape, drawn.color);
        spawner.spawn_mesh(*chassis, painted, spawner.materials.gloss.clone());
        spawner.spawn_mesh(*chassis, glass, spawner.materials.glass.clone());
        let lights = spawner.spawn_mesh(*chassis, tail_lights(&shape), spawner.materials.tail[0].clone());
        spawner.commands.entity(lights).insert(ActionLight { slot: drawn.slot, action: BRAKE });
    }
}

/// Dimensions of the car around a chassis' collider.
fn car_shape(physics: &Physics<'_>, chassis: RigidBodyHandle, wheels: &[WheelPose]) -> Option<CarShape> {
    let body = physics.bodies.get(chassis)?;
    let collider = physics.colliders.get(*body.colliders().first()?)?;
    let bounds = collider.shape().compute_local_aabb();
    let (middle, half) = (bounds.center() + place_in_body(collider).translation, bounds.half_extents());
    let (position, rotation) = physics.pose(chassis);
    Some(CarShape {
        half_width: half.x,
        half_length: half.z,
        bottom: middle.y - half.y,
        // The collider covers the lower part of the car; the cabin is above it.
        roof: middle.y - half.y + 2.0 * half.y * 1.38,
        wheels: wheels.iter().map(|w| rotation.inverse() * (w.position - position)).collect(),
        wheel_radius: wheels.first().map_or(0.3, |w| w.radius),
    })
}
