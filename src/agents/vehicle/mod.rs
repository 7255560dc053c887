//! A car: Rapier's ray-cast vehicle controller on a chassis with four wheels.

mod bindings;
mod body;
mod drive;
mod kind;
mod sensors;
mod specification;

pub use bindings::bindings;
pub use body::{Vehicle, action_layout};
pub use drive::DriveOperator;
pub use kind::VehicleKind;
pub use sensors::{AHEAD, RAYS, observation_layout};
pub use specification::VehicleSpecification;
