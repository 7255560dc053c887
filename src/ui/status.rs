//! Who drives, how fast, how well; and the keys.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{self, Align2, Color32, RichText};

use super::hud::{BAD, FAINT, GOOD, MARGIN, NOTE, TEXT, key_cap, light, panel};
use super::replay::Playback;
use crate::agents::{Agent, Driver};
use crate::demos::ReplayTrack;
use crate::live::{RecordingState, Session, SimClock};
use crate::sim::{Arena, Physics, PhysicsSets, Slot};
use crate::tasks::Score;
use crate::teleop::KeyBindings;

/// Colour of a driver.
fn driver_colour(driver: Driver) -> Color32 {
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

/// Top left: scene, driver, speed, time, score.
pub(super) fn show_status(
    mut contexts: EguiContexts,
    session: Res<Session>,
    playback: Option<Res<Playback>>,
    agents: Query<(&Agent, &Driver, &Score, Option<&ReplayTrack>)>,
    mut arenas: Query<(&Arena, PhysicsSets)>,
) -> Result {
    let context = contexts.ctx_mut()?;
    let (agent, driver, score, track) = agents.get(session.ego())?;
    let (arena, mut sets) = arenas.get_mut(agent.arena)?;
    let physics = sets.physics();
    let root = arena.slots.get(agent.slot).and_then(|slot| slot.body.parts().first());
    let speed = root.and_then(|root| physics.bodies.get(*root)).map_or(0.0, |body| body.linvel().length());
    let dt = session.scene.blueprint.control_dt();
    panel(context, "status", Align2::LEFT_TOP, [MARGIN, MARGIN], |ui| {
        ui.set_width(228.0);
        ui.label(RichText::new(session.scene.title()).heading().strong());
        let colour = driver_colour(*driver);
        ui.horizontal(|ui| {
            light(ui, 4.5, colour);
            ui.label(RichText::new(driver_text(*driver, &session)).color(colour).strong());
        });
        if let (Driver::Replay, Some(track)) = (driver, track) {
            replay_lines(ui, track, playback.as_deref());
        }
        ui.horizontal(|ui| {
            ui.label(RichText::new(format!("{speed:4.1}")).monospace().size(25.0).strong());
            ui.label(RichText::new("m/s").color(FAINT));
            ui.label(RichText::new(format!("{:3.0} km/h", speed * 3.6)).monospace().color(FAINT));
        });
        if let Some(text) = arena.slots.get(agent.slot).and_then(|slot| rival_text(&physics, slot)) {
            ui.label(RichText::new(text).strong());
        }
        let differs = arena.conditions().to_string();
        if !differs.is_empty() {
            ui.label(RichText::new(differs).small().color(FAINT));
        }
        let (now, limit) = (score.ticks as f32 * dt, score.limit as f32 * dt);
        let share = if limit > 0.0 { now / limit } else { 0.0 };
        let bar =
            egui::ProgressBar::new(share).desired_height(15.0).corner_radius(3).fill(Color32::from_rgb(58, 92, 128));
        ui.add(bar.text(RichText::new(format!("{now:.1} of {limit:.0} s")).small()));
        score_table(ui, score);
    });
    Ok(())
}

/// In a game of tag: who one is, and where the other one is.
fn rival_text(physics: &Physics<'_>, slot: &Slot) -> Option<String> {
    let rival = slot.guide.rival?;
    let place = rival.place(physics, *slot.body.parts().first()?).with_y(0.0);
    // An eighth of a turn to either side.
    let along = match place {
        p if p.z.abs() < 0.4 * p.x.abs() => "",
        p if p.z < 0.0 => " ahead",
        _ => " behind",
    };
    let across = match place {
        p if p.x.abs() < 0.4 * p.z.abs() => "",
        p if p.x < 0.0 => " left",
        _ => " right",
    };
    let who = if rival.chasing { "Catch the other: it is" } else { "Get away: the other is" };
    Some(format!("{who} {:.0} m{along}{across}", place.length()))
}

fn replay_lines(ui: &mut egui::Ui, track: &ReplayTrack, playback: Option<&Playback>) {
    let Some(playback) = playback else { return };
    let header = &playback.episode.header;
    ui.label(
        RichText::new(format!("recorded by {}, {} ticks", header.operator, playback.episode.len()))
            .small()
            .color(FAINT),
    );
    let (text, colour) = match (track.diverged.or(playback.verdict.flatten()), playback.verdict) {
        (Some(tick), _) => (format!("differs from the recording from tick {tick} on"), BAD),
        (None, Some(None)) => ("every state as recorded".to_owned(), GOOD),
        (None, _) => ("every state as recorded so far".to_owned(), FAINT),
    };
    ui.label(RichText::new(text).small().color(colour));
}

fn score_table(ui: &mut egui::Ui, score: &Score) {
    egui::Grid::new("score").num_columns(3).min_col_width(50.0).spacing([10.0, 2.0]).show(ui, |ui| {
        let number = |ui: &mut egui::Ui, text: String, colour: Color32| {
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                ui.label(RichText::new(text).monospace().color(colour));
            });
        };
        // Nothing has no sign.
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
        ui.label(RichText::new("score").strong());
        ui.label("");
        number(ui, format!("{:+.2}", rounded(score.total())), tint(score.total()));
        ui.end_row();
    });
}

/// Bottom: what the keys do now, and how the clock keeps up.
pub(super) fn show_keys(
    mut contexts: EguiContexts,
    session: Res<Session>,
    clock: Res<SimClock>,
    agents: Query<(&Driver, &KeyBindings)>,
) -> Result {
    let context = contexts.ctx_mut()?;
    let (driver, bindings) = agents.get(session.ego())?;
    panel(context, "clock", Align2::RIGHT_BOTTOM, [-MARGIN, -MARGIN], |ui| {
        ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Extend);
        let wanted = clock.wanted_rate(session.scene.blueprint.control_dt());
        let achieved = clock.achieved_rate();
        if clock.paused {
            ui.label(RichText::new("PAUSED  (F5)").color(NOTE).strong());
        } else {
            let colour = if achieved < 0.9 * wanted { NOTE } else { FAINT };
            let scale = clock.time_scale();
            ui.label(
                RichText::new(format!("{achieved:.0} of {wanted:.0} ticks/s   {scale}\u{d7} time"))
                    .small()
                    .color(colour),
            );
        }
    });
    let body: Vec<(String, &str)> = key_labels(bindings);
    let session_keys: &[(&str, &str)] = match (session.recording, driver) {
        (RecordingState::Recording, _) => &[("R", "end"), ("Enter", "keep"), ("Backspace", "discard")],
        (RecordingState::Review, _) => &[("Enter", "keep"), ("Backspace", "discard")],
        (_, Driver::Replay) => &[("P", "take over"), ("N", "again"), ("H", "help")],
        _ => &[("R", "record"), ("T", "train"), ("P", "policy"), ("N", "new"), ("Tab", "scenes"), ("H", "help")],
    };
    panel(context, "keys", Align2::LEFT_BOTTOM, [MARGIN, -MARGIN], |ui| {
        if *driver == Driver::Human {
            ui.horizontal(|ui| {
                for (key, label) in &body {
                    key_cap(ui, key);
                    ui.label(RichText::new(*label).small().color(TEXT));
                }
            });
        }
        ui.horizontal(|ui| {
            for (key, label) in session_keys {
                key_cap(ui, key);
                ui.label(RichText::new(*label).small().color(FAINT));
            }
        });
    });
    Ok(())
}

/// The first key of each of the body's bindings, with what it does; one line for a key that does two things.
fn key_labels(bindings: &KeyBindings) -> Vec<(String, &'static str)> {
    let mut out: Vec<(String, &'static str)> = Vec::new();
    for binding in &bindings.bindings {
        let Some(key) = binding.keys.first() else { continue };
        let key = super::help::key_name(*key);
        if !out.iter().any(|(known, _)| *known == key) {
            out.push((key, binding.label));
        }
    }
    out
}
