//! Plots as PNG files.

use std::path::{Path, PathBuf};
use std::sync::Once;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use plotters::style::register_font;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::learn::self_play::Games;
use crate::learn::{Curve, scalars};
use crate::rollout::Trace;
use crate::study::Report;

/// Size of a plot, pixels.
const SIZE: (u32, u32) = (900, 700);
const DEMONSTRATIONS: RGBColor = RGBColor(60, 110, 190);
const POLICY: RGBColor = RGBColor(210, 90, 40);
/// A curve with at most this many points is drawn with markers.
const MAX_MARKERS: usize = 40;
const GRAY: RGBColor = RGBColor(150, 150, 150);

/// Parse the path of a PNG file from an argument.
pub fn png(name: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(name);
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png")) {
        return Ok(path);
    }
    Err("it does not end in .png; plots are PNG files".into())
}

fn prepare(path: &Path) -> Result<()> {
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

fn write_error(path: &Path, error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot write {}: {error}", path.display())
}

/// Range of the finite values with a margin of 5 %; (0, 1) without values.
fn padded_range(values: impl Iterator<Item = f32>) -> (f32, f32) {
    let (low, high) =
        values.filter(|v| v.is_finite()).fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    if low > high {
        return (0.0, 1.0);
    }
    let margin = ((high - low) * 0.05).max(1e-3);
    (low - margin, high + margin)
}

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
        .map(|line| line.into_iter().map(|(step, value)| (step as f32, value)).collect::<Vec<(f32, f32)>>());
    let path = &run.join(file_name(curve));
    let values = || points.iter().flatten().filter(|(_, y)| y.is_finite());
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

/// Axis label of a step; empty for fractions of steps.
fn integer_label(step: &f32) -> String {
    if step.fract() == 0.0 { step.to_string() } else { String::new() }
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
        let finite = points.iter().copied().filter(|(_, y)| y.is_finite());
        chart
            .draw_series(LineSeries::new(finite, color.stroke_width(2)))
            .map_err(|e| write_error(path, e))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(3)));
        // A line of a few points is hard to see, and one of a single point is invisible.
        if points.len() <= MAX_MARKERS {
            let dots = points.iter().filter(|(_, y)| y.is_finite()).map(|point| Circle::new(*point, 3, color.filled()));
            chart.draw_series(dots).map_err(|e| write_error(path, e))?;
        }
    }
    legend(&mut chart, corner).map_err(|e| write_error(path, e))
}

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
    let bounds = report.rows.iter().flat_map(|row| &row.values).map(|value| (100.0 * value.min, 100.0 * value.max));
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
                let [mean, min, max] = [value.mean, value.min, value.max].map(|x| 100.0 * x);
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

/// The objective of each trial of a search, and the best so far. Trials without a finite objective are left out.
pub fn trials(path: &Path, y_label: &str, costs: &[(f32, f32)]) -> Result<()> {
    prepare(path)?;
    let root = BitMapBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE).map_err(|e| write_error(path, e))?;
    let costs: Vec<(f32, f32)> = costs.iter().copied().filter(|(_, cost)| cost.is_finite()).collect();
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

fn legend<'a, DB: DrawingBackend + 'a, CT: plotters::coord::CoordTranslate>(
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
    let flip = |p: &(f32, f32)| (p.0, -p.1);
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
    let mut cells = std::collections::BTreeMap::<(i32, i32), (f32, u32)>::new();
    for (x, z, value) in samples.iter().filter(|p| p.2.is_finite()) {
        let cell = cells.entry((((x - x0) / size) as i32, ((z - z0) / size) as i32)).or_default();
        *cell = (cell.0 + value, cell.1 + 1);
    }
    let means: Vec<((i32, i32), f32)> = cells.into_iter().map(|(at, (sum, count))| (at, sum / count as f32)).collect();
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

/// Elo ratings of all players of both sides, over the number of updates that each was trained for.
pub fn ratings(path: &Path, games: &Games) -> Result<()> {
    prepare(path)?;
    let root = BitMapBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE).map_err(|e| write_error(path, e))?;
    let ratings = games.ratings();
    let last = games.updates.last().copied().unwrap_or(0).max(1) as f32;
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
        let points: Vec<(f32, f32)> =
            games.updates.iter().zip(ratings).map(|(updates, rating)| (*updates as f32, *rating as f32)).collect();
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

/// Cross-play matrix: win rate of each player of the first side (x) against each player of the second side (y).
pub fn cross_play(path: &Path, games: &Games) -> Result<()> {
    /// Maximum number of labels of an axis.
    const MAX_LABELS: usize = 14;
    prepare(path)?;
    let root = BitMapBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE).map_err(|e| write_error(path, e))?;
    let n_players = games.won.len() as i32;
    let [first, second] = &games.sides;
    let mut chart = ChartBuilder::on(&root)
        .caption(format!("Win rate of the {first}, %"), ("sans-serif", 26))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(70)
        .build_cartesian_2d(0..n_players, 0..n_players)
        .map_err(|e| write_error(path, e))?;
    let mesh = &mut chart.configure_mesh();
    mesh.disable_mesh()
        .set_all_tick_mark_size(0)
        .x_label_formatter(&|_| String::new())
        .y_label_formatter(&|_| String::new());
    mesh.x_desc(format!("{first}, training updates")).y_desc(format!("{second}, training updates"));
    mesh.label_style(("sans-serif", 16)).draw().map_err(|e| write_error(path, e))?;
    let style = TextStyle::from(("sans-serif", 14).into_font()).pos(Pos::new(HPos::Center, VPos::Center));
    // A label is centered below, or left of, its player's cells.
    let labels = (0..n_players).zip(&games.updates).step_by(games.won.len().div_ceil(MAX_LABELS).max(1));
    for (player, updates) in labels {
        let [(x0, bottom), (x1, _)] = [(player, 0), (player + 1, 0)].map(|at| chart.backend_coord(&at));
        let [(left, y0), (_, y1)] = [(0, player), (0, player + 1)].map(|at| chart.backend_coord(&at));
        for at in [((x0 + x1) / 2, bottom + 12), (left - 22, (y0 + y1) / 2)] {
            root.draw(&Text::new(updates.to_string(), at, style.clone())).map_err(|e| write_error(path, e))?;
        }
    }
    for (i, row) in (0..n_players).zip(&games.won) {
        for (j, won) in (0..n_players).zip(row) {
            let win_rate = f64::from(*won) / f64::from(games.games.max(1));
            let color = HSLColor(0.66 * (1.0 - win_rate), 0.6, 0.65);
            let cell = Rectangle::new([(i, j), (i + 1, j + 1)], color.filled());
            chart.draw_series([cell]).map_err(|e| write_error(path, e))?;
            let [(x0, y0), (x1, y1)] = [(i, j), (i + 1, j + 1)].map(|at| chart.backend_coord(&at));
            let middle = ((x0 + x1) / 2, (y0 + y1) / 2);
            root.draw(&Text::new(format!("{:.0}", 100.0 * win_rate), middle, style.clone()))
                .map_err(|e| write_error(path, e))?;
        }
    }
    root.present().map_err(|e| write_error(path, e))
}
