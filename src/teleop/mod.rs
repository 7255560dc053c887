//! Teleoperation: keys become actions. A person presses them, or a scripted expert (an [`Operator`]) does.

mod expert;
mod key_quantizer;
mod plugin;

pub use expert::Expert;
pub use key_quantizer::KeyQuantizer;
pub use plugin::TeleopPlugin;

pub use crate::keys::{
    Binding, BindingCondition, Deviation, KeyBindings, KeyController, KeyLatch, KeyPair, Operator, RateLimit,
    ScriptedOperator, Skill, UnknownSkill,
};
