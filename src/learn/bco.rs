//! Behavioural cloning from observation (Torabi et al. 2018, BCO(α), arXiv:1805.01954): demonstrations without actions
//! are labelled by a model of which action leads from one observation to the next, which the learner finds out by acting
//! itself.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Outcome, Progress, RunOptions, TrainConfig, TrainError, TrainingData, train};
use crate::policies::{NetworkConfig, Policy};
use crate::rollout::Experience;
use crate::spaces::{Field, Layout};

/// `[bco]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BcoConfig {
    /// Times that it acts, learns what its actions do, and clones the demonstrations anew. In the first it acts by
    /// chance, in the later ones by its policy, every other episode with noise. The policy to use is that of the round
    /// that did the task most often by itself.
    pub rounds: u64,
    /// Episodes that it acts in each round.
    pub episodes: usize,
    /// Ticks ahead that tell an action: what a pedal does shows at once, what a wheel does shows after some time.
    pub ahead: usize,
    /// Noise on the policy's own actions, as a share of their range.
    pub noise: f32,
}

impl Default for BcoConfig {
    fn default() -> Self {
        Self { rounds: 6, episodes: 30, ahead: 6, noise: 0.2 }
    }
}

/// What a round was like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BcoRound {
    /// Counts from 0.
    pub index: u64,
    /// Ticks of experience so far.
    pub ticks: usize,
    /// How far the inverse dynamics are off on experience that they were not trained on, mean absolute error in standard
    /// deviations of the action; `None` where nothing was kept back, or it was trained before this run went on.
    pub action_error: Option<f32>,
    /// Share of the episodes without noise in which its policy did the task.
    pub success: f64,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct BcoSummary {
    /// The rounds.
    pub rounds: Vec<BcoRound>,
    /// The folder of the policy to use.
    pub policy_dir: PathBuf,
    /// Whether it was told to stop before its end.
    pub interrupted: bool,
}

/// Keeps a validation's action error.
struct Heard<'a> {
    progress: &'a mut dyn Progress,
    error: Option<f32>,
}

impl Progress for Heard<'_> {
    fn started(&mut self, info: &super::RunInfo) {
        self.progress.started(info);
    }

    fn stepped(&mut self, report: &super::StepReport) {
        self.progress.stepped(report);
    }

    fn validated(&mut self, report: &super::ValidationReport, policy: &Policy) {
        self.error = report.validation.action_error;
        self.progress.validated(report, policy);
    }
}

/// Learn from `data`, whose actions are not looked at, to decide actions of the layout `action`. Every round is two
/// training runs in `<run>/rounds/<n>`, `inverse` and `policy`; what is acted in a round depends on the seeds alone, so that
/// a run which was stopped goes on with `options.resume` by acting again.
///
/// `act` lets a policy, or chance before the first round, act for the episodes of the round of that number; with a policy
/// some of them without noise, by which it is judged.
///
/// # Errors
/// As [`train`]; or what `act` answers.
pub fn bco<E: From<TrainError>>(
    config: &TrainConfig,
    data: &TrainingData,
    action: &Layout,
    options: &RunOptions,
    act: &mut dyn FnMut(Option<&Policy>, u64) -> Result<Vec<Experience>, E>,
    heard: &mut dyn FnMut(&BcoRound),
    progress: &mut dyn Progress,
) -> Result<BcoSummary, E> {
    let policy_dir = options.dir.join("best");
    let ahead = config.bco.ahead;
    if data.episodes().all(|rows| rows.len() <= ahead) {
        let message = format!("none of its episodes is longer than the {ahead} ticks of `bco.ahead`");
        return Err(TrainError::Data { origin: data.source.clone(), message }.into());
    }
    let mut experience = TrainingData {
        observations: Vec::new(),
        actions: Vec::new(),
        observation: transitions(&data.observation, ahead),
        action: action.clone(),
        episode_starts: Vec::new(),
        control_dt: data.control_dt,
        agent: data.agent.clone(),
        source: "its own experience".into(),
        weights: None,
        facts: Vec::new(),
        tasks: Vec::new(),
        mirrored: false,
        mirrors: Err("inverse dynamics are not mirrored".into()),
        interventions: Vec::new(),
    };
    let mut rounds: Vec<BcoRound> = Vec::new();
    let mut own = act(None, 0)?;
    for index in 0..config.bco.rounds {
        let size = data.observation.size();
        for episode in &own {
            let seen = seen_ahead(&episode.observations, size, ahead);
            if !seen.is_empty() {
                experience
                    .append(&seen, &episode.actions[..seen.len() / experience.observation.size() * action.size()]);
            }
        }
        let dir = options.dir.join("rounds").join(format!("{index:02}"));
        let run = |name: &str, config: &TrainConfig, data: &TrainingData, progress: &mut dyn Progress| {
            let dir = dir.join(name);
            let resume = options.resume && dir.join("config.toml").exists();
            // Other demonstrations are of no use to the inverse dynamics.
            let earlier = if name == "inverse" { None } else { options.earlier.clone() };
            train(config, data, &RunOptions { dir, resume, earlier, ..options.clone() }, progress)
        };
        let inverse = inverse_config(config);
        let mut listening = Heard { progress, error: None };
        let summary = run("inverse", &inverse, &experience, &mut listening)?;
        let action_error = listening.error;
        let ticks = experience.rows();
        let interrupted = |rounds, policy_dir| Ok(BcoSummary { rounds, policy_dir, interrupted: true });
        if summary.outcome == Outcome::Interrupted {
            return interrupted(rounds, policy_dir);
        }
        let mut model = Policy::load(&summary.policy_dir).map_err(TrainError::from)?;
        let labelled = label(data, action, &mut model, ahead);
        let summary = run("policy", config, &labelled, progress)?;
        if summary.outcome == Outcome::Interrupted {
            return interrupted(rounds, policy_dir);
        }
        let learned = Policy::load(&summary.policy_dir).map_err(TrainError::from)?;
        own = act(Some(&learned), index + 1)?;
        let judged = own.iter().filter(|episode| !episode.explored);
        let done = judged.clone().filter(|episode| episode.success).count();
        let success = done as f64 / judged.count().max(1) as f64;
        if rounds.iter().all(|round| round.success <= success) {
            learned.save(&policy_dir).map_err(TrainError::from)?;
        }
        let round = BcoRound { index, ticks, action_error, success };
        heard(&round);
        rounds.push(round);
    }
    Ok(BcoSummary { rounds, policy_dir, interrupted: false })
}

/// The inverse dynamics are a plain regression, whatever the policy is.
fn inverse_config(config: &TrainConfig) -> TrainConfig {
    let mut inverse = TrainConfig { network: NetworkConfig::default(), ..config.clone() };
    inverse.head = TrainConfig::default().head;
    inverse.init = TrainConfig::default().init;
    inverse.adversarial = TrainConfig::default().adversarial;
    inverse.data = TrainConfig::default().data;
    inverse.optimizer = TrainConfig::default().optimizer;
    inverse.optimizer.learning_rate = 5e-4;
    inverse
}

/// An observation, and by how much it changes in the coming ticks, one after the other.
fn transitions(observation: &Layout, ahead: usize) -> Layout {
    let mut fields = observation.fields.clone();
    for tick in 1..=ahead {
        fields.extend(observation.fields.iter().map(|field| {
            let range = field.high - field.low;
            Field::new(format!("{}_after_{tick}", field.name), field.size, field.unit.clone(), -range, range)
        }));
    }
    Layout { name: format!("{} and its changes", observation.name), fields }
}

/// `[ticks, size]` to `[ticks - ahead, (1 + ahead) * size]`: what comes after an episode's last ticks is not known, and
/// taken for a standstill it would be labelled as braking.
fn seen_ahead(observations: &[f32], size: usize, ahead: usize) -> Vec<f32> {
    let rows: Vec<&[f32]> = observations.chunks_exact(size).collect();
    let mut out = Vec::with_capacity(observations.len() * (1 + ahead));
    for coming in rows.windows(ahead + 1) {
        out.extend_from_slice(coming[0]);
        for pair in coming.windows(2) {
            // Changes of single ticks: each tells of the action before it, none hides the others.
            out.extend(pair[1].iter().zip(pair[0]).map(|(after, before)| after - before));
        }
    }
    out
}

/// The demonstrations, up to their last `ahead` ticks, with the actions that `model` takes them for.
fn label(data: &TrainingData, action: &Layout, model: &mut Policy, ahead: usize) -> TrainingData {
    let wide = data.observation.size();
    // Without actions there is nothing to cut off.
    let seen = TrainingData { actions: Vec::new(), action: Layout::new("none", Vec::new()), ..data.clone() };
    let mut labelled = TrainingData { action: action.clone(), ..seen.without_ends(ahead) };
    for rows in data.episodes() {
        let seen = seen_ahead(&data.observations[rows.start * wide..rows.end * wide], wide, ahead);
        let first = labelled.actions.len();
        labelled.actions.resize(first + seen.len() / wide / (1 + ahead) * action.size(), 0.0);
        model.act(&seen, &mut [], &mut labelled.actions[first..]);
    }
    labelled
}
