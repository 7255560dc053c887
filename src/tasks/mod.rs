//! What an agent is asked to do and how it is judged: named score terms, success, failure, time limit.

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
pub use score::{End, Judging, Outcome, Score, Task, TaskPlugin, TaskState};
pub use slalom::Slalom;
pub use tag::Tag;
