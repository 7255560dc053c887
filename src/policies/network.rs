//! The network of a policy: normalized observations to normalized actions.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::demonstration_encoder::DemonstrationEncoder;
use super::encoders::ObservationEncoder;
use super::heads::HeadSizes;
use super::parameters::load_parameters;
use super::{BatchRng, Head, Loss, ParameterSource, PolicyConfig, PolicyError, RecurrentInput, Targets, Trunk};

/// Encoders, trunk and head.
#[derive(Module, Debug)]
pub struct Network {
    encoder: Option<ObservationEncoder>,
    demonstration_encoder: Option<DemonstrationEncoder>,
    trunk: Trunk,
    head: Head,
    #[module(skip)]
    obs_dim: usize,
}

impl Network {
    /// The network of a policy on `device`, with its parameters from `source`.
    ///
    /// # Errors
    /// A setting out of range, or a parameter that `source` cannot give.
    pub fn new(config: &PolicyConfig, source: &mut dyn ParameterSource, device: &Device) -> Result<Self, PolicyError> {
        config.network.check()?;
        config.head.check()?;
        let settings = &config.network;
        let encoder =
            ObservationEncoder::new(&config.observation, &settings.conv_features, settings.feature_size, device)?;
        let obs_dim = config.observation.size();
        let frames = settings.n_demonstration_frames;
        let demonstration_encoder = (frames > 0)
            .then(|| DemonstrationEncoder::new(obs_dim, frames, settings.hidden_size, settings.num_heads, device));
        if encoder.is_some() && demonstration_encoder.is_some() {
            let message = "network.n_demonstration_frames cannot be combined with images or network.conv_features; \
                           exclude those fields with data.exclude"
                .into();
            return Err(PolicyError::Network { message });
        }
        let context = demonstration_encoder.as_ref().map_or(0, DemonstrationEncoder::output_size);
        let encoded = encoder.as_ref().map_or(obs_dim, ObservationEncoder::output_size);
        let inputs = encoded * settings.n_stack() + context;
        let sizes = HeadSizes {
            features: settings.kind.features_dim(settings, inputs),
            actions: config.action.size(),
            bounds: config.normalized_bounds(),
        };
        let trunk = Trunk::new(settings.kind.type_name(), settings.kind.build(settings, inputs, device)?);
        let head = Head::new(config.head.kind.type_name(), config.head.kind.build(&config.head, &sizes, device)?);
        load_parameters(Self { encoder, demonstration_encoder, trunk, head, obs_dim }, source, device)
    }

    /// `[rows, ticks, inputs]` to features `[rows * ticks, features_dim]`. `masks`: in training one dropout mask of
    /// `rows * ticks` rows for each of [`super::NetworkConfig::dropout_sizes`], otherwise empty.
    pub fn features(&self, inputs: Tensor<3>, masks: &[Tensor<2>]) -> Tensor<2> {
        self.trunk.forward(self.encode(inputs), masks)
    }

    /// Features of a recurrent network from a given state, and its state `[rows, state]` after the last tick; `None` for a
    /// network without a state.
    pub fn forward_recurrent(&self, inputs: Tensor<3>, initial: RecurrentInput) -> Option<(Tensor<2>, Tensor<2>)> {
        self.trunk.forward_recurrent(self.encode(inputs), initial)
    }

    /// `[rows, ticks, inputs]` to the trunk's inputs.
    fn encode(&self, inputs: Tensor<3>) -> Tensor<3> {
        let [rows, ticks, columns] = inputs.dims();
        if let Some(demonstration_encoder) = &self.demonstration_encoder {
            let encoded = demonstration_encoder.forward(inputs.reshape([rows * ticks, columns]));
            return encoded.reshape([rows as i64, ticks as i64, -1]);
        }
        let Some(encoder) = &self.encoder else { return inputs };
        let n_stack = columns / self.obs_dim;
        let encoded = encoder.forward(inputs.reshape([rows * ticks * n_stack, self.obs_dim]));
        encoded.reshape([rows, ticks, n_stack * encoder.output_size()])
    }

    /// The trunk.
    pub fn trunk(&self) -> &Trunk {
        &self.trunk
    }

    /// The head.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Loss of demonstrated actions, one chunk for each tick of `inputs` `[rows, ticks, inputs]`.
    pub fn loss(&self, inputs: Tensor<3>, targets: &Targets, masks: &[Tensor<2>], rng: &mut BatchRng<'_>) -> Loss {
        self.head.loss(self.features(inputs, masks), targets, rng)
    }
}
