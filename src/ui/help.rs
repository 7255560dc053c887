//! The help panel: the list of all keys.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{self, RichText};

use super::camera::MOVING_KEYS;
use super::panels::Panels;
use super::widgets::{FAINT, key_cap, opaque_panel};
use crate::live::{COMMANDS, Session};
use crate::teleop::KeyBindings;

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
    opaque_panel(context, "help", |ui| {
        egui::ScrollArea::both().show(ui, |ui| {
            ui.horizontal_top(|ui| {
                ui.vertical(|ui| {
                    ui.label(RichText::new(format!("Keys of the {agent_kind}")).heading().strong());
                    egui::Grid::new("agent keys").num_columns(2).spacing([10.0, 3.0]).show(ui, |ui| {
                        for binding in &bindings.bindings {
                            ui.horizontal(|ui| {
                                for key in &binding.keys {
                                    key_cap(ui, &session.keyboard.name(*key));
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
                        for keys in COMMANDS {
                            ui.horizontal(|ui| {
                                let name = session.key_name(keys.command);
                                key_cap(ui, &name);
                                let other = session.keyboard.name(keys.key);
                                if other != name {
                                    key_cap(ui, &other);
                                }
                            });
                            ui.label(RichText::new(keys.help).color(FAINT));
                            ui.end_row();
                        }
                        ui.horizontal(|ui| {
                            MOVING_KEYS.iter().for_each(|key| key_cap(ui, &session.keyboard.name(*key)));
                        });
                        ui.label(RichText::new("move the free camera; the right mouse button turns it").color(FAINT));
                        ui.end_row();
                    });
                });
            })
        });
    });
    Ok(())
}
