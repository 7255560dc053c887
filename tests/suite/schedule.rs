//! The tick's schedules: no two systems of theirs conflict without an order.

use apprentice::rollout::headless_app;
use apprentice::sim::{SimAct, SimObserve};
use bevy::ecs::schedule::{LogLevel, ScheduleBuildSettings};

#[test]
fn no_order_is_left_to_chance() {
    let mut app = headless_app(1);
    let strict = ScheduleBuildSettings { ambiguity_detection: LogLevel::Error, ..Default::default() };
    app.edit_schedule(SimObserve, |schedule| {
        schedule.set_build_settings(strict.clone());
    });
    app.edit_schedule(SimAct, |schedule| {
        schedule.set_build_settings(strict.clone());
    });
    // Building panics where two systems conflict.
    app.world_mut().run_schedule(SimObserve);
    app.world_mut().run_schedule(SimAct);
}
