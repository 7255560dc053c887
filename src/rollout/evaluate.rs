//! How well something plays a scene, over seeds.

use std::collections::BTreeMap;

use bevy::ecs::prelude::*;
use rand::RngExt;
use serde::Serialize;

use super::headless::headless_app;
use super::wilson::wilson_interval;
use crate::agents::{Action, Driver, Spaces};
use crate::policies::{Policies, Policy, PolicyError, PolicyIndex};
use crate::scenes::{Scene, Spawned, spawn_arena};
use crate::sim::{ResetArena, SimRng, episode_rng, tick};
use crate::tasks::{End, Score};
use crate::teleop::{ScriptedOperator, Skill};

/// Arenas that are evaluated side by side: enough to keep a batch's cost per agent low, few enough to stay in cache.
const ARENAS: usize = 16;
/// Stream of the episode's generator that random actions come from.
const RANDOM_STREAM: u64 = 3;

/// Who plays.
pub enum Player {
    /// A trained policy.
    Policy(Box<Policy>),
    /// A scripted operator.
    Operator(Skill),
    /// Even random actions: the zero of the normalised score.
    Random,
}

/// One episode's result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EpisodeResult {
    /// Its seed.
    pub seed: u64,
    /// Whether the task was done.
    pub success: bool,
    /// `success`, `time up` or why it failed.
    pub end: String,
    /// Sum of the rewards.
    pub total: f64,
    /// Its ticks.
    pub ticks: u64,
    /// Each score term, summed and weighted.
    pub terms: Vec<f64>,
}

/// Mean of a score term over episodes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TermMean {
    /// Its name.
    pub name: String,
    /// Mean over episodes of the weighted sum.
    pub mean: f64,
}

/// The results of many episodes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// How many episodes.
    pub episodes: usize,
    /// Share of successes.
    pub success_rate: f64,
    /// Its 95 % Wilson interval.
    pub success_ci95: (f64, f64),
    /// Mean sum of rewards.
    pub return_mean: f64,
    /// Mean length, s.
    pub seconds_mean: f64,
    /// Each term's mean.
    pub terms: Vec<TermMean>,
    /// How often each end came.
    pub ends: BTreeMap<String, usize>,
    /// Every episode, in the order of the seeds.
    #[serde(skip)]
    pub results: Vec<EpisodeResult>,
}

impl Evaluation {
    fn of(scene: &Scene, mut results: Vec<EpisodeResult>, seeds: &[u64]) -> Self {
        results.sort_by_key(|r| seeds.iter().position(|s| *s == r.seed));
        let n = results.len().max(1) as f64;
        let successes = results.iter().filter(|r| r.success).count();
        let mut ends = BTreeMap::new();
        for result in &results {
            *ends.entry(result.end.clone()).or_insert(0) += 1;
        }
        let names = scene.blueprint.terms();
        Self {
            episodes: results.len(),
            success_rate: successes as f64 / n,
            success_ci95: wilson_interval(successes, results.len()),
            return_mean: results.iter().map(|r| r.total).sum::<f64>() / n,
            seconds_mean: results.iter().map(|r| r.ticks as f64).sum::<f64>() / n
                * f64::from(scene.blueprint.control_dt()),
            terms: names
                .into_iter()
                .enumerate()
                .map(|(i, (name, _))| TermMean { name, mean: results.iter().map(|r| r.terms[i]).sum::<f64>() / n })
                .collect(),
            ends,
            results,
        }
    }
}

/// (score - random) / (operator - random): 0 plays like chance, 1 like the operator. `None` where the operator does no
/// better than chance, which leaves nothing to measure by.
pub fn normalized_score(score: f64, operator: f64, random: f64) -> Option<f64> {
    let range = operator - random;
    (range > 1e-9).then(|| (score - random) / range)
}

/// An arena at work on one seed.
struct Worker {
    spawned: Spawned,
    seed: Option<u64>,
    rng: SimRng,
}

/// Play `scene` once for each seed. `threads` step arenas; 0 takes one for each core. `progress` hears how many
/// episodes are done after each.
///
/// # Errors
/// [`PolicyError`] when the policy does not fit the scene's agent.
pub fn evaluate(
    scene: &Scene,
    player: Player,
    seeds: &[u64],
    threads: usize,
    mut progress: impl FnMut(usize),
) -> Result<Evaluation, PolicyError> {
    let mut app = headless_app(threads);
    let world = app.world_mut();
    let driver = match &player {
        Player::Policy(policy) => {
            Policies::check(policy, &scene.blueprint.spaces())?;
            Driver::Policy
        }
        Player::Operator(_) => Driver::Scripted,
        Player::Random => Driver::Remote,
    };
    let mut operator = None;
    let mut policy = None;
    match player {
        Player::Policy(p) => policy = Some(world.resource_mut::<Policies>().add(*p)),
        Player::Operator(skill) => operator = Some(skill),
        Player::Random => {}
    }
    let mut waiting = seeds.iter().copied();
    let mut workers: Vec<Worker> = Vec::new();
    for _ in 0..ARENAS.min(seeds.len()) {
        let spawned = spawn_arena(world, scene, 1, driver);
        equip(world, scene, &spawned, policy, operator);
        let mut worker = Worker { spawned, seed: None, rng: episode_rng(0, 0) };
        worker.next(world, waiting.next());
        workers.push(worker);
    }
    let mut results = Vec::with_capacity(seeds.len());
    while workers.iter().any(|w| w.seed.is_some()) {
        if driver == Driver::Remote {
            for worker in &mut workers {
                worker.act_randomly(world);
            }
        }
        tick(world);
        for worker in &mut workers {
            let Some(seed) = worker.seed else { continue };
            let Some(score) = world.get::<Score>(worker.spawned.agents[0]) else { continue };
            let Some(end) = score.end else { continue };
            results.push(EpisodeResult {
                seed,
                success: end == End::Success,
                end: match end {
                    End::Success => "success".to_owned(),
                    End::Failure(why) => why.to_owned(),
                    End::TimeUp => "time up".to_owned(),
                },
                total: f64::from(score.total()),
                ticks: score.ticks,
                terms: score.totals.iter().map(|t| f64::from(*t)).collect(),
            });
            progress(results.len());
            worker.next(world, waiting.next());
        }
    }
    Ok(Evaluation::of(scene, results, seeds))
}

/// Give the agents of an arena their policy or operator.
pub(super) fn equip(
    world: &mut World,
    scene: &Scene,
    spawned: &Spawned,
    policy: Option<PolicyIndex>,
    operator: Option<Skill>,
) {
    for agent in &spawned.agents {
        if let Some(index) = policy {
            world.entity_mut(*agent).insert(index);
        }
        if let Some(operator) = operator.and_then(|skill| scene.blueprint.operator(skill)) {
            world.entity_mut(*agent).insert(ScriptedOperator(operator));
        }
    }
}

impl Worker {
    /// Begin the next seed, or leave.
    fn next(&mut self, world: &mut World, seed: Option<u64>) {
        self.seed = seed;
        match seed {
            Some(seed) => {
                self.rng = episode_rng(seed, RANDOM_STREAM);
                world.write_message(ResetArena { arena: self.spawned.arena, seed });
            }
            None => {
                for agent in &self.spawned.agents {
                    world.despawn(*agent);
                }
                world.despawn(self.spawned.arena);
            }
        }
    }

    fn act_randomly(&mut self, world: &mut World) {
        if self.seed.is_none() {
            return;
        }
        let agent = self.spawned.agents[0];
        let Some(spaces) = world.get::<Spaces>(agent).cloned() else { return };
        let Some(mut action) = world.get_mut::<Action>(agent) else { return };
        for (value, (low, high)) in action.0.iter_mut().zip(spaces.action.bounds()) {
            *value = low + self.rng.random::<f32>() * (high - low);
        }
    }
}
