//! Errors of reading, writing and using a policy.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a policy cannot be read, written or used. Each message names the place, the cause and the remedy.
#[derive(Debug, Error)]
pub enum PolicyError {
    /// Neither a policy folder nor a run folder.
    #[error(
        "{path} holds no policy: there is no config.json in it, in {path}/best or in {path}/last; give a policy folder \
         or the folder of a training run that has saved one"
    )]
    NotFound {
        /// The folder.
        path: PathBuf,
    },
    /// A file or folder cannot be read or written.
    #[error("cannot {action} {path}: {source}; check that it exists, its permissions and the free disk space")]
    Io {
        /// The operation, such as `read`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// `config.json` is not valid.
    #[error(
        "{path} is not a valid policy configuration: {message}; copy the policy folder again or train the policy again"
    )]
    Config {
        /// The file.
        path: PathBuf,
        /// The invalid key or, for invalid JSON, line and column.
        message: String,
    },
    /// A safetensors file is damaged or does not match its configuration.
    #[error("{path} cannot be used: {message}; copy the policy folder again or train the policy again")]
    Weights {
        /// The file.
        path: PathBuf,
        /// The cause, with the tensor's name.
        message: String,
    },
    /// The settings of a network are not valid.
    #[error("the network cannot be built: {message}")]
    Network {
        /// The setting, and the values that are possible.
        message: String,
    },
    /// The policy was trained for other layouts than the agent's.
    #[error(
        "the policy was trained for {trained} and does not match the agent's {agent}: it {}; choose a policy trained for \
         this agent, or train one",
        differences.join("; it ")
    )]
    Layout {
        /// Name and hash of the policy's layout.
        trained: String,
        /// Name and hash of the agent's layout.
        agent: String,
        /// One line for each field that differs.
        differences: Vec<String>,
    },
    /// The policy was trained for another agent.
    #[error(
        "the policy was trained for a {trained}, and this agent is a {agent}; choose a policy trained for a {agent}, or \
         train one"
    )]
    Agent {
        /// Name of the policy's agent.
        trained: String,
        /// Name of the agent.
        agent: String,
    },
    /// The policy was trained for several tasks, and this is none of them.
    #[error("the policy was not trained for the task `{task}`; its tasks are {}", known.join(", "))]
    Task {
        /// The requested task.
        task: String,
        /// The policy's tasks.
        known: Vec<String>,
    },
    /// A policy with demonstration conditioning was given no demonstration.
    #[error(
        "the policy is conditioned on a demonstration and has none; give it one with `apprentice eval --demonstration \
         DATASET:NUMBER`, the only command that can"
    )]
    MissingDemonstration,
    /// The policy cannot be conditioned on this demonstration.
    #[error("the policy cannot be conditioned on the demonstration: {message}")]
    InvalidDemonstration {
        /// The cause, and the remedy.
        message: String,
    },
    /// This attack on the policy is not possible.
    #[error("this attack is not possible: {message}")]
    Attack {
        /// The cause, and the attacks that are possible.
        message: String,
    },
}

impl PolicyError {
    /// For `map_err`: an operating system's error with the operation and the path.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}
