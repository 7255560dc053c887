//! A run's folder: `config.toml`, event files, `best/`, `last/` and `checkpoints/<step>/`.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::learn::{Learner, TrainConfig, TrainError};
use crate::policies::artifact::{CONFIG_FILE, existing_or_previous, replace_dir};
use crate::policies::checksums::{check_checksums, write_checksums};
use crate::policies::{Policy, PolicyError};
use crate::storage::lock_with_retry;

/// The resolved configuration in a run's folder.
const RUN_CONFIG_FILE: &str = "config.toml";
/// The loop's state in a checkpoint.
const STATE_FILE: &str = "training.json";

/// Position of a run. Together with weights, optimizer state and configuration it determines all later steps: order, noise and
/// learning rate are functions of seed and step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// Steps taken.
    pub step: u64,
    /// Validation loss of the policy in `best/`: the lowest since `training.select_after`.
    pub best_loss: Option<f32>,
    /// The step of that evaluation.
    pub best_step: u64,
    /// The newest evaluation: its loss and step.
    #[serde(default)]
    pub newest_loss: Option<(f32, u64)>,
    /// The lowest loss of all evaluations, and its step.
    #[serde(default)]
    pub lowest_loss: Option<(f32, u64)>,
    /// Evaluations since `best_step`.
    pub validations_since_best: u64,
    /// Hash of the training data, in hexadecimal.
    pub data_hash: String,
    /// The learner's name.
    pub learner: String,
    /// Whether training has ended by itself.
    pub finished: bool,
}

/// A run's folder, locked against other training processes while this value lives.
#[derive(Debug)]
pub struct RunDir {
    dir: PathBuf,
    _lock: File,
}

/// Lock a run's folder. The operating system releases the lock when the process ends, however it ends.
fn lock(dir: &Path) -> Result<File, TrainError> {
    let path = dir.join(".lock");
    let file = File::create(&path).map_err(TrainError::io("create", &path))?;
    match lock_with_retry(&file) {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(TrainError::Resume {
            dir: dir.into(),
            message: "another training process is writing it; wait for it to end, or give another folder".into(),
        }),
        Err(TryLockError::Error(error)) => Err(TrainError::io("lock", &path)(error)),
    }
}

impl RunDir {
    /// Write the numbers of the validation episodes, so that other programs can be compared on the same split.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_split(&self, validation: &[usize]) -> Result<(), TrainError> {
        let path = self.dir.join("split.json");
        let text = serde_json::json!({ "validation_episodes": validation }).to_string();
        fs::write(&path, text).map_err(TrainError::io("write", &path))
    }

    /// Start a run: create the folder and write the configuration.
    ///
    /// # Errors
    /// The folder holds a run already, or cannot be written.
    pub fn create(dir: &Path, config: &TrainConfig) -> Result<Self, TrainError> {
        Self::check_new(dir)?;
        fs::create_dir_all(dir).map_err(TrainError::io("make the folder", dir))?;
        let lock = lock(dir)?;
        Self::check_new(dir)?;
        let path = dir.join(RUN_CONFIG_FILE);
        let text = config.to_toml()?;
        let written = tempfile::NamedTempFile::new_in(dir).and_then(|mut file| {
            std::io::Write::write_all(&mut file, text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|e| e.error)
        });
        written.map_err(TrainError::io("write", &path))?;
        Ok(Self { dir: dir.into(), _lock: lock })
    }

    /// Remove the configuration again: the run has not begun.
    pub fn discard(self) {
        // A configuration that cannot be removed is reported by the next start in this folder.
        let _ = fs::remove_file(self.dir.join(RUN_CONFIG_FILE));
    }

    /// Check that a new run can start in a folder.
    ///
    /// # Errors
    /// The folder holds a run already.
    pub fn check_new(dir: &Path) -> Result<(), TrainError> {
        if dir.join(RUN_CONFIG_FILE).exists() { Err(TrainError::Exists { dir: dir.into() }) } else { Ok(()) }
    }

    /// Open a run to resume it.
    ///
    /// # Errors
    /// There is none, or its configuration is not `config`; the keys that differ are named.
    pub fn open(dir: &Path, config: &TrainConfig) -> Result<Self, TrainError> {
        let fail = |message: String| TrainError::Resume { dir: dir.into(), message };
        let path = dir.join(RUN_CONFIG_FILE);
        if !path.exists() {
            return Err(fail(format!("it has no {RUN_CONFIG_FILE}; start a run there without --resume")));
        }
        let stored = TrainConfig::load(config.spec(), Some(&path), &[])?;
        let text = fs::read_to_string(&path).map_err(TrainError::io("read", &path))?;
        if text != stored.to_toml()? {
            return Err(fail(format!(
                "{RUN_CONFIG_FILE} is not as training wrote it; restore it, or start a new run in another folder"
            )));
        }
        let differences = config.differences(&stored);
        if !differences.is_empty() {
            let list = differences.join(", ");
            return Err(fail(format!(
                "the configuration has changed: {list}; undo these changes, or start a new run in another folder"
            )));
        }
        Ok(Self { dir: dir.into(), _lock: lock(dir)? })
    }

    /// The folder of the best policy.
    pub fn best(&self) -> PathBuf {
        self.dir.join("best")
    }

    /// The folder of the newest checkpoint.
    pub fn last(&self) -> PathBuf {
        self.dir.join("last")
    }

    /// Load the newest checkpoint into the learner. Without one, the state of a run at its first step.
    ///
    /// # Errors
    /// A damaged file, other data or another learner than before.
    pub fn restore(&self, learner: &mut dyn Learner, data_hash: &str) -> Result<RunState, TrainError> {
        let fail = |message: String| TrainError::Resume { dir: self.dir.clone(), message };
        let last = existing_or_previous(&self.last());
        if !last.join(CONFIG_FILE).exists() {
            // Before its first checkpoint a run has neither folder; later, one was removed.
            if let Some(left) = [last.clone(), self.dir.join("checkpoints")].iter().find(|dir| dir.exists()) {
                return Err(fail(format!(
                    "last/ is missing or incomplete, although {} exists; copy the newest folder of checkpoints/ to last/, or \
                     start another run",
                    left.display()
                )));
            }
            return Ok(RunState { data_hash: data_hash.into(), learner: learner.name().into(), ..RunState::default() });
        }
        let path = last.join(STATE_FILE);
        let text = fs::read(&path).map_err(TrainError::io("read", &path))?;
        let state: RunState = serde_json::from_slice(&text).map_err(|e| {
            fail(format!("{} is damaged ({e}); copy the newest folder of checkpoints/ to last/", path.display()))
        })?;
        let intact = || {
            check_checksums(&last)
                .map_err(|error| fail(format!("{error}; copy the newest folder of checkpoints/ to last/")))
        };
        if state.data_hash != data_hash {
            intact()?;
            return Err(fail(format!(
                "its training data has changed (hash {data_hash}, was {}); give the demonstrations, the scene and \
                 --expert that it was started with, or start a new run",
                state.data_hash
            )));
        }
        if state.learner != learner.name() {
            intact()?;
            return Err(fail(format!("it was trained by {}, not {}", state.learner, learner.name())));
        }
        learner.load(&last)?;
        intact()?;
        Ok(state)
    }

    /// Write a checkpoint to `last/`, and with `keep` above zero to `checkpoints/<step>/` too, of which the `keep`
    /// newest stay.
    ///
    /// # Errors
    /// A folder cannot be written or removed.
    pub fn checkpoint(
        &self,
        learner: &dyn Learner,
        policy: &Policy,
        state: &RunState,
        keep: usize,
    ) -> Result<(), TrainError> {
        let fill = |dir: &Path| -> Result<(), TrainError> {
            policy.write_into(dir)?;
            learner.save(dir)?;
            let path = dir.join(STATE_FILE);
            let text = serde_json::to_vec_pretty(state)
                .map_err(|e| PolicyError::Config { path: path.clone(), message: e.to_string() })?;
            fs::write(&path, text).map_err(TrainError::io("write", &path))?;
            Ok(write_checksums(dir)?)
        };
        if keep > 0 {
            let all = self.dir.join("checkpoints");
            replace_dir(&all.join(format!("{:06}", state.step)), fill)?;
            prune(&all, keep)?;
        }
        replace_dir(&self.last(), fill)
    }
}

/// Write a learner's state, beside its weights, into a checkpoint's folder.
///
/// # Errors
/// The file cannot be written.
pub fn write_state(dir: &Path, file: &str, state: &impl Serialize) -> Result<(), TrainError> {
    let path = dir.join(file);
    fs::write(&path, postcard::to_allocvec(state).unwrap_or_default()).map_err(TrainError::io("write", &path))
}

/// Read what [`write_state`] wrote.
///
/// # Errors
/// The file is missing or damaged.
pub fn read_state<T: DeserializeOwned>(dir: &Path, file: &str) -> Result<T, TrainError> {
    let path = dir.join(file);
    let bytes = fs::read(&path).map_err(TrainError::io("read", &path))?;
    postcard::from_bytes(&bytes).map_err(|_| not_whole(dir, file, "is damaged"))
}

/// The error for a state that cannot be resumed, with the remedy.
pub fn not_whole(dir: &Path, file: &str, what: &str) -> TrainError {
    TrainError::Resume {
        dir: dir.into(),
        message: format!("{file} {what}; copy the newest folder of checkpoints/ to last/"),
    }
}

/// Remove all but the `keep` highest-numbered folders.
fn prune(all: &Path, keep: usize) -> Result<(), TrainError> {
    let mut steps = Vec::new();
    for entry in fs::read_dir(all).map_err(TrainError::io("read", all))? {
        let path = entry.map_err(TrainError::io("read", all))?.path();
        if let Some(step) = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.parse::<u64>().ok()) {
            steps.push((step, path));
        }
    }
    steps.sort_unstable_by_key(|(step, _)| std::cmp::Reverse(*step));
    for (_, path) in steps.into_iter().skip(keep) {
        fs::remove_dir_all(&path).map_err(TrainError::io("remove", &path))?;
    }
    Ok(())
}
