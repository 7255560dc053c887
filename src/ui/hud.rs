//! The panels over the 3D view: their order, fonts and sizes.

use bevy::prelude::*;
use bevy_egui::egui::{self, FontId, TextStyle};
use bevy_egui::{EguiContexts, EguiPrimaryContextPass};

use super::panels::Panels;
use super::widgets::TEXT;
use super::{help, picker, recording, status, toast, training};
use crate::live::Session;

/// Shows the panels.
pub struct HudPlugin;

impl Plugin for HudPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(
            EguiPrimaryContextPass,
            (
                (apply_style, preload_glyphs).chain(),
                (status::show_status, status::show_keys, recording::show_recording, training::show_training)
                    .chain()
                    .run_if(|panels: Res<Panels>| !panels.hidden),
                (toast::show_end, toast::show_notice, picker::show_picker, help::show_help).chain(),
            )
                .chain()
                .run_if(resource_exists::<Session>),
        );
    }
}

/// All fonts and sizes in use.
const SIZES: [FontId; 8] = [
    FontId::proportional(11.5),
    FontId::proportional(13.5),
    FontId::proportional(17.0),
    FontId::proportional(20.0),
    FontId::proportional(30.0),
    FontId::monospace(11.5),
    FontId::monospace(12.5),
    FontId::monospace(25.0),
];

/// Rasterize every glyph into the font atlas in advance: a new glyph is missing from the first frame that uses it.
fn preload_glyphs(mut contexts: EguiContexts, mut prepared: Local<f32>) -> Result {
    let context = contexts.ctx_mut()?;
    let scale = context.pixels_per_point();
    if std::mem::replace(&mut *prepared, scale).to_bits() != scale.to_bits() {
        let letters: String = (' '..='~').chain("·°²µ±½–→×…".chars()).collect();
        context.fonts_mut(|fonts| {
            for font in SIZES {
                fonts.layout_no_wrap(letters.clone(), font, TEXT);
            }
        });
    }
    Ok(())
}

/// Set the style and scale it with the window's height. Take the keyboard focus from buttons: Space and Enter are keys
/// of the session and its agents.
fn apply_style(mut contexts: EguiContexts, window: Single<&Window>, mut styled: Local<bool>) -> Result {
    let context = contexts.ctx_mut()?;
    // Body text of 13.5 points is readable in a window 640 points high; it grows with the window.
    let zoom = (window.height() / 640.0).clamp(0.9, 2.5);
    if (context.zoom_factor() - zoom).abs() > 0.01 {
        context.set_zoom_factor(zoom);
    }
    if let Some(focused) = context.memory(|memory| memory.focused()) {
        context.memory_mut(|memory| memory.surrender_focus(focused));
    }
    if !std::mem::replace(&mut *styled, true) {
        context.set_visuals(egui::Visuals::dark());
        context.all_styles_mut(|style| {
            style.text_styles = [
                (TextStyle::Heading, FontId::proportional(17.0)),
                (TextStyle::Body, FontId::proportional(13.5)),
                (TextStyle::Button, FontId::proportional(13.5)),
                (TextStyle::Small, FontId::proportional(11.5)),
                (TextStyle::Monospace, FontId::monospace(12.5)),
            ]
            .into();
            style.visuals.override_text_color = Some(TEXT);
            style.interaction.selectable_labels = false;
            style.spacing.item_spacing = egui::vec2(8.0, 4.0);
        });
    }
    Ok(())
}
