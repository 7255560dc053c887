//! The question about a recovered take: keep or discard.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::RichText;

use super::widgets::{FAINT, NOTE, key_cap, opaque_panel};
use crate::live::Session;

/// The question, centered, while a take waits for its answer.
pub(super) fn show_recovered(mut contexts: EguiContexts, session: Res<Session>) -> Result {
    let Some(take) = session.asked_take() else { return Ok(()) };
    let context = contexts.ctx_mut()?;
    opaque_panel(context, "recovered", |ui| {
        ui.label(RichText::new("An earlier recording was not kept or discarded").heading().strong());
        let header = &take.episode.header;
        let success = if take.episode.succeeded() { ", succeeded" } else { ", without success" };
        let text = format!("{:.1} s in {}, recorded by {}{success}", take.seconds(), header.scene, header.operator);
        ui.label(text);
        if let Some(damage) = &take.damage {
            let (ticks, bytes) = (damage.lost_ticks, damage.lost_bytes);
            let text = format!("its journal is damaged: {ticks} ticks in it and {bytes} bytes are lost");
            ui.label(RichText::new(text).color(NOTE));
        }
        let more = session.recovered.len() - 1;
        if more > 0 {
            ui.label(RichText::new(format!("{more} more wait")).color(FAINT));
        }
        ui.horizontal(|ui| {
            for (key, label) in session.answers() {
                key_cap(ui, &key);
                ui.label(RichText::new(label).small().color(FAINT));
            }
        });
    });
    Ok(())
}
