//! The diagonal of the Fisher information matrix, which weights the penalty of elastic weight consolidation.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use crate::learn::core::optimizer::{EwcPenalties, EwcPenalty};

/// Sum of the squared gradients of each parameter, by name, flattened: proportional to the diagonal of the Fisher
/// information.
#[derive(Default)]
pub struct FisherDiagonal {
    squares: BTreeMap<String, Tensor<1>>,
}

impl FisherDiagonal {
    /// Adds the gradient of one row.
    pub fn add<M: Module>(&mut self, network: &M, grads: &GradientsParams) {
        network.visit(&mut SquareVisitor { squares: &mut self.squares, grads, path: Vec::new() });
    }

    /// The penalties that pull parameters to those of `network`, with weights proportional to the Fisher information
    /// and of mean `lambda`.
    pub fn ewc_penalties<M: Module>(self, network: &M, lambda: f32) -> EwcPenalties {
        let (mut sum, mut count) = (0.0, 0);
        for square in self.squares.values() {
            sum += square.clone().sum().into_data().iter::<f64>().next().unwrap_or(0.0);
            count += square.dims()[0];
        }
        let scale = f64::from(lambda) * count as f64 / sum.max(f64::MIN_POSITIVE);
        let mut visitor =
            PenaltyVisitor { squares: self.squares, scale, penalties: EwcPenalties::new(), path: Vec::new() };
        network.visit(&mut visitor);
        visitor.penalties
    }
}

struct SquareVisitor<'a> {
    squares: &'a mut BTreeMap<String, Tensor<1>>,
    grads: &'a GradientsParams,
    path: Vec<String>,
}

impl ModuleVisitor for SquareVisitor<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(grad) = self.grads.get::<D>(param.id) else { return };
        let square = grad.square().reshape([-1]);
        let name = self.path.join(".");
        let sum = match self.squares.remove(&name) {
            Some(before) => before + square,
            None => square,
        };
        self.squares.insert(name, sum);
    }
}

struct PenaltyVisitor {
    squares: BTreeMap<String, Tensor<1>>,
    scale: f64,
    penalties: EwcPenalties,
    path: Vec<String>,
}

impl ModuleVisitor for PenaltyVisitor {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.join(".");
        if let Some(square) = self.squares.remove(&name) {
            let anchor: Tensor<1> = param.val().inner().reshape([-1]);
            self.penalties.insert(name, EwcPenalty { anchor, weight: square.mul_scalar(self.scale) });
        }
    }
}
