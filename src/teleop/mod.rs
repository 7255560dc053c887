//! Teleoperation: keys become actions. A person presses them, or a scripted expert (an [`Operator`]) does.

mod bindings;
mod drive;
mod expert;
mod key_quantizer;
mod latch;
mod operator;
mod tag;
mod walk;

pub use bindings::{Binding, BindingCondition, KeyBindings, RateLimit, TeleopPlugin, vehicle_bindings, walk_bindings};
pub use drive::DriveOperator;
pub use expert::Expert;
pub use key_quantizer::KeyQuantizer;
pub use latch::KeyLatch;
pub use operator::{Deviation, KeyController, KeyPair, Operator, ScriptedOperator, Skill, UnknownSkill};
pub use tag::TagOperator;
pub use walk::WalkOperator;
