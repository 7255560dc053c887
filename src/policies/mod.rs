//! Trained networks: the Burn modules, the policy that acts, and its folder on disk.

pub mod artifact;
mod driver;
mod error;
mod head;
mod network;
mod policy;

pub use artifact::{PolicyConfig, Provenance, resolve_policy_dir};
pub use driver::{Policies, PolicyDriverPlugin, PolicyIndex};
pub use error::PolicyError;
pub use head::{Head, HeadConfig, HeadKind, HeadOutput};
pub use network::{Activation, Initial, Mlp, Network, NetworkConfig, ParameterSource};
pub use policy::{OBSERVATION_CLIP, Policy};
