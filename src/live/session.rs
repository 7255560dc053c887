//! One scene that is played, recorded and learned in.

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

/// How a session begins.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// Acting agents in the arena; the person drives the first.
    pub agents: usize,
    /// In a scene with sides: the one that the person plays; the first without it.
    pub side: Option<String>,
    /// In a scene with sides: the folder of the policy that plays the other one; a scripted operator without it.
    pub opponent: Option<PathBuf>,
    /// Folder that holds a dataset for each scene.
    pub datasets: PathBuf,
    /// Folder that holds the training runs.
    pub runs: PathBuf,
    /// Name of the person, as the dataset keeps it.
    pub operator: String,
}

impl Default for SessionOptions {
    fn default() -> Self {
        let (side, opponent) = Default::default();
        Self { agents: 1, side, opponent, datasets: "datasets".into(), runs: "runs".into(), operator: "human".into() }
    }
}

/// A line for the person, with the time that it came.
#[derive(Clone, Debug)]
pub struct Notice {
    /// What happened.
    pub text: String,
    /// Whether something went wrong.
    pub is_error: bool,
    /// When.
    pub at: Instant,
}

/// The running session.
#[derive(Resource)]
pub struct Session {
    /// The scene.
    pub scene: Scene,
    /// Its arena and agents.
    pub spawned: Spawned,
    /// How it was begun.
    pub options: SessionOptions,
    /// Where the recording stands.
    pub recording: RecordingState,
    /// Episodes in the scene's dataset.
    pub episodes: usize,
    /// Ticks in the scene's dataset.
    pub ticks: usize,
    /// The policy that is at hand.
    pub policy: Option<PolicyIndex>,
    /// Where that policy comes from.
    pub policy_name: String,
    /// What was last said to the person.
    pub notice: Option<Notice>,
    pub(super) seeds: u64,
    pub(super) count: u64,
    pub(super) ended_at: Option<Instant>,
}

impl Session {
    /// The agent that the person drives.
    pub fn ego(&self) -> Entity {
        self.spawned.agents[self.own_side()]
    }

    /// The side that the person plays; 0 in a scene without sides.
    pub fn own_side(&self) -> usize {
        let named = |side: &&str| Some(*side) == self.options.side.as_deref();
        self.scene.blueprint.sides().iter().position(named).unwrap_or(0)
    }

    /// Those whom a policy drives that is at hand: everybody, or the person's own side.
    fn allies(&self) -> Vec<Entity> {
        if self.scene.blueprint.sides().is_empty() { self.spawned.agents.clone() } else { vec![self.ego()] }
    }

    /// The dataset of this scene.
    pub fn dataset_dir(&self) -> PathBuf {
        self.options.datasets.join(&self.scene.name)
    }

    /// Tell the person something.
    pub fn say(&mut self, text: impl Into<String>) {
        let text = text.into();
        bevy::log::info!("{text}");
        self.notice = Some(Notice { text, is_error: false, at: Instant::now() });
    }

    /// Tell the person that something went wrong.
    pub fn complain(&mut self, text: impl Into<String>) {
        let text = text.into();
        bevy::log::warn!("{text}");
        self.notice = Some(Notice { text, is_error: true, at: Instant::now() });
    }

    /// Seed of the next episode: even, as all that are recorded.
    pub(super) fn next_seed(&mut self) -> u64 {
        self.count += 1;
        split_seed(self.seeds, self.count) & !1
    }

    /// Read again how much the dataset holds.
    pub(super) fn count_dataset(&mut self) {
        match Dataset::open(self.dataset_dir()) {
            Ok(dataset) => (self.episodes, self.ticks) = (dataset.len(), dataset.total_ticks()),
            Err(DatasetError::NoDataset { .. }) => (self.episodes, self.ticks) = (0, 0),
            Err(error) => self.complain(error.to_string()),
        }
    }
}

/// Begin a session in `scene`. What a crash left of a recording is taken in first.
pub fn open_session(world: &mut World, scene: Scene, options: SessionOptions) {
    let spawned = spawn_arena(world, &scene, options.agents, Driver::Human);
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_nanos() as u64);
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
        seeds: clock,
        count: 0,
        ended_at: None,
    };
    for agent in session.spawned.agents.clone() {
        // Agents that nobody drives are driven by an operator until a policy is at hand.
        if agent != session.ego()
            && let Some(operator) = session.scene.blueprint.operator(Skill::Steady)
        {
            world.entity_mut(agent).insert((Driver::Scripted, ScriptedOperator(operator)));
        }
    }
    match recover_crashed(&session.dataset_dir()) {
        Ok(0) => {}
        Ok(n) => session.say(format!("recovered {n} episode(s) of a recording that was cut short")),
        Err(error) => session.complain(error.to_string()),
    }
    if let Err(error) = oppose(world, &session) {
        session.complain(error.to_string());
    }
    session.count_dataset();
    world.insert_resource(session);
    super::episodes::reset(world);
}

/// Let the policy that is to be played against drive the other side.
fn oppose(world: &mut World, session: &Session) -> Result<(), PolicyError> {
    let sides = session.scene.blueprint.sides();
    let Some(path) = session.options.opponent.as_ref().filter(|_| !sides.is_empty()) else { return Ok(()) };
    let policy = Policy::load(&resolve_policy_dir(path)?)?;
    let policy = policy.fitted(&session.scene.blueprint.spaces(), &session.scene.name)?;
    let index = world.resource_mut::<Policies>().add(policy);
    for agent in session.spawned.agents.iter().filter(|agent| **agent != session.ego()) {
        world.entity_mut(*agent).insert((Driver::Policy, index));
    }
    Ok(())
}

/// Take in what a crash left behind in a dataset's folder; gives the number of episodes.
///
/// # Errors
/// [`DatasetError`] when the dataset cannot be opened or written.
pub fn recover_crashed(dir: &Path) -> Result<usize, DatasetError> {
    let journals = dir.join("journal");
    if !journals.is_dir() {
        return Ok(0);
    }
    let mut dataset = match Dataset::open(dir) {
        Ok(dataset) => dataset,
        Err(DatasetError::NoDataset { .. }) => {
            // The crash came before the first episode was kept; a journal's header begins the dataset.
            let mut found = recover(&journals)?.into_iter().flatten();
            let Some(first) = found.find(|r| !r.episode.is_empty()) else { return Ok(0) };
            Dataset::create_or_open(dir, &first.episode.header)?
        }
        Err(error) => return Err(error),
    };
    let mut count = 0;
    for recovery in dataset.recover()? {
        match recovery {
            Recovery::Appended { .. } => count += 1,
            Recovery::AlreadyThere { .. } | Recovery::Empty { .. } => {}
            Recovery::Kept { path, cause } => {
                bevy::log::warn!("{} stays as it is, until you move or remove it: {cause}", path.display())
            }
        }
    }
    Ok(count)
}

/// Leave the scene for another.
pub(super) fn change_scene(world: &mut World, name: &str) {
    let scene = match find(name) {
        Ok(scene) => scene,
        Err(error) => {
            world.resource_mut::<Session>().complain(error.to_string());
            return;
        }
    };
    if world.resource::<Session>().recording != RecordingState::Idle {
        let text = "keep (Enter) or discard (Backspace) the recording before you leave the scene";
        world.resource_mut::<Session>().complain(text);
        return;
    }
    let Some(session) = world.remove_resource::<Session>() else { return };
    despawn_arena(world, session.spawned.arena);
    open_session(world, scene, session.options);
}

/// Load a policy and let it drive.
pub(super) fn load_policy(world: &mut World, path: &Path) {
    match resolve_policy_dir(path).and_then(|dir| Policy::load(&dir)) {
        Ok(policy) => {
            if let Err(error) = adopt(world, policy, path.display().to_string()) {
                world.resource_mut::<Session>().complain(error.to_string());
                return;
            }
            give_to_policy(world);
        }
        Err(error) => world.resource_mut::<Session>().complain(error.to_string()),
    }
}

/// Have a policy at hand, in the place of the last.
///
/// # Errors
/// [`PolicyError`] when it does not fit the scene's agent.
pub(super) fn adopt(world: &mut World, policy: Policy, name: String) -> Result<(), PolicyError> {
    let scene = &world.resource::<Session>().scene;
    let policy = policy.fitted(&scene.blueprint.spaces(), &scene.name)?;
    let old = world.resource::<Session>().policy;
    let mut policies = world.resource_mut::<Policies>();
    let index = match old {
        Some(index) => policies.replace(index, policy),
        None => policies.add(policy),
    };
    let mut session = world.resource_mut::<Session>();
    session.policy = Some(index);
    session.policy_name = name;
    for agent in session.allies() {
        world.entity_mut(agent).insert(index);
    }
    Ok(())
}

/// Every agent, of the person's side where there are sides, is driven by the policy.
fn give_to_policy(world: &mut World) {
    for agent in world.resource::<Session>().allies() {
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
        // Ticks that a person drives in an episode that a policy began are corrections.
        recorder.note_driver(driver);
    }
}

/// Hand over to the policy, or take back.
pub(super) fn toggle_policy(world: &mut World) {
    let session = world.resource::<Session>();
    let (ego, policy) = (session.ego(), session.policy);
    let driver = world.get::<Driver>(ego).copied().unwrap_or_default();
    if driver != Driver::Human {
        set_driver(world, ego, Driver::Human);
        world.resource_mut::<Session>().say("you drive");
    } else if policy.is_some() {
        give_to_policy(world);
        let name = world.resource::<Session>().policy_name.clone();
        world.resource_mut::<Session>().say(format!("the policy drives ({name})"));
    } else {
        world.resource_mut::<Session>().complain("there is no policy yet: record some episodes (R), then train (T)");
    }
}
