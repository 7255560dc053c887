//! The simulation clock: it converts real time to ticks.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bevy::ecs::prelude::*;
use bevy::time::{Fixed, Real, Time, Virtual, update_virtual_time};

use super::session::{RecordingState, Session};
use crate::demos::Recorder;
use crate::sim::{Arena, SimObserve, tick};

/// The most simulated time that one frame catches up, at relative speeds up to 1; it is multiplied by higher ones. After a
/// longer stall the clock drops the rest instead of running ever more ticks in each frame. A quarter of a second keeps real
/// time down to four frames per second.
const MAX_CATCH_UP: Duration = Duration::from_millis(250);
/// The time window over which the achieved tick rate is measured.
const RATE_WINDOW: Duration = Duration::from_secs(1);
/// Lowest and highest relative speed.
const RELATIVE_SPEED_RANGE: (f32, f32) = (0.1, 4.0);

/// Computes how many ticks are due in a frame.
///
/// Real time, pause and relative speed, timestep and overstep are Bevy's [`Time<Real>`], [`Time<Virtual>`] and
/// [`Time<Fixed>`]. The clock adds what they do not have: a single tick while paused, a timestep that is that of the scene, a
/// limit on the ticks of one frame, the achieved tick rate, and the lateness of ticks.
///
/// The three are the clock's own, not the app's resources of these types. Bevy runs its `FixedMain` schedule before
/// `Update`, that is before [`LiveSystems::Input`](super::LiveSystems::Input) latches the keys of the frame, so that keys
/// would act one frame later. A pause of the app's `Time<Virtual>` would also stop the camera and the app's message queues.
#[derive(Resource, Debug)]
pub struct SimClock {
    real: Time<Real>,
    /// Pause and relative speed. It has no `max_delta`: the limit is on the overstep, which includes the time carried over
    /// from the last frame and, at a low relative speed, keeps frames longer than `max_delta`.
    simulated: Time<Virtual>,
    /// The timestep is the scene's `control_dt`; the overstep is the simulated time that was not yet run as ticks.
    fixed: Time<Fixed>,
    /// Run one tick at the next update while paused.
    step_once: bool,
    /// No tick runs and no time passes until the person has decided something.
    waiting: bool,
    /// Times of the ticks in the last [`RATE_WINDOW`].
    recent_ticks: VecDeque<Instant>,
    lateness: Duration,
    tick_count: u64,
}

impl Default for SimClock {
    fn default() -> Self {
        Self {
            real: Time::default(),
            simulated: Time::from_max_delta(Duration::MAX),
            fixed: Time::default(),
            step_once: false,
            waiting: false,
            recent_ticks: VecDeque::new(),
            lateness: Duration::ZERO,
            tick_count: 0,
        }
    }
}

impl SimClock {
    /// Simulated seconds per real second.
    pub fn relative_speed(&self) -> f32 {
        self.simulated.relative_speed()
    }

    /// Set the relative speed, clamped to 0.1 to 4.
    ///
    /// # Panics
    /// If `speed` is NaN.
    pub fn set_relative_speed(&mut self, speed: f32) {
        self.simulated.set_relative_speed(speed.clamp(RELATIVE_SPEED_RANGE.0, RELATIVE_SPEED_RANGE.1));
    }

    /// Whether the clock is paused. Then only [`SimClock::step_once`] runs a tick.
    pub fn is_paused(&self) -> bool {
        self.simulated.is_paused()
    }

    /// Pause. The fraction of a tick that has passed since the last tick is dropped at the next update.
    pub fn pause(&mut self) {
        self.simulated.pause();
    }

    /// Resume.
    pub fn unpause(&mut self) {
        self.simulated.unpause();
    }

    /// Pause or resume.
    pub fn toggle_pause(&mut self) {
        self.simulated.toggle();
    }

    /// Pause, and run one tick at the next update.
    pub fn step_once(&mut self) {
        self.pause();
        self.step_once = true;
    }

    /// Whether the simulated time stands still until the person has decided something, as over a recorded episode. Unlike a
    /// pause it has no single steps, and ends by itself.
    pub fn is_waiting(&self) -> bool {
        self.waiting
    }

    /// Let the simulated time stand still, or go on.
    pub fn set_waiting(&mut self, waiting: bool) {
        self.waiting = waiting;
    }

    /// The tick rate that relative speed and timestep request, ticks per real second; 0 while paused or waiting. The timestep is that
    /// of the last [`SimClock::due`].
    pub fn target_rate(&self) -> f32 {
        if self.stands_still() { 0.0 } else { self.relative_speed() / self.fixed.timestep().as_secs_f32() }
    }

    /// The number of ticks run so far.
    pub fn ticks(&self) -> u64 {
        self.tick_count
    }

    /// The tick rate over the last second, ticks per real second.
    pub fn achieved_rate(&self) -> f32 {
        let now = Instant::now();
        self.recent_ticks.iter().filter(|t| now.duration_since(**t) <= RATE_WINDOW).count() as f32
            / RATE_WINDOW.as_secs_f32()
    }

    /// Real time from when the first tick of the last frame that ran ticks was due until that frame ran it.
    pub fn lateness(&self) -> Duration {
        self.lateness
    }

    /// The fraction of a tick that has passed since the last tick, 0 to 1, for interpolation of the drawn poses; 1 while
    /// paused or waiting.
    pub fn overstep_fraction(&self) -> f32 {
        if self.stands_still() { 1.0 } else { self.fixed.overstep_fraction().clamp(0.0, 1.0) }
    }

    /// Advance the clock to `now` and return the number of ticks of `control_dt` seconds that are due.
    ///
    /// # Panics
    /// If `control_dt` is not positive and finite.
    pub fn due(&mut self, now: Instant, control_dt: f32) -> usize {
        self.real.update_with_instant(now);
        // Bevy copies the virtual time to the app's `Time`, which this clock does not have.
        update_virtual_time(&mut Time::default(), &mut self.simulated, &self.real);
        self.fixed.set_timestep_seconds(f64::from(control_dt));
        if self.stands_still() {
            self.fixed.discard_overstep(Duration::MAX);
            let step = std::mem::take(&mut self.step_once);
            return usize::from(step && !self.waiting);
        }
        self.fixed.accumulate_overstep(self.simulated.delta());
        let (speed, timestep) = (self.simulated.relative_speed_f64(), self.fixed.timestep());
        let limit = MAX_CATCH_UP.max(timestep).mul_f64(speed.max(1.0));
        self.fixed.discard_overstep(self.fixed.overstep().saturating_sub(limit));
        if let Some(late) = self.fixed.overstep().checked_sub(timestep) {
            self.lateness = late.div_f64(speed);
        }
        let mut ticks = 0;
        while self.fixed.overstep() >= timestep {
            self.fixed.discard_overstep(timestep);
            ticks += 1;
        }
        ticks
    }

    fn stands_still(&self) -> bool {
        self.waiting || self.is_paused()
    }

    fn count_ticks(&mut self, ticks: usize) {
        self.tick_count += ticks as u64;
        let now = Instant::now();
        self.recent_ticks.extend(std::iter::repeat_n(now, ticks));
        while self.recent_ticks.front().is_some_and(|t| now.duration_since(*t) > RATE_WINDOW) {
            self.recent_ticks.pop_front();
        }
    }
}

/// Run the ticks that are due.
pub fn run_due_ticks(world: &mut World) {
    let Some(session) = world.get_resource::<Session>() else { return };
    let (control_dt, waiting) = (session.scene.blueprint.control_dt(), session.is_waiting());
    let mut clock = world.resource_mut::<SimClock>();
    clock.set_waiting(waiting);
    let due = clock.due(Instant::now(), control_dt);
    let mut ticks = 0;
    // A recorded episode may end before all ticks of the frame have run.
    while ticks < due && !episode_has_ended(world) {
        tick(world);
        ticks += 1;
    }
    world.resource_mut::<SimClock>().count_ticks(ticks);
    if waiting && begins_episode(world) {
        // The scene is visible while it waits: place everything, without a tick.
        world.run_schedule(SimObserve);
    }
}

fn begins_episode(world: &World) -> bool {
    let arena = world.resource::<Session>().spawned.arena;
    world.get::<Arena>(arena).is_some_and(|arena| arena.requested_seed().is_some())
}

/// Whether a recorded episode has ended, so that the scene waits for the person.
fn episode_has_ended(world: &World) -> bool {
    let session = world.resource::<Session>();
    session.recording == RecordingState::Recording && world.get::<Recorder>(session.ego()).is_some_and(Recorder::ended)
}
