//! Where bodies are between ticks.

use std::collections::HashMap;

use bevy::math::{Quat, Vec3};
use bevy::prelude::*;
use bevy_rapier3d::rapier::prelude::RigidBodyHandle;

use crate::live::{LiveSystems, Session, SimClock};
use crate::sim::{ActSystems, Physics, PhysicsSets, SimAct};

/// Poses of the moving bodies before the last tick, and how far the clock is beyond it. What is drawn lies between
/// that pose and the current one: at 30 ticks a second, bodies would otherwise be seen to jerk.
#[derive(Resource, Default)]
pub struct Poses {
    before: HashMap<RigidBodyHandle, (Vec3, Quat)>,
    share: f32,
}

impl Poses {
    /// Where a body is drawn.
    pub fn of(&self, physics: &Physics<'_>, body: RigidBodyHandle) -> (Vec3, Quat) {
        let (position, rotation) = physics.pose(body);
        match self.before.get(&body) {
            Some((p, q)) => (p.lerp(position, self.share), q.slerp(rotation, self.share)),
            None => (position, rotation),
        }
    }
}

/// Keeps [`Poses`].
pub struct PosesPlugin;

impl Plugin for PosesPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Poses>()
            .add_systems(SimAct, keep_poses.in_set(ActSystems::Actuate).run_if(resource_exists::<Session>))
            .add_systems(Update, read_clock.after(LiveSystems::Ticks).run_if(resource_exists::<Session>));
    }
}

fn keep_poses(session: Res<Session>, mut arenas: Query<PhysicsSets>, mut poses: ResMut<Poses>) {
    let Ok(mut sets) = arenas.get_mut(session.spawned.arena) else { return };
    let physics = sets.physics();
    poses.before.clear();
    poses.before.extend(
        physics
            .bodies
            .iter()
            .filter(|(_, body)| body.is_dynamic())
            .map(|(handle, body)| (handle, (body.translation(), *body.rotation()))),
    );
}

fn read_clock(session: Res<Session>, clock: Res<SimClock>, mut poses: ResMut<Poses>) {
    poses.share = clock.between_ticks(session.scene.blueprint.control_dt());
}
