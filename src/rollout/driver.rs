//! The rollout driver: players act in parallel environments, one episode per seed.

use bevy::ecs::entity::Entity;
use thiserror::Error;

use super::exploration_noise::{ExplorationNoise, Explorer};
use super::ground_path::PathReader;
use super::players::Player;
use super::remote_actions::RemoteActions;
use super::seed_queue::SeedQueue;
use super::trajectory::Trajectory;
use super::vec_env::VecEnv;
use super::vec_env_options::VecEnvOptions;
use crate::agents::Action;
use crate::policies::{OutsideCounter, PolicyError};
use crate::scenes::Scene;
use crate::teleop::{Expert, Operator, Skill};

/// What a rollout records of each episode. Each level includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Record {
    /// Its end, length and reward terms; nothing for each tick.
    #[default]
    Statistics,
    /// Observations, actions and rewards of every tick.
    Transitions,
    /// The path over the ground: [`Trajectory::path`].
    Path,
}

/// Settings of a [`rollout`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RolloutOptions {
    /// Parallel environments; at most one per seed is used. Episodes do not depend on it.
    pub n_envs: usize,
    /// Threads that step environments; 0 means one per core. Episodes do not depend on it.
    pub threads: usize,
    /// The recorded side of the scene, from 0.
    pub side: usize,
    /// What is recorded.
    pub record: Record,
    /// Label every recorded tick with the action of an expert of this skill ([`Trajectory::expert_actions`]).
    pub expert: Option<Skill>,
    /// Noise on the actions of the recorded side.
    pub noise: Option<ExplorationNoise>,
}

impl Default for RolloutOptions {
    /// 16 environments: enough to keep a batch's cost per agent low, few enough to stay in cache.
    fn default() -> Self {
        Self { n_envs: 16, threads: 0, side: 0, record: Record::Statistics, expert: None, noise: None }
    }
}

/// Why a rollout failed.
#[derive(Debug, Error)]
pub enum RolloutError {
    /// The scene has no scripted operator.
    #[error("scene `{0}` has no scripted operator to query; record interventions in the app instead")]
    NoOperator(String),
    /// A policy does not fit the scene's agent.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// Roll out one episode of `scene` per seed. `players[i]` plays side `i` of the scene, and the last of them also plays all
/// further sides. `on_episode` is called with each episode as it ends; [`Trajectory::index`] is that of its seed.
///
/// # Errors
/// [`RolloutError`]
///
/// # Panics
/// When `players` is empty, when there is no such side or no environment, or when there is noise on a player that is
/// neither a policy nor [`Player::Neutral`].
pub fn rollout(
    scene: &Scene,
    players: Vec<Player>,
    seeds: &[u64],
    options: &RolloutOptions,
    on_episode: impl FnMut(Trajectory),
) -> Result<(), RolloutError> {
    let arenas = options.n_envs.min(seeds.len());
    let experts: Option<Vec<_>> = match options.expert {
        Some(skill) => (0..arenas).map(|_| scene.blueprint.operator(skill)).collect(),
        None => Some(Vec::new()),
    };
    let experts = experts.ok_or_else(|| RolloutError::NoOperator(scene.name.clone()))?;
    Ok(run_rollout(scene, players, seeds, options, experts, None, on_episode)?)
}

/// [`rollout`], with its trajectories in the order of the seeds.
///
/// # Errors
/// As [`rollout`].
///
/// # Panics
/// As [`rollout`].
pub fn collect_trajectories(
    scene: &Scene,
    players: Vec<Player>,
    seeds: &[u64],
    options: &RolloutOptions,
) -> Result<Vec<Trajectory>, RolloutError> {
    let mut trajectories = Vec::with_capacity(seeds.len());
    rollout(scene, players, seeds, options, |trajectory| trajectories.push(trajectory))?;
    trajectories.sort_by_key(|trajectory| trajectory.index);
    Ok(trajectories)
}

/// [`rollout`] with the experts that [`RolloutOptions::expert`] stands for: one per environment, or none. `outside` counts
/// the observations of the recorded side.
///
/// # Errors
/// [`PolicyError`] when a policy does not fit the scene's agent.
///
/// # Panics
/// As [`rollout`].
pub(super) fn run_rollout(
    scene: &Scene,
    players: Vec<Player>,
    seeds: &[u64],
    options: &RolloutOptions,
    experts: Vec<Box<dyn Operator>>,
    mut outside: Option<&mut OutsideCounter>,
    mut on_episode: impl FnMut(Trajectory),
) -> Result<(), PolicyError> {
    if seeds.is_empty() {
        return Ok(());
    }
    let mut driver = RolloutDriver::start(scene, players, seeds, options, experts)?;
    let mut remaining = seeds.len();
    while remaining > 0 {
        if let Some(counter) = &mut outside {
            driver.each_observation(|observation| counter.add(observation));
        }
        driver.step(|trajectory| {
            remaining -= 1;
            on_episode(trajectory);
        });
    }
    Ok(())
}

/// A running rollout.
struct RolloutDriver<'a> {
    env: VecEnv,
    queue: SeedQueue<'a>,
    actions: RemoteActions,
    paths: PathReader,
    record: Record,
    has_expert: bool,
    /// Per arena: the recorded agent.
    agents: Vec<Entity>,
    /// Per arena: the running episode.
    running: Vec<Trajectory>,
    side: usize,
    /// Steps so far.
    steps: u64,
}

impl<'a> RolloutDriver<'a> {
    fn start(
        scene: &Scene,
        mut players: Vec<Player>,
        seeds: &'a [u64],
        options: &RolloutOptions,
        experts: Vec<Box<dyn Operator>>,
    ) -> Result<Self, PolicyError> {
        let RolloutOptions { side, record, threads, .. } = *options;
        let arenas = options.n_envs.min(seeds.len());
        let explorer = match options.noise {
            Some(noise) => Some(Explorer::new(scene, take_player(&mut players, side), noise, arenas)?),
            None => None,
        };
        let options = VecEnvOptions { arenas, agents: 1, threads };
        let is_random: Vec<bool> = players.iter().map(|player| matches!(player, Player::Random)).collect();
        let mut env = VecEnv::with_players(scene, options, players)?;
        assert!(side < env.agents_per_arena(), "scene {} has no side {side}", scene.name);
        let agents: Vec<Entity> =
            (0..arenas).map(|arena| env.agent_entity(arena * env.agents_per_arena() + side)).collect();
        let has_expert = !experts.is_empty();
        let act_dim = env.action_size();
        for (agent, operator) in agents.iter().zip(experts) {
            env.world_mut().entity_mut(*agent).insert(Expert::new(operator, act_dim));
        }
        let actions = RemoteActions::new(&env, &is_random, side, explorer);
        let paths = PathReader::new(env.world_mut());
        let queue = SeedQueue::start(&mut env, seeds);
        let running = vec![Trajectory::default(); arenas];
        let mut driver = Self { env, queue, actions, paths, record, has_expert, agents, running, side, steps: 0 };
        for arena in 0..arenas {
            driver.begin_episode(arena, arena);
        }
        Ok(driver)
    }

    /// Begin to record the episode with index `index` in `arena`.
    fn begin_episode(&mut self, arena: usize, index: usize) {
        self.running[arena] = Trajectory {
            index,
            seed: self.env.seed(arena),
            env: arena,
            start_step: self.steps,
            explored: self.actions.begin_episode(&self.env, arena, index),
            expert_actions: self.has_expert.then(Vec::new),
            ..Trajectory::default()
        };
        let (row, obs_dim) = (self.row(arena), self.env.observation_size());
        self.running[arena].add_to_fingerprint(&self.env.last_step().observations[row * obs_dim..][..obs_dim]);
    }

    /// Row of the recorded agent of `arena`.
    fn row(&self, arena: usize) -> usize {
        arena * self.env.agents_per_arena() + self.side
    }

    /// Simulate one tick. `on_episode` is called with each episode that ends in it.
    fn step(&mut self, mut on_episode: impl FnMut(Trajectory)) {
        if self.record >= Record::Transitions {
            self.record_observations();
        }
        if let Some(actions) = self.actions.next(&self.env) {
            self.env.set_actions(actions);
        }
        if self.record >= Record::Transitions {
            self.env.act_tick();
            self.record_decisions();
            self.env.observe_tick();
        } else {
            self.env.step_driven();
        }
        self.steps += 1;
        for arena in 0..self.running.len() {
            let (row, step) = (self.row(arena), self.env.last_step());
            if step.active[row] && self.record >= Record::Transitions {
                self.running[arena].rewards.push(step.rewards[row]);
            }
            let ended = step.terminated[row] || step.truncated[row];
            if ended {
                on_episode(self.end_episode(arena));
            }
            if let Some(index) = self.queue.advance(&mut self.env, arena, ended) {
                self.begin_episode(arena, index);
            }
        }
    }

    /// Append the observations before the tick to the running episodes.
    fn record_observations(&mut self) {
        let obs_dim = self.env.observation_size();
        for arena in 0..self.running.len() {
            let (row, step) = (self.row(arena), self.env.last_step());
            if !step.waiting[row] {
                let observation = &step.observations[row * obs_dim..][..obs_dim];
                self.running[arena].observations.extend_from_slice(observation);
            }
        }
    }

    /// Call `read` with the observation before the tick in each running episode.
    fn each_observation(&self, mut read: impl FnMut(&[f32])) {
        let (obs_dim, step) = (self.env.observation_size(), self.env.last_step());
        let rows = (0..self.running.len()).map(|arena| self.row(arena)).filter(|row| !step.waiting[*row]);
        rows.for_each(|row| read(&step.observations[row * obs_dim..][..obs_dim]));
    }

    /// Append actions and positions to the running episodes, before the arenas of ended ones are reset.
    fn record_decisions(&mut self) {
        for arena in 0..self.running.len() {
            if self.env.last_step().waiting[self.row(arena)] {
                continue;
            }
            let (agent, trajectory) = (self.agents[arena], &mut self.running[arena]);
            let world = self.env.world_mut();
            if let Some(action) = world.get::<Action>(agent) {
                trajectory.actions.extend_from_slice(&action.0);
            }
            if let Some((labels, expert)) = trajectory.expert_actions.as_mut().zip(world.get::<Expert>(agent)) {
                labels.extend_from_slice(&expert.action);
            }
            if self.record >= Record::Path {
                self.paths.append(world, agent, &mut trajectory.path);
            }
        }
    }

    /// The episode of `arena` that has just ended.
    fn end_episode(&mut self, arena: usize) -> Trajectory {
        let (row, obs_dim) = (self.row(arena), self.env.observation_size());
        let mut trajectory = std::mem::take(&mut self.running[arena]);
        let finished = self.env.finished(row);
        trajectory.end = finished.end;
        trajectory.ticks = finished.ticks as usize;
        trajectory.terms.clone_from(&finished.terms);
        let observation = &self.env.last_step().final_observations[row * obs_dim..][..obs_dim];
        trajectory.add_to_fingerprint(observation);
        trajectory.add_to_fingerprint(&finished.terms);
        trajectory.add_to_fingerprint(&[finished.ticks as f32]);
        if self.record >= Record::Transitions {
            trajectory.observations.extend_from_slice(observation);
        }
        trajectory
    }
}

/// Take the player of side `side` out of `players`, where [`Player::Neutral`] takes its place.
fn take_player(players: &mut Vec<Player>, side: usize) -> Player {
    assert!(!players.is_empty(), "a rollout needs at least one player");
    // The last player also plays all further sides.
    let further = players[players.len() - 1].clone();
    if players.len() < side + 2 {
        players.resize(side + 2, further);
    }
    std::mem::replace(&mut players[side], Player::Neutral)
}
