//! A warm step of a vectorised environment makes no allocation of its own: only those that Rapier makes in the same
//! states.

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
/// Ticks before anything is counted: bodies have landed, buffers have grown.
const WARM_UP: usize = 120;
/// Ticks that are counted.
const TICKS: usize = 150;

/// Allocations and reallocations, which are requests for memory both.
fn requests(region: &Region<'_, System>) -> usize {
    let change = region.change();
    change.allocations + change.reallocations
}

/// An environment with its random actions, past the warm-up.
struct Warm {
    env: VecEnv,
    random: RandomActions,
}

impl Warm {
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

    /// One step with its actions; the requests for memory in it.
    fn step(&mut self) -> usize {
        let region = Region::new(ALLOCATOR);
        let actions = self.random.next(&self.env);
        let step = self.env.step(actions);
        let ended = step.terminated.iter().chain(step.truncated).any(|end| *end);
        let requests = requests(&region);
        assert!(!ended, "no episode ends in the ticks that are counted");
        requests
    }
}

/// Requests of the library alone in each of the ticks that follow the warm-up: the arenas are advanced by hand.
fn library(scene: &str) -> Vec<usize> {
    let Warm { mut env, mut random } = Warm::new(scene, 1);
    let entities: Vec<Entity> = (0..ARENAS).map(|arena| env.arena_entity(arena)).collect();
    let size = env.action_size();
    let mut arenas: QueryState<(&mut Arena, PhysicsSets)> = env.world_mut().query();
    (0..TICKS)
        .map(|_| {
            let actions = random.next(&env).to_vec();
            let world = env.world_mut();
            let each = entities.iter().zip(actions.chunks_exact(size));
            each.map(|(entity, action)| {
                let (mut arena, mut sets) = arenas.get_mut(world, *entity).expect("the arena");
                let (arena, mut physics) = (&mut *arena, sets.physics());
                let mut count = 0;
                arena.slots[0].body.actuate(&mut physics, action);
                for _ in 0..arena.substeps {
                    let body = &mut arena.slots[0].body;
                    // Rapier drops its list of touched bodies in every step and makes a new one for the first body that
                    // is touched, which the body does itself a line below.
                    let region = Region::new(ALLOCATOR);
                    physics.bodies.get_mut(body.parts()[0]);
                    count += requests(&region);
                    body.before_step(&mut physics);
                    let region = Region::new(ALLOCATOR);
                    body.run_controller(&mut physics);
                    physics.step();
                    count += requests(&region);
                }
                count
            })
            .sum()
        })
        .collect()
}

/// The allocator counts for the whole process, so that everything stands in one test: another one beside it would show.
#[test]
fn a_warm_step_allocates_nothing_of_its_own() {
    for scene in ["courtyard", "circuit", "slalom"] {
        let library = library(scene);
        let mut warm = Warm::new(scene, 1);
        let ours: Vec<usize> = (0..TICKS).map(|_| warm.step()).collect();
        assert_eq!(ours, library, "{scene}: requests for memory in each tick, all and the library's");
        let mut warm = Warm::new(scene, 2);
        let two: usize = (0..TICKS).map(|_| warm.step()).sum();
        // Every few dozen hand-overs to the pool, rayon's queue grows by a block.
        let most = library.iter().sum::<usize>() + TICKS / 10;
        assert!(two <= most, "{scene}: {two} requests on two threads, at most {most}");
        println!("{scene}: {} requests a tick are the library's", library.iter().sum::<usize>() as f64 / TICKS as f64);
    }
    resets_stay_bounded();
}

/// Memory that is held after many episodes is what was held after few: nothing piles up.
fn resets_stay_bounded() {
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
        // What reallocations add and free is in both sums.
        let held = change.bytes_allocated as isize - change.bytes_deallocated as isize;
        assert_eq!(held, 0, "{}: bytes more are held after 80 more resets", scene.name);
    }
}
