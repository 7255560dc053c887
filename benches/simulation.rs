//! Simulation: single arenas, many arenas, resets. `cargo bench --bench simulation`

use apprentice::bench::{BODIES, WarmEnv};
use apprentice::scenes::find;
use apprentice::sim::{Arena, PhysicsSets};
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

fn warm(body: &str, arenas: usize, agents: usize, threads: usize) -> WarmEnv {
    let (_, scene) = BODIES.into_iter().find(|(name, _)| *name == body).expect("a body");
    WarmEnv::new(&find(scene).expect("a shipped scene"), arenas, agents, threads)
}

/// `(arenas, agents per arena, threads)`; 0 threads are one per core.
const SIZES: [(usize, usize, usize); 5] = [(1, 1, 0), (64, 1, 0), (1024, 1, 0), (1, 16, 1), (1, 64, 1)];

/// One tick of the car.
#[divan::bench(args = SIZES)]
fn step_vehicle(bencher: Bencher<'_, '_>, size: (usize, usize, usize)) {
    step("vehicle", bencher, size);
}

/// One tick of the humanoid.
#[divan::bench(args = SIZES)]
fn step_humanoid(bencher: Bencher<'_, '_>, size: (usize, usize, usize)) {
    step("humanoid", bencher, size);
}

fn step(body: &str, bencher: Bencher<'_, '_>, (arenas, agents, threads): (usize, usize, usize)) {
    let mut warm = warm(body, arenas, agents, threads);
    bencher.counter(ItemsCount::new(arenas * agents)).bench_local(|| warm.ticks(1));
}

/// The reset of one arena.
#[divan::bench(args = ["vehicle", "humanoid"])]
fn reset(bencher: Bencher<'_, '_>, body: &str) {
    let mut warm = warm(body, 1, 1, 1);
    let entity = warm.env.arena_entity(0);
    let world = warm.env.world_mut();
    let mut arenas = world.query::<(&mut Arena, PhysicsSets)>();
    let mut seed = 0;
    bencher.bench_local(|| {
        let (mut arena, mut sets) = arenas.get_mut(world, entity).expect("the arena");
        arena.reset(&mut sets.physics(), seed);
        seed += 1;
    });
}
