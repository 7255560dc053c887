//! Bodies under control: what they sense, what they can do, and who decides it.

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
pub use posts::PostSense;
pub use rays::{RayFan, body_filter};
pub use rival::RivalSense;
pub use symmetry::mirrors;
