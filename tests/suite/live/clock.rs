//! The clock: ticks for a given real time, pause, single steps, relative speed.

use std::time::{Duration, Instant};

use apprentice::live::SimClock;

const DT: f32 = 1.0 / 30.0;

/// A clock, and the time that it is given.
struct Clocked {
    clock: SimClock,
    start: Instant,
}

impl Clocked {
    /// A clock at relative speed `speed` that was updated at 0 ms.
    fn new(speed: f32) -> Self {
        let mut clocked = Self { clock: SimClock::default(), start: Instant::now() };
        clocked.clock.set_relative_speed(speed);
        assert_eq!(clocked.due(0), 0, "nothing is due at the start");
        clocked
    }

    /// The number of ticks that are due `ms` milliseconds after the start.
    fn due(&mut self, ms: u64) -> usize {
        self.clock.due(self.start + Duration::from_millis(ms), DT)
    }
}

#[test]
fn overstep_pause_and_single_steps() {
    let mut clocked = Clocked::new(1.0);
    assert_eq!(clocked.due(20), 0);
    assert!((clocked.clock.overstep_fraction() - 0.6).abs() < 1e-3, "{}", clocked.clock.overstep_fraction());
    assert_eq!(clocked.due(40), 1, "the overstep accumulates over frames");
    assert!((clocked.clock.overstep_fraction() - 0.2).abs() < 1e-3, "{}", clocked.clock.overstep_fraction());
    assert_eq!(clocked.due(105), 2);
    clocked.clock.pause();
    assert_eq!(clocked.due(1000), 0, "paused");
    assert_eq!(clocked.clock.overstep_fraction(), 1.0, "paused agents are drawn at their current pose");
    clocked.clock.step_once();
    assert_eq!(clocked.due(1100), 1, "one tick while paused");
    assert_eq!(clocked.due(1200), 0, "and only one");
    clocked.clock.unpause();
    assert_eq!(clocked.due(1210), 0, "a pause is not caught up");
    assert_eq!(clocked.due(1250), 1);
    clocked.clock.step_once();
    assert!(clocked.clock.is_paused(), "a single step pauses the clock");
}

#[test]
fn a_stall_is_caught_up_only_in_part() {
    for (speed, ticks) in [(0.1, 7), (1.0, 7), (4.0, 29)] {
        let mut clocked = Clocked::new(speed);
        assert_eq!(clocked.due(20), if speed > 2.0 { 2 } else { 0 });
        assert_eq!(clocked.due(60_000), ticks, "relative speed {speed}");
        assert!(clocked.due(60_001) <= 1, "the rest is dropped");
    }
    // A scene with long ticks runs one of them a frame.
    let mut clock = SimClock::default();
    let start = Instant::now();
    assert_eq!(clock.due(start, 0.5), 0);
    assert_eq!(clock.due(start + Duration::from_secs(60), 0.5), 1);
}

#[test]
fn the_number_of_ticks_does_not_depend_on_the_frame_rate() {
    for (speed, ticks) in [(0.1, 30), (0.5, 150), (1.0, 300), (2.0, 600), (4.0, 1200)] {
        for frame in [7, 16, 33, 90] {
            let mut clocked = Clocked::new(speed);
            let found: usize = (1..=10_000 / frame).map(|i| clocked.due(i * frame)).sum();
            // The rest of the ten seconds after the last frame, and one tick for rounding.
            let slack = 1 + (speed * frame as f32 / 1000.0 / DT).ceil() as usize;
            assert!(found <= ticks && found + slack >= ticks, "speed {speed}, frames of {frame} ms: {found} ticks");
        }
    }
    // Frames longer than a quarter of a second keep their ticks in slow motion.
    let mut clocked = Clocked::new(0.1);
    let found: usize = (1..=10).map(|second| clocked.due(1000 * second)).sum();
    assert!((29..=30).contains(&found), "{found} ticks");
}

#[test]
fn relative_speed_and_tick_rate() {
    let mut clocked = Clocked::new(1.0);
    for (requested, clamped) in [(0.01, 0.1), (100.0, 4.0), (0.5, 0.5)] {
        clocked.clock.set_relative_speed(requested);
        assert_eq!(clocked.clock.relative_speed(), clamped);
    }
    let rate = clocked.clock.target_rate();
    assert!((rate - 15.0).abs() < 1e-3, "the target rate at half speed is {rate} ticks/s");
    clocked.clock.toggle_pause();
    assert_eq!(clocked.clock.target_rate(), 0.0);
    clocked.clock.toggle_pause();
    assert!(!clocked.clock.is_paused());
    // A scene with other ticks: the overstep is kept.
    assert_eq!(clocked.due(40), 0);
    assert_eq!(clocked.clock.due(clocked.start + Duration::from_millis(41), 0.01), 2);
    assert!((clocked.clock.target_rate() - 50.0).abs() < 1e-3, "{}", clocked.clock.target_rate());
}

#[test]
fn lateness_is_measured_in_real_time() {
    let mut clocked = Clocked::new(2.0);
    assert_eq!(clocked.clock.lateness(), Duration::ZERO);
    // The first of the five due ticks was due after 16.7 ms.
    assert_eq!(clocked.due(90), 5);
    let late = clocked.clock.lateness().as_secs_f64() * 1e3;
    assert!((late - 73.3).abs() < 0.1, "{late} ms");
    assert_eq!(clocked.due(91), 0);
    assert_eq!(clocked.clock.lateness().as_secs_f64() * 1e3, late, "a frame without ticks has no lateness");
}
