//! An inferred reward that no longer changes: loaded from a run, applied to transitions.

use std::path::{Path, PathBuf};

use burn::tensor::Device;

use super::features::feature_names;
use super::registry::find_reward_learner;
use super::reward_spec::{RewardSpec, SPEC_FILE, WEIGHTS_FILE};
use super::spec::RewardLearner;
use super::stored_network::RewardFn;
use crate::learn::core::run_dir::{read_state, write_state};
use crate::learn::{LearnedReward, RolloutTransitions, StoredReward, TrainError, UpdateStep};
use crate::policies::checksums::check_checksums;
use crate::rollout::Transitions;
use crate::spaces::Layout;

/// The state of a [`RewardModel`] in a checkpoint of the policy that trains on it.
const STATE_FILE: &str = "reward.bin";
/// Transitions in one forward pass.
const INFERENCE_BATCH: usize = 1024;

/// A reward that was inferred from demonstrations and is no longer trained.
pub struct RewardModel {
    spec: RewardSpec,
    learner: &'static RewardLearner,
    /// `None` for a linear reward.
    network: Option<Box<dyn RewardFn>>,
    /// Weight of the task's own reward, when a policy trains on it.
    task_weight: f32,
    /// Mean reward of the first update of the policy that trains on it; subtracted from all rewards. With a mean far
    /// from zero, the critic cannot resolve the differences between rewards (Naik et al. 2024, reward centering,
    /// arXiv:2405.09999).
    baseline: Option<f32>,
}

impl RewardModel {
    /// The files that define the reward.
    const FILES: [&'static str; 2] = [SPEC_FILE, WEIGHTS_FILE];

    /// The folder with the reward of a run, or of one of its checkpoints.
    fn dir(path: &Path) -> Option<PathBuf> {
        [path.to_path_buf(), path.join("last")].into_iter().find(|dir| dir.join(SPEC_FILE).is_file())
    }

    /// Loads the reward from the folder of a run, or of one of its checkpoints.
    ///
    /// # Errors
    /// There is none, or it is damaged.
    pub fn load(path: &Path) -> Result<Self, TrainError> {
        if !path.exists() {
            let message = "there is no such folder; give that of a run that inferred a reward".into();
            return Err(TrainError::Config { origin: path.display().to_string(), message });
        }
        let Some(dir) = &Self::dir(path) else {
            return Err(TrainError::Config {
                origin: path.display().to_string(),
                message: "it holds no inferred reward; give the folder of a run of train gail, vail, airl, amp, \
                          maxent-irl or apprenticeship"
                    .into(),
            });
        };
        let spec = RewardSpec::read(dir)?;
        let learner = find_reward_learner(&spec.learner)?;
        spec.check(learner.is_linear, &dir.join(SPEC_FILE))?;
        let network = (learner.load_network)(&spec, dir)?;
        check_checksums(dir)?;
        Ok(Self { spec, learner, network, task_weight: 0.0, baseline: None })
    }

    /// Loads the reward of the run `from` to train an agent with these layouts on it, mixed with the task's own reward at the
    /// weight `task_weight`.
    ///
    /// # Errors
    /// As [`RewardModel::load`], or its fields differ from the agent's.
    pub fn stored(
        from: &str,
        observation: &Layout,
        action: &Layout,
        task_weight: f32,
    ) -> Result<StoredReward, TrainError> {
        let path = Path::new(from);
        let reward = Self::load(path)?;
        if reward.spec.observation.fields != observation.fields || reward.spec.action.fields != action.fields {
            return Err(TrainError::Config {
                origin: "reward.from".into(),
                message: format!("the reward of {from} was learned with other fields than the scene's agent has"),
            });
        }
        let files = Self::dir(path).map(|dir| Self::FILES.map(|file| dir.join(file)).to_vec()).unwrap_or_default();
        Ok(StoredReward { reward: Box::new(Self { task_weight, ..reward }), files })
    }

    /// Whether the reward depends on the actions, not only on the observations.
    pub fn uses_actions(&self) -> bool {
        self.learner.reward_uses_actions
    }

    /// Name of the learner that inferred it.
    pub fn learner(&self) -> &str {
        &self.spec.learner
    }

    /// The observation layout that it applies to.
    pub fn observation(&self) -> &Layout {
        &self.spec.observation
    }

    /// The action layout that it applies to.
    pub fn action(&self) -> &Layout {
        &self.spec.action
    }

    /// The name and weight of each feature, for a reward that is a weighted sum of features; otherwise empty.
    pub fn weights(&self) -> Vec<(String, f64)> {
        feature_names(&self.spec.observation).into_iter().zip(self.spec.feature_weights.iter().copied()).collect()
    }

    /// The reward of each transition from `observations` `[n, obs_dim]` by `actions` `[n, act_dim]` to
    /// `next_observations` `[n, obs_dim]`, in the layouts' units. `actions` may be empty where the reward does not use
    /// them.
    pub fn predict(&self, observations: &[f32], actions: &[f32], next_observations: &[f32]) -> Vec<f32> {
        let Some(network) = &self.network else {
            return self.spec.linear_rewards(next_observations);
        };
        let normalizer = &self.spec.normalizer;
        let (obs_dim, act_dim) = (normalizer.observations.size(), normalizer.actions.size());
        let rows = next_observations.len() / obs_dim;
        let actions = if self.uses_actions() { actions.to_vec() } else { vec![0.0; rows * act_dim] };
        let transitions = Transitions {
            obs_dim,
            act_dim,
            observations: observations.to_vec(),
            actions,
            next_observations: next_observations.to_vec(),
        };
        let rows: Vec<usize> = (0..transitions.rows()).collect();
        rows.chunks(INFERENCE_BATCH)
            .flat_map(|rows| network.predict(&transitions.batch(rows, normalizer, None, &Device::flex())))
            .collect()
    }
}

impl LearnedReward for RewardModel {
    fn train_and_relabel(
        &mut self,
        rollout: &RolloutTransitions<'_>,
        _step: UpdateStep,
    ) -> Result<(Vec<f32>, Vec<(&'static str, f32)>), TrainError> {
        let inferred = self.predict(rollout.observations, rollout.actions, rollout.next_observations);
        let mean = inferred.iter().sum::<f32>() / inferred.len().max(1) as f32;
        let baseline = *self.baseline.get_or_insert(mean);
        let rewards = inferred
            .iter()
            .zip(rollout.rewards)
            .map(|(inferred, task)| (1.0 - self.task_weight) * (inferred - baseline) + self.task_weight * task)
            .collect();
        Ok((rewards, vec![("disc/policy_reward_mean", mean)]))
    }

    fn save(&self, dir: &Path) -> Result<(), TrainError> {
        write_state(dir, STATE_FILE, &self.baseline)
    }

    fn load(&mut self, dir: &Path) -> Result<(), TrainError> {
        self.baseline = read_state(dir, STATE_FILE)?;
        Ok(())
    }
}
