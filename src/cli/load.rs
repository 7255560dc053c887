//! Loads what arguments name: policies, episodes, demonstrations.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use super::exit::Failure;
use crate::demos::{Dataset, Episode};
use crate::learn::TrainingData;
use crate::policies::{Policy, resolve_policy_dir};
use crate::scenes::{Scene, parse};

/// Load the policy of a policy folder or a run folder.
pub fn load_policy(path: &Path) -> Result<Policy, Failure> {
    resolve_policy_dir(path).and_then(|dir| Policy::load(&dir)).map_err(Failure::failed)
}

/// The episode that `DATASET:NUMBER` names. `option` is the command line option, for errors.
pub fn episode_of(option: &str, name: &str) -> Result<Episode, Failure> {
    let parts = name.rsplit_once(':').and_then(|(dir, number)| Some((dir, number.parse::<usize>().ok()?)));
    let Some((dir, number)) = parts else {
        let message = "give a dataset's folder and an episode's number, such as demos/slalom:3";
        return Err(Failure::usage(anyhow!("{option} {name}: {message}")));
    };
    read_episode(Path::new(dir), number)
}

/// An episode of a dataset, by number.
pub fn read_episode(dir: &Path, number: usize) -> Result<Episode, Failure> {
    let dataset = Dataset::open(dir).map_err(Failure::failed)?;
    if number >= dataset.len() {
        let last = dataset.len().saturating_sub(1);
        return Err(Failure::usage(anyhow!("{} has episodes 0 to {last}, not {number}", dir.display())));
    }
    dataset.read(number).map_err(Failure::failed)
}

/// The scene that an episode was recorded in, parsed from the copy in the dataset, for re-simulation.
///
/// # Errors
/// When this version cannot parse the scene, or the episode has no actions.
pub fn scene_of(episode: &Episode) -> anyhow::Result<Scene> {
    episode.check_actions()?;
    let header = &episode.header;
    let file = format!("sim/scenes/{:016x}.ron", header.scene_hash);
    parse(&header.scene, &file, &header.scene_text).with_context(|| {
        format!("the scene `{}` of this dataset was recorded by another version of the program", header.scene)
    })
}

/// The error of a dataset that holds the episodes of one given before.
pub fn given_twice(dir: &Path, first: &Path) -> Failure {
    Failure::usage(anyhow!(
        "{} holds the episodes of {}: give each dataset once, since the copy of an episode that is trained on would \
         validate, too",
        dir.display(),
        first.display()
    ))
}

/// All demonstrations of some datasets.
///
/// # Errors
/// A dataset that is given twice: the same episodes would be trained on and validate.
pub fn load_data(dirs: &[PathBuf]) -> Result<TrainingData, Failure> {
    let mut all: Option<TrainingData> = None;
    let mut seen: Vec<(&Path, u64)> = Vec::new();
    for dir in dirs {
        let dataset = Dataset::open(dir).map_err(Failure::failed)?;
        if dataset.is_empty() {
            return Err(Failure::usage(anyhow!("{} has no episodes; record some first", dir.display())));
        }
        let data = TrainingData::from_dataset(&dataset).map_err(Failure::failed)?;
        let hash = data.hash();
        if let Some((first, _)) = seen.iter().find(|(_, other)| *other == hash) {
            return Err(given_twice(dir, first));
        }
        seen.push((dir, hash));
        match &mut all {
            None => all = Some(data),
            Some(all) => all.concatenate(&data).map_err(Failure::usage)?,
        }
    }
    all.ok_or_else(|| Failure::usage(anyhow!("give at least one --dataset")))
}
