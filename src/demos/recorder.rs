//! Recording an agent: each tick's observation, action and state hash, and the score that came of it.

use std::path::{Path, PathBuf};

use bevy::app::{App, Plugin};
use bevy::ecs::prelude::*;

use super::dataset::Dataset;
use super::episode::{Episode, EpisodeHeader, Tick};
use super::error::DatasetError;
use super::journal::JournalWriter;
use super::schema::DatasetInfo;
use crate::agents::{Action, Agent, Driver, Observation, Spaces};
use crate::scenes::{ArenaScene, Scene};
use crate::sim::{ActSystems, Arena, Physics, PhysicsSets, SimAct, Snapshot, state_hash};
use crate::spaces::Layout;
use crate::tasks::Score;

/// Records the agent that carries it, from its arena's next tick to the end of the episode or its removal.
#[derive(Component)]
pub struct Recorder {
    /// Who drives, as the dataset names it.
    pub operator: String,
    /// Folder for the journal; without one the episode is kept in memory only.
    journal_dir: Option<PathBuf>,
    journal: Option<JournalWriter>,
    episode: Option<Episode>,
    pending: Option<Pending>,
    states_only: bool,
    policy_drove: bool,
    intervention: bool,
    ended: bool,
    error: Option<DatasetError>,
}

/// The half of a tick that is known before it happens.
struct Pending {
    observation: Vec<f32>,
    action: Vec<f32>,
    others: Vec<f32>,
    state_hash: u64,
}

impl Recorder {
    /// A recorder that keeps the episode in memory.
    pub fn in_memory(operator: impl Into<String>) -> Self {
        Self {
            operator: operator.into(),
            journal_dir: None,
            journal: None,
            episode: None,
            pending: None,
            states_only: false,
            policy_drove: false,
            intervention: false,
            ended: false,
            error: None,
        }
    }

    /// A recorder that also writes a journal into `dir`, so that a crash loses at most the last second.
    pub fn with_journal(operator: impl Into<String>, dir: impl AsRef<Path>) -> Self {
        Self { journal_dir: Some(dir.as_ref().to_owned()), ..Self::in_memory(operator) }
    }

    /// The same, which records what is seen and what comes of it, but not what is done.
    pub fn states_only(self) -> Self {
        Self { states_only: true, ..self }
    }

    /// Ticks recorded.
    pub fn len(&self) -> usize {
        self.episode.as_ref().map_or(0, Episode::len)
    }

    /// Whether nothing is recorded yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the episode has come to its end.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Another driver takes over. Ticks that a person drives in an episode that a policy drove before are corrections,
    /// recorded as `intervention`.
    pub fn note_driver(&mut self, driver: Driver) {
        self.policy_drove |= driver == Driver::Policy;
        self.intervention = self.policy_drove && driver == Driver::Human;
    }

    /// Record no further tick.
    pub fn stop(&mut self) {
        self.ended = true;
    }

    /// What went wrong with the journal, once; the episode itself goes on in memory.
    pub fn take_error(&mut self) -> Option<DatasetError> {
        self.error.take()
    }

    /// Whether the dataset in `dir`, where there is one, takes what is recorded here.
    ///
    /// # Errors
    /// [`DatasetError::Mismatch`], or what keeps the dataset from being opened.
    pub fn check_fits(&self, dir: &Path) -> Result<(), DatasetError> {
        match &self.episode {
            Some(episode) if DatasetInfo::path(dir).exists() => Dataset::open(dir)?.check_fits(&episode.header),
            _ => Ok(()),
        }
    }

    /// Append the episode to the dataset in `dir`, which is begun where there is none. `None`: nothing was recorded.
    ///
    /// # Errors
    /// [`DatasetError`] when the dataset does not take it; a journal then stays and is recovered at the next start.
    pub fn keep(mut self, dir: &Path) -> Result<Option<usize>, DatasetError> {
        let Some(episode) = self.episode.take().filter(|e| !e.is_empty()) else {
            self.discard()?;
            return Ok(None);
        };
        let mut dataset = Dataset::create_or_open(dir, &episode.header)?;
        let number = match self.journal.take() {
            Some(journal) => {
                let finished = journal.finish()?;
                let number = dataset.append_recording(&episode, finished.recording())?;
                finished.remove()?;
                // Only goes when no other journal is in it.
                let _ = self.journal_dir.as_ref().map(std::fs::remove_dir);
                number
            }
            None => dataset.append(&episode)?,
        };
        Ok(Some(number))
    }

    /// The episode, for a recorder in memory.
    pub fn into_episode(self) -> Option<Episode> {
        self.episode.filter(|e| !e.is_empty())
    }

    /// Forget the episode; no trace of it stays on disk.
    ///
    /// # Errors
    /// [`DatasetError::Io`] when the journal cannot be removed.
    pub fn discard(mut self) -> Result<(), DatasetError> {
        self.journal.take().map_or(Ok(()), JournalWriter::discard)?;
        // Only goes when no other journal is in it.
        let _ = self.journal_dir.as_ref().map(std::fs::remove_dir);
        Ok(())
    }

    fn begin(&mut self, header: EpisodeHeader) {
        if let Some(dir) = &self.journal_dir {
            let path = dir.join(format!("{}-{:016x}.journal", header.scene, header.seed));
            match JournalWriter::create(unused(&path), &header) {
                Ok(journal) => self.journal = Some(journal),
                Err(error) => self.error = Some(error),
            }
        }
        self.episode = Some(Episode::new(header));
    }

    fn push(&mut self, score: &Score) {
        let Some(pending) = self.pending.take() else { return };
        let Some(episode) = &mut self.episode else { return };
        let tick = Tick {
            observation: &pending.observation,
            action: &pending.action,
            others: &pending.others,
            reward: score.reward,
            terms: &score.terms,
            done: score.end.is_some(),
            success: score.succeeded(),
            intervention: self.intervention,
            state_hash: pending.state_hash,
        };
        let written = self.journal.as_mut().map_or(Ok(()), |journal| journal.push(tick));
        if let Err(error) = episode.push(tick).and(written) {
            // The journal keeps what it has; the rest of the episode lives in memory until it is kept.
            self.error = Some(error);
            self.journal = None;
        }
        self.ended |= score.end.is_some();
    }
}

/// A path beside `path` that is not taken.
fn unused(path: &Path) -> PathBuf {
    let mut out = path.to_owned();
    let mut n = 1;
    while out.exists() {
        let stem = path.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
        out = path.with_file_name(format!("{stem}-{n}.journal"));
        n += 1;
    }
    out
}

/// The header of an episode that begins in this state.
pub(super) fn header(
    scene: &Scene,
    (spaces, slot, others): (&Spaces, usize, usize),
    operator: &str,
    score: &Score,
    arena: &Arena,
    physics: &Physics<'_>,
) -> EpisodeHeader {
    let sides = scene.blueprint.sides();
    let told = sides.get(slot).map_or_else(|| scene.name.clone(), |side| format!("{} as {side}", scene.name));
    let instruction = arena.slots.get(slot).and_then(|slot| slot.guide.instruction.clone());
    let snapshot = Snapshot::take(physics, arena).to_bytes().unwrap_or_default();
    EpisodeHeader {
        scene: scene.name.clone(),
        scene_hash: scene.hash(),
        scene_text: scene.text.clone(),
        seed: arena.seed,
        agent: spaces.agent.to_string(),
        operator: operator.to_owned(),
        task: instruction.unwrap_or(told),
        control_dt: scene.blueprint.control_dt(),
        observation: (*spaces.observation).clone(),
        action: (*spaces.action).clone(),
        terms: score.names.clone(),
        slot,
        others,
        snapshot,
    }
}

/// Records the agents that carry a [`Recorder`].
pub struct RecorderPlugin;

impl Plugin for RecorderPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(SimAct, take_decisions.in_set(ActSystems::Record))
            .add_systems(SimAct, take_scores.in_set(ActSystems::Close));
    }
}

fn take_decisions(
    mut arenas: Query<(&Arena, PhysicsSets, &ArenaScene)>,
    mut agents: Query<(&Agent, &Spaces, &Observation, &Action, &Score, &mut Recorder)>,
    // Cars of the scene itself, which have no score, do what they do by themselves.
    everybody: Query<(&Agent, &Spaces, &Action), With<Score>>,
) {
    for (agent, spaces, observation, action, score, mut recorder) in &mut agents {
        if recorder.ended {
            continue;
        }
        let Ok((arena, mut sets, scene)) = arenas.get_mut(agent.arena) else { continue };
        let physics = sets.physics();
        let (slot, others) = if recorder.states_only { (0, Vec::new()) } else { company(agent, everybody.iter()) };
        if recorder.episode.is_none() {
            let place = (spaces, slot, others.len());
            let mut header = header(&scene.0, place, &recorder.operator, score, arena, &physics);
            if recorder.states_only {
                header.action = Layout { name: "no action".to_owned(), fields: Vec::new() };
            }
            recorder.begin(header);
        }
        let mut action = action.0.clone();
        spaces.action.clamp(&mut action);
        if recorder.states_only {
            action.clear();
        }
        recorder.pending = Some(Pending {
            observation: observation.0.clone(),
            action,
            others,
            state_hash: state_hash(&physics, arena),
        });
    }
}

/// The place of `agent` among those who act in its arena, and what everybody else decided, by their places.
fn company<'a>(
    agent: &Agent,
    everybody: impl Iterator<Item = (&'a Agent, &'a Spaces, &'a Action)>,
) -> (usize, Vec<f32>) {
    let mut others: Vec<_> =
        everybody.filter(|(other, ..)| other.arena == agent.arena && other.slot != agent.slot).collect();
    others.sort_unstable_by_key(|(other, ..)| other.slot);
    let decided = |(_, spaces, action): (&Agent, &Spaces, &Action)| {
        let mut action = action.0.clone();
        spaces.action.clamp(&mut action);
        action
    };
    let place = others.iter().filter(|(other, ..)| other.slot < agent.slot).count();
    (place, others.into_iter().flat_map(decided).collect())
}

fn take_scores(mut agents: Query<(&Score, &mut Recorder)>) {
    for (score, mut recorder) in &mut agents {
        recorder.push(score);
    }
}
