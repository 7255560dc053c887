//! Evaluation of a player over many episodes.

use std::collections::BTreeMap;

use serde::Serialize;

use super::driver::{RolloutOptions, run_rollout};
use super::players::Player;
use super::trajectory::Trajectory;
use super::wilson::wilson_interval;
use crate::policies::{OutsideCounter, OutsideReport, PolicyError, TrainingRange};
use crate::scenes::Scene;
use crate::tasks::EpisodeEnd;

/// The result of one episode.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EpisodeResult {
    /// Its seed.
    pub seed: u64,
    /// Whether the task succeeded.
    pub success: bool,
    /// `success`, `time limit` or the reason of the failure.
    pub end: String,
    /// Sum of the rewards.
    pub episode_return: f64,
    /// Its length, ticks.
    pub ticks: u64,
    /// Per reward term: the weighted sum over the episode.
    pub terms: Vec<f64>,
    /// Equal for episodes that are the same, see [`Trajectory::fingerprint`].
    #[serde(skip)]
    pub fingerprint: u64,
}

impl From<&Trajectory> for EpisodeResult {
    fn from(trajectory: &Trajectory) -> Self {
        Self {
            seed: trajectory.seed,
            success: trajectory.succeeded(),
            end: match trajectory.end {
                Some(EpisodeEnd::Success) => "success".to_owned(),
                Some(EpisodeEnd::Failure(why)) => why.to_owned(),
                Some(EpisodeEnd::TimeLimit) | None => "time limit".to_owned(),
            },
            episode_return: f64::from(trajectory.episode_return()),
            ticks: trajectory.ticks as u64,
            terms: trajectory.terms.iter().map(|t| f64::from(*t)).collect(),
            fingerprint: trajectory.fingerprint,
        }
    }
}

/// Mean of a reward term over episodes.
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
    /// The number of episodes.
    pub episodes: usize,
    /// The number of different ones among them. Where nothing is random, neither in the scene nor in the policy, seeds repeat
    /// the same episode.
    pub distinct_episodes: usize,
    /// Fraction of successful episodes.
    pub success_rate: f64,
    /// Its 95 % Wilson score interval, over the distinct episodes: a repetition is no further evidence.
    pub success_ci95: (f64, f64),
    /// Mean episode return.
    pub return_mean: f64,
    /// Mean episode length, s.
    pub seconds_mean: f64,
    /// The mean of each reward term.
    pub terms: Vec<TermMean>,
    /// The number of episodes per kind of end, see [`EpisodeResult::end`].
    pub ends: BTreeMap<String, usize>,
    /// How often the observations were far outside of the data that the policy was trained on; `None` for other players, or
    /// where that is not known.
    pub outside: Option<OutsideReport>,
    /// Every episode, in the order of the seeds.
    #[serde(skip)]
    pub results: Vec<EpisodeResult>,
}

impl Evaluation {
    fn of(scene: &Scene, results: Vec<EpisodeResult>, outside: Option<OutsideReport>) -> Self {
        let n = results.len().max(1) as f64;
        let successes = results.iter().filter(|r| r.success).count();
        let distinct: BTreeMap<u64, bool> = results.iter().map(|r| (r.fingerprint, r.success)).collect();
        let distinct_successes = distinct.values().filter(|success| **success).count();
        let mut ends = BTreeMap::new();
        for result in &results {
            *ends.entry(result.end.clone()).or_insert(0) += 1;
        }
        let names = scene.blueprint.terms();
        Self {
            episodes: results.len(),
            distinct_episodes: distinct.len(),
            success_rate: successes as f64 / n,
            success_ci95: wilson_interval(distinct_successes, distinct.len()),
            return_mean: results.iter().map(|r| r.episode_return).sum::<f64>() / n,
            seconds_mean: results.iter().map(|r| r.ticks as f64).sum::<f64>() / n
                * f64::from(scene.blueprint.control_dt()),
            terms: names
                .into_iter()
                .enumerate()
                .map(|(i, (name, _))| TermMean { name, mean: results.iter().map(|r| r.terms[i]).sum::<f64>() / n })
                .collect(),
            ends,
            outside,
            results,
        }
    }
}

impl Evaluation {
    /// What to know of episodes that repeat each other; `None` where all differ.
    pub fn repetition(&self) -> Option<String> {
        match self.distinct_episodes {
            distinct if distinct >= self.episodes => None,
            1 => Some(format!(
                "all {} episodes are the same one: nothing is random in them, neither the start nor the actions; the \
                 interval is that of 1 episode",
                self.episodes
            )),
            distinct => Some(format!(
                "only {distinct} of {} episodes differ; the interval is that of {distinct} episodes",
                self.episodes
            )),
        }
    }
}

/// (score - random) / (operator - random): 0 at the level of random actions, 1 at the level of the operator. `None` where
/// the operator scores no better than random actions.
pub fn normalized_score(score: f64, operator: f64, random: f64) -> Option<f64> {
    let range = operator - random;
    (range > 1e-9).then(|| (score - random) / range)
}

/// Evaluate `player` in `scene` on one episode per seed. `threads` step arenas; 0 means one per core. `progress` is called
/// after each episode with the number of finished episodes.
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

/// Like [`evaluate`], where `players[i]` plays side `i` of the scene and the last of them also plays all further sides. The
/// results are those of side `side`, counted from 0.
///
/// # Errors
/// [`PolicyError`] when a policy does not fit the scene's agent.
///
/// # Panics
/// When `players` is empty, or when there is no such side.
pub fn evaluate_side(
    scene: &Scene,
    players: Vec<Player>,
    side: usize,
    seeds: &[u64],
    threads: usize,
    mut progress: impl FnMut(usize),
) -> Result<Evaluation, PolicyError> {
    let options = RolloutOptions { threads, side, ..RolloutOptions::default() };
    let mut episodes = Vec::with_capacity(seeds.len());
    let mut outside = counter(scene, &players[side.min(players.len() - 1)])?;
    run_rollout(scene, players, seeds, &options, Vec::new(), outside.as_mut(), |trajectory| {
        episodes.push((trajectory.index, EpisodeResult::from(&trajectory)));
        progress(episodes.len());
    })?;
    episodes.sort_by_key(|(index, _)| *index);
    let outside = outside.map(|counter| counter.report());
    Ok(Evaluation::of(scene, episodes.into_iter().map(|(_, result)| result).collect(), outside))
}

/// A counter of the observations that are far outside of the data that `player` was trained on.
fn counter(scene: &Scene, player: &Player) -> Result<Option<OutsideCounter>, PolicyError> {
    let Player::Policy(policy) = player else { return Ok(None) };
    let spaces = scene.blueprint.spaces();
    // The error of another agent or task is clearer than that of its layouts.
    policy.clone().for_agent(&spaces, &scene.name)?;
    let range = TrainingRange::new(policy.config(), &spaces.observation, &spaces.action)?;
    Ok(range.map(OutsideCounter::new))
}
