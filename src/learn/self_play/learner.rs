//! Self-play: both sides of a game are trained, each against a pool of the other side's earlier policies.

use std::path::Path;
use std::sync::{Arc, MutexGuard, PoisonError};

use burn::tensor::Device;

use super::opponent_env::{OpponentEnv, OpponentPool, SharedPool};
use super::{Games, SelfPlayConfig};
use crate::learn::core::run_dir::not_whole;
use crate::learn::core::training::run;
use crate::learn::reinforcement::train::provenance;
use crate::learn::reinforcement::{Ppo, PpoConfig, SceneEnv, VecEnvironment};
use crate::learn::{
    Extent, Learner, Metric, Progress, RunOptions, TrainConfig, TrainError, TrainSummary, UpdateStep, Validation,
};
use crate::policies::{HeadKind, Policy, PolicyError, Provenance};
use crate::rollout::{Player, VecEnvOptions, evaluate_side, recording_seeds};
use crate::scenes::Scene;
use crate::sim::split_seed;

/// Folder of the opponent pool in a policy's folder.
const POOL_DIR: &str = "pool";
/// Stream of the run's seed for the rating games.
const RATING_STREAM: u64 = 4000;
/// The reported metrics of PPO, and their tags for each side.
const SIDE_TAGS: [(&str, [&str; 2]); 5] = [
    ("rollout/ep_rew_mean", ["first/rollout/ep_rew_mean", "second/rollout/ep_rew_mean"]),
    ("rollout/success_rate", ["first/rollout/success_rate", "second/rollout/success_rate"]),
    ("train/loss", ["first/train/loss", "second/train/loss"]),
    ("train/entropy", ["first/train/entropy", "second/train/entropy"]),
    ("train/approx_kl", ["first/train/approx_kl", "second/train/approx_kl"]),
];

/// The learner of a side, and the pool of its snapshots.
struct Side {
    ppo: Ppo,
    pool: SharedPool,
}

impl Side {
    fn pool(&self) -> MutexGuard<'_, OpponentPool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Self-play of two policies, each trained by PPO against a pool of the other's snapshots.
pub struct SelfPlay {
    config: TrainConfig,
    scene: Scene,
    sides: [Side; 2],
    games: Games,
    /// Updates of each side.
    updates: u64,
    threads: usize,
}

fn config_error(message: String) -> TrainError {
    TrainError::Config { origin: "the training configuration".into(), message }
}

impl SelfPlay {
    /// Untrained networks for both sides of `scene`. `threads` threads step the arenas; 0 for one on each core.
    ///
    /// # Errors
    /// A scene without two sides, settings out of range, or a network or head that self-play does not support.
    pub fn new(config: &TrainConfig, scene: &Scene, threads: usize, device: &Device) -> Result<Self, TrainError> {
        let names = scene.blueprint.sides();
        let [first, second] = names else {
            return Err(config_error(format!(
                "{} is not a two-player scene; train self-play requires a scene with task: Tag(...), such as tag or playground",
                scene.name
            )));
        };
        if config.head.kind != HeadKind::GAUSSIAN {
            return Err(config_error("train self-play requires head.kind=gaussian; remove head.kind".into()));
        }
        if config.network.is_recurrent() {
            return Err(config_error(
                "train self-play does not support recurrent networks; set network.kind to mlp".into(),
            ));
        }
        if !config.init.from.is_empty() {
            return Err(config_error("train self-play requires random initialization; remove init.from".into()));
        }
        let pools: [SharedPool; 2] = Default::default();
        let side = |index: usize| -> Result<Side, TrainError> {
            let mut side_config = config.clone();
            side_config.training.seed = split_seed(config.training.seed, index as u64);
            let options = VecEnvOptions { arenas: config.get::<PpoConfig>().n_envs, agents: 1, threads };
            let arenas = SceneEnv::new(scene, options);
            let opponent_pool = Arc::clone(&pools[1 - index]);
            let environment = OpponentEnv::new(
                arenas,
                index,
                opponent_pool,
                config.get::<SelfPlayConfig>().play_against_latest_ratio,
            );
            let ppo = Ppo::new(&side_config, Box::new(environment), None, device)?;
            Ok(Side { ppo, pool: Arc::clone(&pools[index]) })
        };
        let games = Games {
            sides: [(*first).into(), (*second).into()],
            updates: Vec::new(),
            games: config.get::<SelfPlayConfig>().n_rating_games as u32,
            won: Vec::new(),
        };
        let mut learner = Self {
            config: config.clone(),
            scene: scene.clone(),
            sides: [side(0)?, side(1)?],
            games,
            updates: 0,
            threads,
        };
        learner.add_snapshots()?;
        Ok(learner)
    }

    /// The current policy of a side, with its provenance.
    fn side_policy(&self, side: usize) -> Result<Policy, PolicyError> {
        let mut policy = self.sides[side].ppo.policy()?;
        policy.config_mut().provenance = Provenance {
            scene: self.scene.name.clone(),
            learner: learner_name(&self.games.sides[side]),
            seed: self.config.training.seed,
            version: env!("CARGO_PKG_VERSION").into(),
            steps: self.updates,
            ..Provenance::default()
        };
        Ok(policy)
    }

    /// Add snapshots of both sides' policies to the pools.
    fn add_snapshots(&mut self) -> Result<(), TrainError> {
        for (index, side) in self.sides.iter().enumerate() {
            let policy = self.side_policy(index)?;
            let mut pool = side.pool();
            pool.policies.push(policy);
            pool.weights.push(1.0);
        }
        Ok(())
    }

    /// Set the sampling weights of the pools, for the latest snapshot of the other side.
    fn update_pool_weights(&mut self) {
        let Some(latest) = self.games.won.len().checked_sub(1) else { return };
        for (index, side) in self.sides.iter().enumerate() {
            side.pool().weights = self.games.pfsp_weights(1 - index, latest);
        }
    }

    /// Snapshot `snapshot` of side `side`, the oldest 0; `None` if there is none.
    pub fn snapshot(&self, side: usize, snapshot: usize) -> Option<Policy> {
        self.sides[side].pool().policies.get(snapshot).cloned()
    }

    /// Results of the rating games.
    pub fn games(&self) -> &Games {
        &self.games
    }

    /// Play the rating games of snapshot `i` of the first side against snapshot `j` of the second; returns the wins of `i`.
    fn play_rating_games(&self, i: usize, j: usize) -> Result<u32, TrainError> {
        let player =
            |side: usize, snapshot: usize| Player::Policy(Box::new(self.sides[side].pool().policies[snapshot].clone()));
        let players = vec![player(0, i), player(1, j)];
        let seed = split_seed(self.config.training.seed, RATING_STREAM);
        let seeds: Vec<u64> = recording_seeds(seed).take(self.config.get::<SelfPlayConfig>().n_rating_games).collect();
        let evaluation = evaluate_side(&self.scene, players, 0, &seeds, self.threads, |_| {})?;
        Ok(evaluation.results.iter().filter(|result| result.success).count() as u32)
    }

    /// Play the rating games of the latest snapshots of both sides.
    fn rate_snapshots(&mut self) -> Result<(), TrainError> {
        let latest = self.games.won.len();
        for i in 0..latest {
            let won = self.play_rating_games(i, latest)?;
            self.games.won[i].push(won);
        }
        let row = (0..=latest).map(|j| self.play_rating_games(latest, j)).collect::<Result<_, _>>()?;
        self.games.won.push(row);
        self.games.updates.push(self.updates);
        self.update_pool_weights();
        Ok(())
    }
}

impl Learner for SelfPlay {
    fn name(&self) -> &'static str {
        self.config.spec().name()
    }

    fn extent(&self) -> Extent {
        Extent { updates: self.config.training.steps, updates_per_epoch: 1, ..Extent::default() }
    }

    fn update(&mut self, step: UpdateStep) -> Result<(), TrainError> {
        if self.games.won.is_empty() {
            self.rate_snapshots()?;
        }
        for (index, side) in self.sides.iter_mut().enumerate() {
            side.ppo.update(UpdateStep { seed: split_seed(step.seed, index as u64), ..step })?;
        }
        self.updates = step.index + 1;
        let is_final = self.updates == self.config.training.steps;
        if is_final || self.updates.is_multiple_of(self.config.get::<SelfPlayConfig>().snapshot_interval) {
            self.add_snapshots()?;
            self.rate_snapshots()?;
        }
        Ok(())
    }

    fn metrics(&mut self, step: u64) -> Result<Vec<Metric>, TrainError> {
        let mut metrics = Vec::new();
        for (index, side) in self.sides.iter_mut().enumerate() {
            let side_metrics = side.ppo.metrics(step)?;
            let side_tag =
                |metric: &Metric| SIDE_TAGS.iter().find(|(tag, _)| *tag == metric.tag).map(|(_, tags)| tags[index]);
            metrics.extend(
                side_metrics.iter().filter_map(|metric| Some(Metric { tag: side_tag(metric)?, value: metric.value })),
            );
        }
        if let Some(latest) = self.games.won.len().checked_sub(1).filter(|_| !metrics.is_empty()) {
            let [first, second] = self.games.ratings();
            let win_rate = self.games.win_rates(0, latest)[latest];
            for (tag, value) in [
                ("first/self_play/elo", first[latest]),
                ("second/self_play/elo", second[latest]),
                ("self_play/win_rate_vs_latest", win_rate),
            ] {
                metrics.push(Metric { tag, value: value as f32 });
            }
        }
        Ok(metrics)
    }

    fn validate(&mut self, _step: u64) -> Result<Option<Validation>, TrainError> {
        Ok(None)
    }

    /// The policy of the first side.
    fn policy(&self) -> Result<Policy, PolicyError> {
        self.sides[0].ppo.policy()
    }

    fn save(&self, dir: &Path) -> Result<(), TrainError> {
        for (index, (side, name)) in self.sides.iter().zip(&self.games.sides).enumerate() {
            let side_dir = dir.join(name);
            std::fs::create_dir_all(&side_dir).map_err(TrainError::io("make the folder", &side_dir))?;
            self.side_policy(index)?.write_into(&side_dir)?;
            side.ppo.save(&side_dir)?;
            for (snapshot, policy) in side.pool().policies.iter().enumerate() {
                let member_dir = pool_member_dir(dir, name, snapshot);
                std::fs::create_dir_all(&member_dir).map_err(TrainError::io("make the folder", &member_dir))?;
                policy.write_into(&member_dir)?;
            }
        }
        let path = dir.join(Games::FILE);
        let text = serde_json::to_vec(&self.games).unwrap_or_default();
        std::fs::write(&path, text).map_err(TrainError::io("write", &path))
    }

    fn load(&mut self, dir: &Path) -> Result<(), TrainError> {
        let games = Games::load(dir)?;
        if games.sides != self.games.sides || games.games != self.games.games {
            return Err(not_whole(dir, Games::FILE, "belongs to another game"));
        }
        if games.sides.iter().any(|name| pool_member_dir(dir, name, games.won.len().max(1)).exists()) {
            return Err(not_whole(dir, Games::FILE, "lacks policies of the pool"));
        }
        for (side, name) in self.sides.iter().zip(&games.sides) {
            let mut policies = Vec::new();
            for snapshot in 0..games.won.len().max(1) {
                let member_dir = pool_member_dir(dir, name, snapshot);
                let policy = Policy::load(&member_dir).map_err(|error| TrainError::Resume {
                    dir: dir.into(),
                    message: format!(
                        "the opponent pool lacks {name} {snapshot} ({error}); copy the newest folder of checkpoints/ to \
                         last/"
                    ),
                })?;
                policies.push(policy);
            }
            *side.pool() = OpponentPool { weights: vec![1.0; policies.len()], policies };
        }
        for (side, name) in self.sides.iter_mut().zip(&games.sides) {
            side.ppo.load(&dir.join(name))?;
            self.updates = Policy::load(&dir.join(name))?.config().provenance.steps;
        }
        self.games = games;
        self.update_pool_weights();
        Ok(())
    }
}

/// Name of the learner of a side, for a policy's provenance.
pub fn learner_name(side: &str) -> String {
    format!("self-play, {side}")
}

/// Folder of snapshot `snapshot`, the oldest 0, of side `name`. `dir`: folder of the run's latest policy (`last`).
pub fn pool_member_dir(dir: &Path, name: &str, snapshot: usize) -> std::path::PathBuf {
    dir.join(POOL_DIR).join(format!("{name}-{snapshot:03}"))
}

/// Train both sides of `scene` by self-play. `threads` threads step the arenas; 0 for one on each core.
///
/// # Errors
/// A scene without two sides, invalid settings, a run folder that cannot be written or resumed, or training that diverges.
pub fn train_self_play(
    config: &TrainConfig,
    scene: &Scene,
    threads: usize,
    options: &RunOptions,
    progress: &mut dyn Progress,
) -> Result<TrainSummary, TrainError> {
    config.check("the training configuration")?;
    let mut learner = SelfPlay::new(config, scene, threads, &options.device)?;
    let arenas = SceneEnv::new(scene, VecEnvOptions { arenas: 1, agents: 1, threads: 1 });
    let spaces = arenas.policy_config();
    let layouts = [spaces.observation.hash(), spaces.action.hash()];
    let name = learner_name(&learner.games.sides[0]);
    let provenance = Provenance { learner: name, ..provenance(config, &arenas as &dyn VecEnvironment, &layouts, &[]) };
    run(&mut learner, config, provenance, options, progress)
}
