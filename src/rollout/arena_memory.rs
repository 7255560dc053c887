//! The memory of an arena, before many are built.

use super::headless::headless_app;
use crate::agents::Driver;
use crate::scenes::{Scene, spawn_arena};
use crate::sim::{Arena, PhysicsSets, Snapshot};

/// What an arena takes beside its bodies and colliders: entities, Rapier's sets, and buffers, bytes. Measured as the growth
/// of the process with the number of arenas: 98 kB (`parking`) to 413 kB (`traffic`) in all.
const BASE: u64 = 160_000;
/// Memory of the bodies and colliders, as a multiple of their serialized size: the state and its nominal snapshot.
const COPIES: u64 = 2;

/// The memory that one arena of a scene takes, estimated from its snapshot, bytes.
pub fn arena_memory(scene: &Scene) -> u64 {
    let mut app = headless_app(1);
    let world = app.world_mut();
    let spawned = spawn_arena(world, scene, 1, Driver::Remote);
    let mut arenas = world.query::<(&Arena, PhysicsSets)>();
    let snapshot = arenas.get_mut(world, spawned.arena).ok();
    let bytes = snapshot.and_then(|(arena, mut sets)| Snapshot::take(&sets.physics(), arena).to_bytes().ok());
    BASE + COPIES * bytes.map_or(0, |bytes| bytes.len() as u64)
}
