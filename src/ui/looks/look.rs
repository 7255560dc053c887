//! The interface of a look: meshes of a body, framing of the camera, ground.

use bevy::color::{Color, Luminance};

use crate::sim::{Body, Physics, WheelPose};
use crate::ui::mesh_spawner::MeshSpawner;
use crate::ui::texture::Floor;

/// The look of a kind of agent. Each part has a default: a kind without a look of its own is drawn as its collision shapes.
pub trait Look: Sync {
    /// Name of the kind of agent, such as `vehicle`.
    fn agent(&self) -> &'static str;

    /// The camera's placement.
    fn framing(&self) -> Framing {
        Framing { behind: 3.9, above: 1.3, target: 0.1, ahead: 1.4, swing: 2.2 }
    }

    /// The ground of the kind's scenes. `lot`: they have a course without a road, as a parking lot.
    fn floor(&self, _lot: bool) -> Floor {
        Floor::Paving
    }

    /// Spawn the meshes of a body. Its wheels are there already.
    fn spawn(&self, spawner: &mut MeshSpawner<'_, '_>, drawn: &DrawnBody<'_>) {
        spawn_shapes(spawner, drawn);
    }
}

/// The camera's placement relative to an agent, and how fast it follows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Framing {
    /// Distance behind the agent, m.
    pub behind: f32,
    /// Height above the agent, m.
    pub above: f32,
    /// Height of the look-at point, m.
    pub target: f32,
    /// Distance of the look-at point in front, m.
    pub ahead: f32,
    /// Rate of the exponential smoothing of the heading, 1/s.
    pub swing: f32,
}

/// A body to draw.
pub struct DrawnBody<'a> {
    /// The physics of its arena.
    pub physics: &'a Physics<'a>,
    /// The body.
    pub body: &'a dyn Body,
    /// Its slot.
    pub slot: usize,
    /// Its wheels.
    pub wheels: &'a [WheelPose],
    /// Color that distinguishes it from other agents.
    pub color: Color,
}

/// Spawn the collision shapes of all parts, in shades of the body's color.
pub(super) fn spawn_shapes(spawner: &mut MeshSpawner<'_, '_>, drawn: &DrawnBody<'_>) {
    for (i, part) in drawn.body.parts().iter().enumerate() {
        spawner.spawn_shapes(drawn.physics, *part, drawn.color.lighter(0.04 * (i % 3) as f32));
    }
}
