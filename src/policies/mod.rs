//! Policies: the networks (Burn modules), inference, and the policy folder on disk.

pub mod artifact;
mod attack;
mod batch_rng;
pub mod demonstration_encoder;
mod driver;
mod encoders;
pub mod erased;
mod error;
pub mod heads;
mod lora;
mod network;
mod observation_mapping;
mod parameters;
mod policy;
mod policy_state;
pub mod registry;
pub mod trunks;

pub use artifact::{PolicyConfig, Provenance, resolve_policy_dir};
pub use attack::{Attack, AttackKind};
pub use batch_rng::BatchRng;
pub use driver::{Policies, PolicyDriverPlugin, PolicyIndex};
pub use error::PolicyError;
pub use heads::{
    ActionEvaluation, DuelingQ, Head, HeadConfig, HeadKind, HeadModule, HeadSizes, HeadSpec, Loss, Targets,
    register_head,
};
pub use lora::{ADAPTER_FILE, AdapterConfig, LoraAdapter, file_hash};
pub use network::Network;
pub use parameters::{ParameterInit, ParameterSource, StateDict, load_parameters};
pub use policy::{OBSERVATION_CLIP, Policy};
pub use policy_state::PolicyState;
pub use trunks::{
    Activation, Mlp, NetworkConfig, NetworkKind, NetworkSpec, RecurrentInput, Trunk, TrunkInput, TrunkModule,
    register_network,
};
