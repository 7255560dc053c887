//! Scenes: what stands where, who acts, what is asked. Written in RON, validated with positions, built into arenas.

mod blueprint;
mod build;
mod colours;
mod library;
mod locate;
mod road;
mod spawn;
mod specification;
mod validate;
mod variation;

pub use blueprint::{Blueprint, Built, Role, Scene, SceneError};
pub use colours::COLOURS;
pub use library::{builtin_names, find, load_file, parse};
pub use spawn::{ArenaScene, Spawned, despawn_arena, spawn_arena};
pub use specification::{AgentKind, SceneSpecification};
