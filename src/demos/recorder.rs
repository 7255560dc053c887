//! Recording an agent: the observation, action, state hash and score of each tick.

use std::path::{Path, PathBuf};

use bevy::app::{App, Plugin};
use bevy::ecs::prelude::*;

use super::dataset::Dataset;
use super::episode::{Episode, EpisodeHeader, Tick};
use super::error::DatasetError;
use super::journal::{JournalWriter, new_recording_id, unused_path};
use super::schema::DatasetInfo;
use crate::agents::{Action, Agent, Driver, Observation, Spaces};
use crate::scenes::{ArenaScene, Scene};
use crate::sim::{ActSystems, Arena, Physics, PhysicsSets, SimAct, Snapshot, state_hash};
use crate::spaces::Layout;
use crate::tasks::Score;

/// Records its entity, an agent, from the arena's next tick to the end of the episode or the removal of the component. Insert
/// it before the first tick of an episode: a replay begins there.
#[derive(Component)]
pub struct Recorder {
    /// The operator's name in the dataset.
    pub operator: String,
    /// Folder for the journal; `None`: the episode is kept in memory only.
    journal_dir: Option<PathBuf>,
    journal: Option<JournalWriter>,
    /// Whether the last write to the journal failed; the next tick tries again.
    journal_failed: bool,
    /// The ID of a recording without a journal, from the first attempt to keep it.
    recording: Option<String>,
    episode: Option<Episode>,
    pending: Option<Pending>,
    states_only: bool,
    policy_drove: bool,
    intervention: bool,
    ended: bool,
    error: Option<DatasetError>,
}

/// The data of a tick that is known before the physics step. The reward follows after it.
struct Pending {
    observation: Vec<f32>,
    action: Vec<f32>,
    other_actions: Vec<f32>,
    state_hash: u64,
}

impl Recorder {
    /// A recorder that keeps the episode in memory.
    pub fn in_memory(operator: impl Into<String>) -> Self {
        Self {
            operator: operator.into(),
            journal_dir: None,
            journal: None,
            journal_failed: false,
            recording: None,
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

    /// The same recorder without actions: it records observations, rewards and ends of episodes only.
    pub fn states_only(self) -> Self {
        Self { states_only: true, ..self }
    }

    /// The number of recorded ticks.
    pub fn len(&self) -> usize {
        self.episode.as_ref().map_or(0, Episode::len)
    }

    /// Whether no tick has been recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the episode has ended.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Note a change of driver. Ticks of [`Driver::Human`] after [`Driver::Policy`] in the same episode are recorded as
    /// interventions (corrections of the policy).
    pub fn note_driver(&mut self, driver: Driver) {
        self.policy_drove |= driver == Driver::Policy;
        self.intervention = self.policy_drove && driver == Driver::Human;
    }

    /// Stop recording.
    pub fn stop(&mut self) {
        self.ended = true;
    }

    /// Take the error of the journal, if there is one. The episode is still recorded in memory.
    pub fn take_error(&mut self) -> Option<DatasetError> {
        self.error.take()
    }

    /// Check that the episode has the schema of the dataset in `dir`, if there is one.
    ///
    /// # Errors
    /// [`DatasetError::Mismatch`], or the errors of [`Dataset::open`].
    pub fn check_fits(&self, dir: &Path) -> Result<(), DatasetError> {
        match &self.episode {
            Some(episode) if DatasetInfo::path(dir).exists() => Dataset::open(dir)?.check_fits(&episode.header),
            _ => Ok(()),
        }
    }

    /// Append the episode to the dataset in `dir`, which is created if there is none, and return the episode's index;
    /// `None` when no tick was recorded. The recorder is empty afterwards.
    ///
    /// # Errors
    /// [`DatasetError`] when the append fails. The recorder then still has the whole episode: call this again, with the
    /// same or another folder. The episode is never appended twice to the same dataset.
    pub fn keep(&mut self, dir: &Path) -> Result<Option<usize>, DatasetError> {
        let Some(episode) = self.episode.as_ref().filter(|e| !e.is_empty()) else {
            self.remove_journal()?;
            return Ok(None);
        };
        let recording = match &mut self.journal {
            Some(journal) => {
                // A journal on a full disk must not prevent that the episode is appended to a dataset elsewhere.
                let _ = journal.mark_finished();
                journal.recording().to_owned()
            }
            None => self.recording.get_or_insert_with(new_recording_id).clone(),
        };
        let index = Dataset::create_or_open(dir, &episode.header)?.append_recording(episode, &recording)?;
        self.episode = None;
        // The episode is safe. A journal that cannot be removed is recognized by its ID at the next recovery.
        let _ = self.remove_journal();
        Ok(Some(index))
    }

    /// The episode of a recorder in memory; `None` when no tick was recorded.
    pub fn into_episode(self) -> Option<Episode> {
        self.episode.filter(|e| !e.is_empty())
    }

    /// Discard the episode and remove its journal.
    ///
    /// # Errors
    /// [`DatasetError::Io`] when the journal cannot be removed.
    pub fn discard(mut self) -> Result<(), DatasetError> {
        self.remove_journal()
    }

    fn remove_journal(&mut self) -> Result<(), DatasetError> {
        self.journal.take().map_or(Ok(()), JournalWriter::discard)?;
        // Removes the folder only if it is empty.
        let _ = self.journal_dir.as_ref().map(std::fs::remove_dir);
        Ok(())
    }

    fn begin(&mut self, header: EpisodeHeader) {
        if let Some(dir) = &self.journal_dir {
            match JournalWriter::create(unused_path(dir, header.seed), &header) {
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
            other_actions: &pending.other_actions,
            reward: score.reward,
            terms: &score.terms,
            done: score.end.is_some(),
            success: score.succeeded(),
            intervention: self.intervention,
            state_hash: pending.state_hash,
        };
        let written = self.journal.as_mut().map_or(Ok(()), |journal| journal.push(tick));
        // The journal buffers the ticks that it could not write, and writes them at a later tick if it can.
        let failed_before = std::mem::replace(&mut self.journal_failed, written.is_err());
        if let Err(error) = episode.push(tick).and(written)
            && !failed_before
        {
            self.error = Some(error);
        }
        self.ended |= score.end.is_some();
    }
}

/// The header of an episode that begins in the arena's current state.
fn header(
    scene: &Scene,
    spaces: &Spaces,
    agent: &AgentPosition,
    operator: &str,
    score: &Score,
    arena: &Arena,
    physics: &Physics<'_>,
) -> EpisodeHeader {
    let index = agent.agent_index;
    let sides = scene.blueprint.sides();
    let default_task = sides.get(index).map_or_else(|| scene.name.clone(), |side| format!("{} as {side}", scene.name));
    let instruction = arena.slots.get(index).and_then(|slot| slot.goal.instruction.clone());
    let snapshot = Snapshot::take(physics, arena).to_bytes().unwrap_or_default();
    EpisodeHeader {
        scene: scene.name.clone(),
        scene_hash: scene.hash(),
        scene_text: scene.text.clone(),
        seed: arena.seed,
        agent: spaces.agent.to_string(),
        operator: operator.to_owned(),
        task: instruction.unwrap_or(default_task),
        control_dt: scene.blueprint.control_dt(),
        observation: (*spaces.observation).clone(),
        action: (*spaces.action).clone(),
        terms: score.names.clone(),
        agent_index: index,
        other_act_dim: agent.other_actions.len(),
        snapshot,
        lead_in: Vec::new(),
    }
}

/// Records the agents that have a [`Recorder`].
pub struct RecorderPlugin;

impl Plugin for RecorderPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(SimAct, record_actions.in_set(ActSystems::Record))
            .add_systems(SimAct, record_scores.in_set(ActSystems::Close));
    }
}

/// Before the physics step: note the observation, the action and the state hash.
fn record_actions(
    mut arenas: Query<(&Arena, PhysicsSets, &ArenaScene)>,
    mut agents: Query<(&Agent, &Spaces, &Observation, &Action, &Score, &mut Recorder)>,
    // NPC cars have no score. Their actions follow from the state, so they are not recorded.
    all_agents: Query<(&Agent, &Spaces, &Action), With<Score>>,
) {
    for (agent, spaces, observation, action, score, mut recorder) in &mut agents {
        if recorder.ended {
            continue;
        }
        let Ok((arena, mut sets, scene)) = arenas.get_mut(agent.arena) else { continue };
        let physics = sets.physics();
        let position =
            if recorder.states_only { AgentPosition::default() } else { AgentPosition::of(agent, all_agents.iter()) };
        if recorder.episode.is_none() {
            let mut header = header(&scene.0, spaces, &position, &recorder.operator, score, arena, &physics);
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
            other_actions: position.other_actions,
            state_hash: state_hash(&physics, arena),
        });
    }
}

/// The position of a recorded agent in its arena.
#[derive(Default)]
struct AgentPosition {
    /// See [`EpisodeHeader::agent_index`].
    agent_index: usize,
    /// See [`Tick::other_actions`].
    other_actions: Vec<f32>,
}

impl AgentPosition {
    fn of<'a>(agent: &Agent, all_agents: impl Iterator<Item = (&'a Agent, &'a Spaces, &'a Action)>) -> Self {
        let mut others: Vec<_> =
            all_agents.filter(|(other, ..)| other.arena == agent.arena && other.slot != agent.slot).collect();
        others.sort_unstable_by_key(|(other, ..)| other.slot);
        let clamped = |(_, spaces, action): (&Agent, &Spaces, &Action)| {
            let mut action = action.0.clone();
            spaces.action.clamp(&mut action);
            action
        };
        let agent_index = others.iter().filter(|(other, ..)| other.slot < agent.slot).count();
        Self { agent_index, other_actions: others.into_iter().flat_map(clamped).collect() }
    }
}

/// After the physics step: complete the tick with its reward and flags.
fn record_scores(mut agents: Query<(&Score, &mut Recorder)>) {
    for (score, mut recorder) in &mut agents {
        recorder.push(score);
    }
}
