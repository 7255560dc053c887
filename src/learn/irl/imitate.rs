//! From demonstrations to an agent that acts for what they seem to want.

use burn::tensor::Device;

use super::adversary::Begin;
use super::apprenticeship::Apprenticeship;
use super::model::{Description, with_judge};
use super::moves::Moves;
use crate::learn::rl::{Environment, InferredReward, Ppo, provenance};
use crate::learn::training::run;
use crate::learn::{LearnerKind, Progress, RunOptions, TrainConfig, TrainError, TrainSummary, TrainingData};
use crate::policies::Provenance;
use crate::spaces::Layout;

/// The reward that `config` asks to infer from `data`, for an agent of these layouts.
///
/// # Errors
/// Demonstrations of another agent, or without what is asked for, or another learner.
pub fn inferred_reward(
    config: &TrainConfig,
    data: &TrainingData,
    (observation, action): (&Layout, &Layout),
    device: &Device,
) -> Result<Box<dyn InferredReward>, TrainError> {
    let fail = |message: String| Err(TrainError::Data { origin: data.source.clone(), message });
    let kind = config.training.learner;
    if data.observation.fields != observation.fields {
        let differences = observation.columns_of(&data.observation).err().unwrap_or_default();
        let differences: Vec<String> = differences.iter().map(ToString::to_string).collect();
        let told = if differences.is_empty() { "the scene has more fields".into() } else { differences.join("; ") };
        return fail(format!("its observations are not those of the scene's agent: {told}"));
    }
    if data.action.size() == 0 && kind.judges_actions() {
        return fail(format!(
            "it holds no actions, only observations; train amp learns from those, train {} does not",
            kind.name()
        ));
    }
    if data.action.size() > 0 && data.action.fields != action.fields {
        return fail("its actions are not those of the scene's agent".into());
    }
    let mut shown = Moves::shown(data)?;
    if !kind.judges_actions() {
        (shown.narrow, shown.actions) = (0, Vec::new());
    }
    let judged: Vec<_> = match observation.named(&config.reward.fields) {
        Ok(fields) => fields.iter().filter_map(|field| observation.range(&field.name)).collect(),
        Err(message) => return Err(TrainError::Config { origin: "reward.fields".into(), message }),
    };
    let is_judged = |at: &usize| judged.is_empty() || judged.iter().any(|range| range.contains(at));
    let hidden = (0..observation.size()).filter(|at| !is_judged(at)).collect();
    let description = Description {
        learner: kind,
        discount: config.ppo.discount,
        observation: observation.clone(),
        action: action.clone(),
        scales: shown.scales(hidden),
        weights: Vec::new(),
        reward: config.reward.clone(),
    };
    if kind == LearnerKind::Apprenticeship {
        return Ok(Box::new(Apprenticeship::new(description, &shown)));
    }
    let device = device.clone().autodiff();
    let begin = Begin {
        description: &description,
        shown,
        seed: config.training.seed,
        updates: config.training.steps,
        device: &device,
    };
    with_judge(&description, &device, begin)
}

/// Train an agent in `environment` on the reward that `config` asks to infer from `data`.
///
/// # Errors
/// Unusable configuration or demonstrations, a folder that cannot be written or resumed, or training that diverges.
pub fn imitate_in(
    config: &TrainConfig,
    environment: Box<dyn Environment>,
    data: &TrainingData,
    options: &RunOptions,
    progress: &mut dyn Progress,
) -> Result<TrainSummary, TrainError> {
    config.check("the training configuration")?;
    let kind = config.training.learner;
    let unusable = |origin: &str, message: String| Err(TrainError::Config { origin: origin.into(), message });
    if !config.reward.from.is_empty() {
        return unusable("reward.from", format!("train {} infers its own reward; leave it out", kind.name()));
    }
    if config.network.is_recurrent() && matches!(kind, LearnerKind::Airl | LearnerKind::MaxentIrl) {
        return unusable(
            "network.kind",
            format!("train {} asks how likely a demonstrated tick is by itself; take network.kind mlp", kind.name()),
        );
    }
    let spaces = environment.policy_config();
    let reward = inferred_reward(config, data, (&spaces.observation, &spaces.action), &options.device)?;
    let provenance = provenance(config, &*environment, &[data.hash()]);
    let provenance = Provenance { dataset: data.source.clone(), ..provenance };
    let mut learner = Ppo::new(config, environment, &options.device)?.rewarded_by(reward);
    run(&mut learner, config, provenance, options, progress)
}
