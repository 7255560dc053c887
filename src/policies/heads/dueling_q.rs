//! A dueling Q-network over joint actions (Mnih et al. 2015; Wang et al. 2015, arXiv:1511.06581, equation 9).

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData};

use super::module::HeadModule;
use super::spec::{HeadConfig, HeadKind, HeadSizes, HeadSpec};
use super::targets::{Loss, Targets};
use crate::policies::{BatchRng, PolicyError};
use crate::spaces::key_levels;

/// Largest number of joint actions that is accepted.
const MAX_JOINT_ACTIONS: usize = 4096;

/// Q-values of all joint actions. An action number takes the values of a key: its bounds, and 0 where it lies between
/// them. A joint action has one of these values for each action number.
#[derive(Module, Debug)]
pub struct DuelingQ {
    state_value: Linear,
    advantage: Linear,
    /// `[joint actions, actions]`, normalized.
    #[module(skip)]
    joint_actions: Vec<f32>,
    /// Numbers of one tick's action.
    #[module(skip)]
    act_dim: usize,
    /// Ticks for which an action is repeated.
    #[module(skip)]
    action_repeat: usize,
}

/// Number of joint actions for action numbers with these bounds, at most [`MAX_JOINT_ACTIONS`] + 1.
fn count_joint_actions(bounds: &[(f32, f32)]) -> usize {
    bounds.iter().fold(1usize, |count, bounds| (count * key_levels(*bounds).len()).min(MAX_JOINT_ACTIONS + 1))
}

impl DuelingQ {
    /// Large margin loss: the margin by which the Q-value of a demonstrated action must exceed the others (Hester et al.
    /// 2017, DQfD, arXiv:1704.03732, equation 2).
    pub const EXPERT_MARGIN: f32 = 0.8;

    fn new(config: &HeadConfig, sizes: &HeadSizes, device: &Device) -> Self {
        let mut joint_actions: Vec<Vec<f32>> = vec![Vec::new()];
        for bounds in &sizes.bounds {
            let extended = |row: &Vec<f32>| -> Vec<Vec<f32>> {
                key_levels(*bounds).into_iter().map(|level| [&row[..], &[level]].concat()).collect()
            };
            joint_actions = joint_actions.iter().flat_map(extended).collect();
        }
        Self {
            state_value: LinearConfig::new(sizes.features, 1).init(device),
            advantage: LinearConfig::new(sizes.features, joint_actions.len()).init(device),
            joint_actions: joint_actions.concat(),
            act_dim: sizes.actions,
            action_repeat: config.chunk_size,
        }
    }

    /// Q-values: `[rows, features]` to `[rows, joint actions]`.
    pub fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        let advantages = self.advantage.forward(features.clone());
        let mean = advantages.clone().mean_dim(1);
        self.state_value.forward(features) + advantages - mean
    }

    /// The joint actions, `[joint actions, actions]`, row-major, normalized.
    pub fn joint_actions(&self) -> &[f32] {
        &self.joint_actions
    }

    /// Index of the largest value; the first of equal ones.
    pub fn argmax(values: &[f32]) -> usize {
        values.iter().enumerate().fold(0, |best, (at, value)| if *value > values[best] { at } else { best })
    }

    /// Index of the joint action of `joint_actions` `[joint actions, actions]` with the smallest Euclidean distance to
    /// `action` `[actions]`, both normalized.
    pub fn nearest_joint_action(joint_actions: &[f32], action: &[f32]) -> usize {
        let negative_squared_distance =
            |row: &[f32]| -> f32 { -row.iter().zip(action).map(|(a, b)| (a - b) * (a - b)).sum::<f32>() };
        let similarities: Vec<f32> = joint_actions.chunks_exact(action.len()).map(negative_squared_distance).collect();
        Self::argmax(&similarities)
    }
}

impl HeadModule for DuelingQ {
    /// Large margin loss of demonstrated actions (Hester et al. 2017, equation 2), a mean over rows. The target is the
    /// chunk's first action.
    fn loss(&self, features: Tensor<2>, targets: &Targets, _rng: &mut BatchRng<'_>) -> Loss {
        let q_values = self.forward(features);
        let (device, [rows, joint]) = (q_values.device(), q_values.dims());
        let actions: Vec<f32> = targets.actions.clone().into_data().iter::<f32>().collect();
        let mut one_hot = vec![0.0f32; rows * joint];
        let chunks = actions.chunks_exact(self.action_repeat * self.act_dim);
        for (chunk, one_hot) in chunks.zip(one_hot.chunks_exact_mut(joint)) {
            one_hot[Self::nearest_joint_action(&self.joint_actions, &chunk[..self.act_dim])] = 1.0;
        }
        let one_hot = Tensor::<2>::from_data(TensorData::new(one_hot, [rows, joint]), &device);
        let margins = one_hot.clone().neg().add_scalar(1.0).mul_scalar(Self::EXPERT_MARGIN);
        let max = (q_values.clone() + margins).max_dim(1);
        targets.row_mean(max - (q_values * one_hot).sum_dim(1)).into()
    }

    /// The greedy joint action, repeated for the ticks of a chunk.
    fn predict(&self, features: Tensor<2>, _rng: &mut BatchRng<'_>) -> Tensor<2> {
        let q_values = self.forward(features);
        let (device, [rows, joint]) = (q_values.device(), q_values.dims());
        let q_values: Vec<f32> = q_values.into_data().iter::<f32>().collect();
        let actions: Vec<f32> = q_values
            .chunks_exact(joint)
            .flat_map(|row| {
                let best = Self::argmax(row);
                self.joint_actions[best * self.act_dim..(best + 1) * self.act_dim].repeat(self.action_repeat)
            })
            .collect();
        Tensor::from_data(TensorData::new(actions, [rows, self.action_repeat * self.act_dim]), &device)
    }
}

/// The kind `dueling_q`.
pub(super) struct DuelingQSpec;

impl HeadKind {
    /// A dueling Q-network over joint key actions; the policy is greedy, and the loss for demonstrations is the large
    /// margin loss of DQfD.
    pub const DUELING_Q: Self = Self::new(&DuelingQSpec);
}

impl HeadSpec for DuelingQSpec {
    fn name(&self) -> &'static str {
        "dueling_q"
    }

    fn about(&self) -> &'static str {
        "A dueling Q-network over joint key actions; the policy is greedy, and the loss for demonstrations is the large \
         margin loss of DQfD."
    }

    fn type_name(&self) -> &'static str {
        "DuelingQ"
    }

    fn is_stochastic(&self) -> bool {
        false
    }

    fn is_discrete(&self) -> bool {
        true
    }

    fn check(&self, config: &HeadConfig) -> Result<(), PolicyError> {
        let repeats = "head.chunk_size with head.kind dueling_q, which repeats one action for so many ticks";
        config.require(config.n_action_steps == config.chunk_size, "n_action_steps", repeats)?;
        let no_ensemble = "0 with head.kind dueling_q, which repeats one action";
        config.require(config.temporal_ensemble_coeff == 0.0, "temporal_ensemble_coeff", no_ensemble)
    }

    fn build(
        &self,
        config: &HeadConfig,
        sizes: &HeadSizes,
        device: &Device,
    ) -> Result<Box<dyn HeadModule>, PolicyError> {
        if count_joint_actions(&sizes.bounds) > MAX_JOINT_ACTIONS {
            let message = format!(
                "{} action numbers have more than {MAX_JOINT_ACTIONS} joint actions, too many for head.kind dueling_q; \
                 use head.kind gaussian",
                sizes.actions
            );
            return Err(PolicyError::Network { message });
        }
        Ok(Box::new(DuelingQ::new(config, sizes, device)))
    }
}
