//! Judging an agent tick by tick.

use bevy::app::{App, Plugin};
use bevy::ecs::prelude::*;

use crate::agents::Agent;
use crate::sim::{ActSystems, Arena, Body, Guide, ObserveSystems, Physics, PhysicsSets, SimAct, SimObserve};

/// What a task sees when it judges.
pub struct Judging<'a> {
    /// The arena after the tick.
    pub physics: &'a Physics<'a>,
    /// The judged body.
    pub body: &'a dyn Body,
    /// What the body was asked to do.
    pub guide: &'a Guide,
    /// What it did.
    pub action: &'a [f32],
    /// Length of the tick, s.
    pub dt: f32,
}

/// What a task says of a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Go on.
    Running,
    /// The task is done.
    Success,
    /// The task cannot be done any more; why.
    Failure(&'static str),
}

/// How an episode ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The task was done.
    Success,
    /// The task was failed; why.
    Failure(&'static str),
    /// The time limit came first.
    TimeUp,
}

/// A task: its score terms and its end.
pub trait Task: Send + Sync + 'static {
    /// Names of the score terms, in order.
    fn terms(&self) -> &'static [&'static str];

    /// Forget the last episode; the arena has just been reset.
    fn begin(&mut self, judging: &Judging<'_>);

    /// Write each term's raw value for this tick and say whether the episode goes on.
    fn judge(&mut self, judging: &Judging<'_>, terms: &mut [f32]) -> Outcome;
}

/// The task of an agent.
#[derive(Component)]
pub struct TaskState(pub Box<dyn Task>);

/// An agent's score in the running episode.
#[derive(Component, Clone, Debug, Default)]
pub struct Score {
    /// Names of the terms.
    pub names: Vec<String>,
    /// Weight of each term in the reward.
    pub weights: Vec<f32>,
    /// Each term at the last tick, weighted.
    pub terms: Vec<f32>,
    /// Each term summed over the episode, weighted.
    pub totals: Vec<f32>,
    /// Reward of the last tick: the sum of the terms.
    pub reward: f32,
    /// Ticks judged.
    pub ticks: u64,
    /// Time limit, ticks.
    pub limit: u64,
    /// Whether the episode lasts until the limit whatever happens.
    pub fixed: bool,
    /// How the task was done or failed, where the episode goes on after that.
    pub decided: Option<End>,
    /// How the episode ended, once it has.
    pub end: Option<End>,
}

impl Score {
    /// A score of zero. `weights` belong to `names` in order; `limit` in ticks.
    pub fn new(names: Vec<String>, weights: Vec<f32>, limit: u64) -> Self {
        let n = names.len();
        Self { names, weights, terms: vec![0.0; n], totals: vec![0.0; n], limit, ..Self::default() }
    }

    /// Sum of the rewards of the episode.
    pub fn total(&self) -> f32 {
        self.totals.iter().sum()
    }

    /// True once the task is done.
    pub fn succeeded(&self) -> bool {
        self.end == Some(End::Success)
    }
}

/// Begins and judges the tasks.
pub struct TaskPlugin;

impl Plugin for TaskPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(SimObserve, begin_tasks.in_set(ObserveSystems::Begin))
            .add_systems(SimAct, judge_tasks.in_set(ActSystems::Score));
    }
}

fn begin_tasks(mut arenas: Query<(&mut Arena, PhysicsSets)>, mut agents: Query<(&Agent, &mut TaskState, &mut Score)>) {
    if !arenas.iter().any(|(arena, _)| arena.begun) {
        return;
    }
    for (agent, mut task, mut score) in &mut agents {
        let Ok((arena, mut sets)) = arenas.get_mut(agent.arena) else { continue };
        let Some(slot) = arena.slots.get(agent.slot).filter(|_| arena.begun) else { continue };
        task.0.begin(&Judging {
            physics: &sets.physics(),
            body: &*slot.body,
            guide: &slot.guide,
            action: &slot.action,
            dt: 0.0,
        });
        score.terms.fill(0.0);
        score.totals.fill(0.0);
        score.reward = 0.0;
        score.ticks = 0;
        (score.decided, score.end) = (None, None);
    }
    for (mut arena, _) in arenas.iter_mut().filter(|(arena, _)| arena.begun) {
        arena.begun = false;
    }
}

fn judge_tasks(mut arenas: Query<(&mut Arena, PhysicsSets)>, mut agents: Query<(&Agent, &mut TaskState, &mut Score)>) {
    for (agent, mut task, mut score) in &mut agents {
        if score.end.is_some() {
            continue;
        }
        let Ok((arena, mut sets)) = arenas.get_mut(agent.arena) else { continue };
        let Some(slot) = arena.slots.get(agent.slot) else { continue };
        let physics = sets.physics();
        let judging = Judging {
            physics: &physics,
            body: &*slot.body,
            guide: &slot.guide,
            action: &slot.action,
            dt: physics.dt() * arena.substeps as f32,
        };
        let score = &mut *score;
        let outcome = if score.decided.is_none() {
            task.0.judge(&judging, &mut score.terms)
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
        let decided = match outcome {
            Outcome::Success => Some(End::Success),
            Outcome::Failure(why) => Some(End::Failure(why)),
            Outcome::Running => score.decided,
        };
        score.decided = decided.filter(|_| score.fixed);
        score.end = match decided {
            Some(end) if !score.fixed => Some(end),
            decided if score.ticks >= score.limit => Some(decided.unwrap_or(End::TimeUp)),
            _ => None,
        };
    }
}
