//! Determinism: (scene, seed, actions) determines the state at each tick, in one arena or among 64, on one thread or two,
//! and after a snapshot was serialized and restored.

use apprentice::agents::{Action, Driver, Spaces};
use apprentice::rollout::headless_app;
use apprentice::scenes::{Spawned, builtin_names, find, spawn_arena};
use apprentice::sim::{Arena, PhysicsSets, SimRng, Snapshot, begin_episode, episode_rng, state_hash, tick};
use bevy::ecs::prelude::World;
use rand::RngExt;

const TICKS: usize = 90;
const SEED: u64 = 12_345;

fn hash(world: &mut World, spawned: &Spawned) -> u64 {
    let mut arenas = world.query::<(&Arena, PhysicsSets)>();
    let (arena, mut sets) = arenas.get_mut(world, spawned.arena).expect("the arena");
    state_hash(&sets.physics(), arena)
}

fn random_action(world: &mut World, spawned: &Spawned, rng: &mut SimRng) {
    let agent = spawned.agents[0];
    let bounds: Vec<(f32, f32)> = world.get::<Spaces>(agent).expect("an agent").action.bounds().collect();
    let mut action = world.get_mut::<Action>(agent).expect("an agent");
    for (value, (low, high)) in action.0.iter_mut().zip(bounds) {
        *value = low + rng.random::<f32>() * (high - low);
    }
}

/// State hash after each tick of the arena with `SEED`, among `others` other arenas.
fn run(scene: &str, others: usize, threads: usize, ticks: usize) -> Vec<u64> {
    let scene = find(scene).expect("a scene");
    let mut app = headless_app(threads);
    let world = app.world_mut();
    let mut all = Vec::new();
    for i in 0..=others {
        let spawned = spawn_arena(world, &scene, 1, Driver::Remote);
        // The observed arena is in the middle of the others.
        let seed = if i == others / 2 { SEED } else { i as u64 };
        begin_episode(world, spawned.arena, seed);
        all.push((spawned, episode_rng(seed, 9), seed));
    }
    let mut hashes = Vec::new();
    for _ in 0..ticks {
        for (spawned, rng, _) in &mut all {
            random_action(world, spawned, rng);
        }
        tick(world);
        let (observed, ..) = all.iter().find(|(.., seed)| *seed == SEED).expect("the observed arena").clone();
        hashes.push(hash(world, &observed));
    }
    hashes
}

#[test]
fn other_arenas_and_threads_do_not_change_the_state() {
    for scene in ["slalom", "crates"] {
        let alone = run(scene, 0, 1, TICKS);
        assert_eq!(alone, run(scene, 63, 1, TICKS), "{scene}: among 64 arenas on one thread");
        assert_eq!(alone, run(scene, 63, 2, TICKS), "{scene}: among 64 arenas on two threads");
        let distinct: std::collections::HashSet<_> = alone.iter().collect();
        assert_eq!(distinct.len(), TICKS, "{scene}: the state changes at every tick");
    }
}

#[test]
fn every_scene_is_deterministic() {
    for scene in builtin_names() {
        assert_eq!(run(scene, 0, 1, 30), run(scene, 2, 2, 30), "{scene}");
    }
}

#[test]
fn a_restored_snapshot_continues_bit_for_bit() {
    for name in ["slalom", "courtyard"] {
        let scene = find(name).expect("a scene");
        let mut app = headless_app(1);
        let world = app.world_mut();
        let spawned = spawn_arena(world, &scene, 1, Driver::Remote);
        begin_episode(world, spawned.arena, SEED);
        let mut rng = episode_rng(SEED, 9);
        for _ in 0..40 {
            random_action(world, &spawned, &mut rng);
            tick(world);
        }
        let bytes = {
            let mut arenas = world.query::<(&Arena, PhysicsSets)>();
            let (arena, mut sets) = arenas.get_mut(world, spawned.arena).expect("the arena");
            Snapshot::take(&sets.physics(), arena).to_bytes().expect("a snapshot serializes")
        };
        let continue_episode = |world: &mut World| -> Vec<u64> {
            let mut rng = episode_rng(7, 7);
            (0..40)
                .map(|_| {
                    random_action(world, &spawned, &mut rng);
                    tick(world);
                    hash(world, &spawned)
                })
                .collect()
        };
        let first = continue_episode(world);
        let mut arena = world.get_mut::<Arena>(spawned.arena).expect("the arena");
        let snapshot = Snapshot::from_bytes(&bytes).expect("the same bytes");
        arena.request_reset_from(SEED, snapshot).expect("the same bodies");
        assert_eq!(first, continue_episode(world), "{name}");
    }
}

#[test]
fn a_truncated_snapshot_is_rejected() {
    let scene = find("courtyard").expect("a scene");
    let mut app = headless_app(1);
    let world = app.world_mut();
    let spawned = spawn_arena(world, &scene, 1, Driver::Remote);
    tick(world);
    let mut arenas = world.query::<(&Arena, PhysicsSets)>();
    let (arena, mut sets) = arenas.get_mut(world, spawned.arena).expect("the arena");
    let bytes = Snapshot::take(&sets.physics(), arena).to_bytes().expect("a snapshot serializes");
    for part in 1..20 {
        assert!(Snapshot::from_bytes(&bytes[..bytes.len() * part / 20]).is_err(), "{part}/20 of the bytes");
    }
    let mut other = bytes;
    other[0] ^= 0x40;
    assert!(Snapshot::from_bytes(&other).is_err(), "another format");
}
