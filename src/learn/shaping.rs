//! From demonstrations as they were recorded to those that are learned from: hidden fields, tasks, quality.

use std::borrow::Cow;

use super::quality::weights;
use super::{DataConfig, TrainError, TrainingData};
use crate::policies::artifact::TASK_FIELD;
use crate::spaces::{Field, Layout};

/// `data` as `settings` want it.
///
/// # Errors
/// There are no actions, or a field to hide is not there.
pub fn shaped<'a>(settings: &DataConfig, data: &'a TrainingData) -> Result<Cow<'a, TrainingData>, TrainError> {
    let mut data = Cow::Borrowed(data);
    if data.action.size() == 0 {
        return Err(TrainError::Data {
            origin: data.source.clone(),
            message: "it holds no actions, only observations; learn from it with `apprentice train bco`".into(),
        });
    }
    // Rated by all that was seen, also by what the policy is not to see.
    if let Some(rated) = weights(&data, settings.quality, settings.keep) {
        multiply(data.to_mut(), |row| rated[row]);
    }
    if settings.intervention_weight != 1.0 && data.interventions.contains(&true) {
        let marks = data.interventions.clone();
        multiply(data.to_mut(), |row| if marks[row] { settings.intervention_weight } else { 1.0 });
    }
    if settings.mirror {
        mirror(data.to_mut())?;
    }
    if !settings.hide.is_empty() {
        hide(data.to_mut(), &settings.hide)?;
    }
    let mut tasks: Vec<String> = data.facts.iter().map(|facts| facts.scene.clone()).collect();
    tasks.sort();
    tasks.dedup();
    if settings.tell_task && tasks.len() > 1 {
        tell(data.to_mut(), tasks);
    }
    Ok(data)
}

fn multiply(data: &mut TrainingData, factor: impl Fn(usize) -> f32) {
    let rows = data.rows();
    let weights = data.weights.get_or_insert_with(|| vec![1.0; rows]);
    weights.iter_mut().enumerate().for_each(|(row, weight)| *weight *= factor(row));
}

/// Add every episode once more, with left and right exchanged.
fn mirror(data: &mut TrainingData) -> Result<(), TrainError> {
    let (observation, action) = match &data.mirrors {
        Ok(mirrors) => mirrors,
        Err(field) => {
            let message = format!("it is not known what {field} of a {} becomes; leave data.mirror off", data.agent);
            return Err(TrainError::Config { origin: "data.mirror".into(), message });
        }
    };
    let (observations, actions) = (observation.of(&data.observations), action.of(&data.actions));
    let reflected = TrainingData { observations, actions, ..data.clone() };
    let source = data.source.clone();
    data.join(&reflected)?;
    data.source = source;
    data.mirrored = true;
    Ok(())
}

/// Leave fields out of the observations.
fn hide(data: &mut TrainingData, hidden: &[String]) -> Result<(), TrainError> {
    let fail = |message: String| TrainError::Config { origin: "data.hide".into(), message };
    let left = data.observation.without(hidden).map_err(fail)?;
    let columns = data.observation.columns_of(&left).unwrap_or_default();
    let rows = data.observations.chunks_exact(data.observation.size());
    data.observations = rows.flat_map(|row| columns.iter().map(|column| row[*column])).collect();
    data.observation = left;
    Ok(())
}

/// Add the field that tells the tasks apart.
fn tell(data: &mut TrainingData, tasks: Vec<String>) {
    let wide = data.observation.size();
    let mut observations = Vec::with_capacity(data.observations.len() + data.rows() * tasks.len());
    for (rows, facts) in data.episodes().zip(&data.facts) {
        let told: Vec<f32> = tasks.iter().map(|task| f32::from(u8::from(*task == facts.scene))).collect();
        for row in rows {
            observations.extend_from_slice(&data.observations[row * wide..][..wide]);
            observations.extend_from_slice(&told);
        }
    }
    let mut fields = data.observation.fields.clone();
    fields.push(Field::new(TASK_FIELD, tasks.len(), "1", 0.0, 1.0));
    data.observation = Layout { name: data.observation.name.clone(), fields };
    data.observations = observations;
    data.tasks = tasks;
}
