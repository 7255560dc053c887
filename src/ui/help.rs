//! The help panel: the list of all keys.

use bevy::input::keyboard::KeyCode;
use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{self, Align2, RichText};

use super::keys::SESSION_KEYS;
use super::panels::Panels;
use super::widgets::{FAINT, key_cap, panel};
use crate::live::Session;
use crate::teleop::KeyBindings;

/// A key's name as printed on a keyboard.
pub fn key_name(key: KeyCode) -> String {
    let text = format!("{key:?}");
    match key {
        KeyCode::ArrowUp => "Up".to_owned(),
        KeyCode::ArrowDown => "Down".to_owned(),
        KeyCode::ArrowLeft => "Left".to_owned(),
        KeyCode::ArrowRight => "Right".to_owned(),
        KeyCode::ShiftLeft | KeyCode::ShiftRight => "Shift".to_owned(),
        KeyCode::ControlLeft | KeyCode::ControlRight => "Ctrl".to_owned(),
        _ => text.trim_start_matches("Key").trim_start_matches("Digit").to_owned(),
    }
}

/// The help panel, centered, while open.
pub(super) fn show_help(
    mut contexts: EguiContexts,
    session: Res<Session>,
    panels: Res<Panels>,
    agents: Query<&KeyBindings>,
) -> Result {
    if !panels.help {
        return Ok(());
    }
    let context = contexts.ctx_mut()?;
    let bindings = agents.get(session.ego())?;
    let agent_kind = session.scene.blueprint.spaces().agent;
    panel(context, "help", Align2::CENTER_CENTER, [0.0, 0.0], |ui| {
        ui.horizontal_top(|ui| {
            ui.vertical(|ui| {
                ui.label(RichText::new(format!("Keys of the {agent_kind}")).heading().strong());
                egui::Grid::new("agent keys").num_columns(2).spacing([10.0, 3.0]).show(ui, |ui| {
                    for binding in &bindings.bindings {
                        ui.horizontal(|ui| {
                            for key in &binding.keys {
                                key_cap(ui, &key_name(*key));
                            }
                        });
                        ui.label(RichText::new(binding.label).color(FAINT));
                        ui.end_row();
                    }
                });
            });
            ui.add_space(18.0);
            ui.vertical(|ui| {
                ui.label(RichText::new("Keys of the session").heading().strong());
                egui::Grid::new("session keys").num_columns(2).spacing([10.0, 3.0]).show(ui, |ui| {
                    for (key, label) in SESSION_KEYS {
                        ui.horizontal(|ui| key_cap(ui, key));
                        ui.label(RichText::new(label).color(FAINT));
                        ui.end_row();
                    }
                });
            });
        });
    });
    Ok(())
}
