//! Keys to actions: the keyboard of a person and the scripted operators that press the same keys.

mod bindings;
mod drive;
mod expert;
mod latch;
mod operator;
mod tag;
mod tapped;
mod walk;

pub use bindings::{Binding, KeyBindings, Smoothing, TeleopPlugin, When, vehicle_bindings, walk_bindings};
pub use drive::DriveOperator;
pub use expert::Expert;
pub use latch::KeyLatch;
pub use operator::{Hands, KeyPair, Operator, ScriptedOperator, Skill, UnknownSkill};
pub use tag::TagOperator;
pub use tapped::Tapped;
pub use walk::WalkOperator;
