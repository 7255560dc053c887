//! Both sides of a game, each learning against the other's past.

use std::path::Path;
use std::sync::{Arc, MutexGuard, PoisonError};

use burn::tensor::Device;

use super::Games;
use super::duel::{Duel, Players, Pool};
use crate::learn::rl::{Arenas, Environment, Ppo, provenance};
use crate::learn::run_dir::not_whole;
use crate::learn::training::run;
use crate::learn::{
    Extent, Learner, Metric, Progress, RunOptions, TrainConfig, TrainError, TrainSummary, UpdateStep, Validation,
};
use crate::policies::{HeadKind, Policy, PolicyError, Provenance};
use crate::rollout::{Player, VecEnvOptions, evaluate_side, recording_seeds};
use crate::scenes::Scene;
use crate::sim::split_seed;

/// Where the pool is in a policy's folder.
const POOL_DIR: &str = "pool";
/// Stream of the run's seed that the rated games are drawn from.
const RATED: u64 = 4000;
/// What is told of each side's learning, by its own tags.
const TOLD: [(&str, [&str; 2]); 5] = [
    ("episodes/return", ["first/episodes/return", "second/episodes/return"]),
    ("episodes/success", ["first/episodes/success", "second/episodes/success"]),
    ("train/loss", ["first/train/loss", "second/train/loss"]),
    ("train/entropy", ["first/train/entropy", "second/train/entropy"]),
    ("train/divergence", ["first/train/divergence", "second/train/divergence"]),
];

/// A side: who plays for it now, and who did.
struct Side {
    ppo: Ppo,
    pool: Pool,
}

impl Side {
    fn players(&self) -> MutexGuard<'_, Players> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Two policies that learn, each by proximal policy optimisation against a pool of what the other one was before.
pub struct SelfPlay {
    config: TrainConfig,
    scene: Scene,
    sides: [Side; 2],
    games: Games,
    /// Updates of both sides.
    updates: u64,
    threads: usize,
}

fn unusable(message: String) -> TrainError {
    TrainError::Config { origin: "the training configuration".into(), message }
}

impl SelfPlay {
    /// Fresh networks for both sides of `scene`. `threads` step the arenas; 0 takes one for each core.
    ///
    /// # Errors
    /// A scene without two sides, settings out of range, or a network that cannot learn by acting.
    pub fn new(config: &TrainConfig, scene: &Scene, threads: usize, device: &Device) -> Result<Self, TrainError> {
        let names = scene.blueprint.sides();
        let [first, second] = names else {
            return Err(unusable(format!(
                "{} has no two sides that could play against each other; tag and playground have, as every scene with \
                 task: Tag(...)",
                scene.name
            )));
        };
        if config.head.kind != HeadKind::Gaussian {
            return Err(unusable("train self-play decides by head.kind=gaussian; leave head.kind out".into()));
        }
        if config.network.is_recurrent() {
            return Err(unusable("train self-play sees one tick and decides one; take network.kind mlp".into()));
        }
        if !config.init.from.is_empty() || !config.reward.from.is_empty() {
            return Err(unusable(
                "train self-play begins from chance, for the task's reward; leave init.from and reward.from out".into(),
            ));
        }
        let pools: [Pool; 2] = Default::default();
        let side = |at: usize| -> Result<Side, TrainError> {
            let mut own = config.clone();
            own.training.seed = split_seed(config.training.seed, at as u64);
            let options = VecEnvOptions { arenas: config.ppo.arenas, agents: 1, threads };
            let arenas = Arenas::new(scene, options);
            let duel = Duel::new(arenas, at, Arc::clone(&pools[1 - at]), config.self_play.newest);
            Ok(Side { ppo: Ppo::new(&own, Box::new(duel), device)?, pool: Arc::clone(&pools[at]) })
        };
        let games = Games {
            sides: [(*first).into(), (*second).into()],
            updates: Vec::new(),
            games: config.self_play.games as u32,
            won: Vec::new(),
        };
        let mut all = Self {
            config: config.clone(),
            scene: scene.clone(),
            sides: [side(0)?, side(1)?],
            games,
            updates: 0,
            threads,
        };
        all.join()?;
        Ok(all)
    }

    /// A side's policy as it is, with where it comes from.
    fn labelled(&self, at: usize) -> Result<Policy, PolicyError> {
        let mut policy = self.sides[at].ppo.policy()?;
        policy.config_mut().provenance = Provenance {
            scene: self.scene.name.clone(),
            learner: learner_of(&self.games.sides[at]),
            seed: self.config.training.seed,
            version: env!("CARGO_PKG_VERSION").into(),
            steps: self.updates,
            ..Provenance::default()
        };
        Ok(policy)
    }

    /// Both sides' policies as they are join the pools.
    fn join(&mut self) -> Result<(), TrainError> {
        for (at, side) in self.sides.iter().enumerate() {
            let policy = self.labelled(at)?;
            let mut players = side.players();
            players.policies.push(policy);
            players.weights.push(1.0);
        }
        Ok(())
    }

    /// Whoever the newest of the other side can learn most from is met most.
    fn weigh(&mut self) {
        let Some(newest) = self.games.won.len().checked_sub(1) else { return };
        for (at, side) in self.sides.iter().enumerate() {
            side.players().weights = self.games.evenness(1 - at, newest);
        }
    }

    /// Player `player` of side `side`, the oldest first.
    pub fn player(&self, side: usize, player: usize) -> Option<Policy> {
        self.sides[side].players().policies.get(player).cloned()
    }

    /// Who has beaten whom.
    pub fn games(&self) -> &Games {
        &self.games
    }

    /// How many of the games player `i` of the first side wins against player `j` of the other.
    fn won(&self, i: usize, j: usize) -> Result<u32, TrainError> {
        let player = |side: usize, at: usize| Player::Policy(Box::new(self.sides[side].players().policies[at].clone()));
        let players = vec![player(0, i), player(1, j)];
        let rated = split_seed(self.config.training.seed, RATED);
        let seeds: Vec<u64> = recording_seeds(rated).take(self.config.self_play.games).collect();
        let evaluation = evaluate_side(&self.scene, players, 0, &seeds, self.threads, |_| {})?;
        Ok(evaluation.results.iter().filter(|result| result.success).count() as u32)
    }

    /// Play the games of the newest of both sides.
    fn rate(&mut self) -> Result<(), TrainError> {
        let newest = self.games.won.len();
        for i in 0..newest {
            let won = self.won(i, newest)?;
            self.games.won[i].push(won);
        }
        let row = (0..=newest).map(|j| self.won(newest, j)).collect::<Result<_, _>>()?;
        self.games.won.push(row);
        self.games.updates.push(self.updates);
        self.weigh();
        Ok(())
    }
}

impl Learner for SelfPlay {
    fn name(&self) -> &'static str {
        self.config.training.learner.name()
    }

    fn extent(&self) -> Extent {
        Extent { updates: self.config.training.steps, updates_per_epoch: 1, ..Extent::default() }
    }

    fn update(&mut self, step: UpdateStep) -> Result<(), TrainError> {
        if self.games.won.is_empty() {
            self.rate()?;
        }
        for (at, side) in self.sides.iter_mut().enumerate() {
            side.ppo.update(UpdateStep { seed: split_seed(step.seed, at as u64), ..step })?;
        }
        self.updates = step.index + 1;
        let last = self.updates == self.config.training.steps;
        if last || self.updates.is_multiple_of(self.config.self_play.generation) {
            self.join()?;
            self.rate()?;
        }
        Ok(())
    }

    fn metrics(&mut self, step: u64) -> Result<Vec<Metric>, TrainError> {
        let mut metrics = Vec::new();
        for (at, side) in self.sides.iter_mut().enumerate() {
            let told = side.ppo.metrics(step)?;
            let named = |metric: &Metric| TOLD.iter().find(|(tag, _)| *tag == metric.tag).map(|(_, tags)| tags[at]);
            metrics.extend(told.iter().filter_map(|metric| Some(Metric { tag: named(metric)?, value: metric.value })));
        }
        if let Some(newest) = self.games.won.len().checked_sub(1).filter(|_| !metrics.is_empty()) {
            let [first, second] = self.games.ratings();
            let share = self.games.shares(0, newest)[newest];
            for (tag, value) in
                [("first/elo", first[newest]), ("second/elo", second[newest]), ("first/wins_of_newest", share)]
            {
                metrics.push(Metric { tag, value: value as f32 });
            }
        }
        Ok(metrics)
    }

    fn validate(&mut self, _step: u64) -> Result<Option<Validation>, TrainError> {
        Ok(None)
    }

    /// The first side's.
    fn policy(&self) -> Result<Policy, PolicyError> {
        self.sides[0].ppo.policy()
    }

    fn save(&self, dir: &Path) -> Result<(), TrainError> {
        for (at, (side, name)) in self.sides.iter().zip(&self.games.sides).enumerate() {
            let own = dir.join(name);
            std::fs::create_dir_all(&own).map_err(TrainError::io("make the folder", &own))?;
            self.labelled(at)?.write_into(&own)?;
            side.ppo.save(&own)?;
            for (player, policy) in side.players().policies.iter().enumerate() {
                let own = pool_member(dir, name, player);
                std::fs::create_dir_all(&own).map_err(TrainError::io("make the folder", &own))?;
                policy.write_into(&own)?;
            }
        }
        let path = dir.join(Games::FILE);
        let text = serde_json::to_vec(&self.games).unwrap_or_default();
        std::fs::write(&path, text).map_err(TrainError::io("write", &path))
    }

    fn load(&mut self, dir: &Path) -> Result<(), TrainError> {
        let games = Games::load(dir)?;
        if games.sides != self.games.sides || games.games != self.games.games {
            return Err(not_whole(dir, Games::FILE, "is of another game"));
        }
        if games.sides.iter().any(|name| pool_member(dir, name, games.won.len().max(1)).exists()) {
            return Err(not_whole(dir, Games::FILE, "lacks players that the pool has"));
        }
        for (side, name) in self.sides.iter().zip(&games.sides) {
            let mut pool = Vec::new();
            for player in 0..games.won.len().max(1) {
                let own = pool_member(dir, name, player);
                let policy = Policy::load(&own).map_err(|error| TrainError::Resume {
                    dir: dir.into(),
                    message: format!(
                        "the pool of opponents lacks {name} {player} ({error}); copy the newest folder of checkpoints/ to \
                         last/"
                    ),
                })?;
                pool.push(policy);
            }
            *side.players() = Players { weights: vec![1.0; pool.len()], policies: pool };
        }
        for (side, name) in self.sides.iter_mut().zip(&games.sides) {
            side.ppo.load(&dir.join(name))?;
            self.updates = Policy::load(&dir.join(name))?.config().provenance.steps;
        }
        self.games = games;
        self.weigh();
        Ok(())
    }
}

/// What learns a side, in a policy's provenance.
pub fn learner_of(side: &str) -> String {
    format!("self-play, {side}")
}

/// The folder of player `player`, the oldest 0, of side `name`, in that of a run's newest policy (`last`).
pub fn pool_member(dir: &Path, name: &str, player: usize) -> std::path::PathBuf {
    dir.join(POOL_DIR).join(format!("{name}-{player:03}"))
}

/// Train both sides of `scene` against each other. `threads` step the arenas; 0 takes one for each core.
///
/// # Errors
/// A scene without two sides, unusable configuration, a folder that cannot be written or resumed, or training that
/// diverges.
pub fn train_sides(
    config: &TrainConfig,
    scene: &Scene,
    threads: usize,
    options: &RunOptions,
    progress: &mut dyn Progress,
) -> Result<TrainSummary, TrainError> {
    config.check("the training configuration")?;
    let mut learner = SelfPlay::new(config, scene, threads, &options.device)?;
    let arenas = Arenas::new(scene, VecEnvOptions { arenas: 1, agents: 1, threads: 1 });
    let spaces = arenas.policy_config();
    let layouts = [spaces.observation.hash(), spaces.action.hash()];
    let own = learner_of(&learner.games.sides[0]);
    let provenance = Provenance { learner: own, ..provenance(config, &arenas as &dyn Environment, &layouts) };
    run(&mut learner, config, provenance, options, progress)
}
