//! Recurrent hidden layers: what was seen lives on in a state that is carried from tick to tick.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation};

use super::Activation;

/// Which recurrent cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellKind {
    /// Long short-term memory (Hochreiter & Schmidhuber 1997; with the forget gate of Gers et al. 2000).
    Lstm,
    /// Gated recurrent unit (Cho et al. 2014, arXiv:1406.1078), in the form whose reset gate follows the product.
    Gru,
}

impl CellKind {
    /// Products of the input that a cell needs, in widths.
    fn gates(self) -> usize {
        match self {
            Self::Lstm => 4,
            Self::Gru => 3,
        }
    }

    /// Numbers in a cell's state, in widths.
    fn state(self) -> usize {
        match self {
            Self::Lstm => 2,
            Self::Gru => 1,
        }
    }
}

/// One recurrent layer. All gates are computed by one product.
#[derive(Module, Debug)]
pub struct Cell {
    input: Linear,
    state: Linear,
    #[module(skip)]
    kind: CellKind,
    #[module(skip)]
    width: usize,
}

impl Cell {
    fn new(kind: CellKind, width: usize, device: &Device) -> Self {
        let linear = || LinearConfig::new(width, kind.gates() * width).init(device);
        Self { input: linear(), state: linear(), kind, width }
    }

    /// One tick: the input's products `[rows, gates * width]` and the state `[rows, state * width]` to the next state,
    /// whose first `width` numbers are the output.
    fn step(&self, input: Tensor<2>, state: Tensor<2>) -> Tensor<2> {
        let [rows, _] = state.dims();
        let part = |x: &Tensor<2>, i: usize| x.clone().slice([0..rows, i * self.width..(i + 1) * self.width]);
        let hidden = part(&state, 0);
        let recurrent = self.state.forward(hidden.clone());
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

/// A linear layer and recurrent layers above it.
#[derive(Module, Debug)]
pub struct Recurrent {
    embedding: Linear,
    cells: Vec<Cell>,
    #[module(skip)]
    activation: Activation,
}

impl Recurrent {
    pub(super) fn new(
        kind: CellKind,
        (inputs, width, layers): (usize, usize, usize),
        activation: Activation,
        device: &Device,
    ) -> Self {
        Self {
            embedding: LinearConfig::new(inputs, width).init(device),
            cells: (0..layers).map(|_| Cell::new(kind, width, device)).collect(),
            activation,
        }
    }

    /// Numbers in an agent's state.
    pub(super) fn state_size(&self) -> usize {
        self.cells.iter().map(|cell| cell.kind.state() * cell.width).sum()
    }

    /// `[rows, ticks, inputs]` and the state before them `[rows, state]` to the outputs `[rows, ticks, width]` and the
    /// state after them. `keeps` `[rows, ticks]`, where there is one, is 0 where a tick begins with nothing remembered, and
    /// 1 elsewhere.
    pub(super) fn forward(&self, x: Tensor<3>, state: Tensor<2>, keeps: Option<&Tensor<2>>) -> (Tensor<3>, Tensor<2>) {
        let [rows, ticks, _] = x.dims();
        let mut x = self.activation.apply(self.embedding.forward(x));
        let mut after = Vec::with_capacity(self.cells.len());
        let mut at = 0;
        for cell in &self.cells {
            let size = cell.kind.state() * cell.width;
            let mut state = state.clone().slice([0..rows, at..at + size]);
            at += size;
            let products = cell.input.forward(x);
            let mut outputs = Vec::with_capacity(ticks);
            for tick in 0..ticks {
                let product = products.clone().slice([0..rows, tick..tick + 1]).squeeze_dim::<2>(1);
                if let Some(keeps) = keeps {
                    state = state * keeps.clone().slice([0..rows, tick..tick + 1]);
                }
                state = cell.step(product, state);
                outputs.push(state.clone().slice([0..rows, 0..cell.width]).unsqueeze_dim::<3>(1));
            }
            x = Tensor::cat(outputs, 1);
            after.push(state);
        }
        (x, Tensor::cat(after, 1))
    }
}
