//! The scene picker: the list of built-in scenes.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{Align, Align2, AtomExt, Button, Color32, Layout, RichText};

use super::panels::Panels;
use super::widgets::{FAINT, key_cap, panel};
use crate::live::{Request, Session, SimClock};
use crate::scenes::{builtin_names, find};

/// Widths of the list, of its key column and of its name column, points.
const WIDTH: f32 = 530.0;
const KEY_WIDTH: f32 = 20.0;
const NAME_WIDTH: f32 = 74.0;
/// Heights of a row and of its text, points.
const ROW_HEIGHT: f32 = 26.0;
const TEXT_HEIGHT: f32 = 16.0;

/// One scene of the list.
pub(super) struct Row {
    name: &'static str,
    title: String,
    agent: String,
}

/// The scene picker, centered, while open.
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
        ui.set_width(WIDTH);
        ui.label(RichText::new("Choose a scene").size(20.0).strong());
        ui.label(
            RichText::new("Drive, record episodes (R), train a policy on them (T), let the policy drive (P).")
                .color(FAINT),
        );
        ui.add_space(6.0);
        for (i, row) in rows.iter().enumerate() {
            ui.horizontal(|ui| {
                ui.allocate_ui_with_layout(
                    [KEY_WIDTH, ROW_HEIGHT].into(),
                    Layout::left_to_right(Align::Center),
                    |ui| {
                        ui.set_min_width(KEY_WIDTH);
                        if i < 9 {
                            key_cap(ui, &(i + 1).to_string());
                        }
                    },
                );
                let is_current = row.name == session.scene.name;
                let fill = if is_current { Color32::from_rgb(48, 74, 104) } else { Color32::from_rgb(33, 39, 48) };
                let name = RichText::new(row.name).strong();
                let name = name.atom_size([NAME_WIDTH, TEXT_HEIGHT].into()).atom_align(Align2::LEFT_CENTER);
                let agent = RichText::new(&row.agent).small().color(FAINT);
                let size = [WIDTH - KEY_WIDTH - ui.spacing().item_spacing.x, ROW_HEIGHT];
                let button = Button::new((name, RichText::new(&row.title))).right_text(agent);
                if ui.add(button.fill(fill).truncate().min_size(size.into())).clicked() {
                    chosen = Some(row.name);
                }
            });
        }
        ui.add_space(4.0);
        ui.label(
            RichText::new("Tab or Esc closes this list; a scene file of your own: apprentice play my_scene.ron")
                .small()
                .color(FAINT),
        );
    });
    if let Some(name) = chosen {
        panels.picker = false;
        open_scene(name, &clock, &mut requests);
    }
    Ok(())
}

/// Request a scene and resume a paused clock: the first tick places the agents.
pub(super) fn open_scene(name: &str, clock: &SimClock, requests: &mut MessageWriter<Request>) {
    if clock.is_paused() {
        requests.write(Request::TogglePause);
    }
    requests.write(Request::LoadScene(name.to_owned()));
}
