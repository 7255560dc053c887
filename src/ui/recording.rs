//! The recording panel: recording state and size of the dataset.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{self, Align2, Color32, RichText};

use super::placement::PanelRects;
use super::widgets::{BAD, FAINT, GOOD, MARGIN, NOTE, indicator, panel};
use crate::agents::Driver;
use crate::demos::Recorder;
use crate::live::{BackgroundTraining, Command, RecordingState, Session};

/// Blink period of the recording light, s.
const BLINK: f64 = 1.0;

/// The recording panel, top right.
pub(super) fn show_recording(
    mut contexts: EguiContexts,
    time: Res<Time>,
    session: Res<Session>,
    agents: Query<(&Driver, Option<&Recorder>)>,
    learning: Res<BackgroundTraining>,
    mut rects: ResMut<PanelRects>,
) -> Result {
    let context = contexts.ctx_mut()?;
    let (driver, recorder) = agents.get(session.ego())?;
    if *driver == Driver::Replay {
        rects.top_right = egui::Rect::NOTHING;
        return Ok(());
    }
    let dt = session.scene.blueprint.control_dt();
    rects.top_right = panel(context, "recording", Align2::RIGHT_TOP, [-MARGIN, MARGIN], |ui| {
        ui.set_width(196.0);
        let length = recorder.map_or(0, Recorder::len) as f32 * dt;
        match session.recording {
            RecordingState::Idle => {
                ui.label(RichText::new("not recording").color(FAINT));
            }
            RecordingState::Recording => {
                let red = Color32::from_rgb(255, 64, 58);
                let lit = time.elapsed_secs_f64() % BLINK < 0.6 * BLINK;
                let color = if lit { red } else { red.gamma_multiply(0.25) };
                ui.horizontal(|ui| {
                    indicator(ui, 7.0, color);
                    ui.label(RichText::new(format!("REC  {length:.1} s")).heading().strong().color(red));
                });
            }
            RecordingState::Review if session.save_error.is_some() => {
                ui.label(RichText::new(format!("{length:.1} s NOT SAVED")).heading().strong().color(BAD));
                not_saved(ui, &session, session.save_error.as_deref().unwrap_or_default());
            }
            RecordingState::Review => {
                ui.label(RichText::new(format!("recorded {length:.1} s")).heading().strong().color(NOTE));
                ui.label(RichText::new("Enter keeps, Backspace discards").small());
            }
        }
        if let Some(unsaved) = &learning.unsaved {
            ui.label(RichText::new(format!("POLICY {}", unsaved.name())).strong().color(BAD));
            not_saved(ui, &session, &unsaved.error);
        }
        let total = session.ticks as f32 * dt;
        let plural = if session.episodes == 1 { "" } else { "s" };
        ui.label(format!("{} episode{plural}, {total:.0} s in the dataset", session.episodes));
        if session.episodes > 0 {
            let all = session.successes == session.episodes;
            let text = format!("{} of {} succeeded", session.successes, session.episodes);
            ui.label(RichText::new(text).small().color(if all { GOOD } else { NOTE }));
        }
    });
    Ok(())
}

/// Why something is not saved, and the keys that help.
fn not_saved(ui: &mut egui::Ui, session: &Session, error: &str) {
    ui.label(RichText::new(error).small());
    let folder = session.key_name(Command::Folder);
    let text = format!("Enter tries again, {folder} takes another folder, Backspace discards");
    ui.label(RichText::new(text).small().color(NOTE));
}
