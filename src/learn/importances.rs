//! How much a loss depends on each weight: the diagonal of the Fisher information.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::optimizer::Anchors;

/// Mean square of the gradient of each weight, by name, flattened.
#[derive(Default)]
pub struct Importances {
    squares: BTreeMap<String, Tensor<1>>,
}

impl Importances {
    /// Take the gradient of one row in.
    pub fn add<M: Module>(&mut self, network: &M, grads: &GradientsParams) {
        network.visit(&mut Adding { squares: &mut self.squares, grads, path: Vec::new() });
    }

    /// Pulls to where the weights of `network` are, of mean `strength`.
    pub fn anchors<M: Module>(self, network: &M, strength: f32) -> Anchors {
        let mut total = (0.0, 0);
        for square in self.squares.values() {
            total.0 += square.clone().sum().into_data().iter::<f64>().next().unwrap_or(0.0);
            total.1 += square.dims()[0];
        }
        let scale = f64::from(strength) * total.1 as f64 / total.0.max(f64::MIN_POSITIVE);
        let mut places = Places { squares: self.squares, scale, anchors: Anchors::new(), path: Vec::new() };
        network.visit(&mut places);
        places.anchors
    }
}

struct Adding<'a> {
    squares: &'a mut BTreeMap<String, Tensor<1>>,
    grads: &'a GradientsParams,
    path: Vec<String>,
}

impl ModuleVisitor for Adding<'_> {
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

struct Places {
    squares: BTreeMap<String, Tensor<1>>,
    scale: f64,
    anchors: Anchors,
    path: Vec<String>,
}

impl ModuleVisitor for Places {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.join(".");
        if let Some(square) = self.squares.remove(&name) {
            let place: Tensor<1> = param.val().inner().reshape([-1]);
            self.anchors.insert(name, (place, square.mul_scalar(self.scale)));
        }
    }
}
