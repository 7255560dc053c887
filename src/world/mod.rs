//! The world of a scene file: agents, ground, road and objects. Their schema, how they are built into an arena, and how an
//! episode places them.

mod check;
mod colors;
mod episode;
mod objects;
mod road;
mod specification;

pub use check::{Checker, MAX_COORDINATE, Step, Violation};
pub use colors::COLORS;
pub use episode::{EpisodeStart, GroundPose, ground_point};
pub use objects::{CONE_HEIGHT, POST, WorldObjects, insert_object};
pub use specification::{
    Bay, Gates, Goal, Ground, Object, ObjectKind, Posts, Road, Scatter, Shape, Start, Traffic, WorldSpecification,
};
