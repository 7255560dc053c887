//! Deep Q-learning over joint actions (Mnih et al. 2015), double (van Hasselt et al. 2015, arXiv:1509.06461, equation 4),
//! dueling, over several steps (Sutton 1988), with prioritised replay.

use std::collections::VecDeque;
use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use super::environment::{check_rewards, check_settings, validated};
use super::rollouts::normalized;
use super::shown::transitions;
use super::{Drawn, Environment, Moments, Replay, ReplayConfig, Transition};
use crate::demos::Episode;
use crate::learn::random::{Purpose, below, generator, uniform};
use crate::learn::run_dir::{not_whole, read_state, write_state};
use crate::learn::student::Student;
use crate::learn::sums::{finite, number};
use crate::learn::tensors::tensor;
use crate::learn::{Extent, Learner, LearnerKind, Metric, TrainConfig, TrainError, UpdateStep, Validation};
use crate::policies::artifact::{StoredTensors, write_tensors};
use crate::policies::{Head, Network, Policy, PolicyError, Values};

/// What the policy's folder lacks to go on.
const STATE_FILE: &str = "dqn.bin";
/// What was met.
const REPLAY_FILE: &str = "replay.bin";
/// The network that says what the next state is worth.
const TARGET_FILE: &str = "target.safetensors";

/// `[dqn]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DqnConfig {
    /// Arenas that act side by side.
    pub arenas: usize,
    /// Ticks that each of them acts in an update.
    pub ticks: usize,
    /// Batches of `training.batch_size` that are learned from in an update.
    pub batches: u64,
    /// Ticks of chance, over all arenas, before anything is learned.
    pub first_ticks: usize,
    /// What a reward is worth a tick later, against now.
    pub discount: f32,
    /// Decisions in a row, each held for `head.chunk` ticks, whose rewards are counted before the value of the state that
    /// follows.
    pub steps: usize,
    /// Probability of an action of chance at first.
    pub explore_first: f32,
    /// Probability of an action of chance, after it has come down.
    pub explore: f32,
    /// Share of the run in which it comes down.
    pub explored: f32,
    /// Probability that an action of chance is decided for once more: what is tried for a while leads somewhere.
    pub persistence: f32,
    /// Batches after which the network that says what the next state is worth is renewed.
    pub target_every: u64,
    /// Episodes that a validation plays.
    pub judged: usize,
    /// With demonstrations: batches of them alone that are learned from at first, after `first_ticks`.
    pub shown_batches: u64,
    /// With demonstrations: weight of the margin by which what was demonstrated is to be worth more than anything else
    /// (Hester et al. 2017, DQfD, arXiv:1704.03732, equation 3).
    pub margin: f32,
    /// What is kept of what was met.
    pub replay: ReplayConfig,
}

impl DqnConfig {
    /// Probability of an action of chance at first, where demonstrations have shown what to do.
    pub const EXPLORE_FIRST_SHOWN: f32 = 0.1;
}

impl Default for DqnConfig {
    fn default() -> Self {
        Self {
            arenas: 16,
            ticks: 8,
            batches: 4,
            first_ticks: 4000,
            discount: 0.997,
            steps: 3,
            explore_first: 1.0,
            explore: 0.02,
            explored: 0.3,
            persistence: 0.8,
            target_every: 500,
            judged: 20,
            shown_batches: 2000,
            margin: 1.0,
            replay: ReplayConfig::default(),
        }
    }
}

/// An action whose rewards are still coming.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Pending {
    observation: Vec<f32>,
    action: u32,
    reward: f32,
    /// What the next reward counts for.
    discount: f32,
}

/// What is more than weights, optimiser and replay.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    /// Whether anything was done yet.
    begun: bool,
    seen: Moments,
    /// Of each row, the oldest first.
    pending: Vec<VecDeque<Pending>>,
    /// The action of chance that each row goes on with.
    tried: Vec<Option<u32>>,
    /// What each row does.
    held: Vec<u32>,
    /// Ticks that it goes on doing so.
    left: Vec<usize>,
    /// Ticks of all rows.
    ticks: u64,
    /// Batches learned from.
    batches: u64,
    /// Where the environment is.
    environment: Vec<u8>,
}

/// Values of joint actions that are learned from what comes of acting.
pub struct Dqn {
    config: TrainConfig,
    environment: Box<dyn Environment>,
    student: Student,
    target: Network,
    replay: Replay,
    state: State,
    losses: (f32, f32, f32),
    episodes: Vec<(f32, bool)>,
}

/// The head, which is known to be of that kind.
fn values(network: &Network) -> Option<&Values> {
    match network.head() {
        Head::Values(head) => Some(head),
        _ => None,
    }
}

/// Values of rows of normalised observations, `[rows, joint actions]`.
fn all_values(network: &Network, inputs: Tensor<3>) -> Tensor<2> {
    let features = network.features(inputs, &[]);
    values(network).map_or_else(|| features.clone(), |head| head.forward(features.clone()))
}

impl Dqn {
    /// A fresh network that acts in `environment`.
    ///
    /// # Errors
    /// Settings out of range, or an agent of too many joint actions.
    pub fn new(config: &TrainConfig, environment: Box<dyn Environment>, device: &Device) -> Result<Self, TrainError> {
        check_settings(config)?;
        let unusable = |message: &str| {
            Err(TrainError::Config { origin: "the training configuration".into(), message: message.into() })
        };
        if config.network.history > 1 || config.network.is_recurrent() {
            return unusable("train dqn sees one tick; network.kind must be mlp, and network.history 1");
        }
        if !config.init.from.is_empty() {
            return unusable("train dqn begins from chance; leave --init-from out");
        }
        let mut policy = environment.policy_config();
        (policy.network, policy.head) = (config.network.clone(), config.head.clone());
        let (wide, rows) = (policy.observation.size(), environment.rows());
        let student = Student::new(config, policy, device)?;
        if values(student.network()).is_none() {
            return unusable("head.kind must be values for train dqn");
        }
        let target = student.network().clone().valid();
        let state = State {
            begun: false,
            seen: Moments::new(wide),
            pending: vec![VecDeque::new(); rows],
            tried: vec![None; rows],
            held: vec![0; rows],
            left: vec![0; rows],
            ticks: 0,
            batches: 0,
            environment: Vec::new(),
        };
        let replay = Replay::new(&config.dqn.replay, wide);
        Ok(Self {
            config: config.clone(),
            environment,
            student,
            target,
            replay,
            state,
            losses: (0.0, 0.0, 0.0),
            episodes: Vec::new(),
        })
    }

    /// The same with demonstrations in its replay, which stay there: it learns from them first, and is to hold what was
    /// demonstrated for the best by a margin (Hester et al. 2017, DQfD, arXiv:1704.03732).
    ///
    /// # Errors
    /// Demonstrations of another agent, without actions, by other than keys that are held for `head.chunk` ticks, or more of them
    /// than the replay holds; or none that succeeded.
    pub fn shown(mut self, episodes: &[Episode]) -> Result<Self, TrainError> {
        let Some(table) = values(self.student.network()).map(|head| head.table().to_vec()) else { return Ok(self) };
        let settings = &self.config.dqn;
        let ahead = (settings.discount, settings.steps);
        let shown = transitions(episodes, self.student.policy_config(), &table, ahead)?;
        if shown.actions.len() * 2 > self.replay.capacity() {
            return Err(TrainError::Config {
                origin: "dqn.replay.capacity".into(),
                message: format!(
                    "the demonstrations have {} decisions, and may fill half of the replay; set it to at least {}",
                    shown.actions.len(),
                    2 * shown.actions.len()
                ),
            });
        }
        self.state.seen.add(&shown.observations);
        shown.into_replay(&mut self.replay);
        self.replay.keep();
        Ok(self)
    }

    /// Probability of an action of chance in update `index`.
    fn chance(&self, index: u64) -> f32 {
        let settings = &self.config.dqn;
        let over = (self.config.training.steps as f32 * settings.explored).max(1.0);
        let done = (index as f32 / over).min(1.0);
        settings.explore_first + (settings.explore - settings.explore_first) * done
    }

    /// One tick of all rows in update `step`, with actions of chance of this probability.
    fn act(&mut self, step: UpdateStep, chance: f32, generator: &mut Pcg64) -> Result<(), TrainError> {
        let config = self.student.policy_config();
        let network = self.student.network().clone().valid();
        let Some(table) = values(&network).map(Values::table) else { return Ok(()) };
        let (rows, narrow) = (self.environment.rows(), config.action.size());
        let joint = table.len() / narrow;
        let observations = self.environment.last().observations.to_vec();
        let wide = observations.len() / rows;
        let inputs = normalized(&config.observation_normalizer, &observations);
        let all = all_values(&network, tensor(inputs, [rows, 1, wide], &Device::flex()));
        let all: Vec<f32> = all.into_data().iter::<f32>().collect();
        let mut actions = Vec::with_capacity(rows * narrow);
        let persistence = self.config.dqn.persistence;
        // So that the share of ticks of chance is `chance`, however long they last.
        let begins = chance * (1.0 - persistence) / (1.0 - chance * persistence).max(1e-6);
        let decided: Vec<bool> = self.state.left.iter().map(|left| *left == 0).collect();
        for (row, all) in all.chunks_exact(joint).enumerate() {
            if decided[row] {
                let again = self.state.tried[row].filter(|_| uniform(generator) < persistence);
                let tried = again.or_else(|| (uniform(generator) < begins).then(|| below(generator, joint) as u32));
                self.state.tried[row] = tried;
                self.state.held[row] = tried.unwrap_or_else(|| Values::best(all) as u32);
                self.state.left[row] = self.config.head.chunk;
            }
            self.state.left[row] -= 1;
            let action = self.state.held[row] as usize;
            actions.extend_from_slice(&table[action * narrow..(action + 1) * narrow]);
        }
        self.environment.step(&actions);
        check_rewards(&*self.environment, step)?;
        self.state.ticks += rows as u64;
        self.note(&observations, &decided);
        Ok(())
    }

    /// Put what came of the last tick into the replay.
    fn note(&mut self, observations: &[f32], decided: &[bool]) {
        let (discount, steps) = (self.config.dqn.discount, self.config.dqn.steps);
        let step = self.environment.last();
        let wide = step.observations.len() / decided.len();
        for (row, decided) in decided.iter().enumerate() {
            let place = row * wide..(row + 1) * wide;
            let pending = &mut self.state.pending[row];
            if *decided {
                let observation = observations[place.clone()].to_vec();
                let action = self.state.held[row];
                pending.push_back(Pending { observation, action, reward: 0.0, discount: 1.0 });
            }
            for waiting in pending.iter_mut() {
                waiting.reward += waiting.discount * step.rewards[row];
                waiting.discount *= discount;
            }
            let ended = step.terminated[row] || step.truncated[row];
            let next = if ended { &step.final_observations[place] } else { &step.observations[place] };
            let whole = self.state.left[row] == 0;
            while whole && pending.len() >= steps || ended && !pending.is_empty() {
                let Some(oldest) = pending.pop_front() else { break };
                self.replay.push(&Transition {
                    observation: &oldest.observation,
                    action: oldest.action,
                    reward: oldest.reward,
                    discount: if step.terminated[row] { 0.0 } else { oldest.discount },
                    next,
                });
            }
            if ended {
                (self.state.tried[row], self.state.left[row]) = (None, 0);
                self.episodes.push(self.environment.outcome(row));
            }
        }
    }

    /// Begin acting, by chance.
    fn begin(&mut self, step: UpdateStep) -> Result<(), TrainError> {
        self.state.begun = true;
        let seed = self.config.training.seed;
        self.environment.begin(seed);
        let mut generator = generator(seed, Purpose::Explore, u64::MAX);
        for _ in 0..self.config.dqn.first_ticks.div_ceil(self.environment.rows()) {
            self.state.seen.add(self.environment.last().observations);
            self.act(step, 1.0, &mut generator)?;
        }
        // What was met is normalised so from now on, as the values have to stay comparable.
        self.student.normalize_by(self.state.seen.normalizer());
        self.episodes.clear();
        if self.replay.kept() > 0 {
            for _ in 0..self.config.dqn.shown_batches {
                let entries = (0..self.config.training.batch_size)
                    .map(|_| below(&mut generator, self.replay.kept()))
                    .collect::<Vec<_>>();
                let weights = vec![1.0; entries.len()];
                self.learn_from(Drawn { entries, weights }, step.learning_rate);
            }
        }
        Ok(())
    }

    /// Learn from one batch of all that was met.
    fn learn(&mut self, step: UpdateStep, generator: &mut Pcg64) {
        let done = step.index as f32 / self.config.training.steps.max(1) as f32;
        let drawn = self.replay.draw(self.config.training.batch_size, done, generator);
        self.learn_from(drawn, step.learning_rate);
    }

    /// Learn from what was drawn.
    fn learn_from(&mut self, drawn: Drawn, learning_rate: f64) {
        let rows = drawn.entries.len();
        let wide = self.student.policy_config().observation.size();
        let (mut observations, mut nexts) = (Vec::with_capacity(rows * wide), Vec::with_capacity(rows * wide));
        let (mut actions, mut rewards) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        for entry in &drawn.entries {
            let transition = self.replay.get(*entry);
            observations.extend_from_slice(transition.observation);
            nexts.extend_from_slice(transition.next);
            actions.push(transition.action as usize);
            rewards.push((transition.reward, transition.discount));
        }
        let normalizer = self.student.policy_config().observation_normalizer.clone();
        let inner = Device::flex();
        let next = tensor(normalized(&normalizer, &nexts), [rows, 1, wide], &inner);
        // Double: the network says what to do, the target what that is worth.
        let own = all_values(&self.student.network().clone().valid(), next.clone());
        let worth = all_values(&self.target, next);
        let joint = own.dims()[1];
        let best = own.clone().equal(own.max_dim(1).expand([rows, joint])).float();
        let worth = (worth * best.clone()).sum_dim(1) / best.sum_dim(1);
        let worth: Vec<f32> = worth.into_data().iter::<f32>().collect();
        let wanted = rewards.iter().zip(worth).map(|((reward, discount), worth)| reward + discount * worth).collect();
        let device = self.student.device().clone();
        let inputs = tensor(normalized(&normalizer, &observations), [rows, 1, wide], &device);
        let mut mask = vec![0.0f32; rows * joint];
        actions.iter().enumerate().for_each(|(row, action)| mask[row * joint + action] = 1.0);
        let all = all_values(self.student.network(), inputs);
        let mask = tensor(mask, [rows, joint], &device);
        let taken = (all.clone() * mask.clone()).sum_dim(1);
        let error = taken.clone() - tensor(wanted, [rows, 1], &device);
        let weights = tensor(drawn.weights, [rows, 1], &device);
        // Huber: squares near zero, lines beyond 1.
        let near = error.clone().abs().clamp_max(1.0);
        let huber = near.clone() * error.clone().abs() - near.square().mul_scalar(0.5);
        let mut loss = (huber * weights).mean();
        if self.replay.kept() > 0 {
            let shown = drawn.entries.iter().map(|entry| f32::from(u8::from(*entry < self.replay.kept()))).collect();
            let most = (all + mask.neg().add_scalar(1.0).mul_scalar(Values::MARGIN)).max_dim(1);
            let short = (most - taken.clone()) * tensor(shown, [rows, 1], &device);
            loss = loss + short.mean().mul_scalar(self.config.dqn.margin);
        }
        self.student.descend(&loss, learning_rate);
        let errors: Vec<f32> = error.inner().into_data().iter::<f32>().collect();
        if errors.iter().all(|error| error.is_finite()) {
            self.replay.surprise(&drawn.entries, &errors);
        }
        self.losses.0 += number(loss.inner());
        self.losses.1 += number(taken.mean().inner());
        self.losses.2 += 1.0;
        self.state.batches += 1;
        if self.state.batches.is_multiple_of(self.config.dqn.target_every) {
            self.target = self.student.network().clone().valid();
        }
    }
}

impl Learner for Dqn {
    fn name(&self) -> &'static str {
        LearnerKind::Dqn.name()
    }

    fn extent(&self) -> Extent {
        Extent { updates: self.config.training.steps, updates_per_epoch: 1, ..Extent::default() }
    }

    fn update(&mut self, step: UpdateStep) -> Result<(), TrainError> {
        if !self.state.begun {
            self.begin(step)?;
        }
        if self.environment.advance() {
            self.state.pending.iter_mut().for_each(VecDeque::clear);
            self.state.tried.fill(None);
            self.state.left.fill(0);
        }
        let mut generator = generator(step.seed, Purpose::Explore, step.index);
        let chance = self.chance(step.index);
        for _ in 0..self.config.dqn.ticks {
            self.act(step, chance, &mut generator)?;
        }
        if self.replay.is_empty() {
            return Ok(());
        }
        for _ in 0..self.config.dqn.batches {
            self.learn(step, &mut generator);
        }
        Ok(())
    }

    fn metrics(&mut self, step: u64) -> Result<Vec<Metric>, TrainError> {
        let (loss, value, count) = std::mem::take(&mut self.losses);
        let mut metrics = Vec::new();
        if count > 0.0 {
            metrics.push(Metric { tag: "train/loss", value: finite(loss / count, step, "train/loss")? });
            metrics.push(Metric { tag: "train/value", value: finite(value / count, step, "train/value")? });
            metrics.push(Metric { tag: "train/ticks", value: self.state.ticks as f32 });
            metrics.push(Metric { tag: "train/explore", value: self.chance(step) });
            metrics.extend(super::rollouts::lesson(&*self.environment));
        }
        metrics.extend(super::rollouts::told(&std::mem::take(&mut self.episodes)));
        Ok(metrics)
    }

    fn validate(&mut self, _step: u64) -> Result<Option<Validation>, TrainError> {
        let policy = self.student.policy()?;
        validated(&mut *self.environment, &policy, self.config.dqn.judged, self.config.training.seed)
    }

    fn policy(&self) -> Result<Policy, PolicyError> {
        self.student.policy()
    }

    fn save(&self, dir: &Path) -> Result<(), TrainError> {
        self.student.save(dir)?;
        write_tensors(&dir.join(TARGET_FILE), &self.target)?;
        let state = State { environment: self.environment.save(), ..self.state.clone() };
        write_state(dir, STATE_FILE, &state)?;
        let path = dir.join(REPLAY_FILE);
        std::fs::write(&path, self.replay.save()).map_err(TrainError::io("write", &path))
    }

    fn load(&mut self, dir: &Path) -> Result<(), TrainError> {
        let state: State = read_state(dir, STATE_FILE)?;
        let State { pending, tried, held, left, .. } = &state;
        let rows = [pending.len(), tried.len(), held.len(), left.len()];
        if rows != [self.environment.rows(); 4] || state.begun && !self.environment.load(&state.environment) {
            return Err(not_whole(dir, STATE_FILE, "is of other arenas"));
        }
        let path = dir.join(REPLAY_FILE);
        if !self.replay.load(&std::fs::read(&path).map_err(TrainError::io("read", &path))?) {
            return Err(not_whole(dir, REPLAY_FILE, "is damaged"));
        }
        self.student.load(dir)?;
        let mut stored = StoredTensors::read(&dir.join(TARGET_FILE))?;
        self.target = Network::new(self.student.policy_config(), &mut stored, &Device::flex())?;
        stored.finish()?;
        if state.begun {
            self.student.normalize_by(state.seen.normalizer());
        }
        self.state = State { environment: Vec::new(), ..state };
        Ok(())
    }
}
