//! Recurrent layers: LSTM and GRU, whose state is carried from tick to tick.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation};

use super::activation::Activation;
use super::module::{RecurrentInput, TrunkModule, with_dropout};
use super::spec::{NetworkConfig, NetworkKind, NetworkSpec, TrunkInput};
use crate::policies::PolicyError;

/// Kind of recurrent cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellKind {
    /// Long short-term memory (Hochreiter & Schmidhuber 1997; with the forget gate of Gers et al. 2000).
    Lstm,
    /// Gated recurrent unit (Cho et al. 2014, arXiv:1406.1078), with the reset gate applied after the matrix product, as
    /// in PyTorch.
    Gru,
}

impl CellKind {
    /// Size of the gates' pre-activations, in units of the hidden size.
    fn gates(self) -> usize {
        match self {
            Self::Lstm => 4,
            Self::Gru => 3,
        }
    }

    /// Size of the state, in units of the hidden size: the hidden state, and of an LSTM the cell state.
    fn states(self) -> usize {
        match self {
            Self::Lstm => 2,
            Self::Gru => 1,
        }
    }
}

/// One recurrent layer. One matrix product computes all gates.
#[derive(Module, Debug)]
pub struct Cell {
    input: Linear,
    hidden: Linear,
    #[module(skip)]
    kind: CellKind,
    #[module(skip)]
    hidden_size: usize,
}

impl Cell {
    fn new(kind: CellKind, hidden_size: usize, device: &Device) -> Self {
        let linear = || LinearConfig::new(hidden_size, kind.gates() * hidden_size).init(device);
        Self { input: linear(), hidden: linear(), kind, hidden_size }
    }

    /// Numbers of the state.
    fn state_size(&self) -> usize {
        self.kind.states() * self.hidden_size
    }

    /// One tick: the input's pre-activations `[rows, gates * hidden_size]` and the state `[rows, state]` to the next
    /// state, whose first `hidden_size` numbers are the output.
    fn step(&self, input: Tensor<2>, state: Tensor<2>) -> Tensor<2> {
        let [rows, _] = state.dims();
        let part =
            |x: &Tensor<2>, i: usize| x.clone().slice([0..rows, i * self.hidden_size..(i + 1) * self.hidden_size]);
        let hidden = part(&state, 0);
        let recurrent = self.hidden.forward(hidden.clone());
        match self.kind {
            CellKind::Lstm => {
                let gates = input + recurrent;
                let [i, f, o] = [0, 1, 2].map(|gate| activation::sigmoid(part(&gates, gate)));
                let cell = f * part(&state, 1) + i * part(&gates, 3).tanh();
                Tensor::cat(vec![o * cell.clone().tanh(), cell], 1)
            }
            CellKind::Gru => {
                let [r, z] = [0, 1].map(|gate| activation::sigmoid(part(&input, gate) + part(&recurrent, gate)));
                let new = (part(&input, 2) + r * part(&recurrent, 2)).tanh();
                new.clone() + z * (hidden - new)
            }
        }
    }
}

/// A linear input layer followed by recurrent layers.
#[derive(Module, Debug)]
pub struct Recurrent {
    embedding: Linear,
    cells: Vec<Cell>,
    #[module(skip)]
    activation: Activation,
}

impl Recurrent {
    /// Cells of `kind` over inputs of `inputs` numbers; sizes and activation are those of `config`.
    fn new(kind: CellKind, inputs: usize, config: &NetworkConfig, device: &Device) -> Self {
        Self {
            embedding: LinearConfig::new(inputs, config.hidden_size).init(device),
            cells: (0..config.num_layers).map(|_| Cell::new(kind, config.hidden_size, device)).collect(),
            activation: config.activation,
        }
    }

    /// `[rows, ticks, inputs]` and the state before them to the outputs `[rows, ticks, hidden_size]` and the state after
    /// them `[rows, state]`.
    fn unroll(&self, x: Tensor<3>, initial: RecurrentInput) -> (Tensor<3>, Tensor<2>) {
        let [rows, ticks, _] = x.dims();
        let mut x = self.activation.apply(self.embedding.forward(x));
        let mut final_states = Vec::with_capacity(self.cells.len());
        let mut start = 0;
        for cell in &self.cells {
            let size = cell.state_size();
            let mut state = initial.state.clone().slice([0..rows, start..start + size]);
            start += size;
            let inputs = cell.input.forward(x);
            let mut outputs = Vec::with_capacity(ticks);
            for tick in 0..ticks {
                let input = inputs.clone().slice([0..rows, tick..tick + 1]).squeeze_dim::<2>(1);
                if let Some(mask) = &initial.continuation_mask {
                    state = state * mask.clone().slice([0..rows, tick..tick + 1]);
                }
                state = cell.step(input, state);
                outputs.push(state.clone().slice([0..rows, 0..cell.hidden_size]).unsqueeze_dim::<3>(1));
            }
            x = Tensor::cat(outputs, 1);
            final_states.push(state);
        }
        (x, Tensor::cat(final_states, 1))
    }
}

impl TrunkModule for Recurrent {
    fn forward(&self, inputs: Tensor<3>, masks: &[Tensor<2>]) -> Tensor<2> {
        let state = Tensor::zeros([inputs.dims()[0], self.state_size()], &inputs.device());
        with_dropout(self.unroll(inputs, RecurrentInput { state, continuation_mask: None }).0, masks)
    }

    fn forward_recurrent(&self, inputs: Tensor<3>, initial: RecurrentInput) -> Option<(Tensor<2>, Tensor<2>)> {
        let (features, state) = self.unroll(inputs, initial);
        Some((features.flatten(0, 1), state))
    }

    fn state_size(&self) -> usize {
        self.cells.iter().map(Cell::state_size).sum()
    }
}

/// The kind `lstm`.
pub(super) struct LstmSpec;

impl NetworkKind {
    /// A long short-term memory; its state is carried through the episode.
    pub const LSTM: Self = Self::new(&LstmSpec);
}

impl NetworkSpec for LstmSpec {
    fn name(&self) -> &'static str {
        "lstm"
    }

    fn about(&self) -> &'static str {
        "A long short-term memory; its state is carried through the episode."
    }

    fn type_name(&self) -> &'static str {
        "Recurrent"
    }

    fn input(&self) -> TrunkInput {
        TrunkInput::Recurrent
    }

    fn input_weight(&self) -> Option<&'static str> {
        Some("embedding.weight")
    }

    fn build(
        &self,
        config: &NetworkConfig,
        inputs: usize,
        device: &Device,
    ) -> Result<Box<dyn TrunkModule>, PolicyError> {
        Ok(Box::new(Recurrent::new(CellKind::Lstm, inputs, config, device)))
    }
}

/// The kind `gru`.
pub(super) struct GruSpec;

impl NetworkKind {
    /// A gated recurrent unit; its state is carried through the episode.
    pub const GRU: Self = Self::new(&GruSpec);
}

impl NetworkSpec for GruSpec {
    fn name(&self) -> &'static str {
        "gru"
    }

    fn about(&self) -> &'static str {
        "A gated recurrent unit; its state is carried through the episode."
    }

    fn type_name(&self) -> &'static str {
        "Recurrent"
    }

    fn input(&self) -> TrunkInput {
        TrunkInput::Recurrent
    }

    fn input_weight(&self) -> Option<&'static str> {
        Some("embedding.weight")
    }

    fn build(
        &self,
        config: &NetworkConfig,
        inputs: usize,
        device: &Device,
    ) -> Result<Box<dyn TrunkModule>, PolicyError> {
        Ok(Box::new(Recurrent::new(CellKind::Gru, inputs, config, device)))
    }
}
