//! The panels over the picture: their style, their order.

use bevy::prelude::*;
use bevy_egui::egui::{self, Align2, Color32, Context, FontId, Frame, Id, Margin, RichText, Stroke, TextStyle, Ui};
use bevy_egui::{EguiContexts, EguiPrimaryContextPass};

use super::keys::Panels;
use super::{help, picker, recording, status, toast, training};
use crate::live::Session;

/// Text.
pub const TEXT: Color32 = Color32::from_rgb(232, 236, 241);
/// Text of less weight.
pub const FAINT: Color32 = Color32::from_rgb(160, 170, 182);
/// What went well.
pub const GOOD: Color32 = Color32::from_rgb(88, 214, 141);
/// What went wrong.
pub const BAD: Color32 = Color32::from_rgb(255, 107, 99);
/// What deserves a look.
pub const NOTE: Color32 = Color32::from_rgb(250, 196, 84);
/// Panels let a little of the picture through.
const PANEL: Color32 = Color32::from_rgba_premultiplied(13, 17, 23, 238);

/// Distance of panels from the window's border and from each other, points.
pub const MARGIN: f32 = 12.0;

/// Shows the panels.
pub struct HudPlugin;

impl Plugin for HudPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(
            EguiPrimaryContextPass,
            (
                (dress, prepare_letters).chain(),
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

/// All sizes of text.
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

/// Have every letter drawn into the font's texture before it is needed: one that is new is missing from the picture that it is
/// first in.
fn prepare_letters(mut contexts: EguiContexts, mut prepared: Local<f32>) -> Result {
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

/// Set sizes for the window's height, and take the keyboard's focus from buttons: Space and Enter belong to the scene.
fn dress(mut contexts: EguiContexts, window: Single<&Window>, mut styled: Local<bool>) -> Result {
    let context = contexts.ctx_mut()?;
    // 14-point text is well read in windows of up to 640 points in height; it grows with higher ones.
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

/// A panel's frame.
pub fn frame() -> Frame {
    Frame::new()
        .fill(PANEL)
        .corner_radius(8)
        .inner_margin(Margin::symmetric(12, 9))
        .stroke(Stroke::new(1.0, Color32::from_rgba_premultiplied(40, 44, 50, 90)))
}

/// Show a panel at a place of the window, `offset` away from it.
pub fn panel<R>(
    context: &Context,
    name: &str,
    at: Align2,
    offset: [f32; 2],
    content: impl FnOnce(&mut Ui) -> R,
) -> egui::Rect {
    let area = egui::Area::new(Id::new(name)).anchor(at, offset).constrain(true);
    area.show(context, |ui| frame().show(ui, content)).response.rect
}

/// A light: a filled circle.
pub fn light(ui: &mut Ui, radius: f32, colour: Color32) {
    let (place, _) = ui.allocate_exact_size(egui::Vec2::splat(2.0 * radius), egui::Sense::hover());
    ui.painter().circle_filled(place.center(), radius, colour);
}

/// A key as it is printed on a keyboard.
pub fn key_cap(ui: &mut Ui, key: &str) {
    Frame::new()
        .fill(Color32::from_rgb(52, 60, 72))
        .corner_radius(4)
        .inner_margin(Margin::symmetric(5, 1))
        .show(ui, |ui| ui.label(RichText::new(key).small().color(TEXT).strong()));
}
