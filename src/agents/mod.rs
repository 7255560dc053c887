//! Agents: bodies with sensors, actuators and a driver that selects their actions.

mod agent;
mod camera;
pub mod humanoid;
mod rays;
mod symmetry;
pub mod vehicle;

pub use agent::{Action, Agent, AgentBundle, AgentPlugin, Driver, Observation, Spaces};
pub use camera::DepthCamera;
pub use rays::{RangeSensor, ray_filter};
pub use symmetry::mirrors;
