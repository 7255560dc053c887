//! Transient messages: notices, and the result of an episode.

use std::time::Duration;

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{self, Align2, Color32, Id, RichText};

use super::placement::PanelRects;
use super::widgets::{BAD, FAINT, GOOD, MARGIN, NOTE, TEXT, frame};
use crate::live::Session;
use crate::tasks::{EpisodeEnd, Score};

/// How long a notice is visible.
const NOTICE_DURATION: Duration = Duration::from_secs(5);
/// How long an error is visible: errors are longer to read.
const ERROR_DURATION: Duration = Duration::from_secs(9);

/// Widths of a notice and of the end of an episode, points.
const NOTICE_WIDTH: f32 = 400.0;
const END_WIDTH: f32 = 330.0;

/// How the episode ended, top center.
pub(super) fn show_end(
    mut contexts: EguiContexts,
    session: Res<Session>,
    scores: Query<&Score>,
    panels: Res<PanelRects>,
) -> Result {
    let context = contexts.ctx_mut()?;
    let Some(end) = scores.get(session.ego())?.end else { return Ok(()) };
    let (text, why, color) = match end {
        EpisodeEnd::Success => ("SUCCESS", "", GOOD),
        EpisodeEnd::Failure(why) => ("FAILED", why, BAD),
        EpisodeEnd::TimeLimit => ("TIME LIMIT REACHED", "", NOTE),
    };
    let (top, _) = panels.place_message(context.content_rect(), END_WIDTH);
    let below = if panels.notice.is_positive() { panels.notice.bottom() + MARGIN } else { top };
    let at = [0.0, below.max(top)];
    egui::Area::new(Id::new(("end", text, why))).anchor(Align2::CENTER_TOP, at).interactable(false).show(
        context,
        |ui| {
            frame().stroke(egui::Stroke::new(2.0, color)).show(ui, |ui| {
                ui.vertical_centered(|ui| {
                    ui.label(RichText::new(text).size(30.0).strong().color(color));
                    if !why.is_empty() {
                        ui.label(RichText::new(why).color(FAINT));
                    }
                });
            });
        },
    );
    Ok(())
}

/// The last notice, top center.
pub(super) fn show_notice(mut contexts: EguiContexts, session: Res<Session>, mut panels: ResMut<PanelRects>) -> Result {
    let context = contexts.ctx_mut()?;
    panels.notice = egui::Rect::NOTHING;
    let Some(notice) = &session.notice else { return Ok(()) };
    let duration = if notice.is_error { ERROR_DURATION } else { NOTICE_DURATION };
    let age = notice.at.elapsed();
    if age > duration {
        return Ok(());
    }
    // Fade out in the last half second.
    let alpha = ((duration - age).as_secs_f32() / 0.5).min(1.0);
    let (stroke, text) = if notice.is_error { (BAD, BAD) } else { (Color32::from_rgb(90, 110, 135), TEXT) };
    // egui centers an area by its width in the previous frame. An id per text keeps a new text from being placed by
    // the width of the old one.
    let id = Id::new(("notice", &notice.text));
    let (top, width) = panels.place_message(context.content_rect(), NOTICE_WIDTH);
    let area = egui::Area::new(id).anchor(Align2::CENTER_TOP, [0.0, top]).interactable(false).show(context, |ui| {
        ui.set_opacity(alpha);
        ui.set_max_width(width);
        frame().stroke(egui::Stroke::new(1.0, stroke)).show(ui, |ui| {
            ui.label(RichText::new(&notice.text).color(text));
        });
    });
    panels.notice = area.response.rect;
    Ok(())
}
