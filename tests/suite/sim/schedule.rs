//! The tick's schedules have no ambiguity: conflicting systems have an order.

use apprentice::rollout::headless_app;
use apprentice::sim::{SimAct, SimObserve};
use bevy::ecs::schedule::{LogLevel, ScheduleBuildSettings};

#[test]
fn the_schedules_have_no_ambiguity() {
    let mut app = headless_app(1);
    let strict = ScheduleBuildSettings { ambiguity_detection: LogLevel::Error, ..Default::default() };
    app.edit_schedule(SimObserve, |schedule| {
        schedule.set_build_settings(strict.clone());
    });
    app.edit_schedule(SimAct, |schedule| {
        schedule.set_build_settings(strict.clone());
    });
    // Building a schedule panics when two conflicting systems have no order.
    app.world_mut().run_schedule(SimObserve);
    app.world_mut().run_schedule(SimAct);
}
