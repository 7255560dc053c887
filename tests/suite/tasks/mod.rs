//! Tests of `tasks`.

mod custom_task;
