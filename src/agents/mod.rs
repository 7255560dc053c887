//! Agents: bodies with sensors, actuators and a driver that selects their actions.

mod agent;
mod camera;
pub mod humanoid;
mod posts;
mod rays;
mod rival;
mod symmetry;
pub mod vehicle;

pub use agent::{Action, Agent, AgentBundle, AgentPlugin, Driver, Observation, Spaces};
pub use camera::DepthCamera;
pub use posts::PostSensor;
pub use rays::{RangeSensor, ray_filter};
pub use rival::RivalSensor;
pub use symmetry::mirrors;
