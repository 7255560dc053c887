//! The agents of scene files.

use serde::{Deserialize, Serialize};

use crate::agents::humanoid::Control;
use crate::agents::vehicle::VehicleSpecification;

/// The kind of an agent, with its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum AgentKind {
    /// A car.
    Vehicle {
        /// Parameters of the car; those left out have their defaults.
        #[serde(default)]
        car: VehicleSpecification,
    },
    /// A humanoid.
    Humanoid {
        /// Kind of its actions: commands or joint targets.
        #[serde(default)]
        control: Control,
        /// Strength of the balance harness, 0 to 1.
        #[serde(default = "full")]
        harness: f32,
    },
}

fn full() -> f32 {
    1.0
}

impl AgentKind {
    /// Name of the kind.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Vehicle { .. } => "vehicle",
            Self::Humanoid { .. } => "humanoid",
        }
    }
}
