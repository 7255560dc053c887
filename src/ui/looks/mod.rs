//! How the window shows each kind of agent: meshes, framing of the camera, ground.

mod humanoid;
mod look;
mod vehicle;

use std::sync::{PoisonError, RwLock};

use self::humanoid::HumanoidLook;
pub use self::look::{DrawnBody, Framing, Look};
use self::vehicle::VehicleLook;

/// The looks of the built-in kinds of agents.
static BUILT_IN: [&dyn Look; 2] = [&VehicleLook, &HumanoidLook];

static REGISTERED: RwLock<Vec<&'static dyn Look>> = RwLock::new(Vec::new());

/// The look of a kind without its own.
struct PlainLook;

impl Look for PlainLook {
    fn agent(&self) -> &'static str {
        ""
    }
}

/// Add the look of a kind of agent of another crate.
///
/// # Panics
/// The kind has a look.
pub fn register_look(look: &'static dyn Look) {
    let name = look.agent();
    assert!(looks().iter().all(|known| known.agent() != name), "the agent {name} has a look");
    REGISTERED.write().unwrap_or_else(PoisonError::into_inner).push(look);
}

fn looks() -> Vec<&'static dyn Look> {
    let registered = REGISTERED.read().unwrap_or_else(PoisonError::into_inner);
    BUILT_IN.iter().chain(registered.iter()).copied().collect()
}

/// The look of a kind of agent.
pub(super) fn look_of(agent: &str) -> &'static dyn Look {
    looks().into_iter().find(|look| look.agent() == agent).unwrap_or(&PlainLook)
}
