//! Recording of demonstrations by scripted operators and policies.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use bevy::app::App;
use bevy::ecs::world::World;
use thiserror::Error;

use super::headless::headless_app;
use super::players::{Player, PlayerAssignment, fitted};
use crate::agents::Driver;
use crate::demos::{Dataset, DatasetError, Episode, Recorder, SeedClaim};
use crate::policies::PolicyError;
use crate::scenes::{Scene, Spawned, spawn_arena};
use crate::sim::{begin_episode, tick};
use crate::teleop::{KeyQuantizer, Skill};

/// The result of [`record`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordReport {
    /// Episodes appended to the dataset.
    pub episodes: usize,
    /// Ticks in these episodes.
    pub ticks: usize,
    /// Successful episodes among them.
    pub successes: usize,
    /// Whether recording was stopped before all episodes were recorded.
    pub stopped: bool,
}

/// Why recording failed.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The scene has no scripted operator.
    #[error("scene `{0}` has no scripted operator; play it by hand, or give its blueprint one")]
    NoOperator(String),
    /// A policy does not fit the scene's agent.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// An episode could not be appended to the dataset.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}

/// The players of a recording, and what is recorded.
#[derive(Clone)]
pub struct Demonstrator {
    /// One player per side of the scene, in order; the last of them also plays all further sides.
    pub players: Vec<Player>,
    /// The recorded side, from 0.
    pub side: usize,
    /// The operator's name in the dataset.
    pub name: String,
    /// Record observations without actions, as demonstrations for imitation from observation.
    pub states_only: bool,
    /// Quantize the actions to keys that are held for this many ticks, as the action space of `train dqn`. `None` records
    /// continuous actions.
    pub hold_ticks: Option<usize>,
}

impl Demonstrator {
    /// The same demonstrator with actions quantized to keys that are held for `held` ticks, which its name states.
    #[must_use]
    pub fn with_held_keys(self, held: usize) -> Self {
        Self { name: format!("{} by keys of {held}", self.name), hold_ticks: Some(held), ..self }
    }

    /// `recorder`, configured to what is recorded.
    fn configure(&self, recorder: Recorder) -> Recorder {
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
            hold_ticks: None,
        }
    }
}

/// Spawn an arena of `scene` whose agents are driven by the players of `by`.
fn spawn_played(app: &mut App, scene: &Scene, by: &Demonstrator) -> Result<Spawned, RecordError> {
    let Demonstrator { players, side, hold_ticks, .. } = by;
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
    let mut assignment = PlayerAssignment::new(scene, players);
    spawned.agents.iter().enumerate().for_each(|(slot, agent)| assignment.assign(world, *agent, slot));
    if let Some(held) = hold_ticks {
        world.entity_mut(spawned.agents[*side]).insert(KeyQuantizer::new(*held));
    }
    Ok(spawned)
}

/// Record one episode in memory.
///
/// # Errors
/// [`RecordError::NoOperator`], or [`RecordError::Policy`]
///
/// # Panics
/// When the demonstrator has no players or not that side, or when keys are held for 0 ticks.
pub fn demonstrate(scene: &Scene, by: impl Into<Demonstrator>, seed: u64) -> Result<Episode, RecordError> {
    let by = by.into();
    let mut app = headless_app(1);
    let spawned = spawn_played(&mut app, scene, &by)?;
    let world = app.world_mut();
    let recorder = by.configure(Recorder::in_memory(&*by.name));
    let recorder = record_episode(world, &spawned, by.side, seed, recorder, || false);
    recorder.and_then(Recorder::into_episode).ok_or_else(|| RecordError::NoOperator(scene.name.clone()))
}

/// Record the episode of `seed` until it ends or `stop`, which is called after each tick, returns true. The recorded agent
/// is that of side `side`.
fn record_episode(
    world: &mut World,
    spawned: &Spawned,
    side: usize,
    seed: u64,
    recorder: Recorder,
    mut stop: impl FnMut() -> bool,
) -> Option<Recorder> {
    let agent = spawned.agents[side];
    begin_episode(world, spawned.arena, seed);
    world.entity_mut(agent).insert(recorder);
    loop {
        tick(world);
        let ended = world.get::<Recorder>(agent).is_none_or(Recorder::ended);
        if ended || stop() {
            return world.entity_mut(agent).take::<Recorder>();
        }
    }
}

/// Record the episodes of the seeds that the dataset in `dir` does not have, and append them. See [`record_new`].
///
/// # Errors
/// As [`record_new`].
///
/// # Panics
/// As [`record_new`].
pub fn record(
    scene: &Scene,
    by: impl Into<Demonstrator>,
    seeds: impl Iterator<Item = u64>,
    dir: &Path,
    stop: &AtomicBool,
    progress: impl FnMut(usize),
) -> Result<RecordReport, RecordError> {
    record_new(scene, by, seeds, usize::MAX, dir, stop, progress)
}

/// Record `episodes` episodes and append them to the dataset in `dir`: those of the first seeds whose episode in this scene
/// by this demonstrator is neither in the dataset nor being recorded by another process. Where another process writes the
/// dataset, wait for it. The actions of the other agents in the arena are recorded too, so that the episode can be
/// re-simulated. `progress` is called after each episode with the number of episodes. When `stop` is set, the running
/// episode is discarded and recording ends.
///
/// An episode is in memory until it has ended: one that is interrupted is recorded again from its seed by the next call.
///
/// # Errors
/// [`RecordError`] when the scene has no operator, a policy does not fit, or an episode cannot be appended to the dataset;
/// earlier episodes stay in it.
///
/// # Panics
/// When the demonstrator has no players or not that side, or when keys are held for 0 ticks.
pub fn record_new(
    scene: &Scene,
    by: impl Into<Demonstrator>,
    mut seeds: impl Iterator<Item = u64>,
    episodes: usize,
    dir: &Path,
    stop: &AtomicBool,
    mut progress: impl FnMut(usize),
) -> Result<RecordReport, RecordError> {
    let by = by.into();
    let mut app = headless_app(1);
    let spawned = spawn_played(&mut app, scene, &by)?;
    let world = app.world_mut();
    let mut report = RecordReport::default();
    while report.episodes < episodes {
        let claim = wait_for_turn(stop, || SeedClaim::take(dir, &scene.name, &by.name, &mut seeds))?;
        let Some(claim) = claim else {
            report.stopped = true;
            break;
        };
        let Some(claim) = claim else { break };
        let recorder = by.configure(Recorder::in_memory(&*by.name));
        let is_stopped = || stop.load(Ordering::Relaxed);
        let recorder = record_episode(world, &spawned, by.side, claim.seed, recorder, is_stopped);
        let Some(mut recorder) = recorder else { continue };
        if let Some(error) = recorder.take_error() {
            return Err(error.into());
        }
        let ended = recorder.ended();
        let Some(episode) = recorder.into_episode().filter(|_| ended) else {
            report.stopped = true;
            break;
        };
        let appended = wait_for_turn(stop, || Dataset::create_or_open(dir, &episode.header)?.append(&episode))?;
        if appended.is_none() {
            report.stopped = true;
            break;
        }
        report.ticks += episode.len();
        report.successes += usize::from(episode.succeeded());
        report.episodes += 1;
        progress(report.episodes);
    }
    Ok(report)
}

/// Call `write` until no other process holds the dataset's lock. `None` when recording was stopped before.
fn wait_for_turn<T>(
    stop: &AtomicBool,
    mut write: impl FnMut() -> Result<T, DatasetError>,
) -> Result<Option<T>, DatasetError> {
    let mut reported = false;
    loop {
        match write() {
            Err(error @ DatasetError::Locked { .. }) => {
                if stop.load(Ordering::Relaxed) {
                    return Ok(None);
                }
                if !std::mem::replace(&mut reported, true) {
                    bevy::log::info!("waiting: {error}");
                }
            }
            other => return other.map(Some),
        }
    }
}
