//! Simulation: single arenas, many arenas, resets. `cargo bench --bench simulation`

use apprentice::rollout::{RandomActions, VecEnv, VecEnvOptions};
use apprentice::scenes::find;
use apprentice::sim::{Arena, PhysicsSets};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const BODIES: [(&str, &str); 2] = [("humanoid", "courtyard"), ("vehicle", "circuit")];

fn warm(scene: &str, arenas: usize, agents: usize, threads: usize) -> (VecEnv, RandomActions) {
    let scene = find(scene).expect("a shipped scene");
    let mut env = VecEnv::new(&scene, VecEnvOptions { arenas, agents, threads });
    let seeds: Vec<u64> = (0..arenas as u64).collect();
    env.reset(&seeds);
    let mut random = RandomActions::new(&env);
    for _ in 0..60 {
        let actions = random.next(&env);
        env.step(actions);
    }
    (env, random)
}

fn arenas(c: &mut Criterion) {
    let mut group = c.benchmark_group("arenas");
    group.sample_size(20);
    for (body, scene) in BODIES {
        for count in [1, 64, 1024] {
            let (mut env, mut random) = warm(scene, count, 1, 0);
            group.throughput(Throughput::Elements(count as u64));
            group.bench_function(BenchmarkId::new(body, count), |b| {
                b.iter(|| {
                    let actions = random.next(&env);
                    env.step(actions);
                });
            });
        }
    }
}

fn agents(c: &mut Criterion) {
    let mut group = c.benchmark_group("agents in one arena");
    group.sample_size(20);
    for (body, scene) in BODIES {
        for count in [16, 64] {
            let (mut env, mut random) = warm(scene, 1, count, 1);
            group.throughput(Throughput::Elements(count as u64));
            group.bench_function(BenchmarkId::new(body, count), |b| {
                b.iter(|| {
                    let actions = random.next(&env);
                    env.step(actions);
                });
            });
        }
    }
}

fn resets(c: &mut Criterion) {
    let mut group = c.benchmark_group("reset");
    for (body, scene) in BODIES {
        let (mut env, _) = warm(scene, 1, 1, 1);
        let entity = env.arena_entity(0);
        let world = env.world_mut();
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

criterion_group!(benches, arenas, agents, resets);
criterion_main!(benches);
