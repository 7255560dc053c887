//! A network whole: normalised observations to normalised actions.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::heads::HeadSizes;
use super::parameters::filled;
use super::{Chance, Head, Loss, ParameterSource, PolicyConfig, PolicyError, Targets, Trunk};

/// The hidden part and the head.
#[derive(Module, Debug)]
pub struct Network {
    trunk: Trunk,
    head: Head,
}

impl Network {
    /// The network of a policy on `device`, with its parameters from `source`.
    ///
    /// # Errors
    /// Settings out of range, or a parameter that `source` cannot give.
    pub fn new(config: &PolicyConfig, source: &mut dyn ParameterSource, device: &Device) -> Result<Self, PolicyError> {
        config.network.check()?;
        config.head.check()?;
        let inputs = config.observation.size() * config.network.stacked();
        let sizes = HeadSizes {
            features: config.network.features(inputs),
            actions: config.action.size(),
            bounds: config.normalized_bounds(),
        };
        let trunk = Trunk::new(&config.network, inputs, device);
        let head = Head::new(&config.head, &sizes, device);
        filled(Self { trunk, head }, source, device)
    }

    /// `[rows, ticks, inputs]` to features `[rows * ticks, width]`. `masks`: dropout masks of as many rows, one for each
    /// of [`super::NetworkConfig::dropped`]'s widths, in training; nothing otherwise.
    pub fn features(&self, inputs: Tensor<3>, masks: &[Tensor<2>]) -> Tensor<2> {
        self.trunk.forward(inputs, masks)
    }

    /// The hidden part.
    pub fn trunk(&self) -> &Trunk {
        &self.trunk
    }

    /// The head.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The loss of demonstrated actions, one chunk for each tick of `inputs` `[rows, ticks, inputs]`.
    pub fn loss(&self, inputs: Tensor<3>, targets: &Targets, masks: &[Tensor<2>], chance: &mut Chance<'_>) -> Loss {
        self.head.loss(self.features(inputs, masks), targets, chance)
    }
}
