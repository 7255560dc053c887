//! What an arena is built from: a RON scene, or a game's own code.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64;

use crate::agents::Spaces;
use crate::sim::{ConditionRanges, Physics, Slot, Variation};
use crate::tasks::Task;
use crate::teleop::{KeyBindings, Operator, Skill};

/// Builds arenas of one kind. Implemented by [`SceneSpecification`](super::SceneSpecification) for RON scenes; a game
/// with agents of its own implements it itself (see `examples/own_agent.rs`).
pub trait Blueprint: Send + Sync + 'static {
    /// One line about it.
    fn title(&self) -> String;

    /// What the acting agent senses and does.
    fn spaces(&self) -> Spaces;

    /// The agent's keys.
    fn bindings(&self) -> KeyBindings;

    /// Length of a tick, s.
    fn control_dt(&self) -> f32 {
        1.0 / 30.0
    }

    /// Length of a physics step, s; `control_dt` holds a whole number of them.
    fn sim_dt(&self) -> f32 {
        1.0 / 120.0
    }

    /// Names of the sides that play against each other, where there are such: an arena has one agent of each then, in this
    /// order.
    fn sides(&self) -> &'static [&'static str] {
        &[]
    }

    /// What the world is like beside its layout.
    fn conditions(&self) -> ConditionRanges {
        ConditionRanges::default()
    }

    /// Easier versions to learn in first, each with the share of successes that ends it.
    fn lessons(&self) -> Vec<(f32, Arc<dyn Blueprint>)> {
        Vec::new()
    }

    /// Time after which an episode ends, s.
    fn time_limit(&self) -> f32;

    /// Score terms with their weights, in the task's order.
    fn terms(&self) -> Vec<(String, f32)>;

    /// Fill an empty arena with the nominal layout and `agents` acting bodies.
    fn build(&self, physics: &mut Physics<'_>, agents: usize) -> Built;

    /// A scripted operator for the acting agent, where there is one.
    fn operator(&self, skill: Skill) -> Option<Box<dyn Operator>>;
}

/// A built arena's content.
pub struct Built {
    /// The acting bodies first, then those that the scene drives itself.
    pub slots: Vec<Slot>,
    /// Who is in each slot.
    pub roles: Vec<Role>,
    /// How episodes differ.
    pub variation: Box<dyn Variation>,
}

/// What is in a slot.
pub enum Role {
    /// An agent with a task.
    Actor(Box<dyn Task>),
    /// A body that the scene drives, such as another car.
    Extra(Box<dyn Operator>),
}

/// A named blueprint with the text that it was made from.
#[derive(Clone)]
pub struct Scene {
    /// Its name.
    pub name: String,
    /// Its text; what identifies it.
    pub text: String,
    /// Builds its arenas.
    pub blueprint: Arc<dyn Blueprint>,
    /// Ticks that every episode lasts, whatever happens in it; without it, one ends with its task or at the time limit.
    pub horizon: Option<u64>,
    /// What the world is like instead of what the blueprint says.
    pub conditions: Option<ConditionRanges>,
}

impl Scene {
    /// A scene of a game's own. `text` is anything that changes when the blueprint does; datasets keep its hash.
    pub fn new(name: impl Into<String>, text: impl Into<String>, blueprint: impl Blueprint) -> Self {
        Self { name: name.into(), text: text.into(), blueprint: Arc::new(blueprint), horizon: None, conditions: None }
    }

    /// Hash of the text (XXH3, 64 bits).
    pub fn hash(&self) -> u64 {
        xxh3_64(self.text.as_bytes())
    }

    /// One line about it.
    pub fn title(&self) -> String {
        self.blueprint.title()
    }

    /// The same scene, in which every episode lasts `ticks`, so that its length tells nothing about how it went. What
    /// comes after the task is done or failed earns nothing.
    pub fn with_horizon(&self, ticks: u64) -> Self {
        Self { horizon: Some(ticks), ..self.clone() }
    }

    /// The same scene under other conditions.
    pub fn under(&self, conditions: ConditionRanges) -> Self {
        Self { conditions: Some(conditions), ..self.clone() }
    }

    /// What the world is like beside its layout.
    pub fn conditions(&self) -> ConditionRanges {
        self.conditions.unwrap_or_else(|| self.blueprint.conditions())
    }

    /// Easier versions to learn in first, each with the share of successes that ends it; none with a horizon, since who
    /// imitates is to begin where demonstrators began.
    pub fn lessons(&self) -> Vec<(f32, Self)> {
        if self.horizon.is_some() {
            return Vec::new();
        }
        let lessons = self.blueprint.lessons().into_iter();
        lessons.map(|(until, blueprint)| (until, Self { blueprint, ..self.clone() })).collect()
    }

    /// Ticks until the time limit, or the horizon where there is one.
    pub fn tick_limit(&self) -> u64 {
        if let Some(horizon) = self.horizon {
            return horizon;
        }
        (self.blueprint.time_limit() / self.blueprint.control_dt()).round() as u64
    }
}

impl fmt::Debug for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scene").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Why there is no scene.
#[derive(Debug, Error)]
pub enum SceneError {
    /// No built-in scene and no file of that name.
    #[error("there is no scene `{name}`{}; there are {}, or give the path of a .ron file", nearest.as_ref().map_or(String::new(), |n| format!(" (did you mean `{n}`?)")), known.join(", "))]
    Unknown {
        /// The name asked for.
        name: String,
        /// The nearest name.
        nearest: Option<String>,
        /// All names.
        known: Vec<String>,
    },
    /// The file cannot be read.
    #[error("cannot read the scene {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The text is not a scene.
    #[error("{file}:{line}:{column}: {message}")]
    Invalid {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What was found and what is allowed.
        message: String,
    },
}
