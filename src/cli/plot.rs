//! PNG plots.

use std::path::{Path, PathBuf};
use std::sync::Once;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use plotters::style::register_font;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::learn::scalars;
use crate::learn::self_play::Games;
use crate::rollout::Trace;
use crate::study::Report;

/// Size of a plot, pixels.
const SIZE: (u32, u32) = (900, 700);
const DEMONSTRATED: RGBColor = RGBColor(60, 110, 190);
const DRIVEN: RGBColor = RGBColor(210, 90, 40);
/// Points of a curve up to which each is drawn as a dot, too.
const DOTTED: usize = 40;
const GREY: RGBColor = RGBColor(150, 150, 150);

/// The argument that names a plot's file.
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
        // The font that comes with the window's widgets: no system font is needed. It is a valid font file.
        let _ = register_font("sans-serif", FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT);
    });
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).map_err(|e| anyhow!("cannot create {}: {e}", parent.display()))?;
    }
    Ok(())
}

fn failed(path: &Path, error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot write {}: {error}", path.display())
}

/// Range of some numbers with a margin; 0..1 for none.
fn span(values: impl Iterator<Item = f32>) -> (f32, f32) {
    let (low, high) =
        values.filter(|v| v.is_finite()).fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    if low > high {
        return (0.0, 1.0);
    }
    let margin = ((high - low) * 0.05).max(1e-3);
    (low - margin, high + margin)
}

/// What a curve shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// The loss, of demonstrations.
    Loss,
    /// The return of an episode, of acting.
    Return,
}

impl Curve {
    /// The plot's file in a run's folder.
    fn file(self) -> &'static str {
        match self {
            Self::Loss => "loss.png",
            Self::Return => "return.png",
        }
    }

    /// The lines: what event files call them, and what a reader does.
    fn lines(self) -> [(&'static str, &'static str); 2] {
        match self {
            Self::Loss => [("train/loss", "training"), ("validation/loss", "validation")],
            Self::Return => [("episodes/return", "while learning"), ("validation/return", "judged, without exploring")],
        }
    }
}

/// Training and validation over steps in a run's folder, as its event files tell, logarithmic where all is above zero.
pub fn curves(run: &Path, what: Curve) -> Result<()> {
    let [learned, judged] = what.lines().map(|(tag, _)| scalars(run, tag));
    let points = [learned?, judged?]
        .map(|line| line.into_iter().map(|(step, value)| (step as f32, value)).collect::<Vec<(f32, f32)>>());
    let path = &run.join(what.file());
    let values = || points.iter().flatten().filter(|(_, y)| y.is_finite());
    if values().next().is_none() {
        return Ok(());
    }
    prepare(path)?;
    let root = BitMapBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE).map_err(|e| failed(path, e))?;
    let (_, last) = span(values().map(|p| p.0));
    let low = values().map(|p| p.1).fold(f32::INFINITY, f32::min);
    let high = values().map(|p| p.1).fold(f32::NEG_INFINITY, f32::max);
    if what == Curve::Loss && low > 1e-9 {
        let (low, high) = (low * 0.8, high * 1.25);
        draw_curves(&root, run, what, last, (low..high).log_scale().with_key_points(decades(low, high)), &points)?;
    } else {
        let margin = 0.05 * (high - low).max(0.1 * high.abs()).max(1e-9);
        draw_curves(&root, run, what, last, low - margin..high + margin, &points)?;
    }
    root.present().map_err(|e| failed(path, e))
}

/// Steps are counted: there is no label between two of them.
fn whole(step: &f32) -> String {
    if step.fract() == 0.0 { step.to_string() } else { String::new() }
}

/// What a logarithmic axis is labelled with: 1, 2 and 5 in each decade; 1 alone where that would be too much, and round numbers
/// that are evenly apart where it would be too little.
fn decades(low: f32, high: f32) -> Vec<f32> {
    /// More labels than this stand too close, and fewer tell no scale.
    const MOST: usize = 14;
    const LEAST: usize = 3;
    let within = |steps: &[f64]| -> Vec<f32> {
        let [first, last] = [low, high].map(|end| f64::from(end).log10());
        let exponents = first.floor() as i32..=last.ceil() as i32;
        let all = exponents.flat_map(|exponent| steps.iter().map(move |step| (step * 10f64.powi(exponent)) as f32));
        all.filter(|label| (low..=high).contains(label)).collect()
    };
    let labels = within(&[1.0, 2.0, 5.0]);
    if labels.len() > MOST {
        return within(&[1.0]);
    }
    if labels.len() < LEAST {
        // Round numbers, at most eight.
        let span = f64::from(high - low);
        let tenth = 10f64.powf((span / 10.0).log10().floor());
        let apart = [2.0, 5.0, 10.0, 20.0].map(|step| step * tenth);
        let apart = apart.into_iter().find(|apart| span / apart <= 8.0).unwrap_or(span);
        let first = (f64::from(low) / apart).ceil() as i64;
        let last = (f64::from(high) / apart).floor() as i64;
        return (first..=last).map(|at| (at as f64 * apart) as f32).collect();
    }
    labels
}

fn draw_curves<Y>(
    root: &DrawingArea<BitMapBackend<'_>, Shift>,
    run: &Path,
    what: Curve,
    last: f32,
    heights: Y,
    points: &[Vec<(f32, f32)>; 2],
) -> Result<()>
where
    Y: AsRangedCoord<Value = f32>,
    Y::CoordDescType: Ranged<ValueType = f32> + ValueFormatter<f32>,
{
    // Losses fall and returns rise: the other corner is free.
    let (title, step, unit, corner) = match what {
        Curve::Loss => ("Loss", "step", "loss (normalised actions)", SeriesLabelPosition::UpperRight),
        Curve::Return => ("Return", "update", "return of an episode", SeriesLabelPosition::LowerRight),
    };
    let path = &run.join(what.file());
    let name = run.file_name().map_or_else(String::new, |name| format!(", {}", name.to_string_lossy()));
    let mut chart = ChartBuilder::on(root)
        .caption(format!("{title}{name}"), ("sans-serif", 26))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..last, heights)
        .map_err(|e| failed(path, e))?;
    chart
        .configure_mesh()
        .x_desc(step)
        .max_light_lines(1)
        .x_label_formatter(&whole)
        .y_desc(unit)
        .label_style(("sans-serif", 16))
        .draw()
        .map_err(|e| failed(path, e))?;
    for ((points, (_, name)), colour) in points.iter().zip(what.lines()).zip([GREY, DRIVEN]) {
        if points.is_empty() {
            continue;
        }
        let finite = points.iter().copied().filter(|(_, y)| y.is_finite());
        chart
            .draw_series(LineSeries::new(finite, colour.stroke_width(2)))
            .map_err(|e| failed(path, e))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(3)));
        // A few points, or a single one, would hardly be seen as a line.
        if points.len() <= DOTTED {
            let dots =
                points.iter().filter(|(_, y)| y.is_finite()).map(|point| Circle::new(*point, 3, colour.filled()));
            chart.draw_series(dots).map_err(|e| failed(path, e))?;
        }
    }
    legend(&mut chart, corner).map_err(|e| failed(path, e))
}

/// Each method's shares as bars, one colour for each column, with the range over training seeds.
pub fn report(path: &Path, report: &Report) -> Result<()> {
    prepare(path)?;
    let (rows, columns) = (report.rows.len(), report.columns.len());
    // Below the bars there is room for the legend.
    let legend_rows = columns + 1;
    let height = (120 + rows * (18 * columns + 22) + 18 * legend_rows) as u32;
    let root = BitMapBackend::new(path, (SIZE.0, height)).into_drawing_area();
    root.fill(&WHITE).map_err(|e| failed(path, e))?;
    let group = (columns + 1) as f64;
    // A return may be below nothing, and above the operator's.
    let ends =
        report.rows.iter().flat_map(|row| &row.values).map(|value| (100.0 * value.least, 100.0 * value.greatest));
    let (low, high) = ends.fold((0.0f64, 100.0f64), |(low, high), (least, most)| (low.min(least), high.max(most)));
    let (low, high) = ((low / 10.0).floor() * 10.0, (high / 10.0).ceil() * 10.0);
    let mut chart = ChartBuilder::on(&root)
        .caption(&report.name, ("sans-serif", 26))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(230)
        .build_cartesian_2d(low..high, (rows as f64 * group + legend_rows as f64)..0.0)
        .map_err(|e| failed(path, e))?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .max_light_lines(1)
        .y_labels(0)
        .x_desc("%")
        .x_label_formatter(&|share| format!("{share:.0}"))
        .label_style(("sans-serif", 16))
        .draw()
        .map_err(|e| failed(path, e))?;
    let style = TextStyle::from(("sans-serif", 16).into_font()).pos(Pos::new(HPos::Right, VPos::Center));
    for (column, name) in report.columns.iter().enumerate() {
        let colour = Palette99::pick(column).mix(0.75);
        let at = |row: usize| row as f64 * group + column as f64 + 0.5;
        let bars = report.rows.iter().enumerate().flat_map(|(row, values)| {
            let value = values.values.get(column).copied();
            value.into_iter().flat_map(move |value| {
                let y = at(row);
                let [mean, least, greatest] = [value.mean, value.least, value.greatest].map(|x| 100.0 * x);
                [
                    Rectangle::new([(0.0, y + 0.1), (mean, y + 0.9)], colour.filled()),
                    Rectangle::new([(least, y + 0.45), (greatest, y + 0.55)], BLACK.filled()),
                ]
            })
        });
        chart
            .draw_series(bars)
            .map_err(|e| failed(path, e))?
            .label(name)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 14, y + 5)], colour.filled()));
    }
    for (row, values) in report.rows.iter().enumerate() {
        let (x, y) = chart.backend_coord(&(low, row as f64 * group + 0.5 * group));
        root.draw(&Text::new(values.label.clone(), (x - 8, y), style.clone())).map_err(|e| failed(path, e))?;
    }
    if low < 0.0 {
        let bottom = rows as f64 * group;
        let nothing = PathElement::new([(0.0, 0.0), (0.0, bottom)], BLACK.stroke_width(1));
        chart.draw_series([nothing]).map_err(|e| failed(path, e))?;
    }
    legend(&mut chart, SeriesLabelPosition::LowerRight).map_err(|e| failed(path, e))?;
    root.present().map_err(|e| failed(path, e))
}

/// What each trial of a search came to, and the best so far. Trials that came to nothing are left out.
pub fn trials(path: &Path, what: &str, costs: &[(f32, f32)]) -> Result<()> {
    prepare(path)?;
    let root = BitMapBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE).map_err(|e| failed(path, e))?;
    let costs: Vec<(f32, f32)> = costs.iter().copied().filter(|(_, cost)| cost.is_finite()).collect();
    let (low, high) = span(costs.iter().map(|p| p.1));
    let last = costs.last().map_or(1.0, |p| p.0.max(1.0));
    let mut chart = ChartBuilder::on(&root)
        .caption("Trials", ("sans-serif", 26))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..last, low..high)
        .map_err(|e| failed(path, e))?;
    chart
        .configure_mesh()
        .x_desc("trial")
        .max_light_lines(1)
        .y_desc(what)
        .label_style(("sans-serif", 16))
        .draw()
        .map_err(|e| failed(path, e))?;
    let dots = costs.iter().map(|p| Circle::new(*p, 4, GREY.filled()));
    chart
        .draw_series(dots)
        .map_err(|e| failed(path, e))?
        .label("trial")
        .legend(|(x, y)| Circle::new((x + 10, y), 4, GREY.filled()));
    let mut best = f32::INFINITY;
    let line = costs.iter().map(|(trial, cost)| {
        best = best.min(*cost);
        (*trial, best)
    });
    chart
        .draw_series(LineSeries::new(line.collect::<Vec<_>>(), DRIVEN.stroke_width(2)))
        .map_err(|e| failed(path, e))?
        .label("best so far")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 20, y)], DRIVEN.stroke_width(3)));
    legend(&mut chart, SeriesLabelPosition::UpperRight).map_err(|e| failed(path, e))?;
    root.present().map_err(|e| failed(path, e))
}

fn legend<'a, DB: DrawingBackend + 'a, CT: plotters::coord::CoordTranslate>(
    chart: &mut ChartContext<'a, DB, CT>,
    position: SeriesLabelPosition,
) -> std::result::Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
    chart
        .configure_series_labels()
        .position(position)
        .background_style(WHITE.mix(0.8))
        .border_style(GREY)
        .label_font(("sans-serif", 16))
        .draw()
}

/// Lines over the ground, seen from above: demonstrated ones and driven ones.
pub fn lines(path: &Path, title: &str, demonstrated: &[Trace], driven: &[Trace]) -> Result<()> {
    prepare(path)?;
    let root = BitMapBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE).map_err(|e| failed(path, e))?;
    let all = || demonstrated.iter().chain(driven).flat_map(|t| t.line.iter().chain(&t.course).chain(&t.goal));
    let (x0, x1) = span(all().map(|p| p.0));
    let (z0, z1) = span(all().map(|p| p.1));
    // The same scale on both axes; -z, the way that things look, points up.
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
        .map_err(|e| failed(path, e))?;
    chart
        .configure_mesh()
        .x_desc("x, m")
        .y_desc("-z, m")
        .light_line_style(WHITE)
        .label_style(("sans-serif", 16))
        .draw()
        .map_err(|e| failed(path, e))?;
    let flip = |p: &(f32, f32)| (p.0, -p.1);
    if let Some(trace) = demonstrated.iter().chain(driven).find(|t| !t.course.is_empty()) {
        chart
            .draw_series(LineSeries::new(trace.course.iter().map(flip), GREY.stroke_width(1)))
            .map_err(|e| failed(path, e))?
            .label("course")
            .legend(|(x, y)| PathElement::new([(x, y), (x + 20, y)], GREY));
    }
    for (traces, name, colour) in
        [(demonstrated, "demonstrated", DEMONSTRATED), (driven, "driven by the policy", DRIVEN)]
    {
        for (i, trace) in traces.iter().enumerate() {
            let line = LineSeries::new(trace.line.iter().map(flip), colour.mix(0.7).stroke_width(2));
            let series = chart.draw_series(line).map_err(|e| failed(path, e))?;
            if i == 0 {
                series
                    .label(name)
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(3)));
            }
            if let Some(goal) = &trace.goal {
                let mark = Circle::new(flip(goal), 4, colour.filled());
                chart.draw_series([mark]).map_err(|e| failed(path, e))?;
            }
        }
    }
    legend(&mut chart, SeriesLabelPosition::UpperRight).map_err(|e| failed(path, e))?;
    root.present().map_err(|e| failed(path, e))
}

/// Places (x, z) with a number each, as a map of the means of square cells.
pub fn map(path: &Path, title: &str, places: &[(f32, f32, f32)]) -> Result<()> {
    /// Cells along the shorter side and along the longer one, at least, and the most.
    const CELLS: (f32, f32) = (16.0, 80.0);
    const MOST: f32 = 320.0;
    /// Pixels that the ground may take, across and down, and what stands beside it.
    const GROUND: (f32, f32) = (1000.0, 800.0);
    const BESIDE: (u32, u32) = (110, 110);
    /// A caption takes some room.
    const NARROWEST: u32 = 640;
    if places.is_empty() {
        return Err(anyhow!("there is nothing to draw"));
    }
    prepare(path)?;
    let ((x0, x1), (z0, z1)) = (span(places.iter().map(|p| p.0)), span(places.iter().map(|p| p.1)));
    let (wide, deep) = (x1 - x0, z1 - z0);
    let size = (wide.min(deep) / CELLS.0).min(wide.max(deep) / CELLS.1).max(wide.max(deep) / MOST).max(1e-3);
    let mut cells = std::collections::BTreeMap::<(i32, i32), (f32, u32)>::new();
    for (x, z, value) in places.iter().filter(|p| p.2.is_finite()) {
        let cell = cells.entry((((x - x0) / size) as i32, ((z - z0) / size) as i32)).or_default();
        *cell = (cell.0 + value, cell.1 + 1);
    }
    let means: Vec<((i32, i32), f32)> = cells.into_iter().map(|(at, (sum, count))| (at, sum / count as f32)).collect();
    let mut sorted: Vec<f32> = means.iter().map(|(_, mean)| *mean).collect();
    sorted.sort_by(f32::total_cmp);
    // A few extremes would leave one colour for all else.
    let (low, high) = (sorted[sorted.len() / 50], sorted[sorted.len() - 1 - sorted.len() / 50]);
    // Metres are as long in both directions.
    let scale = (GROUND.0 / wide).min(GROUND.1 / deep);
    let across = ((wide * scale) as u32 + BESIDE.0).max(NARROWEST);
    let root = BitMapBackend::new(path, (across, (deep * scale) as u32 + BESIDE.1)).into_drawing_area();
    root.fill(&WHITE).map_err(|e| failed(path, e))?;
    let (half, middle) = (0.5 * (across - BESIDE.0) as f32 / scale, 0.5 * (x0 + x1));
    let mut chart = ChartBuilder::on(&root)
        .caption(format!("{title}: {low:.2} (blue) to {high:.2} (red) a tick"), ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d(middle - half..middle + half, -z1..-z0)
        .map_err(|e| failed(path, e))?;
    let mesh = &mut chart.configure_mesh();
    mesh.disable_mesh().x_desc("x, m").y_desc("-z, m").x_labels(7).draw().map_err(|e| failed(path, e))?;
    let squares = means.iter().map(|((column, row), mean)| {
        let (x, z) = (x0 + *column as f32 * size, z0 + *row as f32 * size);
        let share = ((mean - low) / (high - low).max(1e-9)).clamp(0.0, 1.0);
        let colour = HSLColor(f64::from(0.66 * (1.0 - share)), 0.85, 0.5);
        Rectangle::new([(x, -z), (x + size, -z - size)], colour.filled())
    });
    chart.draw_series(squares).map_err(|e| failed(path, e))?;
    root.present().map_err(|e| failed(path, e))
}

/// Ratings of all players of both sides over the updates before them.
pub fn ratings(path: &Path, games: &Games) -> Result<()> {
    prepare(path)?;
    let root = BitMapBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE).map_err(|e| failed(path, e))?;
    let ratings = games.ratings();
    let last = games.updates.last().copied().unwrap_or(0).max(1) as f32;
    let (low, high) = span(ratings.iter().flatten().map(|r| *r as f32));
    let mut chart = ChartBuilder::on(&root)
        .caption("Ratings of all players", ("sans-serif", 26))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..last, low..high)
        .map_err(|e| failed(path, e))?;
    let mesh = &mut chart.configure_mesh();
    mesh.x_desc("updates").y_desc("Elo").max_light_lines(1).label_style(("sans-serif", 16));
    mesh.x_label_formatter(&whole).y_label_formatter(&|y| format!("{y:.0}"));
    mesh.draw().map_err(|e| failed(path, e))?;
    for ((ratings, name), colour) in ratings.iter().zip(&games.sides).zip([DEMONSTRATED, DRIVEN]) {
        let points: Vec<(f32, f32)> =
            games.updates.iter().zip(ratings).map(|(updates, rating)| (*updates as f32, *rating as f32)).collect();
        let dots = points.iter().map(|point| Circle::new(*point, 3, colour.filled()));
        chart.draw_series(dots).map_err(|e| failed(path, e))?;
        chart
            .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))
            .map_err(|e| failed(path, e))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(3)));
    }
    legend(&mut chart, SeriesLabelPosition::LowerRight).map_err(|e| failed(path, e))?;
    root.present().map_err(|e| failed(path, e))
}

/// Who wins against whom: a cell for each player of the first side (across) and each of the other (up).
pub fn cross_play(path: &Path, games: &Games) -> Result<()> {
    /// Players that are named on an axis.
    const MOST: usize = 14;
    prepare(path)?;
    let root = BitMapBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE).map_err(|e| failed(path, e))?;
    let many = games.won.len() as i32;
    let [first, second] = &games.sides;
    let mut chart = ChartBuilder::on(&root)
        .caption(format!("Games won by the {first}, %"), ("sans-serif", 26))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(70)
        .build_cartesian_2d(0..many, 0..many)
        .map_err(|e| failed(path, e))?;
    let mesh = &mut chart.configure_mesh();
    mesh.disable_mesh()
        .set_all_tick_mark_size(0)
        .x_label_formatter(&|_| String::new())
        .y_label_formatter(&|_| String::new());
    mesh.x_desc(format!("{first}, after so many updates")).y_desc(format!("{second}, after so many updates"));
    mesh.label_style(("sans-serif", 16)).draw().map_err(|e| failed(path, e))?;
    let style = TextStyle::from(("sans-serif", 14).into_font()).pos(Pos::new(HPos::Center, VPos::Center));
    // Each cell is of a player, who is named in its middle.
    let labelled = (0..many).zip(&games.updates).step_by(games.won.len().div_ceil(MOST).max(1));
    for (player, updates) in labelled {
        let [(x0, bottom), (x1, _)] = [(player, 0), (player + 1, 0)].map(|at| chart.backend_coord(&at));
        let [(left, y0), (_, y1)] = [(0, player), (0, player + 1)].map(|at| chart.backend_coord(&at));
        for at in [((x0 + x1) / 2, bottom + 12), (left - 22, (y0 + y1) / 2)] {
            root.draw(&Text::new(updates.to_string(), at, style.clone())).map_err(|e| failed(path, e))?;
        }
    }
    for (i, row) in (0..many).zip(&games.won) {
        for (j, won) in (0..many).zip(row) {
            let share = f64::from(*won) / f64::from(games.games.max(1));
            let colour = HSLColor(0.66 * (1.0 - share), 0.6, 0.65);
            let cell = Rectangle::new([(i, j), (i + 1, j + 1)], colour.filled());
            chart.draw_series([cell]).map_err(|e| failed(path, e))?;
            let [(x0, y0), (x1, y1)] = [(i, j), (i + 1, j + 1)].map(|at| chart.backend_coord(&at));
            let middle = ((x0 + x1) / 2, (y0 + y1) / 2);
            root.draw(&Text::new(format!("{:.0}", 100.0 * share), middle, style.clone()))
                .map_err(|e| failed(path, e))?;
        }
    }
    root.present().map_err(|e| failed(path, e))
}
