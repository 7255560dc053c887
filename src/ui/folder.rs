//! The question for another folder to save in.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{Id, RichText, TextEdit};

use super::panels::Panels;
use super::widgets::{FAINT, key_cap, opaque_panel};
use crate::live::Session;

/// Width of the text field, points.
const WIDTH: f32 = 420.0;

/// The text field for a folder, centered, while open.
pub(super) fn show_folder(mut contexts: EguiContexts, session: Res<Session>, mut panels: ResMut<Panels>) -> Result {
    let Some(folder) = &mut panels.folder else { return Ok(()) };
    let context = contexts.ctx_mut()?;
    opaque_panel(context, "folder", |ui| {
        ui.label(RichText::new("Save into another folder").heading().strong());
        let datasets = session.options.datasets.display();
        let text = format!("Datasets are kept in {datasets}, runs in {}.", session.options.runs.display());
        ui.label(RichText::new(text).color(FAINT));
        let id = Id::new("folder text");
        let folder_now = std::path::absolute(&session.options.datasets).unwrap_or_default();
        let hint = folder_now.parent().map_or_else(String::new, |folder| folder.display().to_string());
        let width = WIDTH.min(ui.available_width());
        ui.add(TextEdit::singleline(folder).id(id).hint_text(RichText::new(hint)).desired_width(width));
        // The keyboard writes here as long as the question is open.
        ui.memory_mut(|memory| memory.request_focus(id));
        ui.horizontal(|ui| {
            key_cap(ui, "Enter");
            ui.label(RichText::new("save there from now on").small().color(FAINT));
            key_cap(ui, "Esc");
            ui.label(RichText::new("leave it").small().color(FAINT));
        });
    });
    Ok(())
}
