//! How well something plays a scene, over seeds.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Player;
use super::deal::Deal;
use super::random::RandomActions;
use super::vec_env::{VecEnv, VecEnvOptions};
use super::wilson::wilson_interval;
use crate::policies::PolicyError;
use crate::scenes::Scene;
use crate::tasks::End;

/// Arenas that are evaluated side by side: enough to keep a batch's cost per agent low, few enough to stay in cache.
const ARENAS: usize = 16;

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
    progress: impl FnMut(usize),
) -> Result<Evaluation, PolicyError> {
    evaluate_side(scene, vec![player], 0, seeds, threads, progress)
}

/// The same where `players[i]` plays side `i` of the scene, the last of them also the sides that are left; what is judged is
/// side `side`, counted from 0.
///
/// # Errors
/// [`PolicyError`] when a policy does not fit the scene's agent.
///
/// # Panics
/// Without a player, or when there is no such side.
pub fn evaluate_side(
    scene: &Scene,
    players: Vec<Player>,
    side: usize,
    seeds: &[u64],
    threads: usize,
    mut progress: impl FnMut(usize),
) -> Result<Evaluation, PolicyError> {
    let arenas = ARENAS.min(seeds.len());
    let mut results = Vec::with_capacity(seeds.len());
    if arenas == 0 {
        return Ok(Evaluation::of(scene, results, seeds));
    }
    let random = players.iter().any(|player| matches!(player, Player::Random));
    let mut env = VecEnv::played_by(scene, VecEnvOptions { arenas, agents: 1, threads }, players)?;
    let agents = env.agents_per_arena();
    let mut chance = RandomActions::new(&env);
    let mut deal = Deal::begin(&mut env, seeds);
    while results.len() < seeds.len() {
        if random {
            let actions = chance.next(&env);
            env.step(actions);
        } else {
            env.step_driven();
        }
        for arena in 0..arenas {
            let step = env.last_step();
            let row = arena * agents + side;
            if !(step.terminated[row] || step.truncated[row]) {
                continue;
            }
            let finished = env.finished(row);
            results.push(EpisodeResult {
                seed: finished.seed,
                success: finished.end == Some(End::Success),
                end: match finished.end {
                    Some(End::Success) => "success".to_owned(),
                    Some(End::Failure(why)) => why.to_owned(),
                    Some(End::TimeUp) | None => "time up".to_owned(),
                },
                total: f64::from(finished.total()),
                ticks: finished.ticks,
                terms: finished.terms.iter().map(|t| f64::from(*t)).collect(),
            });
            progress(results.len());
            deal.ended(&mut env, arena);
        }
    }
    Ok(Evaluation::of(scene, results, seeds))
}
