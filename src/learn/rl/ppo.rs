//! Proximal policy optimisation (Schulman et al. 2017, arXiv:1707.06347, equations 7 and 9) with generalised advantages,
//! and the plain policy gradient (Williams 1992, REINFORCE with a learned baseline) on the same ground.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand_pcg::Pcg64;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::deciding::{PIECE, Said, draw, forget, likelihoods, say, strayed};
use super::environment::{check_rewards, check_settings, validated};
use super::moments::{explained_variance, mean_and_deviation};
use super::reward::{Acted, InferredReward};
use super::rollouts::{Rollouts, lesson, normalized, told};
use super::trying::{tried_from, tried_from_chance};
use super::update::Ticks;
use super::{Environment, Moments};
use crate::learn::random::{Purpose, generator};
use crate::learn::run_dir::{not_whole, read_state, write_state};
use crate::learn::student::Student;
use crate::learn::sums::{finite, number};
use crate::learn::{Base, Extent, Learner, Metric, TrainConfig, TrainError, UpdateStep, Validation};
use crate::policies::{Chance, HeadConfig, HeadKind, Network, Policy, PolicyConfig, PolicyError};
use crate::spaces::{Field, Layout, Normalizer};

/// What the policy's folder lacks to go on.
const STATE_FILE: &str = "ppo.bin";
/// The critic's folder within the policy's.
const CRITIC_DIR: &str = "critic";
/// Ticks of chance from which the first normaliser of observations comes.
const FIRST_LOOK: usize = 64;
/// Least and largest learning rate that adapts to the divergence.
const RATES: (f64, f64) = (1e-5, 1e-2);

/// `[ppo]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PpoConfig {
    /// Arenas that act side by side.
    pub arenas: usize,
    /// Ticks that each of them acts in an update.
    pub ticks: usize,
    /// Times that the ticks of an update are learned from, each time in another order, in batches of
    /// `training.batch_size`.
    pub epochs: u64,
    /// What a reward is worth a tick later, against now.
    pub discount: f32,
    /// Generalised advantages: 0 trusts the value of the next state, 1 the rewards that came.
    pub lambda: f32,
    /// How far the likelihood of an action may move in an update and still be rewarded; 0 for the plain policy gradient.
    pub clip: f32,
    /// Weight of the distribution's entropy: more tries more. It falls along `optimizer.schedule`, as the learning rate does:
    /// noise that stays hides what the policy does without.
    pub entropy: f32,
    /// How much of a tick's noise is that of the tick before, 0 to below 1: what is tried for a while leads somewhere,
    /// what changes at every tick shakes in place (after Hollenstein et al. 2024, arXiv:2312.11091).
    pub persistence: f32,
    /// The learning rate adapts so that an update moves the policy by about this divergence, in nats; 0 for the rate that
    /// `optimizer` says. (Rudin et al. 2021, arXiv:2109.11978, appendix A)
    pub divergence: f32,
    /// With `init.from`: weight of staying with what the earlier policy would do, at first (Rajeswaran et al. 2017, DAPG,
    /// arXiv:1709.10087, equation 5).
    pub stay: f32,
    /// What is left of that weight after each update, and of how much more than by `lambda` the rewards that came are
    /// trusted: all at first. A critic that saw one way to drive alone praises another without knowing where it leads.
    pub stay_decay: f32,
    /// With `init.from`: updates at first in which the critic alone learns. By a critic that knows nothing yet, a policy
    /// that knows something is led away from it.
    pub critic_first: u64,
    /// Episodes that a validation plays.
    pub judged: usize,
}

impl Default for PpoConfig {
    fn default() -> Self {
        Self {
            arenas: 64,
            ticks: 64,
            epochs: 4,
            discount: 0.99,
            lambda: 0.95,
            clip: 0.2,
            entropy: 0.0,
            persistence: 0.5,
            divergence: 0.01,
            stay: 0.1,
            stay_decay: 0.98,
            critic_first: 3,
            judged: 20,
        }
    }
}

/// What is more than weights and optimisers.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    /// Whether anything was done yet.
    begun: bool,
    seen: Moments,
    /// Of the discounted sums of rewards, which rewards are scaled by.
    returns: Moments,
    /// The running discounted sum of each row.
    sums: Vec<f32>,
    /// Noise of each row at its last tick.
    noise: Vec<f32>,
    remembered: Remembered,
    /// The learning rate that adapts.
    rate: f64,
    /// Ticks of all rows.
    ticks: u64,
    /// Where the environment is.
    environment: Vec<u8>,
}

/// What recurrent networks remember of each row, `[rows, state]`; nothing of others.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Remembered {
    actor: Vec<f32>,
    critic: Vec<f32>,
    /// The policy that it began from.
    base: Vec<f32>,
}

/// What an update teaches, and what the networks remembered before each of its sequences.
struct Taught {
    ticks: Ticks,
    actor: Vec<f32>,
    critic: Vec<f32>,
    /// Which part of the returns' variance the critic told.
    explained: f32,
}

/// Sums over the updates since the metrics were asked for.
#[derive(Default)]
struct Told {
    updates: f32,
    numbers: Vec<(&'static str, f32)>,
    episodes: Vec<(f32, bool)>,
}

/// An actor and a critic that learn from what comes of acting. With a `clip` of 0 and one epoch it is REINFORCE with the
/// critic for a baseline.
pub struct Ppo {
    config: TrainConfig,
    environment: Box<dyn Environment>,
    actor: Student,
    critic: Student,
    /// The policy that it began from.
    base: Option<Network>,
    /// What takes the place of the environment's rewards.
    reward: Option<Box<dyn InferredReward>>,
    state: State,
    told: Told,
}

/// What is left of how an earlier policy was gone on with at first.
fn left(settings: &PpoConfig, step: UpdateStep) -> f32 {
    settings.stay_decay.powi(step.index.min(i32::MAX as u64) as i32)
}

impl Ppo {
    /// Fresh networks that act in `environment`.
    ///
    /// # Errors
    /// Settings out of range, or a network or head that it cannot learn with.
    pub fn new(config: &TrainConfig, environment: Box<dyn Environment>, device: &Device) -> Result<Self, TrainError> {
        check_settings(config)?;
        let unusable = |message: &str| {
            Err(TrainError::Config { origin: "the training configuration".into(), message: message.into() })
        };
        let mut policy = environment.policy_config();
        (policy.network, policy.head) = (config.network.clone(), config.head.clone());
        let recurrent = config.network.is_recurrent();
        if config.head.chunk > 1 || config.network.history > 1 && !recurrent {
            return unusable(
                "learning by acting sees one tick and decides one: network.history and head.chunk must be 1, also of the \
                 policy that init.from names; network.kind lstm and gru remember more",
            );
        }
        if !config.ppo.ticks.is_multiple_of(config.network.sequence()) {
            return unusable(
                "recurrent networks learn from network.history ticks in a row; ppo.ticks must be a multiple of it",
            );
        }
        policy.action_normalizer = tried_from_chance(&policy.action);
        let wide = policy.observation.size();
        let mut seen = Moments::new(wide);
        let base = Base::load(config)?;
        if let Some(base) = &base {
            let own = base.config();
            if own.observation.fields != policy.observation.fields || own.action.fields != policy.action.fields {
                return unusable("init.from is a policy of other fields than the scene's agent has");
            }
            let kept = own.head.kind == config.head.kind
                || own.head.kind == HeadKind::SquaredError && config.head.kind == HeadKind::Gaussian;
            if !kept || own.head.chunk > 1 {
                return unusable(
                    "init.from has another head, of which nothing could be taken over; set head.kind to its own where that \
                     is gaussian or categorical, or clone it with head.kind=gaussian, head.chunk=1 and head.execute=1",
                );
            }
            let mut network = own.network.clone();
            network.dropout = config.network.dropout;
            if recurrent {
                network.history = config.network.history;
            }
            if network != config.network {
                return unusable(
                    "init.from has another network, of which not all could be taken over; leave network.* to it, as \
                     --init-from does",
                );
            }
            policy.observation_normalizer = own.observation_normalizer.clone();
            policy.action_normalizer = tried_from(own);
            seen = Moments::default();
        }
        let mut values = PolicyConfig {
            head: HeadConfig::default(),
            action: Layout::new("value", vec![Field::new("value", 1, "1", -1.0, 1.0)]),
            action_normalizer: Normalizer::identity(1),
            ..policy.clone()
        };
        values.action_hash = crate::policies::artifact::hex(values.action.hash());
        let actor = Student::new(config, policy, device)?;
        let mut critic_config = config.clone();
        (critic_config.init, critic_config.head) = Default::default();
        let critic = Student::new(&critic_config, values, device)?;
        let features = actor.network().features(Tensor::zeros([1, 1, wide], actor.device()), &[]);
        let numbers = actor.policy_config().action.size();
        let actions = Tensor::zeros([1, numbers], actor.device());
        if actor.network().head().likelihood(features, actions).is_none() {
            return unusable("head.kind must be gaussian or categorical to learn by acting");
        }
        let base = base.is_some().then(|| actor.network().clone().valid());
        let rows = environment.rows();
        let state = State {
            begun: false,
            seen,
            returns: Moments::new(1),
            sums: vec![0.0; rows],
            noise: vec![0.0; rows * numbers],
            remembered: Remembered {
                actor: vec![0.0; rows * actor.network().trunk().state_size()],
                critic: vec![0.0; rows * critic.network().trunk().state_size()],
                base: vec![0.0; base.as_ref().map_or(0, |base| rows * base.trunk().state_size())],
            },
            rate: config.optimizer.learning_rate,
            ticks: 0,
            environment: Vec::new(),
        };
        let (config, told) = (config.clone(), Told::default());
        Ok(Self { config, environment, actor, critic, base, reward: None, state, told })
    }

    /// The same, learning from `reward`.
    #[must_use]
    pub fn rewarded_by(self, reward: Box<dyn InferredReward>) -> Self {
        Self { reward: Some(reward), ..self }
    }

    /// Begin acting, and look around for what observations are like.
    fn begin(&mut self) {
        self.state.begun = true;
        let seed = self.config.training.seed;
        self.environment.begin(seed);
        if self.base.is_some() {
            return;
        }
        let mut generator = generator(seed, Purpose::Explore, u64::MAX);
        let (rows, narrow) = (self.environment.rows(), self.actor.policy_config().action.size());
        for _ in 0..FIRST_LOOK {
            self.state.seen.add(self.environment.last().observations);
            let actions = Chance::Shared(&mut generator).normal(rows, narrow, &Device::flex());
            let mut actions: Vec<f32> = actions.into_data().iter::<f32>().collect();
            self.actor.policy_config().action_normalizer.denormalize(&mut actions);
            self.environment.step(&actions);
        }
        self.actor.normalize_by(self.state.seen.normalizer());
    }

    /// Act for an update's ticks; what a recurrent actor remembered before each sequence of them.
    fn act(&mut self, step: UpdateStep) -> Result<(Rollouts, Vec<f32>), TrainError> {
        let rows = self.environment.rows();
        let config = self.actor.policy_config();
        let network = self.actor.network().clone().valid();
        let narrow = config.action.size();
        let mut rollouts = Rollouts::new(rows);
        let counter = |row: usize| step.index * rows as u64 + row as u64;
        let mut chances: Vec<Pcg64> =
            (0..rows).map(|row| generator(step.seed, Purpose::Explore, counter(row))).collect();
        let persistence = self.config.ppo.persistence;
        let fresh = (1.0 - persistence * persistence).sqrt();
        let (sequence, state) = (self.config.network.sequence(), network.trunk().state_size());
        let mut remembered = Vec::new();
        for tick in 0..self.config.ppo.ticks {
            if tick.is_multiple_of(sequence) {
                remembered.extend_from_slice(&self.state.remembered.actor);
            }
            let observations = self.environment.last().observations;
            let wide = observations.len() / rows;
            rollouts.observations.extend_from_slice(observations);
            let inputs = normalized(&config.observation_normalizer, observations);
            let drawn = Chance::Each(chances.iter_mut().collect()).normal(rows, narrow, &Device::flex());
            for (noise, new) in self.state.noise.iter_mut().zip(drawn.into_data().iter::<f32>()) {
                *noise = persistence * *noise + fresh * new;
            }
            let mut memories = self.state.remembered.actor.chunks_mut((PIECE * state).max(1));
            let pieces: Vec<_> = inputs
                .chunks(PIECE * wide)
                .zip(self.state.noise.chunks(PIECE * narrow))
                .map(|(inputs, noise)| (network.clone(), inputs, noise, memories.next().unwrap_or_default()))
                .collect();
            let decided: Vec<(Vec<f32>, Vec<f32>)> = pieces
                .into_par_iter()
                .with_max_len(1)
                .map(|(network, inputs, noise, memory)| draw(&network, inputs, noise, narrow, memory))
                .collect();
            let first = rollouts.actions.len();
            for (actions, logs) in decided {
                rollouts.actions.extend(actions);
                rollouts.logs.extend(logs);
            }
            let mut actions = rollouts.actions[first..].to_vec();
            config.action_normalizer.denormalize(&mut actions);
            self.environment.step(&actions);
            check_rewards(&*self.environment, step)?;
            rollouts.push(&*self.environment);
            forget(&mut self.state.remembered.actor, &rollouts.endings[rollouts.endings.len() - rows..]);
        }
        self.state.ticks += (rows * self.config.ppo.ticks) as u64;
        Ok((rollouts, remembered))
    }

    /// Let the inferred reward take the place of the environment's; numbers to tell about it.
    fn judge(&mut self, rollouts: &mut Rollouts, step: UpdateStep) -> Result<Vec<(&'static str, f32)>, TrainError> {
        let Some(reward) = &mut self.reward else { return Ok(Vec::new()) };
        let config = self.actor.policy_config();
        let network = self.actor.network().clone().valid();
        let mut actions = rollouts.actions.clone();
        config.action_normalizer.denormalize(&mut actions);
        let bounds: Vec<(f32, f32)> = config.action.bounds().collect();
        for action in actions.chunks_exact_mut(bounds.len()) {
            action.iter_mut().zip(&bounds).for_each(|(x, (low, high))| *x = x.clamp(*low, *high));
        }
        let likelihood = |observations: &[f32], actions: &[f32]| {
            let mut actions = actions.to_vec();
            config.action_normalizer.normalize(&mut actions);
            likelihoods(&network, normalized(&config.observation_normalizer, observations), actions, bounds.len())
        };
        let (rewards, told) = reward.judge(
            &Acted {
                observations: &rollouts.observations,
                actions: &actions,
                next: &rollouts.next,
                rewards: &rollouts.rewards,
                likelihood: &likelihood,
            },
            step,
        )?;
        rollouts.rewards = rewards;
        Ok(told)
    }

    /// Whether it is too early for the policy to learn.
    fn critic_alone(&self, step: UpdateStep) -> bool {
        self.base.is_some() && step.index < self.config.ppo.critic_first
    }

    /// What the ticks teach.
    fn teach(&mut self, mut rollouts: Rollouts, actor: Vec<f32>, step: UpdateStep) -> Taught {
        let settings = &self.config.ppo;
        let normalizer = &self.actor.policy_config().observation_normalizer;
        let last = self.environment.last().observations;
        let sequence = self.config.network.sequence();
        let remembered = &mut self.state.remembered;
        let network = self.critic.network().clone().valid();
        let Said { ticks: values, truncated, next, remembered: critic } =
            say(&network, &rollouts, last, normalizer, sequence, &mut remembered.critic);
        let truncated = rollouts.truncated().0.into_iter().zip(truncated);
        let stay =
            self.base.as_ref().map(|base| say(base, &rollouts, last, normalizer, sequence, &mut remembered.base).ticks);
        let trusted = if self.base.is_some() {
            settings.lambda + (1.0 - settings.lambda) * left(settings, step)
        } else {
            settings.lambda
        };
        let mut advantages = rollouts.advantages(&values, truncated, &next, (settings.discount, trusted));
        let returns: Vec<f32> = advantages.iter().zip(&values).map(|(a, v)| a + v).collect();
        let explained = explained_variance(&values, &returns);
        let (mean, std) = mean_and_deviation(&advantages);
        advantages.iter_mut().for_each(|a| *a = (*a - mean) / (std + 1e-8));
        let ticks = Ticks {
            rows: rollouts.rows,
            sequence,
            inputs: normalized(normalizer, &rollouts.observations),
            actions: rollouts.actions,
            logs: rollouts.logs,
            advantages,
            returns,
            endings: rollouts.endings,
            stay,
        };
        Taught { ticks, actor, critic, explained }
    }

    /// Learn how good states are; the mean loss.
    fn learn_values(critic: &mut Student, config: &TrainConfig, taught: &Taught, rate: f64, step: UpdateStep) -> f32 {
        let device = critic.device().clone();
        let mut sum = None;
        let mut count = 0.0;
        for sequences in taught.ticks.orders(config, step) {
            let lesson = taught.ticks.lesson(&sequences, &taught.critic, &device);
            let network = critic.network();
            let decided = network.head().decide(lesson.features(network), &mut Chance::Each(Vec::new()));
            let loss = (decided - lesson.returns).square().mean();
            critic.descend(&loss, rate);
            let loss = loss.inner();
            sum = Some(match sum {
                None => loss,
                Some(sum) => sum + loss,
            });
            count += 1.0;
        }
        sum.map_or(f32::NAN, number) / count
    }

    /// Learn what to do, unless it is too early; the numbers to tell, and the learning rate of the next update.
    fn learn_actions(
        actor: &mut Student,
        config: &TrainConfig,
        taught: &Taught,
        (mut rate, early): (f64, bool),
        step: UpdateStep,
    ) -> (Vec<(&'static str, f32)>, f64) {
        let settings = &config.ppo;
        let device = actor.device().clone();
        let stay = settings.stay * left(settings, step);
        let trying = settings.entropy * (step.learning_rate / config.optimizer.learning_rate) as f32;
        let mut sums = [0.0f32; 4];
        let mut count = 0.0;
        for sequences in taught.ticks.orders(config, step) {
            let lesson = taught.ticks.lesson(&sequences, &taught.actor, &device);
            let network = actor.network();
            let features = lesson.features(network);
            let Some(likelihood) = network.head().likelihood(features.clone(), lesson.actions) else { break };
            let change = likelihood.log.clone() - lesson.logs;
            let ratio = change.clone().exp();
            let gain = if settings.clip > 0.0 {
                let clipped = ratio.clone().clamp(1.0 - settings.clip, 1.0 + settings.clip);
                (ratio.clone() * lesson.advantages.clone()).min_pair(clipped * lesson.advantages)
            } else {
                likelihood.log * lesson.advantages
            };
            let entropy = likelihood.entropy.mean();
            let mut loss = gain.mean().neg() - entropy.clone().mul_scalar(trying);
            if let Some(wanted) = lesson.stay
                && let Some(strayed) = strayed(network.head(), features, wanted)
                && stay > 0.0
            {
                loss = loss + strayed.mul_scalar(stay);
            }
            // Never negative, and of less variance than the mean of the logarithms (Schulman 2020, "Approximating KL
            // divergence").
            let divergence = number((ratio.clone().sub_scalar(1.0) - change).mean().inner());
            let clipped = ratio.sub_scalar(1.0).abs().greater_elem(settings.clip).float().mean();
            if settings.divergence > 0.0 && !early {
                if divergence > 2.0 * settings.divergence {
                    rate = (rate / 1.5).max(RATES.0);
                } else if divergence < 0.5 * settings.divergence {
                    rate = (rate * 1.5).min(RATES.1);
                }
            }
            if !early {
                actor.descend(&loss, rate);
            }
            let numbers = [number(loss.inner()), number(entropy.inner()), divergence, number(clipped.inner())];
            sums.iter_mut().zip(numbers).for_each(|(sum, x)| *sum += x);
            count += 1.0;
        }
        let tags = ["train/loss", "train/entropy", "train/divergence", "train/clipped"];
        (tags.into_iter().zip(sums.map(|sum| sum / count)).collect(), rate)
    }
}

impl Learner for Ppo {
    fn name(&self) -> &'static str {
        self.config.training.learner.name()
    }

    fn extent(&self) -> Extent {
        Extent { updates: self.config.training.steps, updates_per_epoch: 1, ..Extent::default() }
    }

    fn update(&mut self, step: UpdateStep) -> Result<(), TrainError> {
        if !self.state.begun {
            self.begin();
        }
        if self.environment.advance() {
            self.state.sums.fill(0.0);
            let Remembered { actor, critic, base } = &mut self.state.remembered;
            [actor, critic, base].into_iter().for_each(|memory| memory.fill(0.0));
        }
        let (mut rollouts, remembered) = self.act(step)?;
        self.told.episodes.append(&mut rollouts.episodes);
        let inferred = self.judge(&mut rollouts, step)?;
        let State { sums, returns, .. } = &mut self.state;
        rollouts.scale(self.config.ppo.discount, sums, returns);
        let observations = rollouts.observations.clone();
        let taught = self.teach(rollouts, remembered, step);
        let rate = if self.config.ppo.divergence > 0.0 { self.state.rate } else { step.learning_rate };
        let early = self.critic_alone(step);
        let (actor, critic, config) = (&mut self.actor, &mut self.critic, &self.config);
        let ((numbers, next), value_loss) = rayon::join(
            || Self::learn_actions(actor, config, &taught, (rate, early), step),
            || Self::learn_values(critic, config, &taught, config.optimizer.learning_rate, step),
        );
        self.state.rate = next;
        let new = numbers.into_iter().chain([("train/value_loss", value_loss), ("train/explained", taught.explained)]);
        let new = new.chain(inferred);
        if self.told.numbers.is_empty() {
            self.told.numbers = new.collect();
        } else {
            self.told.numbers.iter_mut().zip(new).for_each(|(sum, (_, x))| sum.1 += x);
        }
        self.told.updates += 1.0;
        if self.base.is_none() {
            self.state.seen.add(&observations);
            self.actor.normalize_by(self.state.seen.normalizer());
        }
        Ok(())
    }

    fn metrics(&mut self, step: u64) -> Result<Vec<Metric>, TrainError> {
        let Told { updates, numbers, episodes } = std::mem::take(&mut self.told);
        let mut metrics = Vec::new();
        for (tag, sum) in numbers {
            metrics.push(Metric { tag, value: finite(sum / updates, step, tag)? });
        }
        metrics.extend(told(&episodes));
        if !metrics.is_empty() {
            metrics.push(Metric { tag: "train/learning_rate", value: self.state.rate as f32 });
            metrics.push(Metric { tag: "train/ticks", value: self.state.ticks as f32 });
            metrics.extend(lesson(&*self.environment));
        }
        Ok(metrics)
    }

    fn validate(&mut self, _step: u64) -> Result<Option<Validation>, TrainError> {
        let policy = self.actor.policy()?;
        validated(&mut *self.environment, &policy, self.config.ppo.judged, self.config.training.seed)
    }

    fn policy(&self) -> Result<Policy, PolicyError> {
        self.actor.policy()
    }

    fn save(&self, dir: &Path) -> Result<(), TrainError> {
        self.actor.save(dir)?;
        let critic = dir.join(CRITIC_DIR);
        std::fs::create_dir_all(&critic).map_err(TrainError::io("make the folder", &critic))?;
        self.critic.policy()?.write_into(&critic)?;
        self.critic.save(&critic)?;
        if let Some(reward) = &self.reward {
            reward.save(dir)?;
        }
        let state = State { environment: self.environment.save(), ..self.state.clone() };
        write_state(dir, STATE_FILE, &state)
    }

    fn load(&mut self, dir: &Path) -> Result<(), TrainError> {
        let state: State = read_state(dir, STATE_FILE)?;
        let sizes = |state: &State| {
            let Remembered { actor, critic, base } = &state.remembered;
            [&state.sums, &state.noise, actor, critic, base].map(Vec::len)
        };
        if sizes(&state) != sizes(&self.state) || state.begun && !self.environment.load(&state.environment) {
            return Err(not_whole(dir, STATE_FILE, "is of other arenas"));
        }
        self.actor.load(dir)?;
        self.critic.load(&dir.join(CRITIC_DIR))?;
        if let Some(reward) = &mut self.reward {
            reward.load(dir)?;
        }
        if self.base.is_none() && state.begun {
            self.actor.normalize_by(state.seen.normalizer());
        }
        self.state = State { environment: Vec::new(), ..state };
        Ok(())
    }
}
