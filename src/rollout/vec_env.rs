//! Many arenas of one scene behind flat, reused buffers.

use bevy::ecs::prelude::*;

use super::headless::headless_app;
use super::players::{Player, Seats, fitted};
use crate::agents::{Action, Agent, Driver, Observation};
use crate::policies::PolicyError;
use crate::scenes::{Scene, despawn_arena, spawn_arena};
use crate::sim::{Arena, SimAct, SimObserve, SimThreads, begin_episode, split_seed};
use crate::tasks::{End, Score};

/// How many arenas, and on how many threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VecEnvOptions {
    /// Arenas, each a world of its own.
    pub arenas: usize,
    /// Acting agents in each arena, which share its world. They begin 9 m (on foot 1.6 m) apart, cars on a course that is
    /// too short for that evenly along it; what does not fit stands in each other's place. A scene with sides has one agent
    /// of each, whatever is asked.
    pub agents: usize,
    /// Threads that work on arenas; 0 takes one for each core. No number changes a result.
    pub threads: usize,
}

impl Default for VecEnvOptions {
    fn default() -> Self {
        Self { arenas: 1, agents: 1, threads: 0 }
    }
}

/// What came of a step. Row `r` of every field is agent `r % agents` of arena `r / agents`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step<'a> {
    /// `[rows, observation size]`, row-major: what to decide the next action by. Where the arena's episode has just
    /// ended, this is the first observation of its next one.
    pub observations: &'a [f32],
    /// `[rows]`: the reward of this tick.
    pub rewards: &'a [f32],
    /// `[rows]`: the agent's episode ended by success or failure. There is nothing to expect after it.
    pub terminated: &'a [bool],
    /// `[rows]`: the agent's episode was cut off by the time limit, or came to a fixed horizon. The value of the state goes
    /// on: bootstrap from `final_observations` (Pardo et al. 2018, arXiv:1712.00378).
    pub truncated: &'a [bool],
    /// `[rows, observation size]`: the last observation of an episode, in the rows that are `terminated` or
    /// `truncated`. The other rows hold what an earlier step left there.
    pub final_observations: &'a [f32],
    /// `[rows]`: whether the agent took part in the tick that was just simulated. False where its episode had ended
    /// before, while others of its arena went on: its reward is 0 and its row teaches nothing.
    pub active: &'a [bool],
    /// `[rows]`: whether the agent waits for others of its arena. Its next action is not used, and its observation is that
    /// of a body left to itself. With one agent in an arena nobody ever waits, but in an arena that is retired.
    pub waiting: &'a [bool],
}

/// How an agent's last whole episode went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FinishedEpisode {
    /// The arena's seed.
    pub seed: u64,
    /// How it ended; `None` before the first end.
    pub end: Option<End>,
    /// Its ticks.
    pub ticks: u64,
    /// Each score term, weighted and summed.
    pub terms: Vec<f32>,
}

impl FinishedEpisode {
    /// Sum of the rewards.
    pub fn total(&self) -> f32 {
        self.terms.iter().sum()
    }
}

/// `n` arenas of one scene, stepped together: the one interface through which learners, evaluation and benchmarks
/// simulate. The simulated numbers are those of the app's window, bit for bit, whatever the number of arenas and
/// threads.
///
/// Observations and actions are in the units of the scene's layouts, not normalised: `scene().blueprint.spaces()` has the
/// fields with names, units and bounds. A step is one tick of `scene().blueprint.control_dt()` seconds; the names of the
/// score terms are `scene().blueprint.terms()`, and an episode is cut off after `scene().tick_limit()` ticks.
///
/// An arena starts anew in the same step in which the last of its agents' episodes ends (autoreset). Its next seed is
/// derived from the one that [`VecEnv::reset`] gave it, unless [`VecEnv::set_next_seed`] names another.
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
    /// Whether a row's episode has ended in this or an earlier step.
    over: Vec<bool>,
    finished: Vec<FinishedEpisode>,
    /// Who drives the agents of an arena while their episodes run; the last those that are left.
    drivers: Vec<Driver>,
}

struct ArenaRow {
    entity: Entity,
    /// What [`VecEnv::reset`] gave it; later seeds are derived from it.
    base: u64,
    /// Of the running episode.
    seed: u64,
    /// Episodes since the reset.
    episode: u64,
    /// Episodes begun since the arena was built.
    begun: u64,
    next: Option<u64>,
    retired: bool,
    /// Whether the running episode ends with the coming step.
    cut: bool,
}

impl VecEnv {
    /// Arenas whose agents do what [`VecEnv::step`] is given. They wait for [`VecEnv::reset`].
    ///
    /// # Panics
    /// When `options.arenas` or `options.agents` is 0.
    pub fn new(scene: &Scene, options: VecEnvOptions) -> Self {
        Self::spawn(scene, options, vec![Driver::Remote], |_, _, _| {})
    }

    /// Arenas whose agents are driven by `player`; advance them by [`VecEnv::step_driven`].
    ///
    /// # Errors
    /// [`PolicyError`] when a policy does not fit the scene's agent.
    ///
    /// # Panics
    /// When `options.arenas` or `options.agents` is 0.
    pub fn played(scene: &Scene, options: VecEnvOptions, player: Player) -> Result<Self, PolicyError> {
        Self::played_by(scene, options, vec![player])
    }

    /// The same with a player for each agent of an arena, in order; the last of them plays those that are left, too.
    ///
    /// # Errors
    /// [`PolicyError`] when a policy does not fit the scene's agent.
    ///
    /// # Panics
    /// When `options.arenas` or `options.agents` is 0, or without a player.
    pub fn played_by(scene: &Scene, options: VecEnvOptions, players: Vec<Player>) -> Result<Self, PolicyError> {
        let players = fitted(scene, players)?;
        let drivers = players.iter().map(Player::driver).collect();
        let mut seats = Seats::of(scene, players);
        Ok(Self::spawn(scene, options, drivers, |world, agent, at| seats.seat(world, agent, at)))
    }

    fn spawn(
        scene: &Scene,
        options: VecEnvOptions,
        drivers: Vec<Driver>,
        mut equip: impl FnMut(&mut World, Entity, usize),
    ) -> Self {
        assert!(options.arenas > 0, "a vectorised environment needs at least one arena");
        let mut world = std::mem::take(headless_app(options.threads).world_mut());
        let (mut arenas, mut rows) = (Vec::new(), Vec::new());
        for _ in 0..options.arenas {
            let spawned = spawn_arena(&mut world, scene, options.agents, Driver::Remote);
            for (at, agent) in spawned.agents.iter().enumerate() {
                equip(&mut world, *agent, at);
            }
            rows.extend(spawned.agents);
            let entity = spawned.arena;
            if let Some(mut arena) = world.get_mut::<Arena>(entity) {
                arena.sense_early = true;
            }
            arenas.push(ArenaRow {
                entity,
                base: 0,
                seed: 0,
                episode: 0,
                begun: 0,
                next: None,
                retired: false,
                cut: false,
            });
        }
        let spaces = scene.blueprint.spaces();
        let (n, wide, narrow) = (rows.len(), spaces.observation.size(), spaces.action.size());
        let terms = scene.blueprint.terms().len();
        let finished = FinishedEpisode { terms: vec![0.0; terms], ..FinishedEpisode::default() };
        Self {
            world,
            scene: scene.clone(),
            agents: n / options.arenas,
            arenas,
            rows,
            observation_size: wide,
            action_size: narrow,
            observations: vec![0.0; n * wide],
            final_observations: vec![0.0; n * wide],
            rewards: vec![0.0; n],
            terminated: vec![false; n],
            truncated: vec![false; n],
            active: vec![false; n],
            over: vec![true; n],
            finished: vec![finished; n],
            drivers,
        }
    }

    /// The scene.
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// How many arenas.
    pub fn arenas(&self) -> usize {
        self.arenas.len()
    }

    /// How many agents an arena has.
    pub fn agents_per_arena(&self) -> usize {
        self.agents
    }

    /// Rows of every buffer: arenas times agents.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Threads that work on arenas.
    pub fn threads(&self) -> usize {
        self.world.resource::<SimThreads>().threads()
    }

    /// Numbers in an observation.
    pub fn observation_size(&self) -> usize {
        self.observation_size
    }

    /// Numbers in an action.
    pub fn action_size(&self) -> usize {
        self.action_size
    }

    /// Begin an episode of `seeds[i]` in arena `i`; the first observations, `[rows, observation size]`.
    ///
    /// # Panics
    /// When there is not one seed for each arena.
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
        for (active, over) in self.active.iter_mut().zip(&self.over) {
            *active = !over;
        }
        self.world.run_schedule(SimObserve);
        self.observe();
        &self.observations
    }

    /// The seed that arena `arena` begins its next episode with, after the running one has ended.
    pub fn set_next_seed(&mut self, arena: usize, seed: u64) {
        self.arenas[arena].next = Some(seed);
    }

    /// End the running episode of `arena` with the coming step, whatever comes of it, as if by its time limit, and begin
    /// one of `seed`.
    pub fn restart(&mut self, arena: usize, seed: u64) {
        self.set_next_seed(arena, seed);
        self.arenas[arena].cut = true;
    }

    /// The seed of the episode that runs in `arena`.
    pub fn seed(&self, arena: usize) -> u64 {
        self.arenas[arena].seed
    }

    /// How many episodes have begun in `arena`: a new number is a new episode, even one of the same seed.
    pub fn episodes_begun(&self, arena: usize) -> u64 {
        self.arenas[arena].begun
    }

    /// Take an arena out: from the next step on its rows are inactive, and it costs nothing any more. Not even
    /// [`VecEnv::reset`] brings it back. For evaluations, which have an end.
    pub fn retire(&mut self, arena: usize) {
        let row = &mut self.arenas[arena];
        if std::mem::replace(&mut row.retired, true) {
            return;
        }
        despawn_arena(&mut self.world, row.entity);
        self.over[arena * self.agents..(arena + 1) * self.agents].fill(true);
    }

    /// Advance every arena by one tick with `actions`, `[rows, action size]` in the action layout's units; numbers out
    /// of its bounds are clamped. The actions of rows that are [`Step::waiting`], or that a player drives, are not used.
    ///
    /// # Panics
    /// When `actions` has another length, or before the first [`VecEnv::reset`].
    pub fn step(&mut self, actions: &[f32]) -> Step<'_> {
        assert_eq!(actions.len(), self.rows.len() * self.action_size, "one action for each row");
        for (row, action) in actions.chunks_exact(self.action_size).enumerate() {
            if self.over[row] || self.driver(row % self.agents) != Driver::Remote {
                continue;
            }
            if let Some(mut own) = self.world.get_mut::<Action>(self.rows[row]) {
                own.0.copy_from_slice(action);
            }
        }
        self.step_driven()
    }

    /// Advance every arena by one tick with what the agents' drivers decide.
    ///
    /// # Panics
    /// Before the first [`VecEnv::reset`].
    pub fn step_driven(&mut self) -> Step<'_> {
        assert!(self.arenas.iter().any(|a| a.begun > 0), "a vectorised environment is reset before its first step");
        match self.world.resource::<SimThreads>().pool() {
            Some(pool) => pool.install(|| self.tick()),
            None => self.tick(),
        }
        self.last_step()
    }

    fn tick(&mut self) {
        self.world.run_schedule(SimAct);
        self.judge();
        self.world.run_schedule(SimObserve);
        self.observe();
    }

    /// What the last step (or reset) left in the buffers.
    pub fn last_step(&self) -> Step<'_> {
        Step {
            observations: &self.observations,
            rewards: &self.rewards,
            terminated: &self.terminated,
            truncated: &self.truncated,
            final_observations: &self.final_observations,
            active: &self.active,
            waiting: &self.over,
        }
    }

    /// How the last whole episode of `row` went; in a row that has just ended, that one.
    pub fn finished(&self, row: usize) -> &FinishedEpisode {
        &self.finished[row]
    }

    /// The score of `row`'s running episode.
    pub fn score(&self, row: usize) -> Option<&Score> {
        self.world.get::<Score>(self.rows[row])
    }

    /// The arenas' world, to look at or to change between two steps. What is changed shows in the observations of the
    /// next step.
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

    /// Rewards and ends of the tick that was just simulated.
    fn judge(&mut self) {
        for index in 0..self.arenas.len() {
            let mut running = 0;
            for row in index * self.agents..(index + 1) * self.agents {
                self.active[row] = !self.over[row];
                self.rewards[row] = 0.0;
                self.terminated[row] = false;
                self.truncated[row] = false;
                if self.over[row] {
                    continue;
                }
                let Some(score) = self.world.get::<Score>(self.rows[row]) else { continue };
                self.rewards[row] = score.reward;
                let Some(end) = score.end else {
                    running += 1;
                    self.truncated[row] = self.arenas[index].cut;
                    continue;
                };
                self.over[row] = true;
                self.truncated[row] = score.fixed || end == End::TimeUp;
                self.terminated[row] = !self.truncated[row];
                let finished = &mut self.finished[row];
                finished.seed = self.arenas[index].seed;
                finished.end = Some(end);
                finished.ticks = score.ticks;
                finished.terms.copy_from_slice(&score.totals);
                // Nobody drives it on while others of its arena are judged.
                set_driver(&mut self.world, self.rows[row], Driver::Remote);
            }
            self.keep_last_observations(index);
            let cut = std::mem::take(&mut self.arenas[index].cut);
            if (running == 0 || cut) && !self.arenas[index].retired {
                let arena = &mut self.arenas[index];
                arena.episode += 1;
                let seed = arena.next.take().unwrap_or_else(|| split_seed(arena.base, arena.episode));
                self.begin(index, seed);
            }
        }
    }

    /// The last observations of the episodes that have just ended, before the arena starts anew.
    fn keep_last_observations(&mut self, index: usize) {
        for row in index * self.agents..(index + 1) * self.agents {
            if !(self.terminated[row] || self.truncated[row]) {
                continue;
            }
            let Some(agent) = self.world.get::<Agent>(self.rows[row]) else { continue };
            // Arenas here sense early: the slots hold what the tick has led to.
            let Some(slot) = self.world.get::<Arena>(agent.arena).and_then(|a| a.slots.get(agent.slot)) else {
                continue;
            };
            let at = row * self.observation_size;
            self.final_observations[at..at + self.observation_size].copy_from_slice(&slot.observation);
        }
    }

    /// Who drives agent `at` of an arena.
    fn driver(&self, at: usize) -> Driver {
        self.drivers[at.min(self.drivers.len() - 1)]
    }

    fn begin(&mut self, index: usize, seed: u64) {
        let arena = &mut self.arenas[index];
        if arena.retired {
            return;
        }
        arena.seed = seed;
        arena.begun += 1;
        begin_episode(&mut self.world, arena.entity, seed);
        for at in 0..self.agents {
            let row = index * self.agents + at;
            self.over[row] = false;
            let driver = self.driver(at);
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

/// Hand an agent over; until somebody decides, it does nothing.
fn set_driver(world: &mut World, agent: Entity, driver: Driver) {
    if let Some(mut own) = world.get_mut::<Driver>(agent) {
        own.set_if_neq(driver);
    }
    if let Some(mut action) = world.get_mut::<Action>(agent) {
        action.0.fill(0.0);
    }
}
