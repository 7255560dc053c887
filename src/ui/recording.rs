//! The recording panel: recording state and size of the dataset.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{Align2, Color32, RichText};

use super::widgets::{FAINT, MARGIN, NOTE, indicator, panel};
use crate::agents::Driver;
use crate::demos::Recorder;
use crate::live::{RecordingState, Session};

/// Blink period of the recording light, s.
const BLINK: f64 = 1.0;

/// The recording panel, top right.
pub(super) fn show_recording(
    mut contexts: EguiContexts,
    time: Res<Time>,
    session: Res<Session>,
    agents: Query<(&Driver, Option<&Recorder>)>,
) -> Result {
    let context = contexts.ctx_mut()?;
    let (driver, recorder) = agents.get(session.ego())?;
    if *driver == Driver::Replay {
        return Ok(());
    }
    let dt = session.scene.blueprint.control_dt();
    panel(context, "recording", Align2::RIGHT_TOP, [-MARGIN, MARGIN], |ui| {
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
            RecordingState::Review => {
                ui.label(RichText::new(format!("recorded {length:.1} s")).heading().strong().color(NOTE));
                ui.label(RichText::new("Enter keeps, Backspace discards").small());
            }
        }
        let total = session.ticks as f32 * dt;
        let plural = if session.episodes == 1 { "" } else { "s" };
        ui.label(format!("{} episode{plural}, {total:.0} s in the dataset", session.episodes));
    });
    Ok(())
}
