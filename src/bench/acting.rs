//! What learning by acting costs beside the acting.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use burn::tensor::Device;

use super::measurement::{Measurement, median};
use super::{BenchError, Options, ROUNDS};
use crate::learn::rl::{Arenas, Environment, Ppo};
use crate::learn::{Learner, LearnerKind, TrainConfig, UpdateStep};
use crate::policies::PolicyConfig;
use crate::rollout::{Step, VecEnvOptions};
use crate::scenes::{Scene, find, parse};

/// Arenas that tell how long they took, in nanoseconds. Random actions would not do to hold learning against: their brakes are
/// half on in the mean, and a car that stands costs half of one that drives.
struct Timed {
    arenas: Arenas,
    spent: Arc<AtomicU64>,
}

impl Environment for Timed {
    fn policy_config(&self) -> PolicyConfig {
        self.arenas.policy_config()
    }

    fn name(&self) -> String {
        self.arenas.name()
    }

    fn rows(&self) -> usize {
        self.arenas.rows()
    }

    fn begin(&mut self, seed: u64) {
        self.arenas.begin(seed);
    }

    fn step(&mut self, actions: &[f32]) {
        let begun = Instant::now();
        self.arenas.step(actions);
        self.spent.fetch_add(begun.elapsed().as_nanos() as u64, Ordering::Relaxed);
    }

    fn last(&self) -> Step<'_> {
        self.arenas.last()
    }

    fn outcome(&self, row: usize) -> (f32, bool) {
        self.arenas.outcome(row)
    }

    fn save(&self) -> Vec<u8> {
        self.arenas.save()
    }

    fn load(&mut self, bytes: &[u8]) -> bool {
        self.arenas.load(bytes)
    }
}

/// Bodies: a person whose every joint the policy drives, as Gymnasium's Humanoid-v5 does, one who is commanded, and a car.
fn scenes() -> Result<[(&'static str, Scene); 3], BenchError> {
    let commanded = find("courtyard")?;
    let jointed = parse("courtyard", "courtyard.ron", &commanded.text.replace("Command", "Joints"))?;
    Ok([("joints", jointed), ("humanoid", commanded), ("vehicle", find("circuit")?)])
}

/// The networks, batches and repetitions that Stable-Baselines3's PPO has by default: two hidden layers of 64, ten times
/// through the ticks of 64 arenas in batches of 64.
fn as_in_baselines() -> TrainConfig {
    let mut config = LearnerKind::Ppo.defaults();
    (config.ppo.arenas, config.ppo.ticks, config.ppo.epochs) = (64, 64, 10);
    config.network.hidden = vec![64, 64];
    config.training.batch_size = 64;
    config
}

/// Ticks of all agents per second of whole updates of PPO, with its own settings and with those of Stable-Baselines3,
/// against what the arenas alone took of that time.
pub(super) fn acting(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    let mut out = Vec::new();
    for (body, scene) in scenes()? {
        for (settings, config) in [("own", LearnerKind::Ppo.defaults()), ("baselines", as_in_baselines())] {
            let count = config.ppo.arenas;
            let ticks = (count * config.ppo.ticks) as f64;
            let arenas = Arenas::new(&scene, VecEnvOptions { arenas: count, agents: 1, threads: 0 });
            let spent = Arc::new(AtomicU64::new(0));
            let timed = Timed { arenas, spent: spent.clone() };
            let mut learner = Ppo::new(&config, Box::new(timed), &Device::flex())?;
            let mut index = 0;
            // Ticks per second of an update, and of the arenas in it.
            let mut update = || -> Result<(f64, f64), BenchError> {
                let begun = Instant::now();
                spent.store(0, Ordering::Relaxed);
                let learning_rate = config.optimizer.learning_rate;
                learner.update(UpdateStep { index, learning_rate, seed: 0 })?;
                index += 1;
                let alone = spent.load(Ordering::Relaxed) as f64 * 1e-9;
                Ok((ticks / begun.elapsed().as_secs_f64(), ticks / alone))
            };
            update()?;
            let (mut learning, mut alone) = (Vec::new(), Vec::new());
            let begun = Instant::now();
            while learning.len() < ROUNDS || begun.elapsed() < options.share(6) * ROUNDS as u32 {
                options.go_on()?;
                let (whole, arenas) = update()?;
                learning.push(whole);
                alone.push(arenas);
            }
            let name = format!("{body}/acting_{settings}");
            out.push(
                Measurement::new(name, median(&learning), "ticks/s, all cores")
                    .held_against(median(&alone), "the arenas alone"),
            );
        }
    }
    Ok(out)
}
