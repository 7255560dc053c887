//! Live inference: tick time with many policy-driven agents, and tick lateness.

use std::time::{Duration, Instant};

use bevy::app::App;
use bevy::ecs::prelude::*;
use burn::tensor::Device;

use super::arenas::{HUMANOID, VEHICLE};
use super::learning::synthetic_data_for;
use super::measurement::{Measurement, percentile};
use super::{BenchError, Options};
use crate::learn::{BehaviorCloning, Learner, PreparedData, defaults};
use crate::live::{BackgroundTraining, Request, SessionOptions, SessionPlugins, SimClock, open_session};
use crate::policies::Policy;
use crate::rollout::{Player, VecEnv, VecEnvOptions, record, recording_seeds};
use crate::scenes::{Scene, find};
use crate::teleop::Skill;

/// Frame rate of the measured app, Hz: near that of a usual display, but not a multiple of the tick rate, so that ticks occur
/// in every phase of a frame.
const FRAME_RATE: f64 = 61.803;

/// An untrained policy of the default size for a scene's agent.
fn untrained(scene: &Scene) -> Result<Policy, BenchError> {
    let spaces = scene.blueprint.spaces();
    let data = synthetic_data_for((*spaces.observation).clone(), (*spaces.action).clone(), 2);
    let prepared = PreparedData::new(&data, 0.0, 0)?;
    Ok(BehaviorCloning::on_data(&defaults("bc"), &prepared, &Device::flex())?.policy()?)
}

/// The complete tick of one arena with many policy-driven agents, on one core.
pub(super) fn crowd(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    let mut out = Vec::new();
    for (kind, agents, budget) in [(VEHICLE, 64, 8.0), (HUMANOID, 16, 12.0)] {
        options.check_stop()?;
        let (body, scene) = (kind.name, kind.crowd_scene()?);
        let player = Player::Policy(Box::new(untrained(&scene)?));
        let mut env = VecEnv::with_player(&scene, VecEnvOptions { arenas: 1, agents, threads: 1 }, player)?;
        env.reset(&[1]);
        let mut times = Vec::new();
        // The network runs on one thread, too.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let pool = pool.map_err(|e| BenchError::Program(e.to_string()))?;
        pool.install(|| {
            for _ in 0..30 {
                env.step_driven();
            }
            let start = Instant::now();
            while times.len() < 300 || start.elapsed().as_secs_f64() < options.seconds {
                let start = Instant::now();
                env.step_driven();
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
        });
        out.push(Measurement::new(format!("{body}/crowd_{agents}/p50"), percentile(&times, 0.5), "ms a tick"));
        out.push(
            Measurement::new(format!("{body}/crowd_{agents}/p99"), percentile(&times, 0.99), "ms a tick")
                .compared_to(budget, "budget"),
        );
    }
    Ok(out)
}

/// Tick lateness in the app's loop at about 60 frames a second, without its window: idle, and while a learner trains in the
/// background.
pub(super) fn lateness(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    let scene = find("courtyard")?;
    let dir = tempfile::tempdir()?;
    let datasets = dir.path().join("datasets");
    let stop = std::sync::atomic::AtomicBool::new(false);
    let seeds = recording_seeds(0).take(5);
    record(&scene, Skill::Steady, seeds, &datasets.join(&scene.name), &stop, |_| {})
        .map_err(|e| BenchError::Program(e.to_string()))?;
    let mut app = App::new();
    app.add_plugins(SessionPlugins { threads: 0 });
    app.finish();
    app.cleanup();
    let session = SessionOptions { datasets, runs: dir.path().join("runs"), ..SessionOptions::default() };
    open_session(app.world_mut(), scene, session);
    let time = Duration::from_secs_f64(options.seconds.max(2.0));
    frames(&mut app, Duration::from_millis(500), false);
    let idle = frames(&mut app, time, false);
    options.check_stop()?;
    frames(&mut app, Duration::from_millis(500), true);
    let training = frames(&mut app, time, true);
    app.world().resource::<BackgroundTraining>().stop();
    let (idle, training) = (percentile(&idle, 0.99), percentile(&training, 0.99));
    Ok(vec![
        Measurement::new("lateness/idle/p99", idle, "ms"),
        Measurement::new("lateness/training/p99", training, "ms").compared_to(idle + 5.0, "idle + 5 ms"),
    ])
}

/// Run frames for `time`; returns the lateness (ms) of the first tick of each frame that has one.
fn frames(app: &mut App, time: Duration, training: bool) -> Vec<f64> {
    let frame = Duration::from_secs_f64(1.0 / FRAME_RATE);
    let start = Instant::now();
    let mut late = Vec::new();
    let mut next = start;
    while start.elapsed() < time {
        if training && !app.world().resource::<BackgroundTraining>().running {
            app.world_mut().write_message(Request::Train);
        }
        let before = app.world().resource::<SimClock>().ticks();
        app.update();
        let clock = app.world().resource::<SimClock>();
        if clock.ticks() > before {
            late.push(clock.lateness().as_secs_f64() * 1e3);
        }
        next += frame;
        let now = Instant::now();
        match next.checked_duration_since(now) {
            Some(rest) => std::thread::sleep(rest),
            // Late frames are not caught up.
            None => next = now,
        }
    }
    late
}
