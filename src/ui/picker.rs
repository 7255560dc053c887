//! The list of scenes.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{Align, Align2, AtomExt, Button, Color32, Layout, RichText};

use super::hud::{FAINT, key_cap, panel};
use super::keys::Panels;
use crate::live::{Request, Session, SimClock};
use crate::scenes::{builtin_names, find};

/// Widths of the list, of its keys and of its names, points.
const WIDE: f32 = 530.0;
const KEY_WIDE: f32 = 20.0;
const NAME_WIDE: f32 = 74.0;
/// Height of a row and of its text, points.
const HIGH: f32 = 26.0;
const TEXT_HIGH: f32 = 16.0;

/// One scene of the list.
pub(super) struct Row {
    name: &'static str,
    title: String,
    agent: String,
}

/// In the middle, while open.
pub(super) fn show_picker(
    mut contexts: EguiContexts,
    session: Res<Session>,
    clock: Res<SimClock>,
    mut panels: ResMut<Panels>,
    mut rows: Local<Vec<Row>>,
    mut requests: MessageWriter<Request>,
) -> Result {
    if !panels.picker {
        return Ok(());
    }
    if rows.is_empty() {
        let scenes = builtin_names().filter_map(|name| Some((name, find(name).ok()?)));
        rows.extend(scenes.map(|(name, scene)| Row {
            name,
            title: scene.title(),
            agent: scene.blueprint.spaces().agent.to_string(),
        }));
    }
    let context = contexts.ctx_mut()?;
    let mut chosen = None;
    panel(context, "picker", Align2::CENTER_CENTER, [0.0, 0.0], |ui| {
        ui.set_width(WIDE);
        ui.label(RichText::new("Choose a scene").size(20.0).strong());
        ui.label(RichText::new("Play it, record it (R), train on what you recorded (T), hand over (P).").color(FAINT));
        ui.add_space(6.0);
        for (i, row) in rows.iter().enumerate() {
            ui.horizontal(|ui| {
                ui.allocate_ui_with_layout([KEY_WIDE, HIGH].into(), Layout::left_to_right(Align::Center), |ui| {
                    ui.set_min_width(KEY_WIDE);
                    if i < 9 {
                        key_cap(ui, &(i + 1).to_string());
                    }
                });
                let here = row.name == session.scene.name;
                let fill = if here { Color32::from_rgb(48, 74, 104) } else { Color32::from_rgb(33, 39, 48) };
                let name = RichText::new(row.name).strong();
                let name = name.atom_size([NAME_WIDE, TEXT_HIGH].into()).atom_align(Align2::LEFT_CENTER);
                let agent = RichText::new(&row.agent).small().color(FAINT);
                let size = [WIDE - KEY_WIDE - ui.spacing().item_spacing.x, HIGH];
                let button = Button::new((name, RichText::new(&row.title))).right_text(agent);
                if ui.add(button.fill(fill).truncate().min_size(size.into())).clicked() {
                    chosen = Some(row.name);
                }
            });
        }
        ui.add_space(4.0);
        ui.label(RichText::new("Tab or Esc closes; other scenes: apprentice play my_scene.ron").small().color(FAINT));
    });
    if let Some(name) = chosen {
        panels.picker = false;
        open_scene(name, &clock, &mut requests);
    }
    Ok(())
}

/// Ask for a scene. A clock that is held would never lay it out.
pub(super) fn open_scene(name: &str, clock: &SimClock, requests: &mut MessageWriter<Request>) {
    if clock.paused {
        requests.write(Request::TogglePause);
    }
    requests.write(Request::LoadScene(name.to_owned()));
}
