//! Agents: bodies with sensors, actuators and a driver that selects their actions.

mod agent;
mod camera;
pub mod humanoid;
mod kind;
mod observation_writer;
mod rays;
mod registry;
mod symmetry;
mod tag;
pub mod vehicle;

pub use agent::{Action, Agent, AgentBundle, AgentPlugin, Driver, Observation, Spaces};
pub use camera::DepthCamera;
pub use kind::{AgentKind, OperatorOptions, Pace, ParameterRange, Spacing};
pub use observation_writer::ObservationWriter;
pub use rays::{RangeSensor, ray_filter};
pub use registry::{AgentEntry, AgentSpecification, find_agent, register};
pub use symmetry::mirrors;
pub use tag::{TagLocomotion, TagOperator};
