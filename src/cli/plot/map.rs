//! A map of values over the ground, such as an inferred reward.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::canvas::{drawable, padded_range, prepare, write_error};

/// A map of the ground that shows the mean value in each square cell. `samples` are (x, z, value), m.
pub fn map(path: &Path, title: &str, samples: &[(f32, f32, f32)]) -> Result<()> {
    /// Minimum number of cells along the shorter and along the longer side, and the maximum along the longer side.
    const MIN_CELLS: (f32, f32) = (16.0, 80.0);
    const MAX_CELLS: f32 = 320.0;
    /// Maximum size of the map, and size of the labels beside it, pixels.
    const MAP_SIZE: (f32, f32) = (1000.0, 800.0);
    const LABEL_SIZE: (u32, u32) = (110, 110);
    /// Minimum width of the plot, pixels: the caption's.
    const MIN_WIDTH: u32 = 640;
    if samples.is_empty() {
        return Err(anyhow!("there are no samples to plot"));
    }
    prepare(path)?;
    let ((x0, x1), (z0, z1)) = (padded_range(samples.iter().map(|p| p.0)), padded_range(samples.iter().map(|p| p.1)));
    let (width, depth) = (x1 - x0, z1 - z0);
    let size = (width.min(depth) / MIN_CELLS.0)
        .min(width.max(depth) / MIN_CELLS.1)
        .max(width.max(depth) / MAX_CELLS)
        .max(1e-3);
    let mut cells = std::collections::BTreeMap::<(i32, i32), (f64, u32)>::new();
    for (x, z, value) in samples {
        let Some(((x, z), value)) = drawable(*x).zip(drawable(*z)).zip(drawable(*value)) else { continue };
        let cell = cells.entry((((x - x0) / size) as i32, ((z - z0) / size) as i32)).or_default();
        *cell = (cell.0 + f64::from(value), cell.1 + 1);
    }
    if cells.is_empty() {
        return Err(anyhow!("no sample is a finite number"));
    }
    let means: Vec<((i32, i32), f32)> =
        cells.into_iter().map(|(at, (sum, count))| (at, (sum / f64::from(count)) as f32)).collect();
    let mut sorted: Vec<f32> = means.iter().map(|(_, mean)| *mean).collect();
    sorted.sort_by(f32::total_cmp);
    // The color scale spans the 2nd to the 98th percentile, so that outliers do not compress it.
    let (low, high) = (sorted[sorted.len() / 50], sorted[sorted.len() - 1 - sorted.len() / 50]);
    // The same scale on both axes.
    let scale = (MAP_SIZE.0 / width).min(MAP_SIZE.1 / depth);
    let plot_width = ((width * scale) as u32 + LABEL_SIZE.0).max(MIN_WIDTH);
    let root = BitMapBackend::new(path, (plot_width, (depth * scale) as u32 + LABEL_SIZE.1)).into_drawing_area();
    root.fill(&WHITE).map_err(|e| write_error(path, e))?;
    let (half, middle) = (0.5 * (plot_width - LABEL_SIZE.0) as f32 / scale, 0.5 * (x0 + x1));
    let mut chart = ChartBuilder::on(&root)
        .caption(format!("{title}: {low:.2} (blue) to {high:.2} (red) per tick"), ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d(middle - half..middle + half, -z1..-z0)
        .map_err(|e| write_error(path, e))?;
    let mesh = &mut chart.configure_mesh();
    mesh.disable_mesh().x_desc("x, m").y_desc("-z, m").x_labels(7).draw().map_err(|e| write_error(path, e))?;
    let squares = means.iter().map(|((column, row), mean)| {
        let (x, z) = (x0 + *column as f32 * size, z0 + *row as f32 * size);
        let fraction = ((mean - low) / (high - low).max(1e-9)).clamp(0.0, 1.0);
        let color = HSLColor(f64::from(0.66 * (1.0 - fraction)), 0.85, 0.5);
        Rectangle::new([(x, -z), (x + size, -z - size)], color.filled())
    });
    chart.draw_series(squares).map_err(|e| write_error(path, e))?;
    root.present().map_err(|e| write_error(path, e))
}
