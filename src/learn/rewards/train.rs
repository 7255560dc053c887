//! Training a policy on a reward that is inferred from demonstrations at the same time.

use burn::tensor::Device;

use super::RewardConfig;
use super::adversarial::RewardParts;
use super::reward_spec::RewardSpec;
use super::spec::RewardLearner;
use crate::learn::core::failed_episodes::leave_out_failed;
use crate::learn::core::preprocessing::warn_of_hardly_varied;
use crate::learn::core::section::AnySection;
use crate::learn::core::training::run;
use crate::learn::reinforcement::ppo::spec::{REQUIREMENTS, set_ppo_defaults};
use crate::learn::reinforcement::train::{provenance, report, scene_env, with_horizon};
use crate::learn::reinforcement::{Ppo, PpoConfig, VecEnvironment};
use crate::learn::{
    Curve, LearnedReward, LearnerSpec, Need, Progress, Requirements, RunOptions, TrainConfig, TrainError, TrainJob,
    TrainReport, TrainSummary, TrainingData,
};
use crate::policies::Provenance;
use crate::rollout::Transitions;
use crate::spaces::Layout;

/// The untrained reward that `config` asks for, with the demonstrations in `data`, for an agent with the layouts
/// `observation` and `action`.
///
/// # Errors
/// The demonstrations have other layouts or lack actions that the learner needs, or the learner infers no reward.
pub(super) fn inferred_reward(
    learner: &RewardLearner,
    config: &TrainConfig,
    data: &TrainingData,
    (observation, action): (&Layout, &Layout),
    device: &Device,
) -> Result<Box<dyn LearnedReward>, TrainError> {
    let fail = |message: String| Err(TrainError::Data { origin: data.source.clone(), message });
    let settings = config.get::<RewardConfig>();
    if data.observation.fields != observation.fields {
        let differences = observation.columns_of(&data.observation).err().unwrap_or_default();
        let differences: Vec<String> = differences.iter().map(ToString::to_string).collect();
        let text = if differences.is_empty() { "the scene has more fields".into() } else { differences.join("; ") };
        return fail(format!("its observations are not those of the scene's agent: {text}"));
    }
    if data.action.size() == 0 && learner.needs_actions {
        return fail(format!(
            "it holds no actions, only observations; train amp learns from those, train {} does not",
            learner.name
        ));
    }
    if data.action.size() > 0 && data.action.fields != action.fields {
        return fail("its actions are not those of the scene's agent".into());
    }
    let mut expert = Transitions::from_demonstrations(data)?;
    if !learner.needs_actions {
        (expert.act_dim, expert.actions) = (0, Vec::new());
    }
    let included: Vec<_> = match observation.fields_matching(&settings.features) {
        Ok(fields) => fields.iter().filter_map(|field| observation.range(&field.name)).collect(),
        Err(message) => return Err(TrainError::Config { origin: "reward.features".into(), message }),
    };
    let is_included = |column: &usize| included.is_empty() || included.iter().any(|range| range.contains(column));
    let excluded = (0..observation.size()).filter(|column| !is_included(column)).collect();
    let spec = RewardSpec {
        learner: learner.name.to_owned(),
        gamma: config.get::<PpoConfig>().gamma,
        observation: observation.clone(),
        action: action.clone(),
        normalizer: expert.fit_normalizer(observation, action, excluded),
        feature_weights: Vec::new(),
        reward: settings.clone(),
    };
    let device = device.clone().autodiff();
    (learner.build_reward)(RewardParts {
        spec: &spec,
        expert,
        seed: config.training.seed,
        total_updates: config.training.steps,
        device: &device,
    })
}

/// Trains a policy in `environment` on the reward that `config` asks to infer from `data`.
///
/// # Errors
/// Unusable configuration or demonstrations, a folder that cannot be written or resumed, or training that diverges.
pub(super) fn train_on_inferred_reward(
    learner: &RewardLearner,
    config: &TrainConfig,
    environment: Box<dyn VecEnvironment>,
    data: &TrainingData,
    options: &RunOptions,
    progress: &mut dyn Progress,
) -> Result<TrainSummary, TrainError> {
    config.check("the training configuration")?;
    if config.network.is_recurrent() && !learner.supports_recurrent {
        return Err(TrainError::Config {
            origin: "network.kind".into(),
            message: format!(
                "train {} needs the likelihood of single demonstrated actions, which a recurrent policy does not have; set \
                 network.kind=mlp",
                learner.name
            ),
        });
    }
    let spaces = environment.policy_config();
    let reward = inferred_reward(learner, config, data, (&spaces.observation, &spaces.action), &options.device)?;
    let provenance = provenance(config, &*environment, &[data.hash()], &[]);
    let provenance = Provenance { dataset: data.source.clone(), ..provenance };
    let pretrained = options.pretrained(&config.init)?;
    let ppo = Ppo::new(config, environment, pretrained.as_deref(), &options.device)?;
    run(&mut ppo.with_reward(reward), config, provenance, options, progress)
}

/// [`train_on_inferred_reward`] in the scene of the job, with the result as a report.
///
/// # Errors
/// As [`train_on_inferred_reward`]; or demonstrations of another scene.
fn train_job(
    learner: &RewardLearner,
    mut job: TrainJob,
    progress: &mut dyn Progress,
) -> Result<TrainReport, TrainError> {
    let (data, scene) = (job.take_data()?, job.take_scene()?);
    let config = &job.config;
    let origin = format!("train {}", config.spec().name());
    let mut scenes: Vec<&str> = data.episode_info.iter().map(|info| info.scene.as_str()).collect();
    scenes.sort_unstable();
    scenes.dedup();
    if scenes.len() > 1 {
        let message = format!(
            "these demonstrations are of several scenes ({}); a reward is inferred in one scene: give those of one",
            scenes.join(", ")
        );
        return Err(TrainError::Config { origin, message });
    }
    if let Some(other) = scenes.into_iter().find(|name| *name != scene.name) {
        let message = format!(
            "{} was recorded in {other}, and the policy is to be trained in {}; a reward is inferred in the scene of the \
             demonstrations",
            data.source, scene.name
        );
        return Err(TrainError::Config { origin, message });
    }
    let settings = config.get::<RewardConfig>();
    let data = leave_out_failed(&data, (settings.include_failed, "reward.include_failed"), progress);
    warn_of_hardly_varied(&data, &[], progress);
    let single = data.episodes_up_to(1);
    if single > 0 {
        let (total, left_out) = (data.episode_starts.len(), "left out: they have one tick, and so no transition");
        progress.message(&format!("{single} of the {total} demonstrations are {left_out}"));
    }
    let horizon = settings.horizon;
    let horizon = if horizon > 0 { horizon } else { data.reward_horizon() };
    let scene = with_horizon(&scene, horizon, progress);
    let summary = train_on_inferred_reward(learner, config, scene_env(&scene, config), &data, &job.options, progress)?;
    Ok(report(TrainSummary { failed_left_out: data.left_out.len(), ..summary }, config))
}

impl LearnerSpec for RewardLearner {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn examples(&self) -> &'static [&'static str] {
        self.examples
    }

    fn requirements(&self) -> Requirements {
        Requirements { dataset: Need::Required, scene: Need::Optional, reward: false, ..REQUIREMENTS }
    }

    fn sections(&self) -> Vec<Box<dyn AnySection>> {
        vec![Box::new(PpoConfig::default()), Box::new(RewardConfig::default())]
    }

    fn set_defaults(&self, config: &mut TrainConfig) {
        set_ppo_defaults(config);
        // The inferred reward is dense, so an effective horizon of two seconds is enough. With a longer one the agent
        // stands still, to avoid states off the road that the discriminator rejects.
        config.get_mut::<PpoConfig>().gamma = 0.98;
        // The task's own score does not select the policy.
        config.training.select_after = 1.0;
        (self.set_defaults)(config);
    }

    fn curve(&self) -> Option<Curve> {
        Some(Curve::Return)
    }

    fn train(&self, job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError> {
        train_job(self, job, progress)
    }
}
