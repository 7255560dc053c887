//! From a dataset to training data.

use crate::demos::{Dataset, DatasetError};
use crate::learn::TrainingData;

/// The ticks of all episodes of a dataset, as training takes them.
///
/// # Errors
/// [`DatasetError`] when a file cannot be read or does not hold what the metadata says.
pub fn training_data(dataset: &Dataset) -> Result<TrainingData, DatasetError> {
    let columns = dataset.columns()?;
    Ok(TrainingData {
        observations: columns.observations,
        actions: columns.actions,
        observation: dataset.observation().clone(),
        action: dataset.action().clone(),
        episode_starts: columns.episode_starts,
        control_dt: dataset.control_dt(),
        agent: dataset.agent().to_owned(),
        source: dataset.dir().display().to_string(),
        weights: None,
    })
}
