//! Training and evaluation curves of a run.

use std::path::Path;

use anyhow::Result;
use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

use super::canvas::{GRAY, POLICY, SIZE, drawable_points, integer_label, legend, padded_range, prepare, write_error};
use crate::learn::{Curve, scalars};

/// A curve with at most this many points is drawn with markers.
const MAX_MARKERS: usize = 40;

/// Name of a training curve's plot in a run's folder.
fn file_name(curve: Curve) -> &'static str {
    match curve {
        Curve::Loss => "loss.png",
        Curve::Return => "return.png",
        Curve::Ratings => "ratings.png",
    }
}

/// The two lines of a training curve: TensorBoard tag and label.
fn lines(curve: Curve) -> [(&'static str, &'static str); 2] {
    match curve {
        Curve::Loss => [("train/loss", "training loss"), ("eval/loss", "validation loss")],
        Curve::Return | Curve::Ratings => {
            [("rollout/ep_rew_mean", "training episodes"), ("eval/mean_reward", "evaluation, without exploration")]
        }
    }
}

/// Plot training and evaluation curves over steps into a run's folder, from its event files. The loss axis is logarithmic if
/// all losses are positive.
pub fn curves(run: &Path, curve: Curve) -> Result<()> {
    let [training, evaluation] = lines(curve).map(|(tag, _)| scalars(run, tag));
    let points = [training?, evaluation?]
        .map(|line| drawable_points(line.into_iter().map(|(step, value)| (step as f32, value))));
    let path = &run.join(file_name(curve));
    let values = || points.iter().flatten();
    if values().next().is_none() {
        return Ok(());
    }
    prepare(path)?;
    let root = BitMapBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE).map_err(|e| write_error(path, e))?;
    let (_, last) = padded_range(values().map(|p| p.0));
    let low = values().map(|p| p.1).fold(f32::INFINITY, f32::min);
    let high = values().map(|p| p.1).fold(f32::NEG_INFINITY, f32::max);
    if curve == Curve::Loss && low > 1e-9 {
        let (low, high) = (low * 0.8, high * 1.25);
        draw_curves(&root, run, curve, last, (low..high).log_scale().with_key_points(log_labels(low, high)), &points)?;
    } else {
        let margin = 0.05 * (high - low).max(0.1 * high.abs()).max(1e-9);
        draw_curves(&root, run, curve, last, low - margin..high + margin, &points)?;
    }
    root.present().map_err(|e| write_error(path, e))
}

/// Labels of a logarithmic axis: 1, 2 and 5 of each decade; only 1 if those are more than 14; round numbers at equal
/// distances if they are fewer than 3.
fn log_labels(low: f32, high: f32) -> Vec<f32> {
    /// More labels overlap; fewer do not show the scale.
    const MAX: usize = 14;
    const MIN: usize = 3;
    let within = |steps: &[f64]| -> Vec<f32> {
        let [first, last] = [low, high].map(|end| f64::from(end).log10());
        let exponents = first.floor() as i32..=last.ceil() as i32;
        let all = exponents.flat_map(|exponent| steps.iter().map(move |step| (step * 10f64.powi(exponent)) as f32));
        all.filter(|label| (low..=high).contains(label)).collect()
    };
    let labels = within(&[1.0, 2.0, 5.0]);
    if labels.len() > MAX {
        return within(&[1.0]);
    }
    if labels.len() < MIN {
        // Multiples of a round step, at most eight.
        let range = f64::from(high - low);
        let unit = 10f64.powf((range / 10.0).log10().floor());
        let steps = [2.0, 5.0, 10.0, 20.0].map(|factor| factor * unit);
        let step = steps.into_iter().find(|step| range / step <= 8.0).unwrap_or(range);
        let first = (f64::from(low) / step).ceil() as i64;
        let last = (f64::from(high) / step).floor() as i64;
        return (first..=last).map(|i| (i as f64 * step) as f32).collect();
    }
    labels
}

fn draw_curves<Y>(
    root: &DrawingArea<BitMapBackend<'_>, Shift>,
    run: &Path,
    curve: Curve,
    last: f32,
    y_axis: Y,
    points: &[Vec<(f32, f32)>; 2],
) -> Result<()>
where
    Y: AsRangedCoord<Value = f32>,
    Y::CoordDescType: Ranged<ValueType = f32> + ValueFormatter<f32>,
{
    // Losses fall and returns rise: the legend goes to the free corner.
    let (title, x_label, y_label, corner) = match curve {
        Curve::Loss => ("Loss", "step", "loss (normalized actions)", SeriesLabelPosition::UpperRight),
        Curve::Return | Curve::Ratings => ("Return", "update", "episode return", SeriesLabelPosition::LowerRight),
    };
    let path = &run.join(file_name(curve));
    let name = run.file_name().map_or_else(String::new, |name| format!(", {}", name.to_string_lossy()));
    let mut chart = ChartBuilder::on(root)
        .caption(format!("{title}{name}"), ("sans-serif", 26))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..last, y_axis)
        .map_err(|e| write_error(path, e))?;
    chart
        .configure_mesh()
        .x_desc(x_label)
        .max_light_lines(1)
        .x_label_formatter(&integer_label)
        .y_desc(y_label)
        .label_style(("sans-serif", 16))
        .draw()
        .map_err(|e| write_error(path, e))?;
    for ((points, (_, name)), color) in points.iter().zip(lines(curve)).zip([GRAY, POLICY]) {
        if points.is_empty() {
            continue;
        }
        chart
            .draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)))
            .map_err(|e| write_error(path, e))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(3)));
        // A line of a few points is hard to see, and one of a single point is invisible.
        if points.len() <= MAX_MARKERS {
            let dots = points.iter().map(|point| Circle::new(*point, 3, color.filled()));
            chart.draw_series(dots).map_err(|e| write_error(path, e))?;
        }
    }
    legend(&mut chart, corner).map_err(|e| write_error(path, e))
}
