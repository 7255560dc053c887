//! A Bevy game that only runs a trained policy: four cars, each in its own arena, driven by one policy, on seeds that
//! training never saw. Without a window, as fast as possible.
//!
//! ```sh
//! cargo run --release --example run_policy                           # trains a small policy for `slalom` first
//! cargo run --release --example run_policy -- runs/slalom            # a policy folder or a run folder
//! cargo run --release --example run_policy -- runs/parking parking   # in this scene
//! ```
//!
//! In a window a game adds `DefaultPlugins` instead of `MinimalPlugins`, leaves [`TimeUpdateStrategy`] out, and draws the
//! bodies of the arenas its own way; `apprentice play slalom --policy runs/slalom` shows the policy in the crate's own.
use std::error::Error;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use apprentice::policies::resolve_policy_dir;
use apprentice::prelude::*;
use apprentice::scenes::Scene;
use bevy::prelude::*;
use bevy::time::TimeUpdateStrategy;

/// Arenas that are simulated side by side.
const ARENAS: usize = 4;
/// Episodes of all arenas together.
const EPISODES: usize = 40;

/// The episodes that are left, and what came of the others.
#[derive(Resource)]
struct Episodes {
    seeds: Vec<u64>,
    finished: usize,
    succeeded: usize,
}

/// Record demonstrations of a scripted operator and clone them.
fn train_small_policy(scene: &Scene, dir: &Path) -> Result<Policy, Box<dyn Error>> {
    let demos = dir.join("demos");
    record(scene, Skill::Steady, recording_seeds(1).take(20), &demos, &AtomicBool::new(false), |_| {})?;
    let data = TrainingData::from_dataset(&Dataset::open(&demos)?)?;
    let settings = ["training.steps=2000", "optimizer.learning_rate=1e-3"].map(str::to_owned);
    let config = defaults("bc").changed(None, &settings)?;
    let run = train_on_dataset(&config, &data, &RunOptions::new(dir.join("run")), &mut ())?;
    Ok(Policy::load(&run.policy_dir)?)
}

/// Spawn the arenas, and let the policy drive their agents. All agents of one policy are inferred in one batch.
fn spawn_cars(world: &mut World, scene: &Scene, policy: Policy) -> Result<(), Box<dyn Error>> {
    // Refused for an agent with other layouts than those that it was trained with.
    let policy = policy.for_agent(&scene.blueprint.spaces(), &scene.name)?;
    let index = world.resource_mut::<Policies>().add(policy);
    let mut seeds = evaluation_seeds(1, EPISODES);
    for _ in 0..ARENAS {
        let spawned = spawn_arena(world, scene, 1, Driver::Policy);
        for agent in &spawned.agents {
            world.entity_mut(*agent).insert(index);
        }
        if let Some(seed) = seeds.pop() {
            begin_episode(world, spawned.arena, seed);
        }
    }
    world.insert_resource(Episodes { seeds, finished: 0, succeeded: 0 });
    Ok(())
}

/// After each tick: count the episodes that ended, and begin the next ones.
fn next_episodes(
    agents: Query<(&Agent, &Score)>,
    mut arenas: Query<&mut Arena>,
    mut episodes: ResMut<Episodes>,
    mut exit: MessageWriter<AppExit>,
) {
    for (agent, score) in &agents {
        let Ok(mut arena) = arenas.get_mut(agent.arena) else { continue };
        // Without another seed an arena goes on after its last episode; the score stays as it was at the end.
        if score.end.is_none() || score.ticks < arena.tick {
            continue;
        }
        episodes.finished += 1;
        episodes.succeeded += usize::from(score.succeeded());
        if let Some(seed) = episodes.seeds.pop() {
            arena.request_reset(seed);
        }
    }
    if episodes.finished >= EPISODES {
        println!("{} of {} episodes succeeded", episodes.succeeded, episodes.finished);
        exit.write(if episodes.succeeded > 0 { AppExit::Success } else { AppExit::error() });
    }
}

fn main() -> Result<AppExit, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let scene = find(arguments.get(1).map_or("slalom", String::as_str))?;
    let policy = match arguments.first() {
        Some(dir) => Policy::load(&resolve_policy_dir(Path::new(dir))?)?,
        None => train_small_policy(&scene, tempfile::tempdir()?.path())?,
    };
    let mut app = App::new();
    app.add_plugins((MinimalPlugins, SandboxPlugins::default()))
        .insert_resource(Time::<Fixed>::from_seconds(f64::from(scene.blueprint.control_dt())))
        // One tick in each update, however long it takes. Without it the ticks are run in real time.
        .insert_resource(TimeUpdateStrategy::FixedTimesteps(1))
        .add_systems(FixedUpdate, (tick, next_episodes).chain());
    spawn_cars(app.world_mut(), &scene, policy)?;
    Ok(app.run())
}
