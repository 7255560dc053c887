//! Recording demonstrations by scripted operators.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use thiserror::Error;

use super::headless::headless_app;
use crate::agents::Driver;
use crate::demos::{DatasetError, Episode, Recorder};
use crate::scenes::{Scene, spawn_arena};
use crate::sim::{begin_episode, tick};
use crate::tasks::Score;
use crate::teleop::{ScriptedOperator, Skill};

/// What was recorded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordReport {
    /// Episodes kept.
    pub episodes: usize,
    /// Their ticks.
    pub ticks: usize,
    /// How many of them did their task.
    pub successes: usize,
    /// True when it was stopped before all were recorded.
    pub stopped: bool,
}

/// Why nothing was recorded.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The scene has no scripted operator.
    #[error("scene `{0}` has no scripted operator; play it by hand, or give its blueprint one")]
    NoOperator(String),
    /// Two play in the scene, and an episode holds the actions of one.
    #[error("two play in `{0}`, and a recording of one of them cannot be run again; use a scene without sides")]
    Sides(String),
    /// The dataset did not take an episode.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}

/// Who demonstrates, and what is recorded of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demonstrator {
    /// How well the operator plays.
    pub skill: Skill,
    /// Record what is seen alone, as where one watches without feeling the controls.
    pub states_only: bool,
}

impl From<Skill> for Demonstrator {
    fn from(skill: Skill) -> Self {
        Self { skill, states_only: false }
    }
}

/// One episode by a scripted operator, kept in memory.
///
/// # Errors
/// [`RecordError::NoOperator`]
pub fn demonstrate(scene: &Scene, skill: Skill, seed: u64) -> Result<Episode, RecordError> {
    let none = || RecordError::NoOperator(scene.name.clone());
    if !scene.blueprint.sides().is_empty() {
        return Err(RecordError::Sides(scene.name.clone()));
    }
    let operator = ScriptedOperator(scene.blueprint.operator(skill).ok_or_else(none)?);
    let mut app = headless_app(1);
    let world = app.world_mut();
    let spawned = spawn_arena(world, scene, 1, Driver::Scripted);
    let agent = spawned.agents[0];
    world.entity_mut(agent).insert((operator, Recorder::in_memory(skill.name())));
    begin_episode(world, spawned.arena, seed);
    for _ in 0..scene.tick_limit() {
        tick(world);
        if world.get::<Recorder>(agent).is_none_or(Recorder::ended) {
            break;
        }
    }
    let recorder = world.entity_mut(agent).take::<Recorder>();
    recorder.and_then(Recorder::into_episode).ok_or_else(none)
}

/// Record one episode for each of `seeds` by a scripted operator and append it to the dataset in `dir`. `progress`
/// hears the number of episodes after each; `stop` ends it after the episode in progress is discarded.
///
/// # Errors
/// [`RecordError`] when the scene has no operator or the dataset does not take an episode; what was appended before
/// stays.
pub fn record(
    scene: &Scene,
    by: impl Into<Demonstrator>,
    seeds: impl Iterator<Item = u64>,
    dir: &Path,
    stop: &AtomicBool,
    mut progress: impl FnMut(usize),
) -> Result<RecordReport, RecordError> {
    let Demonstrator { skill, states_only } = by.into();
    if !scene.blueprint.sides().is_empty() {
        return Err(RecordError::Sides(scene.name.clone()));
    }
    let operator = || {
        let operator = scene.blueprint.operator(skill).ok_or_else(|| RecordError::NoOperator(scene.name.clone()))?;
        Ok::<_, RecordError>(ScriptedOperator(operator))
    };
    let mut app = headless_app(1);
    let world = app.world_mut();
    let spawned = spawn_arena(world, scene, 1, Driver::Scripted);
    let agent = spawned.agents[0];
    world.entity_mut(agent).insert(operator()?);
    let mut report = RecordReport::default();
    let journals = dir.join("journal");
    for seed in seeds {
        begin_episode(world, spawned.arena, seed);
        let recorder = Recorder::with_journal(skill.name(), &journals);
        world.entity_mut(agent).insert(if states_only { recorder.states_only() } else { recorder });
        loop {
            tick(world);
            let ended = world.get::<Recorder>(agent).is_none_or(Recorder::ended);
            if ended || stop.load(Ordering::Relaxed) {
                break;
            }
        }
        let Some(mut recorder) = world.entity_mut(agent).take::<Recorder>() else { continue };
        if let Some(error) = recorder.take_error() {
            recorder.discard()?;
            return Err(error.into());
        }
        if !recorder.ended() {
            recorder.discard()?;
            report.stopped = true;
            break;
        }
        if report.episodes == 0
            && let Err(error) = recorder.check_fits(dir)
        {
            // A journal would never be taken, and an operator plays again.
            recorder.discard()?;
            return Err(error.into());
        }
        report.ticks += recorder.len();
        report.successes += usize::from(world.get::<Score>(agent).is_some_and(Score::succeeded));
        recorder.keep(dir)?;
        report.episodes += 1;
        progress(report.episodes);
    }
    Ok(report)
}
