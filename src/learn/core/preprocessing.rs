//! Preprocessing of demonstrations: sample weights, mirror augmentation, excluded fields, task conditioning.

use std::borrow::Cow;

use crate::learn::core::quality::weights;
use crate::learn::{DataConfig, Progress, TrainError, TrainingData};
use crate::policies::artifact::TASK_FIELD;
use crate::spaces::{DataStatistics, Field, Layout};

/// Applies the settings of `[data]` to the demonstrations in `data`.
///
/// # Errors
/// There are no actions, a field to exclude does not exist, or the data has no mirror image.
pub fn preprocess<'a>(settings: &DataConfig, data: &'a TrainingData) -> Result<Cow<'a, TrainingData>, TrainError> {
    let mut data = Cow::Borrowed(data);
    if data.action.size() == 0 {
        return Err(TrainError::Data {
            origin: data.source.clone(),
            message: "it holds no actions, only observations; learn from it with `apprentice train bco`".into(),
        });
    }
    // The quality is computed from all fields, also from those that are excluded later.
    if let Some(quality_weights) = weights(&data, settings.quality, settings.quality_keep) {
        scale_weights(data.to_mut(), |row| quality_weights[row]);
    }
    if settings.intervention_weight != 1.0 && data.interventions.contains(&true) {
        let interventions = data.interventions.clone();
        scale_weights(data.to_mut(), |row| if interventions[row] { settings.intervention_weight } else { 1.0 });
    }
    if settings.mirror_augmentation {
        mirror(data.to_mut())?;
    }
    if !settings.exclude.is_empty() {
        exclude(data.to_mut(), &settings.exclude)?;
    }
    let mut tasks: Vec<String> = data.episode_info.iter().map(|info| info.scene.clone()).collect();
    tasks.sort();
    tasks.dedup();
    if settings.task_conditioning && tasks.len() > 1 {
        add_task_field(data.to_mut(), tasks);
    }
    Ok(data)
}

/// Reports the observation fields that hardly varied in the demonstrations, but for those in `excluded`.
pub fn warn_of_hardly_varied(data: &TrainingData, excluded: &[String], progress: &mut dyn Progress) {
    let (layout, size) = (&data.observation, data.observation.size());
    if data.observations.is_empty() || size == 0 {
        return;
    }
    // Excluded fields that do not exist are reported by the preprocessing.
    let excluded = layout.fields_matching(excluded).unwrap_or_default();
    let mut fields = DataStatistics::of(data.observations.chunks_exact(size), size).hardly_varied(layout);
    fields.retain(|name| excluded.iter().all(|field| field.name != *name));
    if !fields.is_empty() {
        progress.message(&format!(
            "these observations hardly varied in the demonstrations, so they will be mostly ignored: {}",
            fields.join(", ")
        ));
    }
}

fn scale_weights(data: &mut TrainingData, factor: impl Fn(usize) -> f32) {
    let rows = data.rows();
    let weights = data.weights.get_or_insert_with(|| vec![1.0; rows]);
    weights.iter_mut().enumerate().for_each(|(row, weight)| *weight *= factor(row));
}

/// Adds the mirror image of every episode: left and right exchanged.
fn mirror(data: &mut TrainingData) -> Result<(), TrainError> {
    let (observation, action) = match &data.mirrors {
        Ok(mirrors) => mirrors,
        Err(field) => {
            let message = format!(
                "the mirror image of {field} of a {} is not defined; leave data.mirror_augmentation off",
                data.agent
            );
            return Err(TrainError::Config { origin: "data.mirror_augmentation".into(), message });
        }
    };
    let (observations, actions) = (observation.apply(&data.observations), action.apply(&data.actions));
    let reflected = TrainingData { observations, actions, ..data.clone() };
    let source = data.source.clone();
    data.concatenate(&reflected)?;
    data.source = source;
    data.mirrored = true;
    Ok(())
}

/// Removes fields from the observations.
fn exclude(data: &mut TrainingData, excluded: &[String]) -> Result<(), TrainError> {
    let fail = |message: String| TrainError::Config { origin: "data.exclude".into(), message };
    let layout = data.observation.without(excluded).map_err(fail)?;
    let columns = data.observation.columns_of(&layout).unwrap_or_default();
    let rows = data.observations.chunks_exact(data.observation.size());
    data.observations = rows.flat_map(|row| columns.iter().map(|column| row[*column])).collect();
    data.observation = layout;
    Ok(())
}

/// Adds the field `task`: a one-hot encoding of the episode's task.
fn add_task_field(data: &mut TrainingData, tasks: Vec<String>) {
    let obs_dim = data.observation.size();
    let mut observations = Vec::with_capacity(data.observations.len() + data.rows() * tasks.len());
    for (rows, info) in data.episodes().zip(&data.episode_info) {
        let one_hot: Vec<f32> = tasks.iter().map(|task| f32::from(u8::from(*task == info.scene))).collect();
        for row in rows {
            observations.extend_from_slice(&data.observations[row * obs_dim..][..obs_dim]);
            observations.extend_from_slice(&one_hot);
        }
    }
    let mut fields = data.observation.fields.clone();
    fields.push(Field::new(TASK_FIELD, tasks.len(), "1", 0.0, 1.0));
    data.observation = Layout { name: data.observation.name.clone(), fields };
    data.observations = observations;
    data.tasks = tasks;
}
