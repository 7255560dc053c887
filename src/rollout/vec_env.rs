//! The vectorized environment: many arenas of one scene behind flat, reused buffers.

use bevy::ecs::prelude::*;

use super::headless::headless_app;
use super::players::{Player, PlayerAssignment, fitted};
use super::step::{FinishedEpisode, Step};
use super::vec_env_options::VecEnvOptions;
use crate::agents::{Action, Agent, Driver, Observation};
use crate::policies::PolicyError;
use crate::scenes::{Scene, despawn_arena, spawn_arena};
use crate::sim::{Arena, SimAct, SimObserve, SimThreads, begin_episode, split_seed};
use crate::tasks::{EpisodeEnd, Score};

/// A vectorized environment: `n` arenas of one scene, stepped together. Learners, evaluation and benchmarks simulate
/// through it. The results are bit-identical to those of the app's window, for any number of arenas and threads.
///
/// Observations and actions are in the units of the scene's layouts, not normalized: `scene().blueprint.spaces()` has the
/// fields with names, units and bounds. A step is one tick of `scene().blueprint.control_dt()` seconds; the names of the
/// reward terms are `scene().blueprint.terms()`, and an episode is truncated after `scene().tick_limit()` ticks.
///
/// An arena is reset in the same step in which the last of its agents' episodes ends (autoreset). Its next seed is
/// derived from the one given to [`VecEnv::reset`], unless [`VecEnv::set_next_seed`] sets another.
pub struct VecEnv {
    world: World,
    scene: Scene,
    agents: usize,
    arenas: Vec<ArenaRow>,
    rows: Vec<Entity>,
    observation_size: usize,
    action_size: usize,
    observations: Vec<f32>,
    final_observations: Vec<f32>,
    rewards: Vec<f32>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
    active: Vec<bool>,
    /// `[rows]`: whether the row's episode has ended in this or an earlier step.
    done: Vec<bool>,
    finished: Vec<FinishedEpisode>,
    /// Drivers of an arena's agents while their episodes run; the last one drives all further agents.
    drivers: Vec<Driver>,
}

struct ArenaRow {
    entity: Entity,
    /// The seed given to [`VecEnv::reset`]; later seeds are derived from it.
    base: u64,
    /// The running episode's seed.
    seed: u64,
    /// Episodes since the reset.
    episode: u64,
    /// Episodes begun since the arena was built.
    begun: u64,
    next: Option<u64>,
    retired: bool,
    /// Whether the next step truncates the running episode.
    truncate: bool,
}

impl VecEnv {
    /// An environment whose actions are passed to [`VecEnv::step`]. Call [`VecEnv::reset`] first.
    ///
    /// # Panics
    /// When `options.arenas` or `options.agents` is 0.
    pub fn new(scene: &Scene, options: VecEnvOptions) -> Self {
        Self::spawn(scene, options, vec![Driver::Remote], |_, _, _| {})
    }

    /// An environment whose agents are all driven by `player`; advance it by [`VecEnv::step_driven`].
    ///
    /// # Errors
    /// [`PolicyError`] when a policy does not fit the scene's agent.
    ///
    /// # Panics
    /// When `options.arenas` or `options.agents` is 0.
    pub fn with_player(scene: &Scene, options: VecEnvOptions, player: Player) -> Result<Self, PolicyError> {
        Self::with_players(scene, options, vec![player])
    }

    /// An environment with one player per agent of an arena, in order; the last of them also plays all further agents.
    ///
    /// # Errors
    /// [`PolicyError`] when a policy does not fit the scene's agent.
    ///
    /// # Panics
    /// When `options.arenas` or `options.agents` is 0, or `players` is empty.
    pub fn with_players(scene: &Scene, options: VecEnvOptions, players: Vec<Player>) -> Result<Self, PolicyError> {
        let players = fitted(scene, players)?;
        let drivers = players.iter().map(Player::driver).collect();
        let mut assignment = PlayerAssignment::new(scene, players);
        Ok(Self::spawn(scene, options, drivers, |world, agent, slot| assignment.assign(world, agent, slot)))
    }

    fn spawn(
        scene: &Scene,
        options: VecEnvOptions,
        drivers: Vec<Driver>,
        mut equip: impl FnMut(&mut World, Entity, usize),
    ) -> Self {
        assert!(options.arenas > 0, "a vectorized environment needs at least one arena");
        let mut world = std::mem::take(headless_app(options.threads).world_mut());
        let (mut arenas, mut rows) = (Vec::new(), Vec::new());
        for _ in 0..options.arenas {
            let spawned = spawn_arena(&mut world, scene, options.agents, Driver::Remote);
            for (slot, agent) in spawned.agents.iter().enumerate() {
                equip(&mut world, *agent, slot);
            }
            rows.extend(spawned.agents);
            let entity = spawned.arena;
            if let Some(mut arena) = world.get_mut::<Arena>(entity) {
                arena.sense_after_step = true;
            }
            arenas.push(ArenaRow {
                entity,
                base: 0,
                seed: 0,
                episode: 0,
                begun: 0,
                next: None,
                retired: false,
                truncate: false,
            });
        }
        let spaces = scene.blueprint.spaces();
        let (n, obs_dim, act_dim) = (rows.len(), spaces.observation.size(), spaces.action.size());
        let terms = scene.blueprint.terms().len();
        let finished = FinishedEpisode { terms: vec![0.0; terms], ..FinishedEpisode::default() };
        Self {
            world,
            scene: scene.clone(),
            agents: n / options.arenas,
            arenas,
            rows,
            observation_size: obs_dim,
            action_size: act_dim,
            observations: vec![0.0; n * obs_dim],
            final_observations: vec![0.0; n * obs_dim],
            rewards: vec![0.0; n],
            terminated: vec![false; n],
            truncated: vec![false; n],
            active: vec![false; n],
            done: vec![true; n],
            finished: vec![finished; n],
            drivers,
        }
    }

    /// The scene.
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// The number of arenas.
    pub fn arenas(&self) -> usize {
        self.arenas.len()
    }

    /// The number of agents in each arena.
    pub fn agents_per_arena(&self) -> usize {
        self.agents
    }

    /// Rows of every buffer: arenas times agents.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Threads that step arenas.
    pub fn threads(&self) -> usize {
        self.world.resource::<SimThreads>().threads()
    }

    /// The observation dimension.
    pub fn observation_size(&self) -> usize {
        self.observation_size
    }

    /// The action dimension.
    pub fn action_size(&self) -> usize {
        self.action_size
    }

    /// Begin an episode with seed `seeds[i]` in arena `i`. Returns the first observations, `[rows, observation size]`.
    ///
    /// # Panics
    /// Unless there is one seed per arena.
    pub fn reset(&mut self, seeds: &[u64]) -> &[f32] {
        assert_eq!(seeds.len(), self.arenas.len(), "one seed for each arena");
        for (index, &seed) in seeds.iter().enumerate() {
            let arena = &mut self.arenas[index];
            (arena.base, arena.episode, arena.next) = (seed, 0, None);
            self.begin(index, seed);
        }
        self.rewards.fill(0.0);
        self.terminated.fill(false);
        self.truncated.fill(false);
        for (active, done) in self.active.iter_mut().zip(&self.done) {
            *active = !done;
        }
        self.world.run_schedule(SimObserve);
        self.observe();
        &self.observations
    }

    /// Set the seed of the next episode of `arena`, which begins after the running one has ended.
    pub fn set_next_seed(&mut self, arena: usize, seed: u64) {
        self.arenas[arena].next = Some(seed);
    }

    /// Truncate the running episode of `arena` after the next step, as its time limit would, and reset
    /// it with `seed`.
    pub fn restart(&mut self, arena: usize, seed: u64) {
        self.set_next_seed(arena, seed);
        self.arenas[arena].truncate = true;
    }

    /// The seed of the running episode of `arena`.
    pub fn seed(&self, arena: usize) -> u64 {
        self.arenas[arena].seed
    }

    /// The number of episodes begun in `arena` since it was spawned. It identifies an episode even where a seed repeats.
    pub fn episodes_begun(&self, arena: usize) -> u64 {
        self.arenas[arena].begun
    }

    /// Remove an arena from the simulation: from the next step on its rows are inactive and cost no time.
    /// [`VecEnv::reset`] does not bring it back. For rollouts of a fixed number of episodes.
    pub fn retire(&mut self, arena: usize) {
        let row = &mut self.arenas[arena];
        if std::mem::replace(&mut row.retired, true) {
            return;
        }
        despawn_arena(&mut self.world, row.entity);
        self.done[arena * self.agents..(arena + 1) * self.agents].fill(true);
    }

    /// Advance every arena by one tick with `actions`, `[rows, action size]` in the action layout's units; values outside
    /// its bounds are clamped. The actions of rows that are [`Step::waiting`], or that a player drives, are ignored.
    ///
    /// # Panics
    /// When `actions` has another length, or before the first [`VecEnv::reset`].
    pub fn step(&mut self, actions: &[f32]) -> Step<'_> {
        self.set_actions(actions);
        self.step_driven()
    }

    /// Advance every arena by one tick with the actions of the agents' drivers.
    ///
    /// # Panics
    /// Before the first [`VecEnv::reset`].
    pub fn step_driven(&mut self) -> Step<'_> {
        self.in_thread_pool(|env| {
            env.run_act();
            env.run_observe();
        });
        self.last_step()
    }

    /// Set the actions of the next tick, as [`VecEnv::step`] does.
    ///
    /// # Panics
    /// When `actions` has another length.
    pub(super) fn set_actions(&mut self, actions: &[f32]) {
        assert_eq!(actions.len(), self.rows.len() * self.action_size, "one action for each row");
        for (row, action) in actions.chunks_exact(self.action_size).enumerate() {
            if self.done[row] || self.driver(row % self.agents) != Driver::Remote {
                continue;
            }
            if let Some(mut component) = self.world.get_mut::<Action>(self.rows[row]) {
                component.0.copy_from_slice(action);
            }
        }
    }

    /// The first half of [`VecEnv::step_driven`]: actions, physics and rewards. Before [`VecEnv::observe_tick`], the world is
    /// in the state after the tick also where an episode has just ended.
    ///
    /// # Panics
    /// Before the first [`VecEnv::reset`].
    pub(super) fn act_tick(&mut self) {
        self.in_thread_pool(Self::run_act);
    }

    /// The second half of [`VecEnv::step_driven`]: resets the arenas whose episodes have ended, and observes.
    pub(super) fn observe_tick(&mut self) {
        self.in_thread_pool(Self::run_observe);
    }

    fn in_thread_pool(&mut self, run: impl FnOnce(&mut Self) + Send) {
        assert!(self.arenas.iter().any(|a| a.begun > 0), "a vectorized environment is reset before its first step");
        match self.world.resource::<SimThreads>().pool() {
            Some(pool) => pool.install(|| run(self)),
            None => run(self),
        }
    }

    fn run_act(&mut self) {
        self.world.run_schedule(SimAct);
    }

    fn run_observe(&mut self) {
        self.end_episodes();
        self.world.run_schedule(SimObserve);
        self.observe();
    }

    /// The result of the last step or reset.
    pub fn last_step(&self) -> Step<'_> {
        Step {
            observations: &self.observations,
            rewards: &self.rewards,
            terminated: &self.terminated,
            truncated: &self.truncated,
            final_observations: &self.final_observations,
            active: &self.active,
            waiting: &self.done,
        }
    }

    /// Statistics of the last completed episode of `row`.
    pub fn finished(&self, row: usize) -> &FinishedEpisode {
        &self.finished[row]
    }

    /// The score of `row`'s running episode.
    pub fn score(&self, row: usize) -> Option<&Score> {
        self.world.get::<Score>(self.rows[row])
    }

    /// The arenas' world, for access between two steps. Changes appear in the observations of the next step.
    pub fn world_mut(&mut self) -> &mut World {
        &mut self.world
    }

    /// The entity of an arena.
    pub fn arena_entity(&self, arena: usize) -> Entity {
        self.arenas[arena].entity
    }

    /// The entity of a row's agent.
    pub fn agent_entity(&self, row: usize) -> Entity {
        self.rows[row]
    }

    /// Collect the rewards and episode ends of the tick that was just simulated; reset the arenas that are done.
    fn end_episodes(&mut self) {
        for index in 0..self.arenas.len() {
            let mut running = 0;
            for row in index * self.agents..(index + 1) * self.agents {
                self.active[row] = !self.done[row];
                self.rewards[row] = 0.0;
                self.terminated[row] = false;
                self.truncated[row] = false;
                if self.done[row] {
                    continue;
                }
                let Some(score) = self.world.get::<Score>(self.rows[row]) else { continue };
                self.rewards[row] = score.reward;
                let Some(end) = score.end else {
                    running += 1;
                    self.truncated[row] = self.arenas[index].truncate;
                    continue;
                };
                self.done[row] = true;
                self.truncated[row] = score.fixed_horizon || end == EpisodeEnd::TimeLimit;
                self.terminated[row] = !self.truncated[row];
                let finished = &mut self.finished[row];
                finished.seed = self.arenas[index].seed;
                finished.end = Some(end);
                finished.ticks = score.ticks;
                finished.terms.copy_from_slice(&score.totals);
                // It is no longer driven while the episodes of other agents in its arena run.
                set_driver(&mut self.world, self.rows[row], Driver::Remote);
            }
            self.store_final_observations(index);
            let truncated = std::mem::take(&mut self.arenas[index].truncate);
            if (running == 0 || truncated) && !self.arenas[index].retired {
                let arena = &mut self.arenas[index];
                arena.episode += 1;
                let seed = arena.next.take().unwrap_or_else(|| split_seed(arena.base, arena.episode));
                self.begin(index, seed);
            }
        }
    }

    /// Store the final observations of the episodes that have just ended, before the arena is reset.
    fn store_final_observations(&mut self, index: usize) {
        for row in index * self.agents..(index + 1) * self.agents {
            if !(self.terminated[row] || self.truncated[row]) {
                continue;
            }
            let Some(agent) = self.world.get::<Agent>(self.rows[row]) else { continue };
            // With `sense_after_step` the slots hold the observations after the tick.
            let Some(slot) = self.world.get::<Arena>(agent.arena).and_then(|a| a.slots.get(agent.slot)) else {
                continue;
            };
            let at = row * self.observation_size;
            self.final_observations[at..at + self.observation_size].copy_from_slice(&slot.observation);
        }
    }

    /// The driver of the agent in slot `slot` of an arena.
    fn driver(&self, slot: usize) -> Driver {
        self.drivers[slot.min(self.drivers.len() - 1)]
    }

    fn begin(&mut self, index: usize, seed: u64) {
        let arena = &mut self.arenas[index];
        if arena.retired {
            return;
        }
        arena.seed = seed;
        arena.begun += 1;
        begin_episode(&mut self.world, arena.entity, seed);
        for slot in 0..self.agents {
            let row = index * self.agents + slot;
            self.done[row] = false;
            let driver = self.driver(slot);
            set_driver(&mut self.world, self.rows[row], driver);
        }
    }

    fn observe(&mut self) {
        for (row, out) in self.observations.chunks_exact_mut(self.observation_size).enumerate() {
            if let Some(observation) = self.world.get::<Observation>(self.rows[row]) {
                out.copy_from_slice(&observation.0);
            }
        }
    }
}

/// Set an agent's driver and zero its action.
fn set_driver(world: &mut World, agent: Entity, driver: Driver) {
    if let Some(mut component) = world.get_mut::<Driver>(agent) {
        component.set_if_neq(driver);
    }
    if let Some(mut action) = world.get_mut::<Action>(agent) {
        action.0.fill(0.0);
    }
}
