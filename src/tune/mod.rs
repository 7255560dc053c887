//! Hyperparameter search: tree-structured Parzen estimators over a declared search space, with pruning of poor trials.

mod parzen;
mod search;
mod space;

pub use parzen::suggest;
pub use search::{EpisodeEvaluator, Objective, Search, Trial, TuneError};
pub use space::{Range, SearchSpace, SpaceError, Value};
