//! What learning by acting costs beside the acting.

use std::time::Instant;

use burn::tensor::Device;

use super::arenas::WarmEnv;
use super::measurement::{Measurement, median};
use super::{BenchError, Options, ROUNDS};
use crate::learn::rl::{Arenas, Ppo};
use crate::learn::{Learner, LearnerKind, TrainConfig, UpdateStep};
use crate::rollout::VecEnvOptions;
use crate::scenes::{Scene, find, parse};

/// Arenas side by side.
const ARENAS: usize = 64;
/// Updates in a round.
const UPDATES: u64 = 2;

/// Bodies: a person whose every joint the policy drives, as Gymnasium's Humanoid-v5 does, one who is commanded, and a car.
fn scenes() -> Result<[(&'static str, Scene); 3], BenchError> {
    let commanded = find("courtyard")?;
    let jointed = parse("courtyard", "courtyard.ron", &commanded.text.replace("Command", "Joints"))?;
    Ok([("joints", jointed), ("humanoid", commanded), ("vehicle", find("circuit")?)])
}

/// The networks, batches and repetitions that Stable-Baselines3's PPO has by default: two hidden layers of 64, ten times
/// through the ticks in batches of 64.
fn as_in_baselines() -> TrainConfig {
    let mut config = LearnerKind::Ppo.defaults();
    (config.ppo.arenas, config.ppo.ticks, config.ppo.epochs) = (ARENAS, 64, 10);
    config.network.hidden = vec![64, 64];
    config.training.batch_size = 64;
    config
}

/// Ticks of all agents per second of whole updates of PPO, with its own settings and with those of Stable-Baselines3,
/// against the same arenas under random actions.
pub(super) fn acting(options: &Options) -> Result<Vec<Measurement>, BenchError> {
    let mut out = Vec::new();
    for (body, scene) in scenes()? {
        let mut own = LearnerKind::Ppo.defaults();
        own.ppo.arenas = ARENAS;
        let mut alone = WarmEnv::new(&scene, ARENAS, 1, 0);
        for (settings, config) in [("own", own), ("baselines", as_in_baselines())] {
            let arenas = Arenas::new(&scene, VecEnvOptions { arenas: ARENAS, agents: 1, threads: 0 });
            let mut learner = Ppo::new(&config, Box::new(arenas), &Device::flex())?;
            let mut index = 0;
            let mut update = || -> Result<f64, BenchError> {
                let begun = Instant::now();
                for _ in 0..UPDATES {
                    let learning_rate = config.optimizer.learning_rate;
                    learner.update(UpdateStep { index, learning_rate, seed: 0 })?;
                    index += 1;
                }
                Ok((UPDATES as usize * ARENAS * config.ppo.ticks) as f64 / begun.elapsed().as_secs_f64())
            };
            update()?;
            let (mut arenas, mut learning) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                options.go_on()?;
                arenas.push(alone.rate(options.share(12)));
                learning.push(update()?);
            }
            let name = format!("{body}/acting_{settings}");
            out.push(
                Measurement::new(name, median(&learning), "ticks/s, all cores")
                    .held_against(median(&arenas), "the arenas alone"),
            );
        }
    }
    Ok(out)
}
