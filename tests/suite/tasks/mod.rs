//! Tests of `tasks`.

mod custom_task;
mod relay;
