//! What a game needs most often: `use apprentice::prelude::*;` beside `use bevy::prelude::*;`. No name is in both, so
//! [`Scene`](crate::scenes::Scene) is not here: Bevy has another one.

pub use crate::agents::{Action, Agent, Driver, Observation, Spaces};
pub use crate::demos::Dataset;
pub use crate::learn::{LearnerSpec, RunOptions, TrainConfig, TrainingData, defaults, train_on_dataset};
pub use crate::live::{LivePlugin, Session, SessionOptions, SessionPlugins, open_session};
pub use crate::policies::{Policies, Policy, PolicyDriverPlugin, PolicyIndex};
pub use crate::rollout::{
    Player, SandboxPlugins, VecEnv, VecEnvOptions, evaluate, evaluation_seeds, headless_app, record, recording_seeds,
};
pub use crate::scenes::{Blueprint, Spawned, despawn_arena, find, spawn_arena};
pub use crate::sim::{Arena, Body, begin_episode, tick};
pub use crate::tasks::{EpisodeEnd, Score, Task};
pub use crate::teleop::{Operator, ScriptedOperator, Skill};
#[cfg(feature = "desktop")]
pub use crate::ui::{AppOptions, DesktopPlugins, UiPlugin, run_app};
