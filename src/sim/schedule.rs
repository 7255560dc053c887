//! The order of systems within one tick. All ordering across modules is defined here.

use bevy::app::{App, Plugin};
use bevy::ecs::prelude::*;
use bevy::ecs::schedule::{LogLevel, ScheduleBuildSettings, ScheduleLabel, SingleThreadedExecutor};

use super::stepping::{SimThreads, reset_arenas, sense_arenas, step_arenas};

/// The first half of a tick: reset and observation. Separate from [`SimAct`], so that a vectorized environment can return
/// the observation after an action without sensing twice.
#[derive(ScheduleLabel, Clone, Debug, PartialEq, Eq, Hash)]
pub struct SimObserve;

/// The second half of a tick: action, physics and reward.
#[derive(ScheduleLabel, Clone, Debug, PartialEq, Eq, Hash)]
pub struct SimAct;

/// Sets of [`SimObserve`], in this order.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObserveSystems {
    /// Arenas with a requested reset are restored to their nominal state and randomized by the episode's seed.
    Reset,
    /// Tasks of the arenas that were just reset are reset.
    Begin,
    /// Each agent's observation is written.
    Sense,
}

/// Sets of [`SimAct`], in this order.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActSystems {
    /// Drivers write their agents' actions.
    Decide,
    /// Recorders append observation, action and state hash to open episodes.
    Record,
    /// Actions become motor targets and wheel forces.
    Actuate,
    /// Each arena advances by `control_dt`.
    Physics,
    /// Tasks compute the reward terms of the new state.
    Score,
    /// Recorders append the reward; ended episodes are closed.
    Close,
}

/// Sets within [`ActSystems::Decide`], in this order. Each agent has one driver, so the order of keys, replays and policies
/// does not matter; it is fixed so that the schedule has no ambiguity.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DecideSystems {
    /// Drivers whose actions are quantized to key presses get their unquantized action back.
    RestoreUnquantized,
    /// Scripted operators press keys; pressed keys become actions.
    Keys,
    /// Recorded actions are replayed.
    Replay,
    /// Policies compute actions.
    Policy,
    /// Actions are quantized to key presses, where enabled.
    Quantize,
}

/// One whole tick: `Reset → Begin → Sense → Decide → Record → Actuate → Physics → Score → Close`.
pub fn tick(world: &mut World) {
    world.run_schedule(SimObserve);
    world.run_schedule(SimAct);
}

/// Adds the tick's schedules. Runs no tick by itself: the app's clock or a headless loop calls [`tick`].
#[derive(Default)]
pub struct SimPlugin {
    /// Threads that step arenas; 0 takes one per core.
    pub threads: usize,
}

impl Plugin for SimPlugin {
    fn build(&self, app: &mut App) {
        app.insert_resource(SimThreads::new(self.threads));
        // Single-threaded: a tick's systems are short, and the hand-over of the multi-threaded executor costs more than
        // they do. The systems themselves distribute arenas over the cores.
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
                    DecideSystems::RestoreUnquantized,
                    DecideSystems::Keys,
                    DecideSystems::Replay,
                    DecideSystems::Policy,
                    DecideSystems::Quantize,
                )
                    .chain()
                    .in_set(ActSystems::Decide),
            )
            .add_systems(SimObserve, reset_arenas.in_set(ObserveSystems::Reset))
            .add_systems(SimObserve, sense_arenas.in_set(ObserveSystems::Sense))
            .add_systems(SimAct, step_arenas.in_set(ActSystems::Physics));
    }
}
