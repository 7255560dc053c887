//! The humanoid: an active ragdoll. Torque-limited PD servos at its joints track the targets of a gait controller.
//! A harness, a set of limited external forces on the trunk, keeps its balance. After a hard push it stumbles, or falls
//! and gets up again.

mod action;
mod actuators;
mod anatomy;
mod bindings;
mod body;
mod command;
mod controller;
mod dof;
mod foot;
mod footholds;
mod frames;
mod gait;
mod harness;
mod inverse_kinematics;
mod joints;
mod jump_and_recovery;
mod kind;
mod measurement;
mod mjcf;
mod sensors;
mod state;
mod walk;

pub use self::action::{Control, action_layout};
pub use self::bindings::bindings;
pub use self::body::{Humanoid, HumanoidOptions};
pub use self::joints::{JOINT_COUNT, JOINTS};
pub use self::kind::HumanoidKind;
pub use self::mjcf::{HumanoidModel, MjcfError};
pub use self::sensors::{RANGE_ARC, observation_layout};
pub use self::walk::WalkOperator;
