//! Live driving: how long a tick takes with many agents that policies drive, and how late ticks come.

use std::time::{Duration, Instant};

use bevy::app::App;
use bevy::ecs::prelude::*;
use burn::tensor::Device;

use super::arenas::crowd_scene;
use super::learning::made_up_for;
use super::measurement::{Measurement, percentile};
use super::{BenchError, Options};
use crate::learn::{Prepared, TrainConfig, learner};
use crate::live::{Learning, LivePlugin, Request, SessionOptions, SimClock, open_session};
use crate::policies::Policy;
use crate::rollout::{Player, SandboxPlugins, VecEnv, VecEnvOptions, record, recording_seeds};
use crate::scenes::{Scene, find};
use crate::teleop::Skill;

/// Frames a second of the measured app: near a usual display's, but such that ticks and frames meet in every phase. At 60
/// every tick of a run would come at the same, arbitrary part of a frame.
const FRAME_RATE: f64 = 61.803;

/// A policy of the default size for a scene's agent that has learned nothing yet.
fn untrained(scene: &Scene) -> Result<Policy, BenchError> {
    let spaces = scene.blueprint.spaces();
    let data = made_up_for((*spaces.observation).clone(), (*spaces.action).clone(), 2);
    let prepared = Prepared::new(&data, 0.0, 0)?;
    Ok(learner(&TrainConfig::default(), &data, &prepared, &Device::flex())?.policy()?)
}

/// The whole tick of one arena with many policy-driven agents, on one core.
pub(super) fn crowd(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    let mut out = Vec::new();
    for (body, agents, budget) in [("vehicle", 64, 8.0), ("humanoid", 16, 12.0)] {
        options.go_on()?;
        let scene = crowd_scene(body)?;
        let player = Player::Policy(Box::new(untrained(&scene)?));
        let mut env = VecEnv::played(&scene, VecEnvOptions { arenas: 1, agents, threads: 1 }, player)?;
        env.reset(&[1]);
        let mut times = Vec::new();
        // One thread for the network too.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let pool = pool.map_err(|e| BenchError::Program(e.to_string()))?;
        pool.install(|| {
            for _ in 0..30 {
                env.step_driven();
            }
            let begun = Instant::now();
            while times.len() < 300 || begun.elapsed().as_secs_f64() < options.seconds {
                let start = Instant::now();
                env.step_driven();
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
        });
        out.push(Measurement::new(format!("{body}/crowd_{agents}/p50"), percentile(&times, 0.5), "ms a tick"));
        out.push(
            Measurement::new(format!("{body}/crowd_{agents}/p99"), percentile(&times, 0.99), "ms a tick")
                .held_against(budget, "budget"),
        );
    }
    Ok(out)
}

/// How late ticks begin in the app's loop at about 60 frames a second, without its window, with nothing else to do and while
/// a learner trains in the background.
pub(super) fn lateness(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    let scene = find("courtyard")?;
    let dir = tempfile::tempdir()?;
    let datasets = dir.path().join("datasets");
    let stop = std::sync::atomic::AtomicBool::new(false);
    let seeds = recording_seeds(0).take(5);
    record(&scene, Skill::Steady, seeds, &datasets.join(&scene.name), &stop, |_| {})
        .map_err(|e| BenchError::Program(e.to_string()))?;
    let mut app = App::new();
    app.add_plugins(SandboxPlugins { threads: 0 }).add_plugins(LivePlugin);
    app.finish();
    app.cleanup();
    let session = SessionOptions { datasets, runs: dir.path().join("runs"), ..SessionOptions::default() };
    open_session(app.world_mut(), scene, session);
    let time = Duration::from_secs_f64(options.seconds.max(2.0));
    frames(&mut app, Duration::from_millis(500), false);
    let alone = frames(&mut app, time, false);
    options.go_on()?;
    frames(&mut app, Duration::from_millis(500), true);
    let training = frames(&mut app, time, true);
    app.world().resource::<Learning>().stop();
    let (alone, training) = (percentile(&alone, 0.99), percentile(&training, 0.99));
    Ok(vec![
        Measurement::new("lateness/alone/p99", alone, "ms"),
        Measurement::new("lateness/training/p99", training, "ms").held_against(alone + 5.0, "alone, and 5 ms"),
    ])
}

/// Run frames for a while; the lateness (ms) of the first tick of each frame that has one.
fn frames(app: &mut App, time: Duration, training: bool) -> Vec<f64> {
    let frame = Duration::from_secs_f64(1.0 / FRAME_RATE);
    let begun = Instant::now();
    let mut late = Vec::new();
    let mut next = begun;
    while begun.elapsed() < time {
        if training && !app.world().resource::<Learning>().running {
            app.world_mut().write_message(Request::Train);
        }
        let before = app.world().resource::<SimClock>().ticks();
        app.update();
        let clock = app.world().resource::<SimClock>();
        if clock.ticks() > before {
            late.push(clock.lateness * 1e3);
        }
        next += frame;
        let now = Instant::now();
        match next.checked_duration_since(now) {
            Some(rest) => std::thread::sleep(rest),
            // A frame that took too long is not made up for.
            None => next = now,
        }
    }
    late
}
