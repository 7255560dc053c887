//! A training run of a learner that reads a dataset.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::json;

use crate::learn::core::memory::check_memory;
use crate::learn::core::preprocessing::{preprocess, warn_of_hardly_varied};
use crate::learn::core::training::run;
use crate::learn::{
    ContinualConfig, ContinualMethod, DataConfig, LearnerParts, PreparedData, Progress, RunOptions, TrainConfig,
    TrainError, TrainJob, TrainReport, TrainSummary, TrainingData, Window,
};
use crate::policies::Provenance;
use crate::policies::artifact::hex;

/// Train the learner of `config` on `data`.
///
/// # Errors
/// Unusable configuration or data, a folder that cannot be written or resumed, or training that diverges.
pub fn train_on_dataset(
    config: &TrainConfig,
    data: &TrainingData,
    options: &RunOptions,
    progress: &mut dyn Progress,
) -> Result<TrainSummary, TrainError> {
    let (data, options) = selected_data(config, data, options, progress);
    train_on(config, &data, &options, progress)
}

/// The demonstrations of a run without the failed ones that its settings leave out, and the same for the earlier ones in
/// its options. Reports what is left out, and the fields that hardly varied.
pub(in crate::learn) fn selected_data<'a>(
    config: &TrainConfig,
    data: &'a TrainingData,
    options: &RunOptions,
    progress: &mut dyn Progress,
) -> (Cow<'a, TrainingData>, RunOptions) {
    let settings = config.find::<DataConfig>().cloned().unwrap_or_default();
    let data = settings.leave_out_failed(data, progress);
    let earlier = options.earlier.as_deref().map(|earlier| settings.leave_out_failed(earlier, progress).into_owned());
    warn_of_hardly_varied(&data, &settings.exclude, progress);
    (data, RunOptions { earlier: earlier.map(Arc::new), ..options.clone() })
}

/// [`train_on_dataset`] on all episodes of `data`.
///
/// # Errors
/// As [`train_on_dataset`].
pub(in crate::learn) fn train_on(
    config: &TrainConfig,
    data: &TrainingData,
    options: &RunOptions,
    progress: &mut dyn Progress,
) -> Result<TrainSummary, TrainError> {
    config.check("the training configuration")?;
    let continual = config.find::<ContinualConfig>().cloned().unwrap_or_default();
    let settings = config.find::<DataConfig>().cloned().unwrap_or_default();
    let mut data = Cow::Borrowed(data);
    let failed_left_out = data.left_out.len();
    let mut consolidated = None;
    // Rehearsed data does not condition the policy on its task: with the other methods there is no such data to do so.
    let task_conditioning = settings.task_conditioning && options.earlier.is_none();
    let settings = DataConfig { task_conditioning, ..settings };
    if let Some(earlier) = &options.earlier {
        match continual.method {
            ContinualMethod::Rehearsal => {
                data = Cow::Owned(data.into_owned().with_rehearsal(earlier, continual.rehearsal_fraction)?);
            }
            ContinualMethod::Ewc => consolidated = Some(preprocess(&settings, earlier)?.into_owned()),
            ContinualMethod::None => {}
        }
    }
    let data = preprocess(&settings, &data)?;
    let data = &*data;
    let mut prepared = PreparedData::new(data, settings.validation_fraction, config.training.seed)?;
    let pretrained = options.pretrained(&config.init)?;
    if let Some(pretrained) = &pretrained {
        prepared.inherit_normalizers(pretrained);
    }
    check_batch_memory(config, data)?;
    let mut learner = config.spec().build(LearnerParts {
        config,
        policy: prepared.policy_config(&config.network, &config.head),
        loader: config.data_loader(&prepared)?,
        pretrained: pretrained.as_deref(),
        device: &options.device,
    })?;
    if let Some(earlier) = &consolidated {
        let mut known = PreparedData::new(earlier, 0.0, config.training.seed)?;
        known.observation_normalizer = prepared.observation_normalizer.clone();
        known.action_normalizer = prepared.action_normalizer.clone();
        let window = Window::of(&config.network, &config.head);
        let stride = (known.split.train.len() / continual.fisher_samples).max(1);
        let starts: Vec<u32> = known.split.train.iter().copied().step_by(stride).collect();
        let mut batches = starts.chunks(1).map(|start| known.batch(start, window));
        learner.consolidate(&mut batches, continual.ewc_lambda)?;
    }
    let provenance = Provenance {
        dataset: data.source.clone(),
        dataset_hash: hex(data.hash()),
        scene: options.scene.clone(),
        learner: learner.name().into(),
        seed: config.training.seed,
        version: env!("CARGO_PKG_VERSION").into(),
        steps: 0,
        validation_loss: None,
    };
    let summary = run(learner.as_mut(), config, provenance, options, progress)?;
    Ok(TrainSummary { failed_left_out, ..summary })
}

/// Refuse a minibatch that does not fit into the free memory.
fn check_batch_memory(config: &TrainConfig, data: &TrainingData) -> Result<(), TrainError> {
    /// The rows in the dataset's units, normalized, on the device, and their gradients; 4 bytes a number.
    const BYTES: u64 = 4 * 4;
    let (network, head) = (&config.network, &config.head);
    let ticks = (network.n_obs_steps.max(1) + network.n_demonstration_frames) as u64;
    let numbers = ticks
        .saturating_mul(data.observation.size() as u64)
        .saturating_add((head.chunk_size as u64).saturating_mul(data.action.size() as u64));
    let bytes = BYTES.saturating_mul(config.training.batch_size as u64).saturating_mul(numbers);
    let what = format!(
        "a minibatch of training.batch_size={}, network.n_obs_steps={}, head.chunk_size={}",
        config.training.batch_size, network.n_obs_steps, head.chunk_size
    );
    check_memory(&[(what, bytes)])
}

/// [`train_on_dataset`], with the result as a report.
///
/// # Errors
/// As [`train_on_dataset`].
pub(in crate::learn) fn train_job(mut job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError> {
    let data = job.take_data()?;
    let summary = train_on_dataset(&job.config, &data, &job.options, progress)?;
    let numbers = json!({
        "best_loss": summary.best_loss,
        "best_step": summary.best_step,
        "lowest_loss": summary.lowest_loss.map(|(loss, _)| loss),
        "lowest_loss_step": summary.lowest_loss.map(|(_, step)| step),
        "failed_episodes_left_out": summary.failed_left_out,
    });
    let headline = headline(&summary);
    Ok(TrainReport::new(summary, headline, numbers))
}

/// The validation loss of the policy to use, and that of the step with the lowest.
fn headline(summary: &TrainSummary) -> String {
    let Some(loss) = summary.best_loss else { return "validation loss not measured".to_owned() };
    let kept = format!("kept the policy of step {} with validation loss {loss:.5}", summary.best_step);
    match summary.lowest_loss {
        Some((lowest, step)) if lowest < loss => format!("{kept} (lowest: {lowest:.5} at step {step})"),
        _ => kept,
    }
}
