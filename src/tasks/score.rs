//! Reward terms and end of an episode, tick by tick.

use bevy::app::{App, Plugin};
use bevy::ecs::prelude::*;

use crate::agents::Agent;
use crate::sim::{ActSystems, Arena, Body, ObserveSystems, Physics, PhysicsSets, SimAct, SimObserve, TaskGoal};

/// The state from which a task computes its reward terms.
pub struct TaskContext<'a> {
    /// The arena after the tick.
    pub physics: &'a Physics<'a>,
    /// The agent's body.
    pub body: &'a dyn Body,
    /// The agent's goal in this episode.
    pub goal: &'a TaskGoal,
    /// The agent's action at this tick.
    pub action: &'a [f32],
    /// Length of the tick, s.
    pub dt: f32,
}

impl TaskContext<'_> {
    /// Horizontal distance from the body's root to the goal position, m; 0 without one.
    pub fn distance_to_goal(&self) -> f32 {
        let (position, _) = self.physics.pose(self.body.parts()[0]);
        self.goal.position.map_or(0.0, |goal| (goal - position).with_y(0.0).length())
    }
}

/// State of a task after a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Neither success nor failure yet.
    Running,
    /// The task has succeeded.
    Success,
    /// The task has failed, for this reason.
    Failure(&'static str),
}

/// How an episode ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpisodeEnd {
    /// Terminated: the task succeeded.
    Success,
    /// Terminated: the task failed, for this reason.
    Failure(&'static str),
    /// Truncated at the time limit.
    TimeLimit,
}

/// A task of one agent in an episode: reward terms and termination.
pub trait Task: Send + Sync + 'static {
    /// Names of the reward terms, in order.
    fn terms(&self) -> &'static [&'static str];

    /// Start an episode. Called after each reset of the arena.
    fn reset(&mut self, ctx: &TaskContext<'_>);

    /// Write the raw (unweighted) value of each reward term for this tick. Return whether the episode terminates.
    fn step(&mut self, ctx: &TaskContext<'_>, terms: &mut [f32]) -> Outcome;
}

/// The task of an agent.
#[derive(Component)]
pub struct TaskState(pub Box<dyn Task>);

/// Reward terms and return of an agent in the running episode.
#[derive(Component, Clone, Debug, Default)]
pub struct Score {
    /// Names of the reward terms.
    pub names: Vec<String>,
    /// Weight of each term in the reward.
    pub weights: Vec<f32>,
    /// Each term at the last tick, weighted.
    pub terms: Vec<f32>,
    /// Each term summed over the episode, weighted.
    pub totals: Vec<f32>,
    /// Reward of the last tick: the sum of the weighted terms.
    pub reward: f32,
    /// Ticks of the episode so far.
    pub ticks: u64,
    /// Time limit, ticks.
    pub tick_limit: u64,
    /// Whether each episode lasts until the time limit, even after success or failure.
    pub fixed_horizon: bool,
    /// How the task ended, while an episode of fixed horizon continues.
    pub task_end: Option<EpisodeEnd>,
    /// How the episode ended; `None` while it runs.
    pub end: Option<EpisodeEnd>,
}

impl Score {
    /// A score of zero. `weights` belong to `names` in order.
    pub fn new(names: Vec<String>, weights: Vec<f32>, tick_limit: u64) -> Self {
        let n = names.len();
        Self { names, weights, terms: vec![0.0; n], totals: vec![0.0; n], tick_limit, ..Self::default() }
    }

    /// Return of the episode so far: the undiscounted sum of its rewards.
    pub fn episode_return(&self) -> f32 {
        self.totals.iter().sum()
    }

    /// True once the episode has ended with success.
    pub fn succeeded(&self) -> bool {
        self.end == Some(EpisodeEnd::Success)
    }
}

/// Resets and steps the tasks.
pub struct TaskPlugin;

impl Plugin for TaskPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(SimObserve, reset_tasks.in_set(ObserveSystems::Begin))
            .add_systems(SimAct, step_tasks.in_set(ActSystems::Score));
    }
}

fn reset_tasks(mut arenas: Query<(&mut Arena, PhysicsSets)>, mut agents: Query<(&Agent, &mut TaskState, &mut Score)>) {
    if !arenas.iter().any(|(arena, _)| arena.just_reset) {
        return;
    }
    for (agent, mut task, mut score) in &mut agents {
        let Ok((arena, mut sets)) = arenas.get_mut(agent.arena) else { continue };
        let Some(slot) = arena.slots.get(agent.slot).filter(|_| arena.just_reset) else { continue };
        task.0.reset(&TaskContext {
            physics: &sets.physics(),
            body: &*slot.body,
            goal: &slot.goal,
            action: &slot.action,
            dt: 0.0,
        });
        score.terms.fill(0.0);
        score.totals.fill(0.0);
        score.reward = 0.0;
        score.ticks = 0;
        (score.task_end, score.end) = (None, None);
    }
    for (mut arena, _) in arenas.iter_mut().filter(|(arena, _)| arena.just_reset) {
        arena.just_reset = false;
    }
}

fn step_tasks(mut arenas: Query<(&mut Arena, PhysicsSets)>, mut agents: Query<(&Agent, &mut TaskState, &mut Score)>) {
    for (agent, mut task, mut score) in &mut agents {
        if score.end.is_some() {
            continue;
        }
        let Ok((arena, mut sets)) = arenas.get_mut(agent.arena) else { continue };
        let Some(slot) = arena.slots.get(agent.slot) else { continue };
        let physics = sets.physics();
        let ctx = TaskContext {
            physics: &physics,
            body: &*slot.body,
            goal: &slot.goal,
            action: &slot.action,
            dt: physics.dt() * arena.substeps as f32,
        };
        let score = &mut *score;
        let outcome = if score.task_end.is_none() {
            task.0.step(&ctx, &mut score.terms)
        } else {
            score.terms.fill(0.0);
            Outcome::Running
        };
        score.reward = 0.0;
        for ((term, total), weight) in score.terms.iter_mut().zip(&mut score.totals).zip(&score.weights) {
            *term *= weight;
            *total += *term;
            score.reward += *term;
        }
        score.ticks += 1;
        let task_end = match outcome {
            Outcome::Success => Some(EpisodeEnd::Success),
            Outcome::Failure(reason) => Some(EpisodeEnd::Failure(reason)),
            Outcome::Running => score.task_end,
        };
        score.task_end = task_end.filter(|_| score.fixed_horizon);
        score.end = match task_end {
            Some(end) if !score.fixed_horizon => Some(end),
            task_end if score.ticks >= score.tick_limit => Some(task_end.unwrap_or(EpisodeEnd::TimeLimit)),
            _ => None,
        };
    }
}
