//! The policy of each scene: remembered while the program runs, found among the training runs at its start.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bevy::ecs::prelude::*;

use crate::learn::self_play::learner_name;
use crate::policies::artifact::{CONFIG_FILE, read_config};
use crate::policies::{PolicyError, PolicyIndex, resolve_policy_dir};
use crate::scenes::Scene;

/// The policy that each scene had last, by the scene's hash: a policy or run folder.
#[derive(Resource, Debug, Default)]
pub struct ScenePolicies {
    pub(super) folders: HashMap<u64, PathBuf>,
    /// Where the loaded policy is among all policies; every session's policy takes the same place.
    pub(super) index: Option<PolicyIndex>,
}

impl ScenePolicies {
    /// Remember the folder of a scene's policy.
    pub(super) fn remember(&mut self, scene: u64, folder: PathBuf) {
        self.folders.insert(scene, folder);
    }
}

/// The folder in `runs` with the newest policy that was trained in `scene`, for `side` in a scene with sides. Folders that
/// hold no policy, or one of another scene or agent, are passed over; those that cannot be read are reported in the log.
pub fn newest_policy(runs: &Path, scene: &Scene, side: Option<&str>) -> Option<PathBuf> {
    let entries = std::fs::read_dir(runs).ok()?;
    let mut newest: Option<(SystemTime, PathBuf)> = None;
    for run in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
        let of_side = side.map(|side| run.join("last").join(side));
        for folder in of_side.into_iter().chain([run.clone()]) {
            match trained_at(&folder, scene, side) {
                Ok(Some(at)) if newest.as_ref().is_none_or(|(best, _)| at > *best) => newest = Some((at, folder)),
                Ok(_) | Err(PolicyError::NotFound { .. }) => {}
                Err(error) => bevy::log::warn!("{} is passed over: {error}", folder.display()),
            }
        }
    }
    newest.map(|(_, folder)| folder)
}

/// When the policy of a folder was written; `None` when it belongs to another scene, agent or side.
fn trained_at(folder: &Path, scene: &Scene, side: Option<&str>) -> Result<Option<SystemTime>, PolicyError> {
    let dir = resolve_policy_dir(folder)?;
    let config = read_config(&dir)?;
    let of_other_side = |name: &&&str| Some(**name) != side && config.provenance.learner == learner_name(name);
    let fits = config.provenance.scene == scene.name
        && config.agent == *scene.blueprint.spaces().agent
        && !scene.blueprint.sides().iter().any(|name| of_other_side(&name));
    let path = dir.join(CONFIG_FILE);
    let written = std::fs::metadata(&path).and_then(|data| data.modified()).map_err(PolicyError::io("read", &path))?;
    Ok(fits.then_some(written))
}
