//! `apprentice play`, and the app that opens without a command.

mod arguments;
#[cfg(not(feature = "desktop"))]
mod no_window;
#[cfg(feature = "desktop")]
mod window;

pub use arguments::PlayArguments;
#[cfg(not(feature = "desktop"))]
pub use no_window::{open, run};
#[cfg(feature = "desktop")]
pub use window::{open, run};
