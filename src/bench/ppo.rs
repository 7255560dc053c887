//! The cost of PPO updates relative to their simulation.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use burn::tensor::Device;

use super::measurement::{Measurement, median};
use super::{BenchError, Options, ROUNDS};
use crate::learn::reinforcement::{EpisodeResult, Ppo, PpoConfig, SceneEnv, VecEnvironment};
use crate::learn::{Learner, TrainConfig, UpdateStep, defaults};
use crate::policies::PolicyConfig;
use crate::rollout::{Step, VecEnvOptions};
use crate::scenes::{Scene, find, parse};

/// A [`SceneEnv`] that measures the time of its steps. The steps of an update are its own reference: random actions brake
/// half of the time, and a car at rest costs half as much as a moving one.
struct TimedEnv {
    env: SceneEnv,
    /// Time in [`VecEnvironment::step`], ns.
    elapsed: Arc<AtomicU64>,
}

impl VecEnvironment for TimedEnv {
    fn policy_config(&self) -> PolicyConfig {
        self.env.policy_config()
    }

    fn name(&self) -> String {
        self.env.name()
    }

    fn num_envs(&self) -> usize {
        self.env.num_envs()
    }

    fn reset(&mut self, seed: u64) {
        self.env.reset(seed);
    }

    fn step(&mut self, actions: &[f32]) {
        let start = Instant::now();
        self.env.step(actions);
        self.elapsed.fetch_add(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
    }

    fn last_step(&self) -> Step<'_> {
        self.env.last_step()
    }

    fn episode_result(&self, row: usize) -> EpisodeResult {
        self.env.episode_result(row)
    }

    fn save(&self) -> Vec<u8> {
        self.env.save()
    }

    fn load(&mut self, bytes: &[u8]) -> bool {
        self.env.load(bytes)
    }
}

/// A humanoid whose policy drives every joint, as in Gymnasium's Humanoid-v5, a humanoid with velocity commands, and a car.
fn scenes() -> Result<[(&'static str, Scene); 3], BenchError> {
    let commanded = find("courtyard")?;
    let jointed = parse("courtyard", "courtyard.ron", &commanded.text.replace("Command", "Joints"))?;
    Ok([("joints", jointed), ("humanoid", commanded), ("vehicle", find("circuit")?)])
}

/// The network, batch size and epochs of Stable-Baselines3's PPO by default: two hidden layers of 64, ten epochs over the
/// rollouts of 64 environments with batches of 64.
fn sb3_config() -> TrainConfig {
    let mut config = defaults("ppo");
    let ppo = config.get_mut::<PpoConfig>();
    (ppo.n_envs, ppo.n_steps, ppo.n_epochs) = (64, 64, 10);
    config.network.hidden_sizes = vec![64, 64];
    config.training.batch_size = 64;
    config
}

/// Agent ticks per second of complete PPO updates, with default settings and with those of Stable-Baselines3, compared to
/// the simulation alone within the same updates.
pub(super) fn ppo(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    let mut out = Vec::new();
    for (body, scene) in scenes()? {
        for (settings, config) in [("default", defaults("ppo")), ("sb3", sb3_config())] {
            let count = config.get::<PpoConfig>().n_envs;
            let ticks = (count * config.get::<PpoConfig>().n_steps) as f64;
            let env = SceneEnv::new(&scene, VecEnvOptions { arenas: count, agents: 1, threads: 0 });
            let elapsed = Arc::new(AtomicU64::new(0));
            let env = TimedEnv { env, elapsed: elapsed.clone() };
            let mut learner = Ppo::new(&config, Box::new(env), None, &Device::flex())?;
            let mut index = 0;
            // Ticks per second of an update, and of its simulation alone.
            let mut update = || -> Result<(f64, f64), BenchError> {
                let start = Instant::now();
                elapsed.store(0, Ordering::Relaxed);
                let learning_rate = config.optimizer.learning_rate;
                learner.update(UpdateStep { index, learning_rate, seed: 0 })?;
                index += 1;
                let simulation = elapsed.load(Ordering::Relaxed) as f64 * 1e-9;
                Ok((ticks / start.elapsed().as_secs_f64(), ticks / simulation))
            };
            update()?;
            let (mut updates, mut simulation) = (Vec::new(), Vec::new());
            let start = Instant::now();
            while updates.len() < ROUNDS || start.elapsed() < options.time_slice(6) * ROUNDS as u32 {
                options.check_stop()?;
                let (update_rate, simulation_rate) = update()?;
                updates.push(update_rate);
                simulation.push(simulation_rate);
            }
            let name = format!("{body}/ppo_{settings}");
            out.push(
                Measurement::new(name, median(&updates), "ticks/s, all cores")
                    .compared_to(median(&simulation), "simulation alone"),
            );
        }
    }
    Ok(out)
}
