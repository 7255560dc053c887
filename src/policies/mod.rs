//! Policies: the networks (Burn modules), inference, and the policy folder on disk.

pub mod artifact;
mod attack;
mod batch_rng;
pub mod demonstration_encoder;
mod driver;
mod encoders;
mod error;
mod heads;
mod lora;
mod network;
mod observation_mapping;
mod parameters;
mod policy;
mod policy_state;
mod trunks;

pub use artifact::{PolicyConfig, Provenance, resolve_policy_dir};
pub use attack::{Attack, AttackKind};
pub use batch_rng::BatchRng;
pub use driver::{Policies, PolicyDriverPlugin, PolicyIndex};
pub use error::PolicyError;
pub use heads::{
    Act, ActionEvaluation, Categorical, Diffusion, DuelingQ, Gaussian, Generator, Head, HeadConfig, HeadKind, Loss,
    Mixture, SquaredError, Targets, Vae,
};
pub use lora::{ADAPTER_FILE, AdapterConfig, LoraAdapter, file_hash};
pub use network::Network;
pub use parameters::{ParameterInit, ParameterSource, StateDict, load_parameters};
pub use policy::{OBSERVATION_CLIP, Policy};
pub use policy_state::PolicyState;
pub use trunks::{
    Activation, Cell, CellKind, Mlp, NetworkConfig, NetworkKind, Recurrent, RecurrentInput, Transformer, Trunk,
};
