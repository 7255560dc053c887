//! Adversarial attacks on a policy's observations.

use std::fmt;
use std::str::FromStr;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_pcg::Pcg64;
use xxhash_rust::xxh3::xxh3_64;

use super::{BatchRng, Network, ParameterSource, PolicyConfig, PolicyError};

/// Steps of a PGD attack (Madry et al. 2018 take 7 to 100; more than 10 have no effect here).
const PGD_STEPS: usize = 10;

/// Kind of attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttackKind {
    /// Random noise: each number is moved by `epsilon`, up or down at random.
    Noise,
    /// Fast gradient sign method: one step along the sign of the gradient (Goodfellow et al. 2015, arXiv:1412.6572,
    /// section 4), from a random start, since the gradient is zero at the clean observation.
    Fgsm,
    /// Projected gradient descent: several steps, each projected onto the `epsilon` ball (Madry et al. 2018,
    /// arXiv:1706.06083, equation 2.1).
    Pgd,
}

impl AttackKind {
    const ALL: [Self; 3] = [Self::Noise, Self::Fgsm, Self::Pgd];

    /// Name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Noise => "noise",
            Self::Fgsm => "fgsm",
            Self::Pgd => "pgd",
        }
    }
}

impl fmt::Display for AttackKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for AttackKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || format!("there is no attack `{text}`; the attacks are noise, fgsm and pgd");
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(unknown)
    }
}

/// An attack on one policy. It moves each observation within the L∞ ball of radius `epsilon`, in standard deviations of
/// each number, to maximize the squared distance between the normalized actions for the moved and the clean observation.
#[derive(Clone, Debug)]
pub struct Attack {
    kind: AttackKind,
    epsilon: f32,
    /// With automatic differentiation.
    network: Network,
    device: Device,
}

impl Attack {
    /// An attack on the policy with this `config`, whose parameters `source` gives.
    ///
    /// # Errors
    /// `epsilon` is not above zero; the attack needs gradients and the policy is stochastic, discrete or stateful; or the
    /// policy is conditioned on a demonstration.
    pub fn new(
        kind: AttackKind,
        epsilon: f32,
        config: &PolicyConfig,
        source: &mut dyn ParameterSource,
    ) -> Result<Self, PolicyError> {
        let fail = |message: String| Err(PolicyError::Attack { message });
        if !(epsilon.is_finite() && epsilon > 0.0) {
            return fail(format!("epsilon is {epsilon}; it must be above 0 (standard deviations of each number)"));
        }
        if kind != AttackKind::Noise && (config.is_stateful() || config.head.kind.is_discrete()) {
            let reason = if config.head.kind.is_discrete() {
                "discrete actions have no gradient"
            } else if config.head.is_stochastic() {
                "the policy is stochastic"
            } else {
                "the policy is stateful"
            };
            return fail(format!("{kind} needs the gradient of the action, and {reason}; use noise"));
        }
        if config.network.n_demonstration_frames > 0 {
            return fail("the policy is conditioned on a demonstration".into());
        }
        let device = Device::flex().autodiff();
        // Only the observation requires gradients: graph nodes that depend on the weights alone would never be freed.
        let network = Network::new(config, source, &device)?.no_grad();
        Ok(Self { kind, epsilon, network, device })
    }

    /// Perturb normalized observations `[rows, obs_dim]`, row-major. The perturbation is a function of the observation
    /// alone.
    pub fn perturb(&self, inputs: &mut [f32], obs_dim: usize) {
        let clean = inputs.to_vec();
        let epsilon = self.epsilon;
        for row in inputs.chunks_exact_mut(obs_dim) {
            let bytes: Vec<u8> = row.iter().flat_map(|x| x.to_le_bytes()).collect();
            let mut generator = Pcg64::new(u128::from(xxh3_64(&bytes)), 0x6174_7461_636b);
            for x in row {
                let direction = generator.random::<f32>() * 2.0 - 1.0;
                *x += epsilon * if self.kind == AttackKind::Noise { direction.signum() } else { direction };
            }
        }
        let (steps, step_size) = match self.kind {
            AttackKind::Noise => return,
            AttackKind::Fgsm => (1, epsilon),
            AttackKind::Pgd => (PGD_STEPS, 2.5 * epsilon / PGD_STEPS as f32),
        };
        let clean_actions = self.predict(self.tensor(&clean, obs_dim)).detach();
        for _ in 0..steps {
            let perturbed = self.tensor(inputs, obs_dim).require_grad();
            let distance = (self.predict(perturbed.clone()) - clean_actions.clone()).square().sum();
            let Some(gradient) = perturbed.grad(&distance.backward()) else { return };
            let gradient = gradient.into_data();
            for ((x, center), slope) in inputs.iter_mut().zip(&clean).zip(gradient.iter::<f32>()) {
                let sign = if slope == 0.0 { 0.0 } else { slope.signum() };
                *x = (*x + step_size * sign).clamp(center - epsilon, center + epsilon);
            }
        }
    }

    fn tensor(&self, values: &[f32], obs_dim: usize) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values.to_vec(), [values.len() / obs_dim, obs_dim]), &self.device)
    }

    fn predict(&self, inputs: Tensor<2>) -> Tensor<2> {
        let features = self.network.features(inputs.unsqueeze_dim(1), &[]);
        self.network.head().predict(features, &mut BatchRng::PerRow(Vec::new()))
    }
}
