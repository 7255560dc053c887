//! What can go wrong with a dataset on disk, said so that the reader knows what to do.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a dataset, episode or journal could not be read or written.
#[derive(Debug, Error)]
pub enum DatasetError {
    /// The operating system refused a file operation.
    #[error("cannot {action} {}: {source}; {}", path.display(), remedy(source))]
    Io {
        /// What was tried, such as `read`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The folder holds no dataset.
    #[error(
        "{} holds no dataset: meta/info.json is missing; check the path, or record an episode there to begin one",
        dir.display()
    )]
    NoDataset {
        /// The folder.
        dir: PathBuf,
    },
    /// A file's bytes are not what its format says.
    #[error("{} cannot be decoded: {cause}; restore the file from a copy", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the decoder found.
        cause: String,
    },
    /// A column is missing, or has another type or number of values than the dataset's features say.
    #[error("{}: column {column} {cause}; restore the file from a copy", path.display())]
    Column {
        /// The Parquet file.
        path: PathBuf,
        /// The column.
        column: String,
        /// What is wrong with it.
        cause: String,
    },
    /// Files that are readable one by one contradict each other.
    #[error(
        "{}: {cause}; the dataset's files are not of one state: restore the whole folder from a copy",
        path.display()
    )]
    Inconsistent {
        /// The file in which the contradiction shows.
        path: PathBuf,
        /// What contradicts what.
        cause: String,
    },
    /// The episode comes from another agent, rate or task than the dataset's.
    #[error(
        "the episode does not fit the dataset {}:{}\nrecord it into another dataset folder",
        dir.display(),
        differences.iter().map(|d| format!("\n  {d}")).collect::<String>()
    )]
    Mismatch {
        /// The dataset's folder.
        dir: PathBuf,
        /// One line for each difference.
        differences: Vec<String>,
    },
    /// A scene of the same hash but with other text is already in the dataset.
    #[error(
        "{} holds another text for the scene hash {hash}; the hash must be of the scene's text: \
         compute it again, or record into another dataset folder",
        path.display()
    )]
    SceneConflict {
        /// The stored scene.
        path: PathBuf,
        /// The hash both share, in hexadecimal.
        hash: String,
    },
    /// Only what was seen was recorded.
    #[error("the episode holds no actions and cannot be played again; it is there to be learned from (train bco)")]
    NoActions,
    /// The episode's header cannot be stored.
    #[error("the episode's header is not valid: {cause}; correct the scene, agent or task that it comes from")]
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
    /// A tick holds a number that is not finite.
    #[error(
        "tick {tick} of the episode: {field} is {value}; the simulation became unstable: discard the episode, \
         or cut it before that tick"
    )]
    NotFinite {
        /// The tick, from 0.
        tick: usize,
        /// The column and the name of the number in it.
        field: String,
        /// The number.
        value: f32,
    },
    /// A tick does not have the sizes that the header's layouts say.
    #[error("a tick has {found} numbers of {what}, the header says {wanted}; give the header of the agent recorded")]
    TickSize {
        /// Which numbers.
        what: &'static str,
        /// How many the header says.
        wanted: usize,
        /// How many came.
        found: usize,
    },
    /// Another process, or another handle in this one, writes the dataset.
    #[error(
        "{} is being written by {holder}; stop that recording first, or record into another folder",
        dir.display()
    )]
    Locked {
        /// The dataset's folder.
        dir: PathBuf,
        /// Who holds the lock, as far as it is known.
        holder: String,
    },
    /// The dataset has no episode of this number.
    #[error("{} has no episode {episode}: it holds {episodes}, numbered from 0; choose one of these", dir.display())]
    NoEpisode {
        /// The dataset's folder.
        dir: PathBuf,
        /// The number asked for.
        episode: usize,
        /// How many there are.
        episodes: usize,
    },
    /// A journal's beginning is damaged, so nothing in it can be understood.
    #[error("the recording {} cannot be recovered: {cause}; delete it, or keep it for inspection", path.display())]
    Journal {
        /// The journal, where it lies now.
        path: PathBuf,
        /// What was found.
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

/// What the reader can do about an operating system's error.
fn remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::NotFound => "check the path, or restore the file from a copy",
        io::ErrorKind::PermissionDenied => "give yourself permission for the folder, or choose another",
        io::ErrorKind::ReadOnlyFilesystem => "the disk is mounted read-only: choose a folder on another",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free space on the disk and try again",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "a file stands where a folder belongs: move it away, or choose another folder"
        }
        io::ErrorKind::OutOfMemory => "use fewer episodes, or a machine with more memory",
        _ => "check the disk and the folder's permissions",
    }
}
