//! Recording demonstrations by scripted operators and policies.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use bevy::app::App;
use thiserror::Error;

use super::headless::headless_app;
use super::players::{Player, Seats, fitted};
use crate::agents::Driver;
use crate::demos::{DatasetError, Episode, Recorder};
use crate::policies::PolicyError;
use crate::scenes::{Scene, Spawned, spawn_arena};
use crate::sim::{begin_episode, tick};
use crate::tasks::Score;
use crate::teleop::{Skill, Tapped};

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
    /// A policy does not fit the scene's agent.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The dataset did not take an episode.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}

/// Who demonstrates, and what is recorded of it.
#[derive(Clone)]
pub struct Demonstrator {
    /// Who plays: one, or one for each side of the scene, in order; the last also plays the sides that are left.
    pub players: Vec<Player>,
    /// The side whose episodes these are, from 0.
    pub side: usize,
    /// What its player is called in the dataset.
    pub name: String,
    /// Record what is seen alone, as where one watches without feeling the controls.
    pub states_only: bool,
    /// Ticks that keys are held, where it drives by keys that are down or up, with nothing between: as `train dqn` acts.
    pub keys: Option<usize>,
}

impl Demonstrator {
    /// The same by keys that are held for `held` ticks, and called so.
    #[must_use]
    pub fn by_keys(self, held: usize) -> Self {
        Self { name: format!("{} by keys of {held}", self.name), keys: Some(held), ..self }
    }

    /// Its recorder, set to what is to be recorded of it.
    fn records(&self, recorder: Recorder) -> Recorder {
        if self.states_only { recorder.states_only() } else { recorder }
    }
}

impl From<Skill> for Demonstrator {
    fn from(skill: Skill) -> Self {
        Self {
            players: vec![Player::Operator(skill)],
            side: 0,
            name: skill.to_string(),
            states_only: false,
            keys: None,
        }
    }
}

/// An arena of `scene` whose agents are played by the players of `by`.
fn seated(app: &mut App, scene: &Scene, by: &Demonstrator) -> Result<Spawned, RecordError> {
    let Demonstrator { players, side, keys, .. } = by;
    let missing = |player: &Player| match player {
        Player::Operator(skill) => scene.blueprint.operator(*skill).is_none(),
        _ => false,
    };
    if players.iter().any(missing) {
        return Err(RecordError::NoOperator(scene.name.clone()));
    }
    let players = fitted(scene, players.clone())?;
    let world = app.world_mut();
    let spawned = spawn_arena(world, scene, 1, Driver::Scripted);
    let mut seats = Seats::of(scene, players);
    spawned.agents.iter().enumerate().for_each(|(at, agent)| seats.seat(world, *agent, at));
    if let Some(held) = keys {
        world.entity_mut(spawned.agents[*side]).insert(Tapped::new(*held));
    }
    Ok(spawned)
}

/// One episode, kept in memory.
///
/// # Errors
/// [`RecordError::NoOperator`], or [`RecordError::Policy`]
///
/// # Panics
/// Without a player, when there is no such side, or when keys are held for 0 ticks.
pub fn demonstrate(scene: &Scene, by: impl Into<Demonstrator>, seed: u64) -> Result<Episode, RecordError> {
    let by = by.into();
    let mut app = headless_app(1);
    let spawned = seated(&mut app, scene, &by)?;
    let world = app.world_mut();
    let agent = spawned.agents[by.side];
    world.entity_mut(agent).insert(by.records(Recorder::in_memory(&*by.name)));
    begin_episode(world, spawned.arena, seed);
    for _ in 0..scene.tick_limit() {
        tick(world);
        if world.get::<Recorder>(agent).is_none_or(Recorder::ended) {
            break;
        }
    }
    let recorder = world.entity_mut(agent).take::<Recorder>();
    recorder.and_then(Recorder::into_episode).ok_or_else(|| RecordError::NoOperator(scene.name.clone()))
}

/// Record one episode for each of `seeds` and append it to the dataset in `dir`. What everybody else in the arena does is
/// recorded with it, so that it can be run again. `progress` hears the number of episodes after each; `stop` ends it after
/// the episode in progress is discarded.
///
/// # Errors
/// [`RecordError`] when the scene has no operator, a policy does not fit, or the dataset does not take an episode; what was
/// appended before stays.
///
/// # Panics
/// Without a player, when there is no such side, or when keys are held for 0 ticks.
pub fn record(
    scene: &Scene,
    by: impl Into<Demonstrator>,
    seeds: impl Iterator<Item = u64>,
    dir: &Path,
    stop: &AtomicBool,
    mut progress: impl FnMut(usize),
) -> Result<RecordReport, RecordError> {
    let by = by.into();
    let mut app = headless_app(1);
    let spawned = seated(&mut app, scene, &by)?;
    let world = app.world_mut();
    let agent = spawned.agents[by.side];
    let mut report = RecordReport::default();
    let journals = dir.join("journal");
    for seed in seeds {
        begin_episode(world, spawned.arena, seed);
        world.entity_mut(agent).insert(by.records(Recorder::with_journal(&*by.name, &journals)));
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
