//! Plots as PNG files; one file for each kind of plot.

mod canvas;
mod cross_play;
mod curves;
mod map;
mod ratings;
mod report;
mod trajectories;
mod trials;

pub use canvas::png;
pub use cross_play::cross_play;
pub use curves::curves;
pub use map::map;
pub use ratings::ratings;
pub use report::report;
pub use trajectories::trajectories;
pub use trials::trials;
