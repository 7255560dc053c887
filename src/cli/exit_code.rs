//! The exit code of an error: one for each kind of error, whichever command meets it.

use std::error::Error;

use crate::demos::DatasetError;
use crate::learn::TrainError;
use crate::policies::PolicyError;
use crate::rollout::{RecordError, RolloutError};
use crate::scenes::SceneError;
use crate::study::StudyError;
use crate::tune::TuneError;

/// A runtime error: the arguments are right, and the work failed.
pub const FAILURE: u8 = 1;
/// A usage error: what the arguments name is not there, is not of this kind, or does not fit together.
pub const USAGE: u8 = 2;

/// The exit code of an error of this crate; `None` for an error whose kind only its command knows.
pub fn exit_code(error: &(dyn Error + 'static)) -> Option<u8> {
    let known = [
        error.downcast_ref().map(scene),
        error.downcast_ref().map(policy),
        error.downcast_ref().map(dataset),
        error.downcast_ref().map(train),
        error.downcast_ref().map(record),
        error.downcast_ref().map(rollout),
        error.downcast_ref().map(tune),
        error.downcast_ref().map(study),
        error.downcast_ref().map(missing),
    ];
    known.into_iter().flatten().next()
}

/// A file that an argument names is not there, or cannot be read or written.
fn missing(error: &std::io::Error) -> u8 {
    if error.kind() == std::io::ErrorKind::NotFound { USAGE } else { FAILURE }
}

fn scene(error: &SceneError) -> u8 {
    match error {
        SceneError::Unknown { .. } | SceneError::Name { .. } => USAGE,
        SceneError::Read { source, .. } => missing(source),
        SceneError::Invalid { .. } => FAILURE,
    }
}

fn policy(error: &PolicyError) -> u8 {
    match error {
        PolicyError::Io { .. } | PolicyError::Config { .. } | PolicyError::Weights { .. } => FAILURE,
        _ => USAGE,
    }
}

fn dataset(error: &DatasetError) -> u8 {
    match error {
        DatasetError::NoDataset { .. }
        | DatasetError::Mismatch { .. }
        | DatasetError::NoActions
        | DatasetError::NoneLeft { .. }
        | DatasetError::Taken { .. }
        | DatasetError::NoEpisode { .. } => USAGE,
        _ => FAILURE,
    }
}

fn train(error: &TrainError) -> u8 {
    match error {
        TrainError::Config { .. } | TrainError::Data { .. } | TrainError::Resume { .. } | TrainError::Exists { .. } => {
            USAGE
        }
        TrainError::Policy(error) => policy(error),
        TrainError::Io { source, .. } => missing(source),
        _ => FAILURE,
    }
}

fn record(error: &RecordError) -> u8 {
    match error {
        RecordError::NoOperator(_) => USAGE,
        RecordError::Policy(error) => policy(error),
        RecordError::Dataset(error) => dataset(error),
    }
}

fn rollout(error: &RolloutError) -> u8 {
    match error {
        RolloutError::NoOperator(_) => USAGE,
        RolloutError::Policy(error) => policy(error),
    }
}

fn tune(error: &TuneError) -> u8 {
    match error {
        TuneError::SearchSpace(_) | TuneError::Settings { .. } => USAGE,
        TuneError::Train(error) => train(error),
        TuneError::Policy(error) => policy(error),
        TuneError::Io { .. } | TuneError::Trial { .. } | TuneError::Stopped => FAILURE,
    }
}

fn study(error: &StudyError) -> u8 {
    match error {
        StudyError::Settings { .. } => USAGE,
        StudyError::Scene(error) => scene(error),
        StudyError::Record(error) => record(error),
        StudyError::Dataset(error) => dataset(error),
        StudyError::Train(error) => train(error),
        StudyError::Policy(error) => policy(error),
        StudyError::Rollout(error) => rollout(error),
        _ => FAILURE,
    }
}
