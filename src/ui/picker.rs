//! The scene picker: the list of built-in scenes.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{self, Align, Align2, AtomExt, Button, Color32, Layout, RichText};

use super::panels::Panels;
use super::widgets::{FAINT, MARGIN, key_cap, opaque_panel};
use crate::live::{Command, Request, Session, SimClock};
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

/// The number of scenes in the list.
pub(super) fn scene_count() -> usize {
    builtin_names().count()
}

/// The scene picker, centered, while open.
pub(super) fn show_picker(
    mut contexts: EguiContexts,
    session: Res<Session>,
    clock: Res<SimClock>,
    mut panels: ResMut<Panels>,
    mut rows: Local<Vec<Row>>,
    mut scrolled_to: Local<Option<usize>>,
    mut requests: MessageWriter<Request>,
) -> Result {
    if !panels.picker {
        *scrolled_to = None;
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
    let current = rows.iter().position(|row| row.name == session.scene.name);
    let highlighted = *panels.highlighted.get_or_insert(current.unwrap_or(0));
    let context = contexts.ctx_mut()?;
    let screen = context.content_rect().size();
    let mut chosen = None;
    opaque_panel(context, "picker", |ui| {
        ui.set_width(WIDTH.min(screen.x - 4.0 * MARGIN));
        ui.label(RichText::new("Choose a scene").size(20.0).strong());
        let [record, train, policy] = [Command::Record, Command::Train, Command::Policy].map(|c| session.key_name(c));
        let text = format!(
            "Drive, record episodes ({record}), train a policy on them ({train}), let the policy drive ({policy})."
        );
        ui.label(RichText::new(text).color(FAINT));
        ui.add_space(6.0);
        let below = 30.0;
        let height = screen.y - 4.0 * MARGIN - ui.min_rect().height() - below;
        egui::ScrollArea::vertical().max_height(height).show(ui, |ui| {
            for (i, row) in rows.iter().enumerate() {
                let response = scene_button(ui, i, row, highlighted == i, Some(i) == current);
                if response.clicked() {
                    chosen = Some(i);
                }
                if highlighted == i && *scrolled_to != Some(i) {
                    response.scroll_to_me(None);
                }
            }
        });
        *scrolled_to = Some(highlighted);
        ui.add_space(4.0);
        let text =
            "Arrows and Enter, a number or the mouse choose; Tab or Esc closes; your own: apprentice play my_scene.ron";
        ui.label(RichText::new(text).small().color(FAINT));
    });
    if let Some(place) = chosen {
        panels.picker = false;
        open_scene(place, &clock, &mut requests);
    }
    Ok(())
}

fn scene_button(ui: &mut egui::Ui, place: usize, row: &Row, highlighted: bool, current: bool) -> egui::Response {
    ui.horizontal(|ui| {
        ui.allocate_ui_with_layout([KEY_WIDTH, ROW_HEIGHT].into(), Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(KEY_WIDTH);
            if place < 9 {
                key_cap(ui, &(place + 1).to_string());
            }
        });
        let fill = if highlighted { Color32::from_rgb(48, 74, 104) } else { Color32::from_rgb(33, 39, 48) };
        let name = RichText::new(row.name).strong();
        let name = name.atom_size([NAME_WIDTH, TEXT_HEIGHT].into()).atom_align(Align2::LEFT_CENTER);
        let agent = if current { format!("{}, open", row.agent) } else { row.agent.clone() };
        let agent = RichText::new(agent).small().color(FAINT);
        let size = [ui.available_width(), ROW_HEIGHT];
        let button = Button::new((name, RichText::new(&row.title))).right_text(agent);
        ui.add(button.fill(fill).truncate().min_size(size.into()))
    })
    .inner
}

/// Request the scene at a place of the list, and resume a paused clock: the first tick places the agents.
pub(super) fn open_scene(place: usize, clock: &SimClock, requests: &mut MessageWriter<Request>) {
    let Some(name) = builtin_names().nth(place) else { return };
    if clock.is_paused() {
        requests.write(Request::TogglePause);
    }
    requests.write(Request::LoadScene(name.to_owned()));
}
