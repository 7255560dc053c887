//! What all plots share: size, colors, font, ranges and legend.

use std::path::{Path, PathBuf};
use std::sync::Once;

use anyhow::{Result, anyhow};
use plotters::coord::CoordTranslate;
use plotters::prelude::*;
use plotters::style::register_font;

/// Size of a plot, pixels.
pub const SIZE: (u32, u32) = (900, 700);
/// Greatest absolute value that is drawn; greater ones are drawn at it. The axis labels of a range that a float cannot hold
/// would never end.
pub const MAX_VALUE: f32 = 1e30;
/// Least width of a range, as a fraction of its greatest absolute value: labels closer together are equal as floats.
const MIN_RELATIVE_WIDTH: f32 = 1e-3;
/// Color of demonstrations, and of the first side of a game.
pub const DEMONSTRATIONS: RGBColor = RGBColor(60, 110, 190);
/// Color of a policy, and of the second side of a game.
pub const POLICY: RGBColor = RGBColor(210, 90, 40);
/// Color of everything in the background.
pub const GRAY: RGBColor = RGBColor(150, 150, 150);

/// Parse the path of a PNG file from an argument.
pub fn png(name: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(name);
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png")) {
        return Ok(path);
    }
    Err("it does not end in .png; plots are PNG files".into())
}

/// Register the font, and create the folder of a plot.
pub fn prepare(path: &Path) -> Result<()> {
    static FONT: Once = Once::new();
    FONT.call_once(|| {
        // The font is embedded in the binary, so that no system font is needed. It is a valid font file.
        let _ = register_font("sans-serif", FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT);
    });
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).map_err(|e| anyhow!("cannot create {}: {e}", parent.display()))?;
    }
    Ok(())
}

/// The error of a plot that cannot be drawn or written.
pub fn write_error(path: &Path, error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot write {}: {error}", path.display())
}

/// The value at which `value` is drawn; `None` where it is not finite.
pub fn drawable(value: f32) -> Option<f32> {
    value.is_finite().then(|| value.clamp(-MAX_VALUE, MAX_VALUE))
}

/// The points of which both coordinates are finite, as they are drawn.
pub fn drawable_points(points: impl IntoIterator<Item = (f32, f32)>) -> Vec<(f32, f32)> {
    points.into_iter().filter_map(|(x, y)| drawable(x).zip(drawable(y))).collect()
}

/// Range of the drawable values with a margin of 5 %; (0, 1) without values.
pub fn padded_range(values: impl Iterator<Item = f32>) -> (f32, f32) {
    let (low, high) =
        values.filter_map(drawable).fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    if low > high {
        return (0.0, 1.0);
    }
    let least = MIN_RELATIVE_WIDTH * low.abs().max(high.abs());
    let margin = ((high - low) * 0.05).max(1e-3).max(least);
    (low - margin, high + margin)
}

/// Axis label of a step; empty for fractions of steps.
pub fn integer_label(step: &f32) -> String {
    if step.fract() == 0.0 { step.to_string() } else { String::new() }
}

/// Draw the legend of a chart.
pub fn legend<'a, DB: DrawingBackend + 'a, CT: CoordTranslate>(
    chart: &mut ChartContext<'a, DB, CT>,
    position: SeriesLabelPosition,
) -> std::result::Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
    chart
        .configure_series_labels()
        .position(position)
        .background_style(WHITE.mix(0.8))
        .border_style(GRAY)
        .label_font(("sans-serif", 16))
        .draw()
}
