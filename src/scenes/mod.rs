//! Scenes: layout, agents and task of an arena. Read from RON files, validated with error positions, built into arenas.

mod blueprint;
mod build;
mod finite;
mod library;
mod locate;
mod spawn;
mod specification;
mod validate;

pub use blueprint::{ArenaContents, Blueprint, CurriculumStage, Role, Scene, SceneError};
pub use library::{builtin_names, file_name, find, find_built_in, load_file, parse};
pub use spawn::{ArenaScene, Spawned, despawn_arena, spawn_arena};
pub use specification::{SceneSpecification, StageSpecification};
