//! The list of scenes.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{Align2, Button, Color32, RichText};

use super::hud::{FAINT, key_cap, panel};
use super::keys::Panels;
use crate::live::{Request, Session, SimClock};
use crate::scenes::{builtin_names, find};

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
        ui.set_width(430.0);
        ui.label(RichText::new("Choose a scene").size(20.0).strong());
        ui.label(RichText::new("Play it, record it (R), train on what you recorded (T), hand over (P).").color(FAINT));
        ui.add_space(6.0);
        for (i, row) in rows.iter().enumerate() {
            ui.horizontal(|ui| {
                key_cap(ui, &if i < 9 { (i + 1).to_string() } else { " ".to_owned() });
                let here = row.name == session.scene.name;
                let fill = if here { Color32::from_rgb(48, 74, 104) } else { Color32::from_rgb(33, 39, 48) };
                let text = RichText::new(format!("{:<10} {}", row.name, row.title)).strong();
                let button = Button::new(text).fill(fill).min_size([318.0, 26.0].into());
                if ui.add(button).clicked() {
                    chosen = Some(row.name);
                }
                ui.label(RichText::new(&row.agent).small().color(FAINT));
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
