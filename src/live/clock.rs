//! Real time to ticks.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bevy::ecs::prelude::*;

use super::session::Session;
use crate::sim::tick;

/// At most this much simulated time is made up for in a frame, s: after a stall the scene goes on from now instead of
/// rushing. A quarter of a second holds real time down to four frames a second.
const CATCH_UP: f64 = 0.25;
/// The achieved rate is measured over this long, s.
const WINDOW: f64 = 1.0;
/// Slowest and fastest time scale.
const SCALES: (f32, f32) = (0.1, 4.0);

/// When ticks are due.
#[derive(Resource, Debug)]
pub struct SimClock {
    /// Simulated seconds for each real second, 0.1 to 4.
    time_scale: f32,
    /// No tick runs but those of [`SimClock::step_once`].
    pub paused: bool,
    step_once: bool,
    owed: f64,
    last: Option<Instant>,
    recent: VecDeque<Instant>,
    /// How late the ticks that ran last began, s of real time: from when the first of them was due.
    pub lateness: f64,
    /// Ticks run so far.
    count: u64,
}

impl Default for SimClock {
    fn default() -> Self {
        Self {
            time_scale: 1.0,
            paused: false,
            step_once: false,
            owed: 0.0,
            last: None,
            recent: VecDeque::new(),
            lateness: 0.0,
            count: 0,
        }
    }
}

impl SimClock {
    /// Simulated seconds for each real second.
    pub fn time_scale(&self) -> f32 {
        self.time_scale
    }

    /// Change the time scale; what is beyond 0.1 to 4 becomes the nearest.
    pub fn set_time_scale(&mut self, scale: f32) {
        self.time_scale = scale.clamp(SCALES.0, SCALES.1);
    }

    /// Run one tick although paused.
    pub fn step_once(&mut self) {
        self.paused = true;
        self.step_once = true;
    }

    /// Ticks a second that the time scale asks for.
    pub fn wanted_rate(&self, control_dt: f32) -> f32 {
        if self.paused { 0.0 } else { self.time_scale / control_dt }
    }

    /// Ticks run so far.
    pub fn ticks(&self) -> u64 {
        self.count
    }

    /// Ticks run in the last second.
    pub fn achieved_rate(&self) -> f32 {
        let now = Instant::now();
        let window = Duration::from_secs_f64(WINDOW);
        self.recent.iter().filter(|t| now.duration_since(**t) <= window).count() as f32 / WINDOW as f32
    }

    /// How far the time is from the last tick to the next, 0 to 1, for drawing between ticks; 1 while paused.
    pub fn between_ticks(&self, control_dt: f32) -> f32 {
        if self.paused { 1.0 } else { (self.owed as f32 / control_dt).clamp(0.0, 1.0) }
    }

    /// How many ticks of `control_dt` seconds are due at `now`.
    pub fn due(&mut self, now: Instant, control_dt: f32) -> usize {
        let passed = self.last.map_or(0.0, |last| now.duration_since(last).as_secs_f64());
        self.last = Some(now);
        if self.paused {
            self.owed = 0.0;
            return usize::from(std::mem::take(&mut self.step_once));
        }
        let dt = f64::from(control_dt);
        let most = CATCH_UP.max(dt) * f64::from(self.time_scale).max(1.0);
        self.owed = (self.owed + passed * f64::from(self.time_scale)).min(most);
        let ticks = (self.owed / dt).floor();
        self.owed -= ticks * dt;
        if ticks > 0.0 {
            self.lateness = ((ticks - 1.0) * dt + self.owed) / f64::from(self.time_scale);
        }
        ticks as usize
    }

    fn ran(&mut self, ticks: usize) {
        self.count += ticks as u64;
        let now = Instant::now();
        self.recent.extend(std::iter::repeat_n(now, ticks));
        while self.recent.front().is_some_and(|t| now.duration_since(*t) > Duration::from_secs_f64(WINDOW)) {
            self.recent.pop_front();
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
    world.resource_mut::<SimClock>().ran(ticks);
}
