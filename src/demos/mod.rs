//! Episodes, the dataset on disk and the journal of a recording in progress.

mod columns;
mod dataset;
mod edit;
mod episode;
mod error;
mod files;
mod journal;
mod metadata;
mod new_dataset;
mod recorder;
mod recovery;
mod repair;
mod replay;
mod schema;
mod sim_files;
mod staging;
mod stats;
mod table;

pub use columns::Columns;
pub use dataset::Dataset;
pub use episode::{Episode, EpisodeHeader, Tick};
pub use error::DatasetError;
pub use files::lock_with_retry;
pub use journal::{FinishedJournal, JournalWriter};
pub use metadata::EpisodeSummary;
pub use new_dataset::NewDataset;
pub use recorder::{Recorder, RecorderPlugin};
pub use recovery::{RecoveredEpisode, Recovery, recover};
pub use repair::{RepairReport, repair};
pub use replay::{ReplayPlugin, ReplayTrack, rewind_to_start, start_replay};
pub use schema::DatasetInfo;
