//! A network whole: normalised observations to normalised actions.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::encoders::Encoder;
use super::heads::HeadSizes;
use super::heads::values::{MOST, joint_actions};
use super::parameters::filled;
use super::shown::Shown;
use super::{Carried, Chance, Head, HeadKind, Loss, ParameterSource, PolicyConfig, PolicyError, Targets, Trunk};

/// Encoders, the hidden part and the head.
#[derive(Module, Debug)]
pub struct Network {
    encoder: Option<Encoder>,
    shown: Option<Shown>,
    trunk: Trunk,
    head: Head,
    #[module(skip)]
    observation: usize,
}

impl Network {
    /// The network of a policy on `device`, with its parameters from `source`.
    ///
    /// # Errors
    /// Settings out of range, or a parameter that `source` cannot give.
    pub fn new(config: &PolicyConfig, source: &mut dyn ParameterSource, device: &Device) -> Result<Self, PolicyError> {
        config.network.check()?;
        config.head.check()?;
        let settings = &config.network;
        let encoder = Encoder::new(&config.observation, &settings.convolve, settings.encoded, device)?;
        let size = config.observation.size();
        let shown = (settings.shown > 0)
            .then(|| Shown::new(size, settings.shown, settings.width, settings.attention_heads, device));
        if encoder.is_some() && shown.is_some() {
            let message =
                "network.shown cannot be had together with images or network.convolve; hide those fields".into();
            return Err(PolicyError::Network { message });
        }
        let read = shown.as_ref().map_or(0, |shown| shown.sizes().1);
        let inputs = encoder.as_ref().map_or(size, Encoder::size) * settings.stacked() + read;
        let sizes = HeadSizes {
            features: config.network.features(inputs),
            actions: config.action.size(),
            bounds: config.normalized_bounds(),
        };
        if config.head.kind == HeadKind::Values && joint_actions(&sizes.bounds) > MOST {
            let message = format!(
                "{} action numbers have too many joint actions to tell the value of each; head.kind = \"gaussian\" takes any",
                sizes.actions
            );
            return Err(PolicyError::Network { message });
        }
        let trunk = Trunk::new(&config.network, inputs, device);
        let head = Head::new(&config.head, &sizes, device);
        filled(Self { encoder, shown, trunk, head, observation: size }, source, device)
    }

    /// `[rows, ticks, inputs]` to features `[rows * ticks, width]`. `masks`: dropout masks of as many rows, one for each
    /// of [`super::NetworkConfig::dropped`]'s widths, in training; nothing otherwise.
    pub fn features(&self, inputs: Tensor<3>, masks: &[Tensor<2>]) -> Tensor<2> {
        self.trunk.forward(self.encoded(inputs), masks)
    }

    /// The same of a recurrent network that goes on from what it `carried` along, and the state `[rows, state]` after the
    /// last tick; `None` for a network without a state.
    pub fn go_on(&self, inputs: Tensor<3>, carried: Carried) -> Option<(Tensor<2>, Tensor<2>)> {
        self.trunk.go_on(self.encoded(inputs), carried)
    }

    /// `[rows, ticks, inputs]` to what the hidden part takes of them.
    fn encoded(&self, inputs: Tensor<3>) -> Tensor<3> {
        let [rows, ticks, numbers] = inputs.dims();
        if let Some(shown) = &self.shown {
            let read = shown.forward(inputs.reshape([rows * ticks, numbers]));
            return read.reshape([rows as i64, ticks as i64, -1]);
        }
        let Some(encoder) = &self.encoder else { return inputs };
        let stacked = numbers / self.observation;
        let encoded = encoder.forward(inputs.reshape([rows * ticks * stacked, self.observation]));
        encoded.reshape([rows, ticks, stacked * encoder.size()])
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
