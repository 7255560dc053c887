//! The trials of a hyperparameter search.

use std::path::Path;

use anyhow::Result;
use plotters::prelude::*;

use super::canvas::{GRAY, POLICY, SIZE, drawable_points, legend, padded_range, prepare, write_error};

/// The objective of each trial of a search, and the best so far. Trials without a finite objective are left out.
pub fn trials(path: &Path, y_label: &str, costs: &[(f32, f32)]) -> Result<()> {
    prepare(path)?;
    let root = BitMapBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE).map_err(|e| write_error(path, e))?;
    let costs = drawable_points(costs.iter().copied());
    let (low, high) = padded_range(costs.iter().map(|p| p.1));
    let last = costs.last().map_or(1.0, |p| p.0.max(1.0));
    let mut chart = ChartBuilder::on(&root)
        .caption("Trials", ("sans-serif", 26))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..last, low..high)
        .map_err(|e| write_error(path, e))?;
    chart
        .configure_mesh()
        .x_desc("trial")
        .max_light_lines(1)
        .y_desc(y_label)
        .label_style(("sans-serif", 16))
        .draw()
        .map_err(|e| write_error(path, e))?;
    let dots = costs.iter().map(|p| Circle::new(*p, 4, GRAY.filled()));
    chart
        .draw_series(dots)
        .map_err(|e| write_error(path, e))?
        .label("trial")
        .legend(|(x, y)| Circle::new((x + 10, y), 4, GRAY.filled()));
    let mut best = f32::INFINITY;
    let line = costs.iter().map(|(trial, cost)| {
        best = best.min(*cost);
        (*trial, best)
    });
    chart
        .draw_series(LineSeries::new(line.collect::<Vec<_>>(), POLICY.stroke_width(2)))
        .map_err(|e| write_error(path, e))?
        .label("best so far")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 20, y)], POLICY.stroke_width(3)));
    legend(&mut chart, SeriesLabelPosition::UpperRight).map_err(|e| write_error(path, e))?;
    root.present().map_err(|e| write_error(path, e))
}
