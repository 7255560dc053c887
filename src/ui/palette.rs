//! Colors.

use bevy::prelude::Color;

/// The sky at the horizon; also the fog's color.
pub const HORIZON: Color = Color::srgb(0.78, 0.87, 0.95);
/// The sky overhead.
pub const ZENITH: Color = Color::srgb(0.20, 0.45, 0.82);
/// Road surface.
pub const ASPHALT: Color = Color::srgb(0.30, 0.31, 0.33);
/// The road's embankment.
pub const VERGE: Color = Color::srgb(0.43, 0.47, 0.30);
/// Painted lines.
pub const PAINT: Color = Color::srgb(0.93, 0.93, 0.90);
/// Red of curbs.
pub const KERB_RED: Color = Color::srgb(0.80, 0.13, 0.12);
/// Goals.
pub const GOAL: Color = Color::srgb(0.16, 0.85, 0.45);
/// Cones.
pub const CONE: Color = Color::srgb(0.96, 0.38, 0.07);
/// Crate boards.
pub const WOOD: Color = Color::srgb(0.72, 0.52, 0.31);
/// Crate frames.
pub const WOOD_DARK: Color = Color::srgb(0.50, 0.34, 0.19);
/// Posts and walls.
pub const POST: Color = Color::srgb(0.62, 0.64, 0.68);
/// Steps and curbstones.
pub const STEP: Color = Color::srgb(0.76, 0.72, 0.64);
/// Windows.
pub const GLASS: Color = Color::srgb(0.06, 0.08, 0.11);
/// Tires, grilles and gaps.
pub const RUBBER: Color = Color::srgb(0.07, 0.07, 0.08);
/// Rims and mirrors.
pub const METAL: Color = Color::srgb(0.72, 0.74, 0.77);

/// Colors of the session's agents, by index; they repeat for more agents.
const AGENTS: [Color; 6] = [
    Color::srgb(0.86, 0.20, 0.13),
    Color::srgb(0.13, 0.42, 0.83),
    Color::srgb(0.95, 0.70, 0.10),
    Color::srgb(0.12, 0.62, 0.40),
    Color::srgb(0.52, 0.28, 0.74),
    Color::srgb(0.10, 0.62, 0.70),
];
/// Colors of traffic and parked cars.
const TRAFFIC: [Color; 5] = [
    Color::srgb(0.78, 0.79, 0.80),
    Color::srgb(0.22, 0.29, 0.38),
    Color::srgb(0.56, 0.60, 0.58),
    Color::srgb(0.36, 0.22, 0.20),
    Color::srgb(0.86, 0.84, 0.76),
];

/// Color of an agent of the session.
pub fn agent(index: usize) -> Color {
    AGENTS[index % AGENTS.len()]
}

/// Color of a traffic or parked car.
pub fn traffic(index: usize) -> Color {
    TRAFFIC[index % TRAFFIC.len()]
}
