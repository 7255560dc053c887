//! Bodies under control: what they sense, what they can do, and who decides it.

mod agent;
pub mod humanoid;
mod rays;
pub mod vehicle;

pub use agent::{Action, Agent, AgentBundle, AgentPlugin, Driver, Observation, Spaces};
pub use rays::{RayFan, body_filter};
