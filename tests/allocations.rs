//! After a warm-up, a step of the vectorized environment allocates no memory beyond what Rapier itself allocates.

use std::alloc::System;

use apprentice::rollout::{RandomActions, VecEnv, VecEnvOptions};
use apprentice::scenes::find;
use apprentice::sim::{Arena, PhysicsSets};
use bevy::ecs::prelude::Entity;
use bevy::ecs::query::QueryState;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ARENAS: usize = 4;
/// Ticks of the warm-up: afterwards the bodies have landed and the buffers have their final size.
const WARM_UP: usize = 120;
/// Measured ticks.
const TICKS: usize = 150;

/// The number of allocations and reallocations.
fn allocations(region: &Region<'_, System>) -> usize {
    let change = region.change();
    change.allocations + change.reallocations
}

/// An environment with random actions, after the warm-up.
struct WarmEnv {
    env: VecEnv,
    random: RandomActions,
}

impl WarmEnv {
    fn new(scene: &str, threads: usize) -> Self {
        let scene = find(scene).expect("a scene");
        let mut env = VecEnv::new(&scene, VecEnvOptions { arenas: ARENAS, agents: 1, threads });
        env.reset(&(0..ARENAS as u64).collect::<Vec<u64>>());
        let random = RandomActions::new(&env);
        let mut warm = Self { env, random };
        for _ in 0..WARM_UP {
            warm.step();
        }
        warm
    }

    /// Run one step and return the number of its allocations.
    fn step(&mut self) -> usize {
        let region = Region::new(ALLOCATOR);
        let actions = self.random.next(&self.env);
        let step = self.env.step(actions);
        let ended = step.terminated.iter().chain(step.truncated).any(|end| *end);
        let count = allocations(&region);
        assert!(!ended, "no episode ends in the measured ticks");
        count
    }
}

/// The number of allocations of Rapier alone in each measured tick. The arenas are stepped without the environment.
fn rapier_allocations(scene: &str) -> Vec<usize> {
    let WarmEnv { mut env, mut random } = WarmEnv::new(scene, 1);
    let entities: Vec<Entity> = (0..ARENAS).map(|arena| env.arena_entity(arena)).collect();
    let size = env.action_size();
    let mut arenas: QueryState<(&mut Arena, PhysicsSets)> = env.world_mut().query();
    (0..TICKS)
        .map(|_| {
            let actions = random.next(&env).to_vec();
            let world = env.world_mut();
            let rows = entities.iter().zip(actions.chunks_exact(size));
            rows.map(|(entity, action)| {
                let (mut arena, mut sets) = arenas.get_mut(world, *entity).expect("the arena");
                let (arena, mut physics) = (&mut *arena, sets.physics());
                let mut count = 0;
                arena.slots[0].body.actuate(&mut physics, action);
                for _ in 0..arena.substeps {
                    let body = &mut arena.slots[0].body;
                    // Rapier drops its list of modified bodies in every step and allocates a new one at the first
                    // mutable access to a body. `before_step` below makes such accesses, so count this one here.
                    let region = Region::new(ALLOCATOR);
                    physics.bodies.get_mut(body.parts()[0]);
                    count += allocations(&region);
                    body.before_step(&mut physics);
                    let region = Region::new(ALLOCATOR);
                    body.run_controller(&mut physics);
                    physics.step();
                    count += allocations(&region);
                }
                count
            })
            .sum()
        })
        .collect()
}

/// The allocator counts for the whole process, so this file has a single test: a parallel one would be counted too.
#[test]
fn a_warm_step_allocates_nothing_beyond_rapier() {
    for scene in ["courtyard", "circuit", "slalom"] {
        let rapier = rapier_allocations(scene);
        let mut warm = WarmEnv::new(scene, 1);
        let total: Vec<usize> = (0..TICKS).map(|_| warm.step()).collect();
        assert_eq!(total, rapier, "{scene}: allocations per tick, total and Rapier's");
        let mut warm = WarmEnv::new(scene, 2);
        let two_threads: usize = (0..TICKS).map(|_| warm.step()).sum();
        // rayon's job queue grows by a block every few dozen jobs.
        let limit = rapier.iter().sum::<usize>() + TICKS / 10;
        assert!(two_threads <= limit, "{scene}: {two_threads} allocations on two threads, at most {limit}");
        println!("{scene}: {} allocations per tick by Rapier", rapier.iter().sum::<usize>() as f64 / TICKS as f64);
    }
    resets_do_not_leak();
}

/// The memory in use after many episodes equals that after a few.
fn resets_do_not_leak() {
    for scene in ["courtyard", "slalom"] {
        let scene = find(scene).expect("a scene");
        let mut env = VecEnv::new(&scene, VecEnvOptions { arenas: ARENAS, agents: 1, threads: 1 });
        let mut random = RandomActions::new(&env);
        let mut episodes = |seeds: std::ops::Range<u64>| {
            for seed in seeds {
                env.reset(&[seed % 8; ARENAS]);
                for _ in 0..20 {
                    let actions = random.next(&env);
                    env.step(actions);
                }
            }
        };
        episodes(0..16);
        let region = Region::new(ALLOCATOR);
        episodes(16..96);
        let change = region.change();
        // Both sums include the bytes that reallocations add and free.
        let leaked = change.bytes_allocated as isize - change.bytes_deallocated as isize;
        assert_eq!(leaked, 0, "{}: bytes leaked by 80 resets", scene.name);
    }
}
