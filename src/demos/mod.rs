//! Episodes, the dataset on disk and the journal of a recording in progress.

mod columns;
mod dataset;
mod edit;
mod episode;
mod error;
mod files;
mod journal;
mod journal_file;
mod journal_reader;
mod metadata;
mod new_dataset;
mod recorder;
mod recovery;
mod repair;
mod replay;
mod schema;
mod seed_claim;
mod sim_files;
mod staging;
mod stats;
mod table;

pub use columns::Columns;
pub use dataset::Dataset;
pub use episode::{Episode, EpisodeHeader, Tick};
pub use error::DatasetError;
pub use journal::{FinishedJournal, JournalWriter};
pub use journal_reader::Damage;
pub use metadata::EpisodeSummary;
pub use new_dataset::NewDataset;
pub use recorder::{Recorder, RecorderPlugin};
pub use recovery::{RecoveredTake, Recovery, recover_kept, recovered_takes};
pub use repair::{RepairReport, repair};
pub use replay::{ReplayPlugin, ReplayTrack, check_start, start_replay};
pub use schema::DatasetInfo;
pub use seed_claim::SeedClaim;
