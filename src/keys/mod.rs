//! Keys: the latch, the bindings from keys to actions, and operators that press keys in the place of a person. Public as
//! [`crate::teleop`], whose systems apply them to agents.

mod bindings;
mod key_controller;
mod latch;
mod operator;

pub use bindings::{Binding, BindingCondition, KeyBindings, RateLimit};
pub use key_controller::{KeyController, KeyPair};
pub use latch::KeyLatch;
pub use operator::{Deviation, Operator, ScriptedOperator, Skill, UnknownSkill};
