//! What is said to the person: notices, and how the episode ended.

use std::time::Duration;

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{self, Align2, Color32, Id, RichText};

use super::hud::{BAD, FAINT, GOOD, MARGIN, NOTE, TEXT, frame};
use crate::live::Session;
use crate::tasks::{End, Score};

/// How long a notice stays.
const STAYS: Duration = Duration::from_secs(5);
/// Errors are longer to read.
const ERROR_STAYS: Duration = Duration::from_secs(9);

/// Top middle: how the episode ended.
pub(super) fn show_end(mut contexts: EguiContexts, session: Res<Session>, scores: Query<&Score>) -> Result {
    let context = contexts.ctx_mut()?;
    let Some(end) = scores.get(session.ego())?.end else { return Ok(()) };
    let (text, why, colour) = match end {
        End::Success => ("DONE", "", GOOD),
        End::Failure(why) => ("FAILED", why, BAD),
        End::TimeUp => ("TIME IS UP", "", NOTE),
    };
    egui::Area::new(Id::new(("end", text, why))).anchor(Align2::CENTER_TOP, [0.0, 84.0]).interactable(false).show(
        context,
        |ui| {
            frame().stroke(egui::Stroke::new(2.0, colour)).show(ui, |ui| {
                ui.vertical_centered(|ui| {
                    ui.label(RichText::new(text).size(30.0).strong().color(colour));
                    if !why.is_empty() {
                        ui.label(RichText::new(why).color(FAINT));
                    }
                });
            });
        },
    );
    Ok(())
}

/// Top middle: the last notice.
pub(super) fn show_notice(mut contexts: EguiContexts, session: Res<Session>) -> Result {
    let context = contexts.ctx_mut()?;
    let Some(notice) = &session.notice else { return Ok(()) };
    let stays = if notice.is_error { ERROR_STAYS } else { STAYS };
    let age = notice.at.elapsed();
    if age > stays {
        return Ok(());
    }
    // Fades over the last half second.
    let alpha = ((stays - age).as_secs_f32() / 0.5).min(1.0);
    let (stroke, text) = if notice.is_error { (BAD, BAD) } else { (Color32::from_rgb(90, 110, 135), TEXT) };
    // An area is placed by how wide it was: another text has its own, or it would be out of place at first.
    let id = Id::new(("notice", &notice.text));
    egui::Area::new(id).anchor(Align2::CENTER_TOP, [0.0, MARGIN]).interactable(false).show(context, |ui| {
        ui.set_opacity(alpha);
        ui.set_max_width(400.0);
        frame().stroke(egui::Stroke::new(1.0, stroke)).show(ui, |ui| {
            ui.label(RichText::new(&notice.text).color(text));
        });
    });
    Ok(())
}
