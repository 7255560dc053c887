//! The status panel (driver, speed, time, reward terms) and the panels at the bottom (keys, clock).

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{self, Align2, Color32, RichText};

use super::placement::{PanelRects, is_compact};
use super::replay::Playback;
use super::widgets::{BAD, FAINT, GOOD, KEY_CAP_PADDING, MARGIN, NOTE, TEXT, indicator, key_cap, panel};
use crate::agents::{Agent, Driver};
use crate::demos::ReplayTrack;
use crate::live::{BackgroundTraining, Command, RecordingState, Session, SimClock};
use crate::sim::{Arena, PhysicsSets};
use crate::tasks::Score;
use crate::teleop::KeyBindings;

/// Color of a driver.
fn driver_color(driver: Driver) -> Color32 {
    match driver {
        Driver::Human => GOOD,
        Driver::Policy => Color32::from_rgb(190, 146, 255),
        Driver::Scripted => NOTE,
        Driver::Replay => Color32::from_rgb(98, 200, 255),
        Driver::Remote => Color32::from_rgb(255, 150, 120),
    }
}

fn driver_text(driver: Driver, session: &Session) -> String {
    match driver {
        Driver::Human => "YOU DRIVE".to_owned(),
        Driver::Policy => format!("POLICY  {}", session.policy_name),
        other => other.name().to_uppercase(),
    }
}

/// The status panel, top left.
pub(super) fn show_status(
    mut contexts: EguiContexts,
    session: Res<Session>,
    playback: Option<Res<Playback>>,
    agents: Query<(&Agent, &Driver, &Score, Option<&ReplayTrack>)>,
    mut arenas: Query<(&Arena, PhysicsSets)>,
    mut rects: ResMut<PanelRects>,
) -> Result {
    let context = contexts.ctx_mut()?;
    let (agent, driver, score, track) = agents.get(session.ego())?;
    let (arena, mut sets) = arenas.get_mut(agent.arena)?;
    let physics = sets.physics();
    let root = arena.slots.get(agent.slot).and_then(|slot| slot.body.parts().first());
    let speed = root.and_then(|root| physics.bodies.get(*root)).map_or(0.0, |body| body.linvel().length());
    let dt = session.scene.blueprint.control_dt();
    let compact = is_compact(context);
    rects.top_left = panel(context, "status", Align2::LEFT_TOP, [MARGIN, MARGIN], |ui| {
        ui.set_width(228.0);
        ui.label(RichText::new(session.scene.title()).heading().strong());
        let color = driver_color(*driver);
        ui.horizontal(|ui| {
            indicator(ui, 4.5, color);
            ui.label(RichText::new(driver_text(*driver, &session)).color(color).strong());
        });
        if !session.outside.is_empty() {
            let text = format!("unlike its demonstrations: {}", session.outside.join(", "));
            ui.label(RichText::new(text).small().color(BAD));
        }
        if let (Driver::Replay, Some(track)) = (driver, track) {
            replay_lines(ui, track, playback.as_deref());
        }
        ui.horizontal(|ui| {
            ui.label(RichText::new(format!("{speed:4.1}")).monospace().size(25.0).strong());
            ui.label(RichText::new("m/s").color(FAINT));
            ui.label(RichText::new(format!("{:3.0} km/h", speed * 3.6)).monospace().color(FAINT));
        });
        if let Some(text) =
            arena.slots.get(agent.slot).and_then(|slot| slot.goal.status(&physics, *slot.body.parts().first()?))
        {
            ui.label(RichText::new(text).strong());
        }
        let conditions = arena.conditions().to_string();
        if !conditions.is_empty() {
            ui.label(RichText::new(conditions).small().color(FAINT));
        }
        let (now, limit) = (score.ticks as f32 * dt, score.tick_limit as f32 * dt);
        let fraction = if limit > 0.0 { now / limit } else { 0.0 };
        let bar =
            egui::ProgressBar::new(fraction).desired_height(15.0).corner_radius(3).fill(Color32::from_rgb(58, 92, 128));
        ui.add(bar.text(RichText::new(format!("{now:.1} of {limit:.0} s")).small()));
        if !compact {
            score_table(ui, score);
        }
    });
    Ok(())
}

fn replay_lines(ui: &mut egui::Ui, track: &ReplayTrack, playback: Option<&Playback>) {
    let Some(playback) = playback else { return };
    let header = &playback.episode.header;
    ui.label(
        RichText::new(format!("recorded by {}, {} ticks", header.operator, playback.episode.len()))
            .small()
            .color(FAINT),
    );
    let (text, color) = match (track.first_divergence.or(playback.result.flatten()), playback.result) {
        (Some(tick), _) => (format!("diverged from the recording at tick {tick}"), BAD),
        (None, Some(None)) => ("no divergence from the recording".to_owned(), GOOD),
        (None, _) => ("no divergence so far".to_owned(), FAINT),
    };
    ui.label(RichText::new(text).small().color(color));
}

fn score_table(ui: &mut egui::Ui, score: &Score) {
    egui::Grid::new("score").num_columns(3).min_col_width(50.0).spacing([10.0, 2.0]).show(ui, |ui| {
        let number = |ui: &mut egui::Ui, text: String, color: Color32| {
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                ui.label(RichText::new(text).monospace().color(color));
            });
        };
        // Adding 0.0 turns -0.0 into 0.0: zero is printed without a minus sign.
        let rounded = |value: f32| (100.0 * value).round() / 100.0 + 0.0;
        let tint = |value: f32| match value {
            v if v > 0.005 => GOOD,
            v if v < -0.005 => BAD,
            _ => FAINT,
        };
        for ((name, weight), total) in score.names.iter().zip(&score.weights).zip(&score.totals) {
            ui.label(RichText::new(name).color(FAINT));
            number(ui, format!("\u{d7} {weight}"), FAINT);
            number(ui, format!("{:+.2}", rounded(*total)), tint(*total));
            ui.end_row();
        }
        ui.label(RichText::new("return").strong());
        ui.label("");
        number(ui, format!("{:+.2}", rounded(score.episode_return())), tint(score.episode_return()));
        ui.end_row();
    });
}

/// The keys that are active now, bottom left, and the achieved tick rate, bottom right.
pub(super) fn show_keys(
    mut contexts: EguiContexts,
    session: Res<Session>,
    clock: Res<SimClock>,
    learning: Res<BackgroundTraining>,
    agents: Query<(&Driver, &KeyBindings)>,
    mut rects: ResMut<PanelRects>,
) -> Result {
    let context = contexts.ctx_mut()?;
    let (driver, bindings) = agents.get(session.ego())?;
    let clock_panel = panel(context, "clock", Align2::RIGHT_BOTTOM, [-MARGIN, -MARGIN], |ui| {
        ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Extend);
        let wanted = clock.target_rate();
        let achieved = clock.achieved_rate();
        if clock.is_waiting() {
            ui.label(RichText::new("the scene waits").small().color(NOTE));
        } else if clock.is_paused() {
            ui.label(RichText::new("PAUSED  (F5)").color(NOTE).strong());
        } else {
            let color = if achieved < 0.9 * wanted { NOTE } else { FAINT };
            let speed = clock.relative_speed();
            ui.label(
                RichText::new(format!("{achieved:.0} of {wanted:.0} ticks/s   {speed}\u{d7} time"))
                    .small()
                    .color(color),
            );
        }
    });
    let agent_keys = key_labels(bindings, &session);
    let command = |command: Command, label: &'static str| (session.key_name(command), label);
    let driving = if *driver == Driver::Policy { "take over" } else { "policy" };
    let policy = session.policy.is_some().then(|| command(Command::Policy, driving));
    let not_saved = session.save_error.is_some() || learning.unsaved.is_some();
    let mut session_keys = match (session.recording, driver) {
        (RecordingState::Recording, _) => {
            let mut keys = vec![command(Command::Record, "end episode"), command(Command::Keep, "keep")];
            keys.push(command(Command::Discard, "discard"));
            keys.extend(policy);
            keys
        }
        (RecordingState::Review, _) => vec![command(Command::Keep, "keep"), command(Command::Discard, "discard")],
        (_, Driver::Replay) => vec![
            command(Command::Policy, "take over"),
            command(Command::NewEpisode, "restart"),
            command(Command::Help, "help"),
        ],
        _ if not_saved => vec![command(Command::Keep, "save the policy"), command(Command::Discard, "discard it")],
        _ => vec![command(Command::Record, "record"), command(Command::Train, train_label(&learning))],
    };
    if session.recording == RecordingState::Idle && *driver != Driver::Replay {
        session_keys.push(command(Command::Policy, driving));
        session_keys.push(command(Command::NewEpisode, "new episode"));
        session_keys.push(command(Command::Scenes, "scenes"));
        session_keys.push(command(Command::Help, "help"));
    }
    if not_saved {
        session_keys.push(command(Command::Folder, "another folder"));
    }
    // The keys wrap where the clock's panel would be covered.
    let width = context.content_rect().width() - clock_panel.width() - 5.0 * MARGIN;
    rects.bottom = panel(context, "keys", Align2::LEFT_BOTTOM, [MARGIN, -MARGIN], |ui| {
        if *driver == Driver::Human && !session.is_waiting() {
            key_rows(ui, &agent_keys, width, TEXT);
        }
        key_rows(ui, &session_keys, width, FAINT);
    });
    Ok(())
}

fn train_label(learning: &BackgroundTraining) -> &'static str {
    if learning.running { "stop training" } else { "train" }
}

/// Key caps with what they do, in rows of at most `width` points.
fn key_rows(ui: &mut egui::Ui, keys: &[(String, &'static str)], width: f32, color: Color32) {
    let small = egui::TextStyle::Small.resolve(ui.style());
    let spacing = ui.spacing().item_spacing.x;
    let text_width =
        |ui: &egui::Ui, text: &str| ui.painter().layout_no_wrap(text.to_owned(), small.clone(), color).size().x;
    let mut rows: Vec<Vec<&(String, &'static str)>> = Vec::new();
    let mut left = 0.0;
    for key in keys {
        let needed = text_width(ui, &key.0) + KEY_CAP_PADDING + text_width(ui, key.1) + 2.0 * spacing;
        if needed > left || rows.is_empty() {
            rows.push(Vec::new());
            left = width;
        }
        left -= needed;
        rows.last_mut().into_iter().for_each(|row| row.push(key));
    }
    for row in rows {
        ui.horizontal(|ui| {
            ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Extend);
            for (key, label) in row {
                key_cap(ui, key);
                ui.label(RichText::new(*label).small().color(color));
            }
        });
    }
}

/// The first key of each of the agent's bindings with its label; each key once.
fn key_labels(bindings: &KeyBindings, session: &Session) -> Vec<(String, &'static str)> {
    let mut out: Vec<(String, &'static str)> = Vec::new();
    for binding in &bindings.bindings {
        let Some(key) = binding.keys.first() else { continue };
        let key = session.keyboard.name(*key);
        if !out.iter().any(|(known, _)| *known == key) {
            out.push((key, binding.label));
        }
    }
    out
}
