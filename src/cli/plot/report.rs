//! The results of a study as a bar chart.

use std::path::Path;

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::canvas::{MAX_VALUE, SIZE, legend, prepare, write_error};
use crate::study::Report;

/// A bar chart of a study's report: a group per method, a color per column, and the range over training seeds.
pub fn report(path: &Path, report: &Report) -> Result<()> {
    prepare(path)?;
    let (rows, columns) = (report.rows.len(), report.columns.len());
    // The legend is below the bars.
    let legend_rows = columns + 1;
    let height = (120 + rows * (18 * columns + 22) + 18 * legend_rows) as u32;
    let root = BitMapBackend::new(path, (SIZE.0, height)).into_drawing_area();
    root.fill(&WHITE).map_err(|e| write_error(path, e))?;
    let group = (columns + 1) as f64;
    // A return may be negative, or above the operator's (100 %).
    let percent = |x: f64| (100.0 * x).clamp(-f64::from(MAX_VALUE), f64::from(MAX_VALUE));
    let bounds = report.rows.iter().flat_map(|row| &row.values).map(|value| (percent(value.min), percent(value.max)));
    let (low, high) = bounds.fold((0.0f64, 100.0f64), |(low, high), (min, max)| (low.min(min), high.max(max)));
    let (low, high) = ((low / 10.0).floor() * 10.0, (high / 10.0).ceil() * 10.0);
    let mut chart = ChartBuilder::on(&root)
        .caption(&report.name, ("sans-serif", 26))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(230)
        .build_cartesian_2d(low..high, (rows as f64 * group + legend_rows as f64)..0.0)
        .map_err(|e| write_error(path, e))?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .max_light_lines(1)
        .y_labels(0)
        .x_desc("%")
        .x_label_formatter(&|percent| format!("{percent:.0}"))
        .label_style(("sans-serif", 16))
        .draw()
        .map_err(|e| write_error(path, e))?;
    let style = TextStyle::from(("sans-serif", 16).into_font()).pos(Pos::new(HPos::Right, VPos::Center));
    for (column, name) in report.columns.iter().enumerate() {
        let color = Palette99::pick(column).mix(0.75);
        let at = |row: usize| row as f64 * group + column as f64 + 0.5;
        let bars = report.rows.iter().enumerate().flat_map(|(row, values)| {
            let value = values.values.get(column).copied();
            value.into_iter().flat_map(move |value| {
                let y = at(row);
                let [mean, min, max] = [value.mean, value.min, value.max].map(percent);
                [
                    Rectangle::new([(0.0, y + 0.1), (mean, y + 0.9)], color.filled()),
                    Rectangle::new([(min, y + 0.45), (max, y + 0.55)], BLACK.filled()),
                ]
            })
        });
        chart
            .draw_series(bars)
            .map_err(|e| write_error(path, e))?
            .label(name)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 14, y + 5)], color.filled()));
    }
    for (row, values) in report.rows.iter().enumerate() {
        let (x, y) = chart.backend_coord(&(low, row as f64 * group + 0.5 * group));
        root.draw(&Text::new(values.label.clone(), (x - 8, y), style.clone())).map_err(|e| write_error(path, e))?;
    }
    if low < 0.0 {
        let bottom = rows as f64 * group;
        let zero_line = PathElement::new([(0.0, 0.0), (0.0, bottom)], BLACK.stroke_width(1));
        chart.draw_series([zero_line]).map_err(|e| write_error(path, e))?;
    }
    legend(&mut chart, SeriesLabelPosition::LowerRight).map_err(|e| write_error(path, e))?;
    root.present().map_err(|e| write_error(path, e))
}
