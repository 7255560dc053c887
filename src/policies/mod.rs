//! Trained networks: the Burn modules, the policy that acts, and its folder on disk.

pub mod artifact;
mod attack;
mod chance;
mod driver;
mod encoders;
mod error;
mod heads;
mod low_rank;
mod memory;
mod network;
mod parameters;
mod policy;
pub mod shown;
mod trunks;
mod view;

pub use artifact::{PolicyConfig, Provenance, resolve_policy_dir};
pub use attack::{Attack, AttackKind};
pub use chance::Chance;
pub use driver::{Policies, PolicyDriverPlugin, PolicyIndex};
pub use error::PolicyError;
pub use heads::{
    Act, Categorical, Diffusion, Gaussian, Generator, Head, HeadConfig, HeadKind, Likelihood, Loss, Mixture,
    SquaredError, Targets, Vae, Values,
};
pub use low_rank::{ADAPTER_FILE, AdapterConfig, LowRank, hash_of};
pub use memory::PolicyMemory;
pub use network::Network;
pub use parameters::{Copied, Initial, ParameterSource, filled};
pub use policy::{OBSERVATION_CLIP, Policy};
pub use trunks::{Activation, Carried, Cell, CellKind, Mlp, NetworkConfig, NetworkKind, Recurrent, Transformer, Trunk};
