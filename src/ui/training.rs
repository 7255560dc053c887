//! The training panel: progress and loss curves.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{self, Align2, Color32, RichText};
use egui_plot::{Legend, Line, Plot, PlotPoints};

use super::panels::Panels;
use super::placement::{PanelRects, is_compact};
use super::widgets::{FAINT, GOOD, MARGIN, key_cap, panel};
use crate::agents::Driver;
use crate::live::{BackgroundTraining, Command, Session};

/// Smallest loss that is drawn: the axis is logarithmic.
const MIN_LOSS: f32 = 1e-9;
/// Maximum number of points of a curve; longer ones are subsampled.
const MAX_POINTS: usize = 400;

/// The training panel, on the right, during training and after it.
pub(super) fn show_training(
    mut contexts: EguiContexts,
    session: Res<Session>,
    learning: Res<BackgroundTraining>,
    drivers: Query<&Driver>,
    mut panels: ResMut<Panels>,
    mut was_running: Local<bool>,
    mut rects: ResMut<PanelRects>,
) -> Result {
    let context = contexts.ctx_mut()?;
    if learning.running && !std::mem::replace(&mut *was_running, learning.running) {
        panels.training_closed = false;
    }
    *was_running = learning.running;
    // The curves of another scene's training are hidden.
    let other_scene = learning.losses.is_empty() || learning.scene != session.scene.name;
    rects.training = egui::Rect::NOTHING;
    if panels.training_closed || !learning.running && other_scene {
        return Ok(());
    }
    let offset = if rects.top_right.is_positive() { rects.top_right.bottom() + MARGIN } else { MARGIN };
    rects.training = panel(context, "training", Align2::RIGHT_TOP, [-MARGIN, offset], |ui| {
        ui.set_width(236.0);
        if learning.running {
            progress(ui, &session, &learning);
        } else if session.policy.is_some() {
            ui.label(RichText::new("training finished").heading().strong().color(GOOD));
            ui.horizontal(|ui| {
                key_cap(ui, &session.key_name(Command::Policy));
                let drives = drivers.get(session.ego()) == Ok(&Driver::Policy);
                ui.label(if drives { "take over" } else { "let the policy drive" });
                closing_key(ui, &session);
            });
        } else {
            ui.label(RichText::new("training stopped").heading().strong());
            ui.horizontal(|ui| closing_key(ui, &session));
        }
        for message in &learning.messages {
            ui.label(RichText::new(message).small().color(FAINT));
        }
        if !is_compact(context) {
            plot(ui, &learning);
        }
    });
    Ok(())
}

fn closing_key(ui: &mut egui::Ui, session: &Session) {
    key_cap(ui, &session.key_name(Command::Close));
    ui.label(RichText::new("close").small().color(FAINT));
}

fn progress(ui: &mut egui::Ui, session: &Session, learning: &BackgroundTraining) {
    let title = if learning.scene == session.scene.name {
        "training".to_owned()
    } else {
        format!("training for {}", learning.scene)
    };
    ui.label(RichText::new(title).heading().strong());
    if learning.total_steps == 0 {
        ui.label(RichText::new("reading the dataset\u{2026}").color(FAINT));
        return;
    }
    let share = learning.step as f32 / learning.total_steps as f32;
    let bar = egui::ProgressBar::new(share).desired_height(16.0).corner_radius(3).fill(Color32::from_rgb(96, 74, 160));
    ui.add(bar.text(RichText::new(format!("{} of {}", learning.step, learning.total_steps)).small()));
    let text = match (learning.rate(), learning.seconds_left()) {
        (Some(rate), Some(left)) => format!("{rate:.0} steps/s, {left:.0} s left"),
        _ => String::new(),
    };
    ui.horizontal(|ui| {
        ui.label(RichText::new(text).small().color(FAINT));
        key_cap(ui, &session.key_name(Command::Train));
        ui.label(RichText::new("stop").small().color(FAINT));
        closing_key(ui, session);
    });
}

fn plot(ui: &mut egui::Ui, learning: &BackgroundTraining) {
    let points = |losses: &[(f32, f32)]| -> PlotPoints<'static> {
        let every = losses.len().div_ceil(MAX_POINTS).max(1);
        let finite = losses.iter().filter(|(_, loss)| loss.is_finite()).step_by(every);
        finite.map(|(step, loss)| [f64::from(*step), f64::from(loss.clamp(-1e6, 1e6))]).collect()
    };
    // Negative log-likelihoods may be below zero; the axis is logarithmic only when all losses are positive.
    let logarithmic = is_positive(learning);
    let scaled = |losses: &[(f32, f32)]| -> Vec<(f32, f32)> {
        losses
            .iter()
            .map(|(s, l)| {
                (*s, if logarithmic { bevy::math::ops::ln(l.max(MIN_LOSS)) / std::f32::consts::LN_10 } else { *l })
            })
            .collect()
    };
    let (training, validation) = (scaled(&learning.losses), scaled(&learning.validation_losses));
    Plot::new("losses")
        .height(128.0)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .show_x(false)
        .show_y(false)
        .show_background(false)
        .legend(Legend::default().text_style(egui::TextStyle::Small))
        .y_axis_formatter(move |mark, _| {
            if logarithmic { loss_text(f64::powf(10.0, mark.value)) } else { format!("{:.2}", mark.value) }
        })
        .x_axis_formatter(|mark, _| format!("{:.0}", mark.value))
        .show(ui, |ui| {
            ui.line(Line::new("training loss", points(&training)).color(Color32::from_rgb(120, 170, 255)).width(1.5));
            ui.line(
                Line::new("validation loss", points(&validation)).color(Color32::from_rgb(255, 180, 84)).width(2.0),
            );
        });
}

fn loss_text(loss: f64) -> String {
    if (0.01..1000.0).contains(&loss) { format!("{loss:.2}") } else { format!("{loss:.0e}") }
}

fn is_positive(learning: &BackgroundTraining) -> bool {
    learning.losses.iter().chain(&learning.validation_losses).all(|(_, loss)| *loss > 0.0 || loss.is_nan())
}
