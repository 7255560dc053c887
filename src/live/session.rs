//! The session: the loaded scene, its agents, its recording and its policy.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bevy::ecs::prelude::*;
use bevy::input::keyboard::KeyCode;

use super::commands::Command;
use super::keyboard_layout::KeyboardLayout;
use crate::demos::{Dataset, DatasetError, RecoveredTake};
use crate::policies::{PolicyIndex, TrainingRange};
use crate::scenes::{Scene, Spawned, file_name};
use crate::sim::split_seed;

/// How often the session says that keys have no effect while a policy drives.
const REMINDER_INTERVAL: Duration = Duration::from_secs(4);

/// The options of a session.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// The number of agents in the arena; the user drives the first.
    pub agents: usize,
    /// The side that the user plays, in a scene with sides. `None`: the first.
    pub side: Option<String>,
    /// The folder of the opponent policy, in a scene with sides. `None`: a scripted operator drives the opponent.
    pub opponent: Option<PathBuf>,
    /// Folder with one dataset per scene.
    pub datasets: PathBuf,
    /// Folder with the training runs.
    pub runs: PathBuf,
    /// The user's name as operator in the dataset.
    pub operator: String,
}

impl Default for SessionOptions {
    fn default() -> Self {
        let (side, opponent) = Default::default();
        Self { agents: 1, side, opponent, datasets: "demos".into(), runs: "runs".into(), operator: "human".into() }
    }
}

/// The state of the recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordingState {
    /// No recording.
    #[default]
    Idle,
    /// An episode is being recorded.
    Recording,
    /// A recorded episode waits for the user to keep or discard it; the scene stands still.
    Review,
}

/// A message to the user.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The message.
    pub text: String,
    /// Whether it is an error.
    pub is_error: bool,
    /// The time of the message.
    pub at: Instant,
}

/// The running session.
#[derive(Resource)]
pub struct Session {
    /// The scene.
    pub scene: Scene,
    /// Its arena and agents.
    pub spawned: Spawned,
    /// The options that it was opened with.
    pub options: SessionOptions,
    /// The state of the recording.
    pub recording: RecordingState,
    /// The number of episodes in the scene's dataset.
    pub episodes: usize,
    /// The number of ticks in the scene's dataset.
    pub ticks: usize,
    /// The number of episodes in the scene's dataset that succeeded.
    pub successes: usize,
    /// Why the recorded episode could not be saved, at the last attempt. It waits to be saved or discarded.
    pub save_error: Option<String>,
    /// The takes of earlier sessions that nobody kept or discarded; the person is asked about the first of them.
    pub recovered: Vec<RecoveredTake>,
    /// Whether a list or a question covers the scene, which then stands still.
    pub covered: bool,
    /// Whether a text field takes the keys.
    pub typing: bool,
    /// The person's keyboard.
    pub keyboard: KeyboardLayout,
    /// The keys that drive the ego agent, by position.
    pub driving_keys: Vec<KeyCode>,
    /// The loaded policy.
    pub policy: Option<PolicyIndex>,
    /// The folder of the loaded policy.
    pub policy_name: String,
    /// Observation fields that are far outside of the data that the loaded policy was trained on, while it drives the ego
    /// agent.
    pub outside: Vec<String>,
    pub(super) training_range: Option<TrainingRange>,
    /// The last message to the user.
    pub notice: Option<Notice>,
    /// Seed of the episode seeds.
    base_seed: u64,
    /// The number of episodes begun so far.
    episode_count: u64,
    pub(super) ended_at: Option<Instant>,
}

impl Session {
    /// A session of a spawned scene, without recording and policy. The seeds of its episodes derive from the system time.
    pub(super) fn new(scene: Scene, spawned: Spawned, options: SessionOptions) -> Self {
        Self {
            scene,
            spawned,
            options,
            recording: RecordingState::Idle,
            episodes: 0,
            ticks: 0,
            successes: 0,
            save_error: None,
            recovered: Vec::new(),
            covered: false,
            typing: false,
            keyboard: KeyboardLayout::default(),
            driving_keys: Vec::new(),
            policy: None,
            policy_name: String::new(),
            outside: Vec::new(),
            training_range: None,
            notice: None,
            base_seed: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_nanos() as u64),
            episode_count: 0,
            ended_at: None,
        }
    }

    /// The ego agent: the one that the user drives.
    pub fn ego(&self) -> Entity {
        self.spawned.agents[self.side_index()]
    }

    /// The index of the side that the user plays; 0 in a scene without sides.
    pub fn side_index(&self) -> usize {
        let is_chosen = |side: &&str| Some(*side) == self.options.side.as_deref();
        self.scene.blueprint.sides().iter().position(is_chosen).unwrap_or(0)
    }

    /// The agents that the loaded policy drives: in a scene with sides the ego agent only, otherwise all.
    pub(super) fn policy_agents(&self) -> Vec<Entity> {
        if self.scene.blueprint.sides().is_empty() { self.spawned.agents.clone() } else { vec![self.ego()] }
    }

    /// The folder of the scene's dataset.
    pub fn dataset_dir(&self) -> PathBuf {
        self.options.datasets.join(file_name(&self.scene.name))
    }

    /// Whether the scene stands still until the person decides: over a recorded episode, in a list or in a question.
    pub fn is_waiting(&self) -> bool {
        self.recording == RecordingState::Review || !self.recovered.is_empty() || self.covered
    }

    /// Whether a key drives the ego agent.
    pub fn is_driving_key(&self, key: KeyCode) -> bool {
        self.driving_keys.contains(&key)
    }

    /// The key of a command, as it is printed on the person's keyboard.
    pub fn key_name(&self, command: Command) -> String {
        self.keyboard.name_of(command, &self.driving_keys)
    }

    /// Say that a key has no effect because the policy drives, once for each time that the notice is visible.
    pub(super) fn remind_who_drives(&mut self) {
        let text = format!("you do not drive; {} takes over", self.key_name(Command::Policy));
        if self.notice.as_ref().is_none_or(|notice| notice.text != text || notice.at.elapsed() > REMINDER_INTERVAL) {
            self.notify(text);
        }
    }

    /// Show a message to the user.
    pub fn notify(&mut self, text: impl Into<String>) {
        let text = text.into();
        bevy::log::info!("{text}");
        self.notice = Some(Notice { text, is_error: false, at: Instant::now() });
    }

    /// Show an error message to the user.
    pub fn notify_error(&mut self, text: impl Into<String>) {
        let text = text.into();
        bevy::log::warn!("{text}");
        self.notice = Some(Notice { text, is_error: true, at: Instant::now() });
    }

    /// The seed of the next episode. It is even, like all seeds of recorded episodes.
    pub(super) fn next_seed(&mut self) -> u64 {
        self.episode_count += 1;
        split_seed(self.base_seed, self.episode_count) & !1
    }

    /// Read the number of episodes and ticks from the dataset.
    pub(super) fn refresh_dataset_counts(&mut self) {
        match Dataset::open(self.dataset_dir()) {
            Ok(dataset) => {
                (self.episodes, self.ticks) = (dataset.len(), dataset.total_ticks());
                self.successes = dataset.summaries().iter().filter(|episode| episode.success).count();
            }
            Err(DatasetError::NoDataset { .. }) => (self.episodes, self.ticks, self.successes) = (0, 0, 0),
            Err(error) => self.notify_error(error.to_string()),
        }
    }
}
