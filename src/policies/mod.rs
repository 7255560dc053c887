//! Trained networks: the Burn modules, the policy that acts, and its folder on disk.

pub mod artifact;
mod chance;
mod driver;
mod error;
mod heads;
mod memory;
mod network;
mod parameters;
mod policy;
mod trunks;

pub use artifact::{PolicyConfig, Provenance, resolve_policy_dir};
pub use chance::Chance;
pub use driver::{Policies, PolicyDriverPlugin, PolicyIndex};
pub use error::PolicyError;
pub use heads::{
    Act, Categorical, Diffusion, Gaussian, Generator, Head, HeadConfig, HeadKind, Loss, Mixture, SquaredError, Targets,
    Vae,
};
pub use memory::PolicyMemory;
pub use network::Network;
pub use parameters::{Initial, ParameterSource, filled};
pub use policy::{OBSERVATION_CLIP, Policy};
pub use trunks::{Activation, Cell, CellKind, Mlp, NetworkConfig, NetworkKind, Recurrent, Transformer, Trunk};
