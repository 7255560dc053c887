//! Simulation: single arenas, many arenas, resets. `cargo bench --bench simulation`

use apprentice::bench::{BODIES, BenchBody, WarmEnv};
use apprentice::scenes::find;
use apprentice::sim::{Arena, PhysicsSets};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn warm(scene: &str, arenas: usize, agents: usize, threads: usize) -> WarmEnv {
    WarmEnv::new(&find(scene).expect("a shipped scene"), arenas, agents, threads)
}

/// `(arenas, agents per arena, threads)`; 0 threads are one per core.
const SIZES: [(usize, usize, usize); 5] = [(1, 1, 0), (64, 1, 0), (1024, 1, 0), (1, 16, 1), (1, 64, 1)];

fn steps(c: &mut Criterion) {
    let mut group = c.benchmark_group("step");
    group.sample_size(20);
    for BenchBody { name: body, scene, .. } in BODIES {
        for (arenas, agents, threads) in SIZES {
            let mut warm = warm(scene, arenas, agents, threads);
            group.throughput(Throughput::Elements((arenas * agents) as u64));
            let size = format!("{arenas} arenas of {agents}");
            group.bench_function(BenchmarkId::new(body, size), |b| b.iter(|| warm.ticks(1)));
        }
    }
}

fn resets(c: &mut Criterion) {
    let mut group = c.benchmark_group("reset");
    for BenchBody { name: body, scene, .. } in BODIES {
        let mut warm = warm(scene, 1, 1, 1);
        let entity = warm.env.arena_entity(0);
        let world = warm.env.world_mut();
        let mut arenas = world.query::<(&mut Arena, PhysicsSets)>();
        let mut seed = 0;
        group.bench_function(body, |b| {
            b.iter(|| {
                let (mut arena, mut sets) = arenas.get_mut(world, entity).expect("the arena");
                arena.reset(&mut sets.physics(), seed);
                seed += 1;
            });
        });
    }
}

criterion_group!(benches, steps, resets);
criterion_main!(benches);
