//! Tasks: what a scene file says of them, how an episode of them starts, reward terms, success and failure.

mod falling;
mod kind;
mod lap;
mod park;
mod push;
mod reach;
mod registry;
mod relay;
mod score;
mod slalom;
mod specification;
mod tag;

pub use kind::{TaskKind, TaskSensor};
pub use lap::Lap;
pub use park::Park;
pub use push::Push;
pub use reach::Reach;
pub use registry::{register, task_names};
pub use relay::{Post, PostSensor, Relay, RelayPosts};
pub use score::{EpisodeEnd, Outcome, Score, Task, TaskContext, TaskPlugin, TaskState};
pub use slalom::{Gate, Slalom};
pub use specification::TaskSpecification;
pub use tag::{Rival, RivalSensor, Tag};
