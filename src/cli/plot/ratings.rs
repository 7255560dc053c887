//! Elo ratings of the players of self-play.

use std::path::Path;

use anyhow::Result;
use plotters::prelude::*;

use super::canvas::{
    DEMONSTRATIONS, POLICY, SIZE, drawable_points, integer_label, legend, padded_range, prepare, write_error,
};
use crate::learn::self_play::Games;

/// Elo ratings of all players of both sides, over the number of updates that each was trained for.
pub fn ratings(path: &Path, games: &Games) -> Result<()> {
    prepare(path)?;
    let root = BitMapBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE).map_err(|e| write_error(path, e))?;
    let ratings = games.ratings();
    let last = games.updates.iter().copied().max().unwrap_or(0).max(1) as f32;
    let (low, high) = padded_range(ratings.iter().flatten().map(|r| *r as f32));
    let mut chart = ChartBuilder::on(&root)
        .caption("Elo ratings of all players", ("sans-serif", 26))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..last, low..high)
        .map_err(|e| write_error(path, e))?;
    let mesh = &mut chart.configure_mesh();
    mesh.x_desc("updates").y_desc("Elo").max_light_lines(1).label_style(("sans-serif", 16));
    mesh.x_label_formatter(&integer_label).y_label_formatter(&|y| format!("{y:.0}"));
    mesh.draw().map_err(|e| write_error(path, e))?;
    for ((ratings, name), color) in ratings.iter().zip(&games.sides).zip([DEMONSTRATIONS, POLICY]) {
        let points = games.updates.iter().zip(ratings).map(|(updates, rating)| (*updates as f32, *rating as f32));
        let points = drawable_points(points);
        let dots = points.iter().map(|point| Circle::new(*point, 3, color.filled()));
        chart.draw_series(dots).map_err(|e| write_error(path, e))?;
        chart
            .draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)))
            .map_err(|e| write_error(path, e))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(3)));
    }
    legend(&mut chart, SeriesLabelPosition::LowerRight).map_err(|e| write_error(path, e))?;
    root.present().map_err(|e| write_error(path, e))
}
