//! The cross-play matrix of self-play.

use std::path::Path;

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::canvas::{SIZE, prepare, write_error};
use crate::learn::self_play::Games;

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
