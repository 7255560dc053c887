//! Heads: the last part of a network. A head maps features to the distribution of an action chunk and defines the
//! training loss.
//!
//! A head predicts the actions of `chunk_size` ticks at once. Everywhere below, an action chunk is one row
//! `[chunk_size * actions]` of normalized numbers, tick after tick.
//!
//! A built-in head is one module and one line in the list below; another crate adds its own with [`register_head`].

pub mod act;
pub mod categorical;
pub mod diffusion;
pub mod dueling_q;
pub mod gaussian;
pub mod generator;
mod log_std;
pub mod mixture;
mod module;
mod spec;
pub mod squared_error;
mod targets;
pub mod vae;

pub use dueling_q::DuelingQ;
pub use module::{Head, HeadFamily, HeadModule};
pub use spec::{HeadConfig, HeadKind, HeadSizes, HeadSpec};
pub use targets::{ActionEvaluation, Loss, Targets};

use super::registry::{KindSpec, Registry};

/// The heads, in the order of the documentation.
static HEADS: Registry<dyn HeadSpec> = Registry::new(&[
    &squared_error::SquaredErrorSpec,
    &gaussian::GaussianSpec,
    &mixture::MixtureSpec,
    &categorical::CategoricalSpec,
    &vae::VaeSpec,
    &diffusion::DiffusionSpec,
    &act::ActSpec,
    &generator::GeneratorSpec,
    &dueling_q::DuelingQSpec,
]);

impl KindSpec for dyn HeadSpec {
    const FAMILY: &'static str = "head";

    fn registry() -> &'static Registry<Self> {
        &HEADS
    }

    fn entry(&self) -> (&'static str, &'static str) {
        (self.name(), self.about())
    }
}

impl Default for HeadKind {
    fn default() -> Self {
        Self::SQUARED_ERROR
    }
}

/// Add a head of another crate; `head.kind` then knows its name.
///
/// # Panics
/// A head of that name exists.
pub fn register_head(spec: &'static dyn HeadSpec) {
    HEADS.register(spec);
}
