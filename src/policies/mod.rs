//! Policies: the networks (Burn modules), inference, and the policy folder on disk.

mod adapter_config;
pub mod artifact;
mod attack;
mod batch_rng;
pub mod checksums;
pub mod demonstration_encoder;
mod driver;
mod encoders;
pub mod erased;
mod error;
mod hash;
pub mod heads;
mod lora;
mod network;
mod observation_mapping;
mod parameters;
mod policy;
mod policy_config;
mod policy_state;
pub mod registry;
mod stored_tensors;
mod training_range;
pub mod trunks;

pub use adapter_config::{ADAPTER_FILE, AdapterConfig};
pub use artifact::resolve_policy_dir;
pub use attack::{Attack, AttackKind};
pub use batch_rng::BatchRng;
pub use driver::{Policies, PolicyDriverPlugin, PolicyIndex};
pub use error::PolicyError;
pub use hash::file_hash;
pub use heads::{
    ActionEvaluation, DuelingQ, Head, HeadConfig, HeadKind, HeadModule, HeadSizes, HeadSpec, Loss, Targets,
    register_head,
};
pub use lora::LoraAdapter;
pub use network::Network;
pub use parameters::{ParameterInit, ParameterSource, StateDict, load_parameters};
pub use policy::{OBSERVATION_CLIP, Policy};
pub use policy_config::{PolicyConfig, Provenance};
pub use policy_state::PolicyState;
pub use training_range::{OutsideCounter, OutsideField, OutsideReport, TrainingRange};
pub use trunks::{
    Activation, Mlp, NetworkConfig, NetworkKind, NetworkSpec, RecurrentInput, Trunk, TrunkInput, TrunkModule,
    register_network,
};
