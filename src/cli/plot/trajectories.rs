//! Trajectories of demonstrations and policies.

use std::path::Path;

use anyhow::Result;
use plotters::prelude::*;

use super::canvas::{DEMONSTRATIONS, GRAY, POLICY, SIZE, drawable, legend, padded_range, prepare, write_error};
use crate::rollout::Trace;

/// Trajectories seen from above: those of demonstrations and those of a policy.
pub fn trajectories(path: &Path, title: &str, demonstrations: &[Trace], policy: &[Trace]) -> Result<()> {
    prepare(path)?;
    let root = BitMapBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE).map_err(|e| write_error(path, e))?;
    let all = || {
        demonstrations
            .iter()
            .chain(policy)
            .flat_map(|t| t.path.positions.iter().chain(&t.path.course).chain(&t.path.goal))
    };
    let (x0, x1) = padded_range(all().map(|p| p.0));
    let (z0, z1) = padded_range(all().map(|p| p.1));
    // The same scale on both axes; -z (forward) points up.
    let (width, height) = (x1 - x0, z1 - z0);
    let scale = (width / 800.0).max(height / 560.0);
    let (cx, cz) = (f32::midpoint(x0, x1), f32::midpoint(z0, z1));
    let (half_x, half_z) = (400.0 * scale, 280.0 * scale);
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 26))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d(cx - half_x..cx + half_x, -cz - half_z..-cz + half_z)
        .map_err(|e| write_error(path, e))?;
    chart
        .configure_mesh()
        .x_desc("x, m")
        .y_desc("-z, m")
        .light_line_style(WHITE)
        .label_style(("sans-serif", 16))
        .draw()
        .map_err(|e| write_error(path, e))?;
    let flip = |p: &(f32, f32)| (drawable(p.0).unwrap_or_default(), -drawable(p.1).unwrap_or_default());
    if let Some(trace) = demonstrations.iter().chain(policy).find(|t| !t.path.course.is_empty()) {
        chart
            .draw_series(LineSeries::new(trace.path.course.iter().map(flip), GRAY.stroke_width(1)))
            .map_err(|e| write_error(path, e))?
            .label("course")
            .legend(|(x, y)| PathElement::new([(x, y), (x + 20, y)], GRAY));
    }
    for (traces, name, color) in [(demonstrations, "demonstrations", DEMONSTRATIONS), (policy, "policy", POLICY)] {
        for (i, trace) in traces.iter().enumerate() {
            let line = LineSeries::new(trace.path.positions.iter().map(flip), color.mix(0.7).stroke_width(2));
            let series = chart.draw_series(line).map_err(|e| write_error(path, e))?;
            if i == 0 {
                series.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(3)));
            }
            if let Some(goal) = &trace.path.goal {
                let mark = Circle::new(flip(goal), 4, color.filled());
                chart.draw_series([mark]).map_err(|e| write_error(path, e))?;
            }
        }
    }
    legend(&mut chart, SeriesLabelPosition::UpperRight).map_err(|e| write_error(path, e))?;
    root.present().map_err(|e| write_error(path, e))
}
