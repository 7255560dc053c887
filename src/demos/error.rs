//! The errors of datasets on disk. Each message names the remedy.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a dataset, episode or journal could not be read or written.
#[derive(Debug, Error)]
pub enum DatasetError {
    /// The operating system refused a file operation.
    #[error("cannot {action} {}: {source}; {}", path.display(), remedy(source, path))]
    Io {
        /// The failed operation, such as `read`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The folder holds no dataset.
    #[error(
        "{} holds no dataset: meta/info.json is missing; check the path, or record an episode there to create one",
        dir.display()
    )]
    NoDataset {
        /// The folder.
        dir: PathBuf,
    },
    /// The bytes of a file do not follow its format, or do not have the recorded hash.
    #[error("{} cannot be decoded: {cause}; restore the file from a copy{}", path.display(), or_repair(path))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The decoder's message.
        cause: String,
    },
    /// A column is missing, or its type or size differs from the dataset's features.
    #[error("{}: column {column} {cause}; restore the file from a copy{}", path.display(), or_repair(path))]
    Column {
        /// The Parquet file.
        path: PathBuf,
        /// The column.
        column: String,
        /// What is wrong with it.
        cause: String,
    },
    /// Two files can be decoded, but contradict each other.
    #[error(
        "{}: {cause}; the dataset's files contradict each other: restore the whole folder from a copy{}",
        path.display(),
        or_repair(path)
    )]
    Inconsistent {
        /// The file in which the contradiction was found.
        path: PathBuf,
        /// The contradiction.
        cause: String,
    },
    /// The episode's agent, control rate, layouts or reward terms differ from the dataset's.
    #[error(
        "the episode does not fit the dataset {}: {}record it into another dataset folder",
        dir.display(),
        listed(differences)
    )]
    Mismatch {
        /// The dataset's folder.
        dir: PathBuf,
        /// One line for each difference.
        differences: Vec<String>,
    },
    /// The dataset already holds a scene with the same hash, but another text.
    #[error(
        "{} holds another scene text under the hash {hash}: compute the hash from the scene's text, \
         or record into another dataset folder",
        path.display()
    )]
    SceneConflict {
        /// The stored scene.
        path: PathBuf,
        /// The common hash, in hexadecimal.
        hash: String,
    },
    /// Only observations were recorded.
    #[error("the episode has observations only and cannot be replayed without actions; train on it with `train bco`")]
    NoActions,
    /// The episode's header cannot be stored.
    #[error("the episode's header is not valid: {cause}; correct the scene, agent or task that was recorded")]
    Header {
        /// What is wrong with it.
        cause: String,
    },
    /// The episode's arrays have different lengths, or it has no ticks.
    #[error("the episode is not valid: {cause}; discard it and record again")]
    Episode {
        /// What is wrong with it.
        cause: String,
    },
    /// A tick holds a value that is not finite.
    #[error(
        "tick {tick} of the episode: {field} is {value}; the simulation became unstable: discard the episode, \
         or truncate it before that tick"
    )]
    NotFinite {
        /// The tick, from 0.
        tick: usize,
        /// The column and the name of the value in it.
        field: String,
        /// The value.
        value: f32,
    },
    /// The sizes of a tick differ from those in the header.
    #[error("the size of {what} is {found}, but {expected} in the header; use the header of the recorded agent")]
    TickSize {
        /// The part of the tick.
        what: &'static str,
        /// Its size in the header.
        expected: usize,
        /// Its size in the tick.
        found: usize,
    },
    /// Another process, or another handle in this process, holds the dataset's write lock.
    #[error(
        "{} is being written by {holder}; stop that recording first, or record into another folder",
        dir.display()
    )]
    Locked {
        /// The dataset's folder.
        dir: PathBuf,
        /// The process that holds the lock, if known.
        holder: String,
    },
    /// The place of a file that the program writes or reads holds a link, a folder or a pipe.
    #[error(
        "{} is a link, or not a regular file or folder: nothing is read or written there; remove it, and try again",
        path.display()
    )]
    NotAFile {
        /// The place.
        path: PathBuf,
    },
    /// The dataset has no episode of this index.
    #[error("{} has no episode {episode}: it has {episodes} episodes, numbered from 0", dir.display())]
    NoEpisode {
        /// The dataset's folder.
        dir: PathBuf,
        /// The requested index.
        episode: usize,
        /// The number of episodes.
        episodes: usize,
    },
    /// An edit would remove every episode.
    #[error("no episode would be left in {}; choose fewer episodes, or remove the whole folder yourself", dir.display())]
    NoneLeft {
        /// The dataset's folder.
        dir: PathBuf,
    },
    /// A new dataset cannot be written where something is.
    #[error("{} exists already; give a folder that does not exist or is empty", path.display())]
    Taken {
        /// The existing file or folder.
        path: PathBuf,
    },
    /// No episode of a damaged dataset can be read.
    #[error("{} cannot be repaired: no episode can be read. The first error: {cause}", dir.display())]
    Unrepairable {
        /// The dataset's folder.
        dir: PathBuf,
        /// The first error.
        cause: Box<DatasetError>,
    },
    /// The header of a journal is damaged, so the journal cannot be decoded.
    #[error("the recording {} cannot be recovered: {cause}; delete it, or keep it for inspection", path.display())]
    Journal {
        /// The journal file.
        path: PathBuf,
        /// The damage.
        cause: String,
    },
}

impl DatasetError {
    pub(super) fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        move |source| Self::Io { action, path, source }
    }

    pub(super) fn malformed(path: impl AsRef<Path>, cause: impl ToString) -> Self {
        Self::Malformed { path: path.as_ref().to_path_buf(), cause: cause.to_string() }
    }

    pub(super) fn inconsistent(path: impl AsRef<Path>, cause: impl Into<String>) -> Self {
        Self::Inconsistent { path: path.as_ref().to_path_buf(), cause: cause.into() }
    }

    pub(super) fn column(path: impl AsRef<Path>, column: &str, cause: impl Into<String>) -> Self {
        Self::Column { path: path.as_ref().to_path_buf(), column: column.to_owned(), cause: cause.into() }
    }
}

/// The advice to repair the dataset that a file belongs to; empty for a file of no dataset.
fn or_repair(path: &Path) -> String {
    let is_part = |folder: &&Path| ["meta", "data", "sim"].iter().any(|part| folder.ends_with(part));
    match path.ancestors().skip(1).find(is_part).and_then(Path::parent) {
        None => String::new(),
        Some(dir) => {
            let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
            format!(", or run `apprentice dataset repair {}`, which keeps all episodes that can be read", dir.display())
        }
    }
}

/// One difference within the line; several with a line for each.
fn listed(differences: &[String]) -> String {
    match differences {
        [only] => format!("{only}; "),
        several => several.iter().map(|d| format!("\n  {d}")).collect::<String>() + "\n",
    }
}

/// The remedy for an error of the operating system.
fn remedy(source: &io::Error, path: &Path) -> String {
    let remedy = match source.kind() {
        io::ErrorKind::NotFound => {
            return format!("check the path, or restore the file from a copy{}", or_repair(path));
        }
        io::ErrorKind::PermissionDenied => "give yourself permission for the folder, or choose another",
        io::ErrorKind::ReadOnlyFilesystem => "the disk is mounted read-only: choose a folder on another",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free space on the disk and try again",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "a file exists where a folder is needed: move it away, or choose another folder"
        }
        io::ErrorKind::OutOfMemory => "use fewer episodes, or a machine with more memory",
        _ => "check the disk and the folder's permissions",
    };
    remedy.to_owned()
}
