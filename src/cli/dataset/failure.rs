//! The exit codes of errors of datasets.

use crate::cli::Failure;
use crate::demos::DatasetError;

/// The failure of a command: a usage error where other arguments would succeed.
pub fn failure(error: DatasetError) -> Failure {
    match error {
        DatasetError::NoneLeft { .. }
        | DatasetError::Taken { .. }
        | DatasetError::NoEpisode { .. }
        | DatasetError::Mismatch { .. } => Failure::usage(error),
        _ => Failure::failed(error),
    }
}
