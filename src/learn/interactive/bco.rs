//! Behavioral cloning from observation (Torabi et al. 2018, BCO(alpha), arXiv:1805.01954): demonstrations without
//! actions are labeled by an inverse dynamics model, which predicts the action from a sequence of observations. The
//! model is trained on the agent's own episodes.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Rounds;
use crate::learn::core::run_dir::RunDir;
use crate::learn::core::section::{AnySection, Section};
use crate::learn::supervised::bc::Bc;
use crate::learn::supervised::behavior_cloning::{self, REQUIREMENTS};
use crate::learn::supervised::train::{selected_data, train_on};
use crate::learn::{
    Curve, Learner, LearnerParts, LearnerSpec, Need, Outcome, Progress, Requirements, RunOptions, TrainConfig,
    TrainError, TrainJob, TrainReport, TrainSummary, TrainingConfig, TrainingData,
};
use crate::policies::Policy;
use crate::rollout::{Trajectory, explore, recording_seeds};
use crate::sim::split_seed;
use crate::spaces::{Field, Layout};

/// Rounds and inverse dynamics model of BCO.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BcoConfig {
    /// Rounds. In each, the agent collects episodes, the inverse dynamics model is trained, and the labeled
    /// demonstrations are cloned. The first round explores with random actions, later ones with the policy, in every
    /// other episode with noise. The policy to use is that of the round with the highest success rate without noise.
    #[schemars(range(min = 1, max = 100))]
    pub rounds: u64,
    /// Episodes that the agent collects in each round.
    #[schemars(range(min = 1, max = 100_000))]
    pub episodes_per_round: usize,
    /// Ticks after an action that the inverse dynamics model sees: the effect of a pedal is immediate, that of steering
    /// delayed.
    #[schemars(range(min = 1, max = 64))]
    pub inverse_horizon: usize,
    /// Noise on the policy's actions, as a fraction of their range.
    #[schemars(range(min = 0))]
    pub exploration_noise: f32,
}

impl Default for BcoConfig {
    fn default() -> Self {
        Self { rounds: 6, episodes_per_round: 30, inverse_horizon: 6, exploration_noise: 0.2 }
    }
}

impl Section for BcoConfig {
    const NAME: &'static str = "bco";
}

/// `apprentice train bco`
pub struct Bco;

impl LearnerSpec for Bco {
    fn name(&self) -> &'static str {
        "bco"
    }

    fn about(&self) -> &'static str {
        "Behavioral cloning from observation: demonstrations without actions, labeled by an inverse dynamics model"
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "apprentice record --scene circuit --episodes 20 --dataset demos/observed --states-only",
            "apprentice train bco --dataset demos/observed --run runs/bco",
            "apprentice train bco --dataset demos/observed --run runs/short --set bco.rounds=3 --set bco.episodes_per_round=50",
        ]
    }

    fn requirements(&self) -> Requirements {
        Requirements { scene: Need::Optional, any_head: true, ..REQUIREMENTS }
    }

    fn sections(&self) -> Vec<Box<dyn AnySection>> {
        let mut sections = behavior_cloning::sections();
        sections.push(Box::new(BcoConfig::default()));
        sections
    }

    fn curve(&self) -> Option<Curve> {
        None
    }

    fn accepts_config_of(&self, learner: &str) -> bool {
        learner == Bc.name()
    }

    fn build<'a>(&self, parts: LearnerParts<'a>) -> Result<Box<dyn Learner + 'a>, TrainError> {
        Bc.build(parts)
    }

    fn train(&self, mut job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError> {
        let (data, scene) = (job.take_data()?, job.take_scene()?);
        let config = &job.config;
        let fail = |message: String| TrainError::Config { origin: "train bco".into(), message };
        let spaces = scene.blueprint.spaces();
        if let Err(differences) = spaces.observation.columns_of(&data.observation) {
            let differences: Vec<String> = differences.iter().map(ToString::to_string).collect();
            return Err(fail(format!(
                "the demonstrations do not fit the agent of scene {}: they {}; name another scene with --scene",
                scene.name,
                differences.join("; they ")
            )));
        }
        let settings = config.get::<BcoConfig>();
        let mut collect = |policy: Option<&Policy>, round: u64| {
            let seeds = recording_seeds(split_seed(config.training.seed, 2000 + round));
            let seeds: Vec<u64> = seeds.take(settings.episodes_per_round).collect();
            explore(&scene, policy, settings.exploration_noise, &seeds, 0).map_err(|error| fail(error.to_string()))
        };
        let mut on_round = |round: &BcoRound, progress: &mut dyn Progress| {
            let error = round
                .action_error
                .map_or(String::new(), |error| format!("action error {error:.2} standard deviations, "));
            progress.message(&format!(
                "round {}: {} collected ticks, {error}success rate {:.0} %",
                round.index,
                round.ticks,
                100.0 * round.success
            ));
        };
        let summary = bco(config, &data, &spaces.action, &job.options, &mut collect, &mut on_round, progress)?;
        let rounds = summary.rounds.iter().map(|round| {
            json!({
                "round": round.index, "ticks": round.ticks, "action_error": round.action_error,
                "success_rate": round.success,
            })
        });
        let numbers = json!({ "rounds": rounds.collect::<Vec<_>>() });
        let headline = format!("{} rounds", summary.rounds.len());
        Ok(TrainReport::new(summary.total, headline, numbers))
    }
}

/// The result of a round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BcoRound {
    /// Index of the round, from 0.
    pub index: u64,
    /// Ticks of the agent's own episodes so far.
    pub ticks: usize,
    /// Validation error of the inverse dynamics model: mean absolute error in standard deviations of the action. `None`
    /// without validation data, or if the model was trained before this run was resumed.
    pub action_error: Option<f32>,
    /// Success rate of the policy in the episodes without noise.
    pub success: f64,
}

/// The result of a BCO run.
#[derive(Clone, Debug, PartialEq)]
pub struct BcoSummary {
    /// The completed rounds.
    pub rounds: Vec<BcoRound>,
    /// The folder of the policy to use.
    pub policy_dir: PathBuf,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
    /// The training runs of all rounds together.
    pub total: TrainSummary,
}

/// Records the action error of the validations.
struct ActionErrorRecorder<'a> {
    progress: &'a mut dyn Progress,
    error: Option<f32>,
}

impl Progress for ActionErrorRecorder<'_> {
    fn message(&mut self, text: &str) {
        self.progress.message(text);
    }

    fn started(&mut self, info: &crate::learn::RunInfo) {
        self.progress.started(info);
    }

    fn stepped(&mut self, report: &crate::learn::StepReport) {
        self.progress.stepped(report);
    }

    fn validated(&mut self, report: &crate::learn::ValidationReport, policy: &Policy) {
        self.error = report.validation.action_error;
        self.progress.validated(report, policy);
    }
}

/// Trains a policy with actions of the layout `action` on `data`, whose actions are ignored. Every round is two
/// training runs in `<run>/rounds/<n>`, `inverse` and `policy`. The collected episodes depend on the seeds and policies
/// alone, so a stopped run resumes with `options.resume` by collecting them again.
///
/// `collect` runs a policy in the episodes of the round of that number, or explores with random actions before the
/// first round. With a policy, some episodes are without noise; they give the success rate.
///
/// # Errors
/// Those of [`train_on_dataset`](crate::learn::train_on_dataset) and of `collect`.
pub fn bco<E: From<TrainError>>(
    config: &TrainConfig,
    data: &TrainingData,
    action: &Layout,
    options: &RunOptions,
    collect: &mut dyn FnMut(Option<&Policy>, u64) -> Result<Vec<Trajectory>, E>,
    on_round: &mut dyn FnMut(&BcoRound, &mut dyn Progress),
    progress: &mut dyn Progress,
) -> Result<BcoSummary, E> {
    let policy_dir = options.dir.join("best");
    let (data, options) = selected_data(config, data, options, progress);
    let (data, options) = (&*data, &options);
    let settings = config.get::<BcoConfig>();
    let horizon = settings.inverse_horizon;
    check_lengths(data, horizon, progress)?;
    if !options.resume {
        RunDir::check_new(&options.dir)?;
    }
    let cloning = config.for_learner(&Bc);
    let inverse = inverse_config(&cloning);
    let mut collected = no_transitions(data, action, horizon);
    let mut rounds: Vec<BcoRound> = Vec::new();
    let mut episodes = collect(None, 0)?;
    let mut progressed = Rounds::start(config, options)?;
    let mut index = 0;
    loop {
        add_transitions(&mut collected, &episodes, data.observation.size(), horizon);
        let dir = options.dir.join("rounds").join(format!("{index:02}"));
        let run = |name: &str, config: &TrainConfig, data: &TrainingData, progress: &mut dyn Progress| {
            let dir = dir.join(name);
            let resume = options.resume && dir.join("config.toml").exists();
            // The inverse dynamics model is trained neither on the earlier demonstrations nor from the pretrained
            // policy.
            let (earlier, pretrained) = match name {
                "inverse" => (None, None),
                _ => (options.earlier.clone(), options.pretrained.clone()),
            };
            train_on(config, data, &RunOptions { dir, resume, earlier, pretrained, ..options.clone() }, progress)
        };
        let mut recorder = ActionErrorRecorder { progress: &mut *progress, error: None };
        let trained = run("inverse", &inverse, &collected, &mut recorder);
        let action_error = recorder.error;
        let last_run;
        (progressed, last_run) = progressed.add(trained, &dir.join("inverse"))?;
        if last_run.outcome == Outcome::Interrupted {
            let total = progressed.summary(&last_run, &policy_dir);
            return Ok(BcoSummary { rounds, policy_dir, interrupted: true, total });
        }
        let mut inverse_model = Policy::load(&last_run.policy_dir).map_err(TrainError::from)?;
        let labeled = label_actions(data, action, &mut inverse_model, horizon);
        let last_run;
        (progressed, last_run) = progressed.add(run("policy", &cloning, &labeled, progress), &dir.join("policy"))?;
        if last_run.outcome == Outcome::Interrupted {
            let total = progressed.summary(&last_run, &policy_dir);
            return Ok(BcoSummary { rounds, policy_dir, interrupted: true, total });
        }
        let policy = Policy::load(&last_run.policy_dir).map_err(TrainError::from)?;
        episodes = collect(Some(&policy), index + 1)?;
        let noiseless = episodes.iter().filter(|episode| !episode.explored);
        let successes = noiseless.clone().filter(|episode| episode.succeeded()).count();
        let success = successes as f64 / noiseless.count().max(1) as f64;
        if rounds.iter().all(|round| round.success <= success) {
            policy.save(&policy_dir).map_err(TrainError::from)?;
        }
        let round = BcoRound { index, ticks: collected.rows(), action_error, success };
        on_round(&round, progress);
        rounds.push(round);
        index += 1;
        if index == settings.rounds {
            let total = progressed.summary(&last_run, &policy_dir);
            return Ok(BcoSummary { rounds, policy_dir, interrupted: false, total });
        }
    }
}

/// Report the episodes that are too short for the inverse dynamics model.
///
/// # Errors
/// All of them are.
fn check_lengths(data: &TrainingData, horizon: usize, progress: &mut dyn Progress) -> Result<(), TrainError> {
    let (too_short, total) = (data.episodes_up_to(horizon), data.episode_starts.len());
    if too_short == total {
        let message = format!("none of its episodes is longer than the {horizon} ticks of `bco.inverse_horizon`");
        return Err(TrainError::Data { origin: data.source.clone(), message });
    }
    if too_short > 0 {
        progress.message(&format!(
            "{too_short} of the {total} demonstrations are left out: they have at most the {horizon} ticks of \
             `bco.inverse_horizon`"
        ));
    }
    Ok(())
}

/// Empty training data of the inverse dynamics model.
fn no_transitions(data: &TrainingData, action: &Layout, horizon: usize) -> TrainingData {
    TrainingData {
        observations: Vec::new(),
        actions: Vec::new(),
        observation: transition_layout(&data.observation, horizon),
        action: action.clone(),
        episode_starts: Vec::new(),
        control_dt: data.control_dt,
        agent: data.agent.clone(),
        source: "the collected episodes".into(),
        weights: None,
        episode_info: Vec::new(),
        tasks: Vec::new(),
        mirrored: false,
        left_out: Vec::new(),
        mirrors: Err("inverse dynamics are not mirrored".into()),
        interventions: Vec::new(),
    }
}

/// Add the agent's own episodes to the training data of the inverse dynamics model.
fn add_transitions(collected: &mut TrainingData, episodes: &[Trajectory], obs_dim: usize, horizon: usize) {
    for episode in episodes {
        let inputs = transition_inputs(episode.acting_observations(), obs_dim, horizon);
        if !inputs.is_empty() {
            let rows = inputs.len() / collected.observation.size();
            collected.push_episode(&inputs, &episode.actions[..rows * collected.action.size()]);
        }
    }
}

/// Settings of the inverse dynamics model: plain regression, independent of the policy's settings.
fn inverse_config(config: &TrainConfig) -> TrainConfig {
    let mut inverse = TrainConfig::defaults(&Bc);
    inverse.training = TrainingConfig { learner: inverse.training.learner, ..config.training.clone() };
    inverse.optimizer.learning_rate = 5e-4;
    inverse
}

/// Layout of the inverse dynamics model's input: an observation and its change in each of the next ticks.
fn transition_layout(observation: &Layout, horizon: usize) -> Layout {
    let mut fields = observation.fields.clone();
    for tick in 1..=horizon {
        fields.extend(observation.fields.iter().map(|field| {
            let range = field.high - field.low;
            Field::new(format!("{}_after_{tick}", field.name), field.size, field.unit.clone(), -range, range)
        }));
    }
    Layout { name: format!("{} and its changes", observation.name), fields }
}

/// Inputs of the inverse dynamics model: `[ticks, size]` to `[ticks - horizon, (1 + horizon) * size]`. An episode's
/// last `horizon` ticks have no input: padding them would look like a standstill, which is labeled as braking.
fn transition_inputs(observations: &[f32], size: usize, horizon: usize) -> Vec<f32> {
    let rows: Vec<&[f32]> = observations.chunks_exact(size).collect();
    let mut out = Vec::with_capacity(observations.len() * (1 + horizon));
    for window in rows.windows(horizon + 1) {
        out.extend_from_slice(window[0]);
        for pair in window.windows(2) {
            // The change in each single tick, so that each shows the effect of one action.
            out.extend(pair[1].iter().zip(pair[0]).map(|(after, before)| after - before));
        }
    }
    out
}

/// The demonstrations without their last `horizon` ticks, labeled with the actions that `model` predicts.
fn label_actions(data: &TrainingData, action: &Layout, model: &mut Policy, horizon: usize) -> TrainingData {
    let obs_dim = data.observation.size();
    // Without actions, only observations are trimmed.
    let observations_only =
        TrainingData { actions: Vec::new(), action: Layout::new("none", Vec::new()), ..data.clone() };
    let mut labeled = TrainingData { action: action.clone(), ..observations_only.trim_ends(horizon) };
    for rows in data.episodes() {
        let inputs = transition_inputs(&data.observations[rows.start * obs_dim..rows.end * obs_dim], obs_dim, horizon);
        let first = labeled.actions.len();
        labeled.actions.resize(first + inputs.len() / obs_dim / (1 + horizon) * action.size(), 0.0);
        model.act(&inputs, &mut [], &mut labeled.actions[first..]);
    }
    labeled
}
