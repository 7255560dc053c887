//! The source of an arena: a RON scene file, or a game's own code.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64;

use crate::agents::Spaces;
use crate::sim::{ConditionRanges, Physics, Slot, Variation};
use crate::tasks::Task;
use crate::teleop::{KeyBindings, Operator, Skill};

/// Builds the arenas of one scene. [`SceneSpecification`](super::SceneSpecification) implements it for RON scenes; a game
/// with its own agents implements it itself (see `examples/own_agent.rs`).
pub trait Blueprint: Send + Sync + 'static {
    /// One line of description.
    fn title(&self) -> String;

    /// The agents' observation and action spaces.
    fn spaces(&self) -> Spaces;

    /// The agents' key bindings.
    fn bindings(&self) -> KeyBindings;

    /// Length of a tick, s.
    fn control_dt(&self) -> f32 {
        1.0 / 30.0
    }

    /// Length of a physics step, s; `control_dt` is a whole number of them.
    fn sim_dt(&self) -> f32 {
        1.0 / 120.0
    }

    /// Names of the sides of a two-player game; an arena then has one agent of each, in this order. Empty for other scenes.
    fn sides(&self) -> &'static [&'static str] {
        &[]
    }

    /// Domain randomization: distributions of the physics parameters over episodes.
    fn conditions(&self) -> ConditionRanges {
        ConditionRanges::default()
    }

    /// The stages of a curriculum that reinforcement learning goes through before the scene itself.
    fn curriculum(&self) -> Vec<CurriculumStage<Arc<dyn Blueprint>>> {
        Vec::new()
    }

    /// Time after which an episode ends, s.
    fn time_limit(&self) -> f32;

    /// Reward terms with their weights, in the task's order.
    fn terms(&self) -> Vec<(String, f32)>;

    /// Fill an empty arena with the nominal layout and the bodies of `agents` agents.
    fn build(&self, physics: &mut Physics<'_>, agents: usize) -> ArenaContents;

    /// A scripted operator for an agent, if the scene has one.
    fn operator(&self, skill: Skill) -> Option<Box<dyn Operator>>;
}

/// One stage of a curriculum.
#[derive(Clone, Debug)]
pub struct CurriculumStage<S> {
    /// Success rate over the last 100 episodes at which the next stage begins.
    pub success_threshold: f32,
    /// The easier scene of this stage.
    pub scene: S,
}

/// The content of a built arena.
pub struct ArenaContents {
    /// Bodies: those of the agents first, then the non-player ones.
    pub slots: Vec<Slot>,
    /// The role of each slot.
    pub roles: Vec<Role>,
    /// Randomizes the initial state of each episode.
    pub variation: Box<dyn Variation>,
}

/// The role of a slot.
pub enum Role {
    /// An agent with a task.
    Agent(Box<dyn Task>),
    /// A non-player body that a scripted operator drives, such as another car.
    Npc {
        /// Observation and action spaces of the body.
        spaces: Spaces,
        /// The keys that the operator presses.
        bindings: KeyBindings,
        /// The operator.
        operator: Box<dyn Operator>,
    },
}

/// A named blueprint with its source text.
#[derive(Clone)]
pub struct Scene {
    /// Name of the scene.
    pub name: String,
    /// Source text; its hash identifies the scene.
    pub text: String,
    /// Builds the scene's arenas.
    pub blueprint: Arc<dyn Blueprint>,
    /// Fixed horizon: each episode lasts this many ticks. `None`: an episode ends with its task or at the time limit.
    pub horizon: Option<u64>,
    /// Domain randomization in place of the blueprint's.
    pub conditions: Option<ConditionRanges>,
}

impl Scene {
    /// A scene of a game's own. `text` must change when the blueprint changes; datasets store its hash.
    pub fn new(name: impl Into<String>, text: impl Into<String>, blueprint: impl Blueprint) -> Self {
        Self { name: name.into(), text: text.into(), blueprint: Arc::new(blueprint), horizon: None, conditions: None }
    }

    /// Hash of the text (XXH3, 64 bits).
    pub fn hash(&self) -> u64 {
        xxh3_64(self.text.as_bytes())
    }

    /// One line of description.
    pub fn title(&self) -> String {
        self.blueprint.title()
    }

    /// The same scene with a fixed horizon: each episode lasts `ticks`, so that its length carries no information about
    /// success (Kostrikov et al. 2019, arXiv:1809.02925). After success or failure the reward is 0.
    pub fn with_horizon(&self, ticks: u64) -> Self {
        Self { horizon: Some(ticks), ..self.clone() }
    }

    /// The same scene with other distributions of its conditions.
    pub fn with_conditions(&self, conditions: ConditionRanges) -> Self {
        Self { conditions: Some(conditions), ..self.clone() }
    }

    /// Domain randomization: distributions of the physics parameters over episodes.
    pub fn conditions(&self) -> ConditionRanges {
        self.conditions.unwrap_or_else(|| self.blueprint.conditions())
    }

    /// The stages of the scene's curriculum. None with a fixed horizon: imitation learning must start from the
    /// demonstrations' initial states.
    pub fn curriculum(&self) -> Vec<CurriculumStage<Self>> {
        if self.horizon.is_some() {
            return Vec::new();
        }
        let stages = self.blueprint.curriculum().into_iter();
        let own = |stage: CurriculumStage<Arc<dyn Blueprint>>| CurriculumStage {
            success_threshold: stage.success_threshold,
            scene: Self { blueprint: stage.scene, ..self.clone() },
        };
        stages.map(own).collect()
    }

    /// Time limit or fixed horizon, ticks.
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

/// Why a scene cannot be loaded.
#[derive(Debug, Error)]
pub enum SceneError {
    /// There is no built-in scene and no file of this name.
    #[error("there is no scene `{name}`{}; there are {}, or give the path of a .ron file", nearest.as_ref().map_or(String::new(), |n| format!(" (did you mean `{n}`?)")), known.join(", "))]
    Unknown {
        /// The requested name.
        name: String,
        /// The most similar name.
        nearest: Option<String>,
        /// All names.
        known: Vec<String>,
    },
    /// The file cannot be read.
    #[error("cannot read the scene {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file's name cannot be that of a scene.
    #[error(
        "the scene {} cannot have this name, which its recordings and runs would have, too; rename the file to 1 to 100 \
         characters",
        path.display()
    )]
    Name {
        /// The file.
        path: PathBuf,
    },
    /// The text is not a valid scene.
    #[error("{file}:{line}:{column}: {message}")]
    Invalid {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong and what is allowed.
        message: String,
    },
}
