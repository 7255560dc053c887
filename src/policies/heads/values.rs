//! The value of each joint action (Mnih et al. 2015), told apart from the value of the state (dueling; Wang et al. 2015,
//! arXiv:1511.06581, equation 9).

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData};

use super::{HeadConfig, HeadSizes, Targets};
use crate::spaces::press_levels;

/// Most joint actions that are accepted.
pub(in crate::policies) const MOST: usize = 4096;

/// Values of all joint actions: of each number its bounds, and 0 between them.
#[derive(Module, Debug)]
pub struct Values {
    state: Linear,
    advantage: Linear,
    /// `[joint actions, actions]`, normalised.
    #[module(skip)]
    table: Vec<f32>,
    #[module(skip)]
    actions: usize,
    /// Ticks that an action is held.
    #[module(skip)]
    held: usize,
}

/// How many joint actions numbers with these bounds have; at most a little more than are accepted.
pub(in crate::policies) fn joint_actions(bounds: &[(f32, f32)]) -> usize {
    bounds.iter().fold(1usize, |count, bounds| (count * press_levels(*bounds).len()).min(MOST + 1))
}

impl Values {
    /// By how much more an action that was demonstrated is to be worth than others (Hester et al. 2017, DQfD,
    /// arXiv:1704.03732, equation 2).
    pub const MARGIN: f32 = 0.8;

    pub(super) fn new(config: &HeadConfig, sizes: &HeadSizes, device: &Device) -> Self {
        let mut table: Vec<Vec<f32>> = vec![Vec::new()];
        for bounds in &sizes.bounds {
            let longer = |row: &Vec<f32>| -> Vec<Vec<f32>> {
                press_levels(*bounds).into_iter().map(|level| [&row[..], &[level]].concat()).collect()
            };
            table = table.iter().flat_map(longer).collect();
        }
        Self {
            state: LinearConfig::new(sizes.features, 1).init(device),
            advantage: LinearConfig::new(sizes.features, table.len()).init(device),
            table: table.concat(),
            actions: sizes.actions,
            held: config.chunk,
        }
    }

    /// `[rows, features]` to the value of each joint action, `[rows, joint actions]`.
    pub fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        let advantages = self.advantage.forward(features.clone());
        let mean = advantages.clone().mean_dim(1);
        self.state.forward(features) + advantages - mean
    }

    /// The joint actions, `[joint actions, actions]`, row-major, normalised.
    pub fn table(&self) -> &[f32] {
        &self.table
    }

    /// Where the largest of some values is; the first of several.
    pub fn best(values: &[f32]) -> usize {
        values.iter().enumerate().fold(0, |best, (at, value)| if *value > values[best] { at } else { best })
    }

    /// Which joint action of `table`, `[joint actions, action size]`, is nearest to `action`, `[action size]`, both normalised.
    pub fn nearest(table: &[f32], action: &[f32]) -> usize {
        let far = |row: &[f32]| -> f32 { -row.iter().zip(action).map(|(a, b)| (a - b) * (a - b)).sum::<f32>() };
        let nearness: Vec<f32> = table.chunks_exact(action.len()).map(far).collect();
        Self::best(&nearness)
    }

    /// The joint action of the highest value, as often as it is held.
    pub(super) fn decide(&self, features: Tensor<2>) -> Tensor<2> {
        let values = self.forward(features);
        let (device, [rows, joint]) = (values.device(), values.dims());
        let values: Vec<f32> = values.into_data().iter::<f32>().collect();
        let chosen: Vec<f32> = values
            .chunks_exact(joint)
            .flat_map(|row| {
                let best = Self::best(row);
                self.table[best * self.actions..(best + 1) * self.actions].repeat(self.held)
            })
            .collect();
        Tensor::from_data(TensorData::new(chosen, [rows, self.held * self.actions]), &device)
    }

    /// Mean over rows of how much less than others the demonstrated actions are worth, or not enough more. Of the ticks that
    /// an action is held the first says which was demonstrated.
    pub(super) fn loss(&self, features: Tensor<2>, targets: &Targets) -> Tensor<1> {
        let values = self.forward(features);
        let (device, [rows, joint]) = (values.device(), values.dims());
        let wanted: Vec<f32> = targets.actions.clone().into_data().iter::<f32>().collect();
        let mut shown = vec![0.0f32; rows * joint];
        for (wanted, shown) in wanted.chunks_exact(self.held * self.actions).zip(shown.chunks_exact_mut(joint)) {
            shown[Self::nearest(&self.table, &wanted[..self.actions])] = 1.0;
        }
        let shown = Tensor::<2>::from_data(TensorData::new(shown, [rows, joint]), &device);
        let margins = shown.clone().neg().add_scalar(1.0).mul_scalar(Self::MARGIN);
        let most = (values.clone() + margins).max_dim(1);
        targets.row_mean(most - (values * shown).sum_dim(1))
    }
}
