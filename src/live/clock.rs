//! The simulation clock: it converts real time to ticks.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bevy::ecs::prelude::*;

use super::session::Session;
use crate::sim::tick;

/// The most real time that one frame catches up, s. After a longer stall the clock drops the rest instead of running many
/// ticks at once. A quarter of a second keeps real time down to four frames per second.
const MAX_CATCH_UP: f64 = 0.25;
/// The time window over which the achieved tick rate is measured, s.
const RATE_WINDOW: f64 = 1.0;
/// Slowest and fastest time scale.
const TIME_SCALE_RANGE: (f32, f32) = (0.1, 4.0);

/// Computes how many ticks are due in a frame, as Bevy's `Time<Fixed>` does.
#[derive(Resource, Debug)]
pub struct SimClock {
    /// Simulated seconds per real second, 0.1 to 4.
    time_scale: f32,
    /// While paused, only [`SimClock::step_once`] runs a tick.
    pub paused: bool,
    step_once: bool,
    /// Simulated time that has passed but was not yet run as ticks, s.
    overstep: f64,
    last_update: Option<Instant>,
    /// Times of the ticks in the last [`RATE_WINDOW`].
    recent_ticks: VecDeque<Instant>,
    /// Delay of the last frame that ran ticks, s of real time: from when its first tick was due to its start.
    pub lateness: f64,
    /// The number of ticks run so far.
    tick_count: u64,
}

impl Default for SimClock {
    fn default() -> Self {
        Self {
            time_scale: 1.0,
            paused: false,
            step_once: false,
            overstep: 0.0,
            last_update: None,
            recent_ticks: VecDeque::new(),
            lateness: 0.0,
            tick_count: 0,
        }
    }
}

impl SimClock {
    /// Simulated seconds per real second.
    pub fn time_scale(&self) -> f32 {
        self.time_scale
    }

    /// Set the time scale, clamped to 0.1 to 4.
    pub fn set_time_scale(&mut self, scale: f32) {
        self.time_scale = scale.clamp(TIME_SCALE_RANGE.0, TIME_SCALE_RANGE.1);
    }

    /// Pause, and run one tick at the next update.
    pub fn step_once(&mut self) {
        self.paused = true;
        self.step_once = true;
    }

    /// The tick rate that the time scale requests, ticks per real second; 0 while paused.
    pub fn target_rate(&self, control_dt: f32) -> f32 {
        if self.paused { 0.0 } else { self.time_scale / control_dt }
    }

    /// The number of ticks run so far.
    pub fn ticks(&self) -> u64 {
        self.tick_count
    }

    /// The tick rate over the last second, ticks per real second.
    pub fn achieved_rate(&self) -> f32 {
        let now = Instant::now();
        let window = Duration::from_secs_f64(RATE_WINDOW);
        self.recent_ticks.iter().filter(|t| now.duration_since(**t) <= window).count() as f32 / RATE_WINDOW as f32
    }

    /// The fraction of a tick that has passed since the last tick, 0 to 1, for interpolation of the drawn poses; 1 while
    /// paused.
    pub fn overstep_fraction(&self, control_dt: f32) -> f32 {
        if self.paused { 1.0 } else { (self.overstep as f32 / control_dt).clamp(0.0, 1.0) }
    }

    /// Advance the clock to `now` and return the number of ticks of `control_dt` seconds that are due.
    pub fn due(&mut self, now: Instant, control_dt: f32) -> usize {
        let passed = self.last_update.map_or(0.0, |last| now.duration_since(last).as_secs_f64());
        self.last_update = Some(now);
        if self.paused {
            self.overstep = 0.0;
            return usize::from(std::mem::take(&mut self.step_once));
        }
        let dt = f64::from(control_dt);
        let max_overstep = MAX_CATCH_UP.max(dt) * f64::from(self.time_scale).max(1.0);
        self.overstep = (self.overstep + passed * f64::from(self.time_scale)).min(max_overstep);
        let ticks = (self.overstep / dt).floor();
        self.overstep -= ticks * dt;
        if ticks > 0.0 {
            self.lateness = ((ticks - 1.0) * dt + self.overstep) / f64::from(self.time_scale);
        }
        ticks as usize
    }

    fn count_ticks(&mut self, ticks: usize) {
        self.tick_count += ticks as u64;
        let now = Instant::now();
        let window = Duration::from_secs_f64(RATE_WINDOW);
        self.recent_ticks.extend(std::iter::repeat_n(now, ticks));
        while self.recent_ticks.front().is_some_and(|t| now.duration_since(*t) > window) {
            self.recent_ticks.pop_front();
        }
    }
}

/// Run the ticks that are due.
pub fn run_due_ticks(world: &mut World) {
    let Some(session) = world.get_resource::<Session>() else { return };
    let control_dt = session.scene.blueprint.control_dt();
    let ticks = world.resource_mut::<SimClock>().due(Instant::now(), control_dt);
    for _ in 0..ticks {
        tick(world);
    }
    world.resource_mut::<SimClock>().count_ticks(ticks);
}
