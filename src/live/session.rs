//! The session: the loaded scene, its agents and its policy.

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bevy::ecs::prelude::*;

use super::episodes::RecordingState;
use crate::agents::Driver;
use crate::demos::{Dataset, DatasetError, Recorder, Recovery, recover};
use crate::policies::{Policies, Policy, PolicyError, PolicyIndex, resolve_policy_dir};
use crate::scenes::{Scene, Spawned, despawn_arena, find, spawn_arena};
use crate::sim::split_seed;
use crate::teleop::{KeyLatch, ScriptedOperator, Skill};

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
        Self { agents: 1, side, opponent, datasets: "datasets".into(), runs: "runs".into(), operator: "human".into() }
    }
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
    /// The loaded policy.
    pub policy: Option<PolicyIndex>,
    /// The folder of the loaded policy.
    pub policy_name: String,
    /// The last message to the user.
    pub notice: Option<Notice>,
    /// Seed of the episode seeds.
    pub(super) base_seed: u64,
    /// The number of episodes begun so far.
    pub(super) episode_count: u64,
    pub(super) ended_at: Option<Instant>,
}

impl Session {
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
    fn policy_agents(&self) -> Vec<Entity> {
        if self.scene.blueprint.sides().is_empty() { self.spawned.agents.clone() } else { vec![self.ego()] }
    }

    /// The folder of the scene's dataset.
    pub fn dataset_dir(&self) -> PathBuf {
        self.options.datasets.join(&self.scene.name)
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
            Ok(dataset) => (self.episodes, self.ticks) = (dataset.len(), dataset.total_ticks()),
            Err(DatasetError::NoDataset { .. }) => (self.episodes, self.ticks) = (0, 0),
            Err(error) => self.notify_error(error.to_string()),
        }
    }
}

/// Open a session in `scene`. Recordings that a crash interrupted are recovered into the dataset first.
pub fn open_session(world: &mut World, scene: Scene, options: SessionOptions) {
    let spawned = spawn_arena(world, &scene, options.agents, Driver::Human);
    let base_seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_nanos() as u64);
    let mut session = Session {
        scene,
        spawned,
        options,
        recording: RecordingState::Idle,
        episodes: 0,
        ticks: 0,
        policy: None,
        policy_name: String::new(),
        notice: None,
        base_seed,
        episode_count: 0,
        ended_at: None,
    };
    for agent in session.spawned.agents.clone() {
        // A scripted operator drives the other agents until a policy is loaded.
        if agent != session.ego()
            && let Some(operator) = session.scene.blueprint.operator(Skill::Steady)
        {
            world.entity_mut(agent).insert((Driver::Scripted, ScriptedOperator(operator)));
        }
    }
    match recover_journals(&session.dataset_dir()) {
        Ok(0) => {}
        Ok(n) => session.notify(format!("recovered {n} episode(s) of an interrupted recording")),
        Err(error) => session.notify_error(error.to_string()),
    }
    if let Err(error) = load_opponent(world, &session) {
        session.notify_error(error.to_string());
    }
    session.refresh_dataset_counts();
    world.insert_resource(session);
    super::episodes::reset(world);
}

/// Load the opponent policy, if there is one, and let it drive the other side.
fn load_opponent(world: &mut World, session: &Session) -> Result<(), PolicyError> {
    let sides = session.scene.blueprint.sides();
    let Some(path) = session.options.opponent.as_ref().filter(|_| !sides.is_empty()) else { return Ok(()) };
    let policy = Policy::load(&resolve_policy_dir(path)?)?;
    let policy = policy.for_agent(&session.scene.blueprint.spaces(), &session.scene.name)?;
    let index = world.resource_mut::<Policies>().add(policy);
    for agent in session.spawned.agents.iter().filter(|agent| **agent != session.ego()) {
        world.entity_mut(*agent).insert((Driver::Policy, index));
    }
    Ok(())
}

/// Recover the recordings that a crash left in a dataset's `journal` folder. Returns the number of appended episodes.
///
/// # Errors
/// [`DatasetError`] when the dataset cannot be opened or written.
pub fn recover_journals(dir: &Path) -> Result<usize, DatasetError> {
    let journals = dir.join("journal");
    if !journals.is_dir() {
        return Ok(0);
    }
    let mut dataset = match Dataset::open(dir) {
        Ok(dataset) => dataset,
        Err(DatasetError::NoDataset { .. }) => {
            // The crash came before the first episode was kept: create the dataset from the header of a journal.
            let mut recovered = recover(&journals)?.into_iter().flatten();
            let Some(first) = recovered.find(|r| !r.episode.is_empty()) else { return Ok(0) };
            Dataset::create_or_open(dir, &first.episode.header)?
        }
        Err(error) => return Err(error),
    };
    let mut count = 0;
    for recovery in dataset.recover()? {
        match recovery {
            Recovery::Appended { .. } => count += 1,
            Recovery::AlreadyAppended { .. } | Recovery::Empty { .. } => {}
            Recovery::Failed { path, cause } => {
                bevy::log::warn!("{} was not recovered; move or remove the file: {cause}", path.display())
            }
        }
    }
    Ok(count)
}

/// Replace the session by one in another scene.
pub(super) fn change_scene(world: &mut World, name: &str) {
    let scene = match find(name) {
        Ok(scene) => scene,
        Err(error) => {
            world.resource_mut::<Session>().notify_error(error.to_string());
            return;
        }
    };
    if world.resource::<Session>().recording != RecordingState::Idle {
        let text = "keep (Enter) or discard (Backspace) the recording before you leave the scene";
        world.resource_mut::<Session>().notify_error(text);
        return;
    }
    let Some(session) = world.remove_resource::<Session>() else { return };
    despawn_arena(world, session.spawned.arena);
    open_session(world, scene, session.options);
}

/// Load a policy and hand over to it.
pub(super) fn load_policy(world: &mut World, path: &Path) {
    match resolve_policy_dir(path).and_then(|dir| Policy::load(&dir)) {
        Ok(policy) => {
            if let Err(error) = set_policy(world, policy, path.display().to_string()) {
                world.resource_mut::<Session>().notify_error(error.to_string());
                return;
            }
            hand_over_to_policy(world);
        }
        Err(error) => world.resource_mut::<Session>().notify_error(error.to_string()),
    }
}

/// Set the loaded policy; it replaces the previous one.
///
/// # Errors
/// [`PolicyError`] when its layouts do not fit the scene's agent.
pub(super) fn set_policy(world: &mut World, policy: Policy, name: String) -> Result<(), PolicyError> {
    let scene = &world.resource::<Session>().scene;
    let policy = policy.for_agent(&scene.blueprint.spaces(), &scene.name)?;
    let previous = world.resource::<Session>().policy;
    let mut policies = world.resource_mut::<Policies>();
    let index = match previous {
        Some(index) => policies.replace(index, policy),
        None => policies.add(policy),
    };
    let mut session = world.resource_mut::<Session>();
    session.policy = Some(index);
    session.policy_name = name;
    for agent in session.policy_agents() {
        world.entity_mut(agent).insert(index);
    }
    Ok(())
}

/// Let the loaded policy drive the [`Session::policy_agents`].
fn hand_over_to_policy(world: &mut World) {
    for agent in world.resource::<Session>().policy_agents() {
        set_driver(world, agent, Driver::Policy);
    }
}

fn set_driver(world: &mut World, agent: Entity, driver: Driver) {
    let mut entity = world.entity_mut(agent);
    entity.insert(driver);
    if let Some(mut keys) = entity.get_mut::<KeyLatch>() {
        keys.clear();
    }
    if let Some(mut recorder) = entity.get_mut::<Recorder>() {
        // Ticks that the human drives after the policy are recorded as interventions.
        recorder.note_driver(driver);
    }
}

/// Hand over to the policy, or take over from it.
pub(super) fn toggle_policy(world: &mut World) {
    let session = world.resource::<Session>();
    let (ego, policy) = (session.ego(), session.policy);
    let driver = world.get::<Driver>(ego).copied().unwrap_or_default();
    if driver != Driver::Human {
        set_driver(world, ego, Driver::Human);
        world.resource_mut::<Session>().notify("you drive");
    } else if policy.is_some() {
        hand_over_to_policy(world);
        let name = world.resource::<Session>().policy_name.clone();
        world.resource_mut::<Session>().notify(format!("the policy drives ({name})"));
    } else {
        world
            .resource_mut::<Session>()
            .notify_error("there is no policy yet: record some episodes (R), then train (T)");
    }
}
