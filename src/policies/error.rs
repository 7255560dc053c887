//! What can be wrong with a policy.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a policy cannot be read, written or used. Every message names the place, the cause and the remedy.
#[derive(Debug, Error)]
pub enum PolicyError {
    /// Neither a policy folder nor a run folder.
    #[error(
        "{path} holds no policy: there is no config.json in it, in {path}/best or in {path}/last; give a policy folder \
         or the folder of a training run that has saved one"
    )]
    NotFound {
        /// The folder that was looked into.
        path: PathBuf,
    },
    /// A file or folder could not be read or written.
    #[error("cannot {action} {path}: {source}; check that it exists, its permissions and the free disk space")]
    Io {
        /// What was tried, such as `read`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// `config.json` is not what this version writes.
    #[error("{path} is not a policy's configuration: {message}; copy the policy folder again or train anew")]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column where JSON itself is broken.
        message: String,
    },
    /// A safetensors file is broken or does not fit its configuration.
    #[error("{path} cannot be used: {message}; copy the policy folder again or train anew")]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the tensor's name.
        message: String,
    },
    /// A network that cannot be built.
    #[error("no network can be built: {message}")]
    Network {
        /// Which setting is wrong, and what it may be.
        message: String,
    },
    /// The policy was trained for another body or sensor set.
    #[error(
        "the policy was trained for {trained} and does not fit {wanted}: it {}; choose a policy trained for this \
         agent, or train one",
        differences.join("; it ")
    )]
    Layout {
        /// Name and hash of the policy's layout.
        trained: String,
        /// Name and hash of the agent's layout.
        wanted: String,
        /// One line for each field that differs.
        differences: Vec<String>,
    },
    /// The policy was trained for several tasks, of which this is none.
    #[error("the policy was not trained for the task `{task}`; it knows {}", known.join(", "))]
    Task {
        /// The task that was asked for.
        task: String,
        /// Those that it knows.
        known: Vec<String>,
    },
    /// A policy that is to be shown what to do, and was not.
    #[error(
        "the policy does what one demonstration shows it, and was shown none; only `apprentice eval --demonstration \
         DATASET:NUMBER` can show it one"
    )]
    Unshown,
    /// A policy and its demonstration.
    #[error("the policy cannot be shown what to do: {message}")]
    Shown {
        /// What is wrong, and what to do.
        message: String,
    },
    /// The policy cannot be attacked so.
    #[error("this attack is not possible: {message}")]
    Attack {
        /// Why, and what is possible.
        message: String,
    },
}

impl PolicyError {
    /// For `map_err`: an operating system's error with what was tried and where.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}
