//! Attacks on a policy through what it observes.

use std::fmt;
use std::str::FromStr;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_pcg::Pcg64;
use xxhash_rust::xxh3::xxh3_64;

use super::{Chance, HeadKind, Network, ParameterSource, PolicyConfig, PolicyError};

/// Steps of a projected gradient attack (Madry et al. 2018 take 7 to 100; beyond 10 nothing changes here).
const PGD_STEPS: usize = 10;

/// How observations are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttackKind {
    /// By chance, each number to one end of what is allowed or the other.
    Noise,
    /// One step along the sign of the gradient (Goodfellow et al. 2015, arXiv:1412.6572, section 4), from a start by
    /// chance, since at the clean observation the gradient is zero.
    Fgsm,
    /// Several steps, each brought back to what is allowed (Madry et al. 2018, arXiv:1706.06083, equation 2.1).
    Pgd,
}

impl AttackKind {
    const ALL: [Self; 3] = [Self::Noise, Self::Fgsm, Self::Pgd];

    /// Its name on the command line.
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
        let unknown = || format!("there is no attack `{text}`; there are noise, fgsm and pgd");
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(unknown)
    }
}

/// An attack on one policy: each observation is moved, by at most `epsilon` standard deviations of each number, to where
/// the policy decides most differently (in the squared distance of normalised actions).
#[derive(Clone, Debug)]
pub struct Attack {
    kind: AttackKind,
    epsilon: f32,
    /// Differentiates.
    network: Network,
    device: Device,
}

impl Attack {
    /// An attack on the policy that `config` describes and whose parameters `source` gives.
    ///
    /// # Errors
    /// `epsilon` is not above zero; or the attack needs a gradient that the policy does not have, since it draws its
    /// actions or remembers.
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
        if kind != AttackKind::Noise && (config.remembers() || config.head.kind == HeadKind::Values) {
            let why = if matches!(config.head.kind, HeadKind::Categorical | HeadKind::Values) {
                "it takes one of several actions, which has no gradient"
            } else if config.head.is_random() {
                "it draws its actions by chance"
            } else {
                "it remembers earlier observations"
            };
            return fail(format!("{kind} follows the gradient of the policy's decision, and {why}; use noise"));
        }
        if config.network.shown > 0 {
            return fail("it is shown a demonstration; attacks on such policies are not possible".into());
        }
        let device = Device::flex().autodiff();
        // Only what is seen is moved: what the weights alone lead to would wait for its gradient for ever.
        let network = Network::new(config, source, &device)?.no_grad();
        Ok(Self { kind, epsilon, network, device })
    }

    /// Move normalised observations `[rows, width]`, row-major. The same observation is always moved alike.
    pub fn perturb(&self, inputs: &mut [f32], width: usize) {
        let clean = inputs.to_vec();
        let epsilon = self.epsilon;
        for row in inputs.chunks_exact_mut(width) {
            let bytes: Vec<u8> = row.iter().flat_map(|x| x.to_le_bytes()).collect();
            let mut generator = Pcg64::new(u128::from(xxh3_64(&bytes)), 0x6174_7461_636b);
            for x in row {
                let share = generator.random::<f32>() * 2.0 - 1.0;
                *x += epsilon * if self.kind == AttackKind::Noise { share.signum() } else { share };
            }
        }
        let (steps, length) = match self.kind {
            AttackKind::Noise => return,
            AttackKind::Fgsm => (1, epsilon),
            AttackKind::Pgd => (PGD_STEPS, 2.5 * epsilon / PGD_STEPS as f32),
        };
        let decided = self.decide(self.tensor(&clean, width)).detach();
        for _ in 0..steps {
            let moved = self.tensor(inputs, width).require_grad();
            let harm = (self.decide(moved.clone()) - decided.clone()).square().sum();
            let Some(gradient) = moved.grad(&harm.backward()) else { return };
            let gradient = gradient.into_data();
            for ((x, at), slope) in inputs.iter_mut().zip(&clean).zip(gradient.iter::<f32>()) {
                let sign = if slope == 0.0 { 0.0 } else { slope.signum() };
                *x = (*x + length * sign).clamp(at - epsilon, at + epsilon);
            }
        }
    }

    fn tensor(&self, values: &[f32], width: usize) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values.to_vec(), [values.len() / width, width]), &self.device)
    }

    fn decide(&self, inputs: Tensor<2>) -> Tensor<2> {
        let features = self.network.features(inputs.unsqueeze_dim(1), &[]);
        self.network.head().decide(features, &mut Chance::Each(Vec::new()))
    }
}
