//! Tasks: reward terms, success, failure and time limit of an episode.

mod lap;
mod park;
mod push;
mod reach;
mod relay;
mod score;
mod slalom;
mod tag;

pub use lap::Lap;
pub use park::Park;
pub use push::Push;
pub use reach::Reach;
pub use relay::Visit;
pub use score::{EpisodeEnd, Outcome, Score, Task, TaskContext, TaskPlugin, TaskState};
pub use slalom::Slalom;
pub use tag::Tag;
