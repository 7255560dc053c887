//! Simulation throughput, and its overhead beyond Rapier's own steps.

use std::time::{Duration, Instant};

use bevy::ecs::prelude::*;
use bevy::math::ops;

use super::measurement::{Measurement, median};
use super::{BenchError, Options, ROUNDS};
use crate::rollout::{RandomActions, VecEnv, VecEnvOptions};
use crate::scenes::{Scene, find, parse};
use crate::sim::{Arena, PhysicsSets, SimObserve, begin_episode};

/// Ticks before timing: bodies have landed, caches and buffers are warm.
const WARM_UP: usize = 60;

/// A kind of body with the scenes of its measurements.
#[derive(Clone, Copy, Debug)]
pub struct BenchBody {
    /// Name of the kind of agent.
    pub name: &'static str,
    /// The built-in scene of the measurements of one agent.
    pub scene: &'static str,
    /// Text of the scene of [`BenchBody::crowd_scene`].
    crowd: fn() -> String,
}

/// The humanoid.
pub(super) const HUMANOID: BenchBody = BenchBody { name: "humanoid", scene: "courtyard", crowd: wide_field };
/// The car.
pub(super) const VEHICLE: BenchBody = BenchBody { name: "vehicle", scene: "circuit", crowd: wide_ring };

/// The measured kinds of bodies.
pub const BODIES: [BenchBody; 2] = [HUMANOID, VEHICLE];

impl BenchBody {
    /// A scene with room for 256 agents of this body without overlap, whose episodes last longer than the measurement.
    pub(super) fn crowd_scene(&self) -> Result<Scene, BenchError> {
        Ok(parse("crowd", "crowd.ron", &(self.crowd)())?)
    }
}

/// A warmed-up environment with random actions.
pub struct WarmEnv {
    /// The environment.
    pub env: VecEnv,
    /// The generator of its actions.
    pub random: RandomActions,
}

impl WarmEnv {
    /// `arenas` arenas of `agents` agents each on `threads` threads; 0 means one per core.
    pub fn new(scene: &Scene, arenas: usize, agents: usize, threads: usize) -> Self {
        let mut env = VecEnv::new(scene, VecEnvOptions { arenas, agents, threads });
        let seeds: Vec<u64> = (0..arenas as u64).collect();
        env.reset(&seeds);
        let random = RandomActions::new(&env);
        let mut bench = Self { env, random };
        bench.ticks(WARM_UP);
        bench
    }

    /// Simulate `count` ticks.
    pub fn ticks(&mut self, count: usize) {
        for _ in 0..count {
            let actions = self.random.next(&self.env);
            self.env.step(actions);
        }
    }

    /// Complete agent ticks per second, of agents whose episodes are running.
    pub(super) fn rate(&mut self, time: Duration) -> f64 {
        let start = Instant::now();
        let mut ticks = 0;
        while ticks == 0 || start.elapsed() < time {
            self.ticks(1);
            ticks += self.env.last_step().active.iter().filter(|active| **active).count();
        }
        ticks as f64 / start.elapsed().as_secs_f64()
    }

    /// Arena ticks per second of Rapier alone on one thread, in the states that the same random actions lead to. Only
    /// Rapier's steps and, for cars, its vehicle controller are timed; actuation is not.
    pub(super) fn raw_rate(&mut self, time: Duration) -> f64 {
        let start = Instant::now();
        let (mut ticks, mut elapsed) = (0u64, Duration::ZERO);
        while elapsed < time && start.elapsed() < time * 3 {
            let actions = self.random.next(&self.env).to_vec();
            let arena_act_dim = self.env.action_size() * self.env.agents_per_arena();
            let entities: Vec<Entity> = (0..self.env.arenas()).map(|i| self.env.arena_entity(i)).collect();
            let world = self.env.world_mut();
            let mut arenas = world.query::<(&mut Arena, PhysicsSets)>();
            for (entity, action) in entities.into_iter().zip(actions.chunks_exact(arena_act_dim)) {
                let Ok((mut arena, mut sets)) = arenas.get_mut(world, entity) else { continue };
                elapsed += raw_tick(&mut arena, &mut sets.physics(), action);
                ticks += 1;
            }
            // An untimed regular tick: falls, resets and scores keep the states those of an episode.
            self.ticks(1);
        }
        ticks as f64 / elapsed.as_secs_f64().max(1e-9)
    }
}

/// Simulate one tick of an arena; returns Rapier's part of the time.
fn raw_tick(arena: &mut Arena, physics: &mut crate::sim::Physics<'_>, actions: &[f32]) -> Duration {
    let mut elapsed = Duration::ZERO;
    let size = arena.slots.first().map_or(1, |s| s.action.len());
    for (slot, action) in arena.slots.iter_mut().zip(actions.chunks(size)) {
        slot.body.actuate(physics, action);
    }
    for _ in 0..arena.substeps {
        for slot in &mut arena.slots {
            slot.body.before_step(physics);
            let start = Instant::now();
            slot.body.run_controller(physics);
            elapsed += start.elapsed();
        }
        let start = Instant::now();
        physics.step();
        elapsed += start.elapsed();
    }
    arena.tick += 1;
    elapsed
}

fn scene(name: &str) -> Result<Scene, BenchError> {
    Ok(find(name)?)
}

/// 64 arenas on all cores, compared to Rapier alone, which neither senses nor actuates nor scores.
pub(super) fn throughput(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    const ARENAS: usize = 64;
    let mut out = Vec::new();
    for BenchBody { name: body, scene: name, .. } in BODIES {
        let scene = scene(name)?;
        let mut bench = WarmEnv::new(&scene, ARENAS, 1, 0);
        let threads = bench.env.threads();
        let (mut raw, mut all) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            options.check_stop()?;
            raw.push(bench.raw_rate(options.time_slice(2 * BODIES.len())));
            all.push(bench.rate(options.time_slice(2 * BODIES.len())));
        }
        let substeps = (scene.blueprint.control_dt() / scene.blueprint.sim_dt()).round();
        out.push(Measurement::new(format!("{body}/rapier"), median(&raw), "ticks/s, one thread"));
        let limit = median(&raw) * threads as f64;
        out.push(
            Measurement::new(format!("{body}/arenas_{ARENAS}"), median(&all), "ticks/s, all cores")
                .compared_to(limit, "Rapier alone x cores"),
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

/// The time of one arena's tick beyond Rapier's steps, on one thread: the median difference of short alternating slices, so
/// that other load on the machine affects both equally.
pub(super) fn overhead(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    // Slices per round.
    const SLICES: usize = 8;
    let mut out = Vec::new();
    for BenchBody { name: body, scene: name, .. } in BODIES {
        let mut bench = WarmEnv::new(&scene(name)?, 1, 1, 1);
        let (mut overhead, mut ticks) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS * SLICES {
            options.check_stop()?;
            let raw = 1e6 / bench.raw_rate(options.time_slice(2 * BODIES.len() * SLICES));
            let tick = 1e6 / bench.rate(options.time_slice(2 * BODIES.len() * SLICES));
            overhead.push(tick - raw);
            ticks.push(tick);
        }
        out.push(Measurement::new(format!("{body}/tick"), median(&ticks), "µs"));
        out.push(
            Measurement::new(format!("{body}/overhead"), median(&overhead), "µs").compared_to(30.0, "humanoid budget"),
        );
    }
    Ok(out)
}

/// The time between an episode's last tick and the next one's first decision: restoring and randomizing the start state,
/// resetting the task, sensing.
pub(super) fn reset(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    // Ticks of an episode between two resets.
    const EPISODE: usize = 30;
    let mut out = Vec::new();
    for BenchBody { name: body, scene: name, .. } in BODIES {
        let mut bench = WarmEnv::new(&scene(name)?, 1, 1, 1);
        let entity = bench.env.arena_entity(0);
        let mut rounds = Vec::new();
        let mut seed = 0;
        for _ in 0..ROUNDS {
            options.check_stop()?;
            let start = Instant::now();
            let (mut elapsed, mut count) = (Duration::ZERO, 0u32);
            while count == 0 || start.elapsed() < options.time_slice(BODIES.len()) {
                bench.ticks(EPISODE);
                let world = bench.env.world_mut();
                let start = Instant::now();
                begin_episode(world, entity, seed);
                world.run_schedule(SimObserve);
                elapsed += start.elapsed();
                count += 1;
                seed += 1;
            }
            rounds.push(elapsed.as_secs_f64() * 1e6 / f64::from(count));
        }
        out.push(Measurement::new(format!("{body}/reset"), median(&rounds), "µs").compared_to(60.0, "humanoid budget"));
    }
    Ok(out)
}

/// Throughput and memory over the number of arenas and agents.
pub(super) fn scaling(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    const ARENAS: [usize; 7] = [1, 4, 16, 64, 256, 1024, 4096];
    const AGENTS: [usize; 5] = [1, 4, 16, 64, 256];
    let mut out = Vec::new();
    let rounds = |bench: &mut WarmEnv| -> Result<f64, BenchError> {
        let mut rates = Vec::new();
        for _ in 0..ROUNDS {
            options.check_stop()?;
            rates.push(bench.rate(options.time_slice(BODIES.len() * (ARENAS.len() + AGENTS.len()))));
        }
        Ok(median(&rates))
    };
    for kind in BODIES {
        let BenchBody { name: body, scene: name, .. } = kind;
        let scene = scene(name)?;
        // Larger environments reuse the memory that the allocator kept from smaller ones: only the total growth of the
        // process up to the largest is reported.
        let before = resident();
        let mut at_64 = None;
        for arenas in ARENAS {
            let mut bench = WarmEnv::new(&scene, arenas, 1, 0);
            let rate = rounds(&mut bench)?;
            let mut throughput =
                Measurement::new(format!("{body}/scaling/arenas_{arenas}"), rate, "ticks/s, all cores");
            if arenas == 64 {
                at_64 = Some(rate);
            }
            if let Some(reference) = at_64.filter(|_| arenas > 64) {
                throughput = throughput.compared_to(reference, "64 arenas");
            }
            out.push(throughput);
            if arenas == ARENAS[ARENAS.len() - 1] {
                let bytes = resident().zip(before).map(|(now, then)| now.saturating_sub(then) as f64 / arenas as f64);
                out.extend(bytes.map(|bytes| {
                    Measurement::new(format!("{body}/memory/arenas_{arenas}"), bytes / 1e3, "kB/arena")
                        .compared_to(300.0, "humanoid budget")
                }));
            }
        }
        let crowd = kind.crowd_scene()?;
        for agents in AGENTS {
            let rate = rounds(&mut WarmEnv::new(&crowd, 1, agents, 1))?;
            out.push(Measurement::new(format!("{body}/scaling/agents_{agents}"), rate, "agent ticks/s, one core"));
        }
    }
    Ok(out)
}

fn wide_ring() -> String {
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
}

fn wide_field() -> String {
    "(title: \"A wide field\", agent: Humanoid(), time_limit: 3600.0, ground: (half_size: 500.0, friction: 0.9),
      goal: (at: (0.0, -450.0)), task: Reach(radius: 0.5), terms: { \"approach\": 0.1 })"
        .to_owned()
}

/// Resident memory of the process, bytes.
pub(super) fn resident() -> Option<usize> {
    memory_stats::memory_stats().map(|m| m.physical_mem)
}
