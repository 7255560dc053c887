//! From a dataset to training data.

use crate::agents::mirrors;
use crate::demos::{Dataset, DatasetError};
use crate::learn::{EpisodeFacts, TrainingData};

/// The ticks of all episodes of a dataset, as training takes them.
///
/// # Errors
/// [`DatasetError`] when a file cannot be read or does not hold what the metadata says.
pub fn training_data(dataset: &Dataset) -> Result<TrainingData, DatasetError> {
    let columns = dataset.columns()?;
    let facts = dataset.summaries().iter().map(|row| EpisodeFacts {
        success: row.success,
        scene: row.scene.clone(),
        task: row.task.clone(),
    });
    let facts: Vec<_> = facts.collect();
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
        facts,
        tasks: Vec::new(),
        mirrored: false,
        mirrors: mirrors(dataset.agent(), dataset.observation(), dataset.action()),
        interventions: if columns.interventions.contains(&true) { columns.interventions } else { Vec::new() },
    })
}
