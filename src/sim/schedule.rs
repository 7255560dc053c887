//! The order of one tick. All cross-module ordering stands here.

use bevy::app::{App, Plugin};
use bevy::ecs::prelude::*;
use bevy::ecs::schedule::{LogLevel, ScheduleBuildSettings, ScheduleLabel, SingleThreadedExecutor};

use super::arena::{reset_arenas, sense_arenas};
use super::stepping::{SimThreads, step_arenas};

/// The first half of a tick: what an agent knows. Run apart from [`SimAct`], so that a vectorised environment can hand
/// out the observation of the state that its last action led to without sensing twice.
#[derive(ScheduleLabel, Clone, Debug, PartialEq, Eq, Hash)]
pub struct SimObserve;

/// The second half of a tick: what an agent does, and what comes of it.
#[derive(ScheduleLabel, Clone, Debug, PartialEq, Eq, Hash)]
pub struct SimAct;

/// Sets of [`SimObserve`], in this order.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObserveSystems {
    /// Arenas whose reset was asked for go back to their start snapshot, varied by the episode's seed.
    Reset,
    /// Tasks start the episodes that a reset has begun.
    Begin,
    /// Every agent's observation is written.
    Sense,
}

/// Sets of [`SimAct`], in this order.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActSystems {
    /// Drivers write their agents' actions.
    Decide,
    /// Open episodes take observation, action and state hash.
    Record,
    /// Actions become motor targets and wheel forces.
    Actuate,
    /// Every arena advances by `control_dt`.
    Physics,
    /// Tasks judge the state that came of it.
    Score,
    /// Recorders learn the score; ended episodes are closed.
    Close,
}

/// Who decides first within [`ActSystems::Decide`]. Every agent has one driver, so that the order of keys, replays and
/// policies changes nothing; it is given so that none is left to chance.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DecideSystems {
    /// Drivers whose wishes became taps find their own wish again.
    Recall,
    /// Keys are pressed and read.
    Keys,
    /// Recorded actions are repeated.
    Replay,
    /// Policies decide.
    Policy,
    /// Wishes become taps, where they do.
    Tap,
}

/// One whole tick: `Reset → Begin → Sense → Decide → Record → Actuate → Physics → Score → Close`.
pub fn tick(world: &mut World) {
    world.run_schedule(SimObserve);
    world.run_schedule(SimAct);
}

/// Arenas and the tick's schedules. Runs no tick by itself: the app's clock or a headless loop calls [`tick`].
#[derive(Default)]
pub struct SimPlugin {
    /// Threads that step arenas; 0 takes one for each core.
    pub threads: usize,
}

impl Plugin for SimPlugin {
    fn build(&self, app: &mut App) {
        app.insert_resource(SimThreads::new(self.threads));
        // Single-threaded: a tick's systems are tiny and the multi-threaded executor's hand-over costs more than they
        // do. Work is spread over the cores inside the systems, arena by arena.
        let settings = ScheduleBuildSettings { ambiguity_detection: LogLevel::Ignore, ..Default::default() };
        app.init_schedule(SimObserve).init_schedule(SimAct);
        app.edit_schedule(SimObserve, |schedule| {
            schedule.set_executor(SingleThreadedExecutor::new()).set_build_settings(settings.clone());
        });
        app.edit_schedule(SimAct, |schedule| {
            schedule.set_executor(SingleThreadedExecutor::new()).set_build_settings(settings.clone());
        });
        app.configure_sets(SimObserve, (ObserveSystems::Reset, ObserveSystems::Begin, ObserveSystems::Sense).chain())
            .configure_sets(
                SimAct,
                (
                    ActSystems::Decide,
                    ActSystems::Record,
                    ActSystems::Actuate,
                    ActSystems::Physics,
                    ActSystems::Score,
                    ActSystems::Close,
                )
                    .chain(),
            )
            .configure_sets(
                SimAct,
                (
                    DecideSystems::Recall,
                    DecideSystems::Keys,
                    DecideSystems::Replay,
                    DecideSystems::Policy,
                    DecideSystems::Tap,
                )
                    .chain()
                    .in_set(ActSystems::Decide),
            )
            .add_systems(SimObserve, reset_arenas.in_set(ObserveSystems::Reset))
            .add_systems(SimObserve, sense_arenas.in_set(ObserveSystems::Sense))
            .add_systems(SimAct, step_arenas.in_set(ActSystems::Physics));
    }
}
