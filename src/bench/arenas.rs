//! What simulation costs beyond Rapier's own steps.

use std::time::{Duration, Instant};

use bevy::ecs::prelude::*;
use bevy::math::ops;

use super::measurement::{Measurement, median};
use super::{BenchError, Options, ROUNDS};
use crate::rollout::{RandomActions, VecEnv, VecEnvOptions};
use crate::scenes::{Scene, find, parse};
use crate::sim::{Arena, PhysicsSets, SimObserve, begin_episode};

/// Ticks before anything is timed: bodies have landed, caches and buffers are warm.
const WARM_UP: usize = 60;

/// Each kind of body, and the scene that it is measured in.
pub const BODIES: [(&str, &str); 2] = [("humanoid", "courtyard"), ("vehicle", "circuit")];

/// An environment with random actions, past its first ticks.
pub struct WarmEnv {
    /// The environment.
    pub env: VecEnv,
    /// Its actions.
    pub random: RandomActions,
}

impl WarmEnv {
    /// `arenas` arenas of `agents` agents each on `threads` threads; 0 takes one for each core.
    pub fn new(scene: &Scene, arenas: usize, agents: usize, threads: usize) -> Self {
        let mut env = VecEnv::new(scene, VecEnvOptions { arenas, agents, threads });
        let seeds: Vec<u64> = (0..arenas as u64).collect();
        env.reset(&seeds);
        let random = RandomActions::new(&env);
        let mut bench = Self { env, random };
        bench.ticks(WARM_UP);
        bench
    }

    /// Step `count` times.
    pub fn ticks(&mut self, count: usize) {
        for _ in 0..count {
            let actions = self.random.next(&self.env);
            self.env.step(actions);
        }
    }

    /// Ticks per second of agents whose episodes run, everything included.
    pub(super) fn rate(&mut self, time: Duration) -> f64 {
        let begun = Instant::now();
        let mut ticks = 0;
        while ticks == 0 || begun.elapsed() < time {
            self.ticks(1);
            ticks += self.env.last_step().active.iter().filter(|active| **active).count();
        }
        ticks as f64 / begun.elapsed().as_secs_f64()
    }

    /// Arena ticks per second of one thread that does nothing but Rapier's work, in the states that the same random
    /// actions lead to: bodies are actuated off the clock; only Rapier's steps, and for cars its vehicle controller,
    /// are on it.
    pub(super) fn raw_rate(&mut self, time: Duration) -> f64 {
        let begun = Instant::now();
        let (mut ticks, mut spent) = (0u64, Duration::ZERO);
        while spent < time && begun.elapsed() < time * 3 {
            let actions = self.random.next(&self.env).to_vec();
            let narrow = self.env.action_size() * self.env.agents_per_arena();
            let entities: Vec<Entity> = (0..self.env.arenas()).map(|i| self.env.arena_entity(i)).collect();
            let world = self.env.world_mut();
            let mut arenas = world.query::<(&mut Arena, PhysicsSets)>();
            for (entity, action) in entities.into_iter().zip(actions.chunks_exact(narrow)) {
                let Ok((mut arena, mut sets)) = arenas.get_mut(world, entity) else { continue };
                spent += raw_tick(&mut arena, &mut sets.physics(), action);
                ticks += 1;
            }
            // Falls, resets and scores, so that the states stay those of an episode. Its own steps are not on the clock.
            self.ticks(1);
        }
        ticks as f64 / spent.as_secs_f64().max(1e-9)
    }
}

/// One tick of an arena; how long Rapier took of it.
fn raw_tick(arena: &mut Arena, physics: &mut crate::sim::Physics<'_>, actions: &[f32]) -> Duration {
    let mut spent = Duration::ZERO;
    let size = arena.slots.first().map_or(1, |s| s.action.len());
    for (slot, action) in arena.slots.iter_mut().zip(actions.chunks(size)) {
        slot.body.actuate(physics, action);
    }
    for _ in 0..arena.substeps {
        for slot in &mut arena.slots {
            slot.body.before_step(physics);
            let begun = Instant::now();
            slot.body.run_controller(physics);
            spent += begun.elapsed();
        }
        let begun = Instant::now();
        physics.step();
        spent += begun.elapsed();
    }
    arena.tick += 1;
    spent
}

fn scene(name: &str) -> Result<Scene, BenchError> {
    Ok(find(name)?)
}

/// 64 arenas on all cores against Rapier alone, and the same without sensing, acting and scoring.
pub(super) fn throughput(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    const ARENAS: usize = 64;
    let mut out = Vec::new();
    for (body, name) in BODIES {
        let scene = scene(name)?;
        let mut bench = WarmEnv::new(&scene, ARENAS, 1, 0);
        let threads = bench.env.threads();
        let (mut raw, mut all) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            options.go_on()?;
            raw.push(bench.raw_rate(options.share(2 * BODIES.len())));
            all.push(bench.rate(options.share(2 * BODIES.len())));
        }
        let substeps = (scene.blueprint.control_dt() / scene.blueprint.sim_dt()).round();
        out.push(Measurement::new(format!("{body}/rapier"), median(&raw), "ticks/s, one thread"));
        let limit = median(&raw) * threads as f64;
        out.push(
            Measurement::new(format!("{body}/arenas_{ARENAS}"), median(&all), "ticks/s, all cores")
                .held_against(limit, "Rapier alone, times the cores"),
        );
        let seconds = median(&all) * f64::from(scene.blueprint.control_dt());
        out.push(Measurement::new(format!("{body}/simulated"), seconds, "s/s, all cores"));
        out.push(Measurement::new(
            format!("{body}/physics_steps"),
            median(&all) * f64::from(substeps),
            "steps/s, all cores",
        ));
    }
    Ok(out)
}

/// What one arena's tick takes beyond Rapier's steps, on one thread: the median difference of short turns, so that what
/// else the machine does meets both alike.
pub(super) fn overhead(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    // Turns in a round.
    const SLICES: usize = 8;
    let mut out = Vec::new();
    for (body, name) in BODIES {
        let mut bench = WarmEnv::new(&scene(name)?, 1, 1, 1);
        let (mut over, mut ticks) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS * SLICES {
            options.go_on()?;
            let raw = 1e6 / bench.raw_rate(options.share(2 * BODIES.len() * SLICES));
            let tick = 1e6 / bench.rate(options.share(2 * BODIES.len() * SLICES));
            over.push(tick - raw);
            ticks.push(tick);
        }
        out.push(Measurement::new(format!("{body}/tick"), median(&ticks), "µs"));
        out.push(
            Measurement::new(format!("{body}/overhead"), median(&over), "µs")
                .held_against(30.0, "budget of a humanoid"),
        );
    }
    Ok(out)
}

/// All that comes between an episode's last tick and the next one's first decision: the start's restoring and varying,
/// the task's beginning, sensing.
pub(super) fn reset(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    // Ticks of an episode between two resets.
    const EPISODE: usize = 30;
    let mut out = Vec::new();
    for (body, name) in BODIES {
        let mut bench = WarmEnv::new(&scene(name)?, 1, 1, 1);
        let entity = bench.env.arena_entity(0);
        let mut rounds = Vec::new();
        let mut seed = 0;
        for _ in 0..ROUNDS {
            options.go_on()?;
            let begun = Instant::now();
            let (mut spent, mut count) = (Duration::ZERO, 0u32);
            while count == 0 || begun.elapsed() < options.share(BODIES.len()) {
                bench.ticks(EPISODE);
                let world = bench.env.world_mut();
                let begun = Instant::now();
                begin_episode(world, entity, seed);
                world.run_schedule(SimObserve);
                spent += begun.elapsed();
                count += 1;
                seed += 1;
            }
            rounds.push(spent.as_secs_f64() * 1e6 / f64::from(count));
        }
        out.push(
            Measurement::new(format!("{body}/reset"), median(&rounds), "µs").held_against(60.0, "budget of a humanoid"),
        );
    }
    Ok(out)
}

/// Throughput and memory as arenas and agents grow.
pub(super) fn growth(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    const ARENAS: [usize; 7] = [1, 4, 16, 64, 256, 1024, 4096];
    const AGENTS: [usize; 5] = [1, 4, 16, 64, 256];
    let mut out = Vec::new();
    let rounds = |bench: &mut WarmEnv| -> Result<f64, BenchError> {
        let mut rates = Vec::new();
        for _ in 0..ROUNDS {
            options.go_on()?;
            rates.push(bench.rate(options.share(BODIES.len() * (ARENAS.len() + AGENTS.len()))));
        }
        Ok(median(&rates))
    };
    for (body, name) in BODIES {
        let scene = scene(name)?;
        // What smaller environments left to the allocator is taken up again by larger ones: only what the largest adds
        // to the process is told.
        let before = resident();
        let mut at_64 = None;
        for arenas in ARENAS {
            let mut bench = WarmEnv::new(&scene, arenas, 1, 0);
            let rate = rounds(&mut bench)?;
            let mut throughput = Measurement::new(format!("{body}/growth/arenas_{arenas}"), rate, "ticks/s, all cores");
            if arenas == 64 {
                at_64 = Some(rate);
            }
            if let Some(reference) = at_64.filter(|_| arenas > 64) {
                throughput = throughput.held_against(reference, "64 arenas");
            }
            out.push(throughput);
            if arenas == ARENAS[ARENAS.len() - 1] {
                let bytes = resident().zip(before).map(|(now, then)| now.saturating_sub(then) as f64 / arenas as f64);
                out.extend(bytes.map(|bytes| {
                    Measurement::new(format!("{body}/memory/arenas_{arenas}"), bytes / 1e3, "kB/arena")
                        .held_against(300.0, "budget of a humanoid")
                }));
            }
        }
        let wide = crowd_scene(body)?;
        for agents in AGENTS {
            let rate = rounds(&mut WarmEnv::new(&wide, 1, agents, 1))?;
            out.push(Measurement::new(format!("{body}/growth/agents_{agents}"), rate, "agent ticks/s, one core"));
        }
    }
    Ok(out)
}

/// A scene with room for 256 agents of a body, none in another's place, and time enough that none is done.
pub(super) fn crowd_scene(body: &str) -> Result<Scene, BenchError> {
    let text = if body == "vehicle" {
        let radius = 450.0f32;
        let point = |i: i32| {
            let (sin, cos) = ops::sin_cos(std::f32::consts::TAU * i as f32 / 24.0);
            format!("({:.1}, {:.1})", radius * sin, radius * cos)
        };
        let points: Vec<String> = (0..24).map(point).collect();
        format!(
            "(title: \"A wide ring\", agent: Vehicle(), time_limit: 3600.0, ground: (half_size: 500.0, friction: 0.9),
              course: (points: [{}], closed: true, half_width: 6.0),
              task: Lap(laps: 50.0, margin: 500.0), terms: {{ \"progress\": 0.1 }})",
            points.join(", ")
        )
    } else {
        "(title: \"A wide field\", agent: Humanoid(), time_limit: 3600.0, ground: (half_size: 500.0, friction: 0.9),
          goal: (at: (0.0, -450.0)), task: Reach(radius: 0.5), terms: { \"approach\": 0.1 })"
            .to_owned()
    };
    Ok(parse("crowd", "crowd.ron", &text)?)
}

/// Memory that the process holds, bytes.
pub(super) fn resident() -> Option<usize> {
    memory_stats::memory_stats().map(|m| m.physical_mem)
}
