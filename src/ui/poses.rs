//! Interpolation of body poses between ticks.

use std::collections::HashMap;

use bevy::math::{Quat, Vec3};
use bevy::prelude::*;
use bevy_rapier3d::rapier::prelude::RigidBodyHandle;

use crate::live::{LiveSystems, Session, SimClock};
use crate::sim::{ActSystems, Physics, PhysicsSets, SimAct};

/// Poses of the dynamic bodies before the last tick, and the overstep fraction of the clock. Bodies are drawn at a pose
/// interpolated between the previous tick's and the current one: at 30 ticks a second, motion would otherwise stutter.
#[derive(Resource, Default)]
pub struct InterpolatedPoses {
    previous: HashMap<RigidBodyHandle, (Vec3, Quat)>,
    /// Time since the last tick as a fraction of the tick's duration, 0 to 1.
    overstep: f32,
}

impl InterpolatedPoses {
    /// The interpolated pose of a body.
    pub fn get(&self, physics: &Physics<'_>, body: RigidBodyHandle) -> (Vec3, Quat) {
        let (position, rotation) = physics.pose(body);
        match self.previous.get(&body) {
            Some((p, q)) => (p.lerp(position, self.overstep), q.slerp(rotation, self.overstep)),
            None => (position, rotation),
        }
    }
}

/// Updates [`InterpolatedPoses`].
pub struct InterpolatedPosesPlugin;

impl Plugin for InterpolatedPosesPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<InterpolatedPoses>()
            .add_systems(SimAct, store_previous_poses.in_set(ActSystems::Actuate).run_if(resource_exists::<Session>))
            .add_systems(Update, update_overstep.after(LiveSystems::Ticks).run_if(resource_exists::<Session>));
    }
}

fn store_previous_poses(session: Res<Session>, mut arenas: Query<PhysicsSets>, mut poses: ResMut<InterpolatedPoses>) {
    let Ok(mut sets) = arenas.get_mut(session.spawned.arena) else { return };
    let physics = sets.physics();
    poses.previous.clear();
    poses.previous.extend(
        physics
            .bodies
            .iter()
            .filter(|(_, body)| body.is_dynamic())
            .map(|(handle, body)| (handle, (body.translation(), *body.rotation()))),
    );
}

fn update_overstep(clock: Res<SimClock>, mut poses: ResMut<InterpolatedPoses>) {
    poses.overstep = clock.overstep_fraction();
}
