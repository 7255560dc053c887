//! Trunks: the hidden layers of a network, from observations to features; feedforward or with memory.
//!
//! A built-in network is one module and one line in the list below; another crate adds its own with [`register_network`].

mod activation;
pub mod mlp;
mod module;
pub mod recurrent;
mod spec;
pub mod transformer;

pub use activation::Activation;
pub use mlp::Mlp;
pub use module::{RecurrentInput, Trunk, TrunkFamily, TrunkModule};
pub use spec::{NetworkConfig, NetworkKind, NetworkSpec, TrunkInput};

use super::registry::{KindSpec, Registry};

/// The networks, in the order of the documentation.
static NETWORKS: Registry<dyn NetworkSpec> =
    Registry::new(&[&mlp::MlpSpec, &recurrent::LstmSpec, &recurrent::GruSpec, &transformer::TransformerSpec]);

impl KindSpec for dyn NetworkSpec {
    const FAMILY: &'static str = "network";

    fn registry() -> &'static Registry<Self> {
        &NETWORKS
    }

    fn entry(&self) -> (&'static str, &'static str) {
        (self.name(), self.about())
    }
}

impl Default for NetworkKind {
    fn default() -> Self {
        Self::MLP
    }
}

/// Add a network of another crate; `network.kind` then knows its name.
///
/// # Panics
/// A network of that name exists.
pub fn register_network(spec: &'static dyn NetworkSpec) {
    NETWORKS.register(spec);
}
