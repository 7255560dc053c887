//! Scenes: layout, agents and task of an arena. Read from RON files, validated with error positions, built into arenas.

mod blueprint;
mod build;
mod colors;
mod library;
mod locate;
mod road;
mod spawn;
mod specification;
mod validate;
mod variation;

pub use blueprint::{ArenaContents, Blueprint, CurriculumStage, Role, Scene, SceneError};
pub use colors::COLORS;
pub use library::{builtin_names, find, load_file, parse};
pub use spawn::{ArenaScene, Spawned, despawn_arena, spawn_arena};
pub use specification::SceneSpecification;
