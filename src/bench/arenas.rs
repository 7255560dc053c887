//! What simulation costs beyond Rapier's own steps.

use std::time::{Duration, Instant};

use bevy::ecs::prelude::*;

use super::measurement::{Measurement, median};
use super::{BenchError, Options, ROUNDS};
use crate::rollout::{RandomActions, VecEnv, VecEnvOptions};
use crate::scenes::{Scene, find};
use crate::sim::{Arena, PhysicsSets};

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

    /// Arena ticks per second, everything included.
    pub(super) fn rate(&mut self, time: Duration) -> f64 {
        let begun = Instant::now();
        let mut ticks = 0;
        while begun.elapsed() < time {
            self.ticks(1);
            ticks += 1;
        }
        (ticks * self.env.arenas()) as f64 / begun.elapsed().as_secs_f64()
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
            raw.push(bench.raw_rate(options.share(2 * BODIES.len())));
            all.push(bench.rate(options.share(2 * BODIES.len())));
        }
        let ratios: Vec<f64> = all.iter().zip(&raw).map(|(a, r)| a / (r * threads as f64)).collect();
        let substeps = (scene.blueprint.control_dt() / scene.blueprint.sim_dt()).round();
        out.push(Measurement::new(format!("{body}/rapier"), median(&raw), "ticks/s, one thread"));
        let limit = median(&all) / median(&ratios);
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

/// What one arena's tick takes beyond Rapier's steps, on one thread.
pub(super) fn overhead(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    let mut out = Vec::new();
    for (body, name) in BODIES {
        let mut bench = WarmEnv::new(&scene(name)?, 1, 1, 1);
        let (mut over, mut ticks) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let raw = 1e6 / bench.raw_rate(options.share(2 * BODIES.len()));
            let tick = 1e6 / bench.rate(options.share(2 * BODIES.len()));
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

/// A reset: from the end of an episode to the start of the next.
pub(super) fn reset(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    let mut out = Vec::new();
    for (body, name) in BODIES {
        let mut bench = WarmEnv::new(&scene(name)?, 1, 1, 1);
        let entity = bench.env.arena_entity(0);
        let world = bench.env.world_mut();
        let mut arenas = world.query::<(&mut Arena, PhysicsSets)>();
        let mut rounds = Vec::new();
        let mut seed = 0;
        for _ in 0..ROUNDS {
            let (mut spent, mut count) = (Duration::ZERO, 0u32);
            while spent < options.share(BODIES.len()) {
                let Ok((mut arena, mut sets)) = arenas.get_mut(world, entity) else { break };
                let mut physics = sets.physics();
                // A reset finds the arena as an episode leaves it.
                arena.advance(&mut physics);
                let begun = Instant::now();
                arena.reset(&mut physics, seed);
                spent += begun.elapsed();
                count += 1;
                seed += 1;
            }
            rounds.push(spent.as_secs_f64() * 1e6 / f64::from(count.max(1)));
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
    for (body, name) in BODIES {
        let scene = scene(name)?;
        let mut at_64 = None;
        for arenas in ARENAS {
            let before = resident();
            let mut bench = WarmEnv::new(&scene, arenas, 1, 0);
            let rate = bench.rate(options.share(4));
            let memory = resident().zip(before).map(|(now, then)| now.saturating_sub(then) as f64 / arenas as f64);
            let mut throughput = Measurement::new(format!("{body}/growth/arenas_{arenas}"), rate, "ticks/s, all cores");
            if arenas == 64 {
                at_64 = Some(rate);
            }
            if let Some(reference) = at_64.filter(|_| arenas > 64) {
                throughput = throughput.held_against(reference, "64 arenas");
            }
            out.push(throughput);
            // Below that, what the allocator had left over from before blurs the figure.
            if let Some(bytes) = memory.filter(|_| arenas >= 256) {
                let name = format!("{body}/memory/arenas_{arenas}");
                out.push(Measurement::new(name, bytes / 1e3, "kB/arena").held_against(300.0, "budget of a humanoid"));
            }
        }
        for agents in AGENTS {
            let mut bench = WarmEnv::new(&scene, 1, agents, 1);
            let rate = bench.rate(options.share(4)) * agents as f64;
            out.push(Measurement::new(format!("{body}/growth/agents_{agents}"), rate, "agent ticks/s, one core"));
        }
    }
    Ok(out)
}

/// Memory that the process holds, bytes.
pub(super) fn resident() -> Option<usize> {
    memory_stats::memory_stats().map(|m| m.physical_mem)
}
