//! What the panels are made of: colors, frames, key caps, indicator lights.

use bevy_egui::egui::{self, Align2, Color32, Context, Frame, Id, Margin, RichText, Stroke, Ui};

/// Text.
pub const TEXT: Color32 = Color32::from_rgb(232, 236, 241);
/// Secondary text.
pub const FAINT: Color32 = Color32::from_rgb(160, 170, 182);
/// Success, positive values.
pub const GOOD: Color32 = Color32::from_rgb(88, 214, 141);
/// Failure, errors, negative values.
pub const BAD: Color32 = Color32::from_rgb(255, 107, 99);
/// Warnings and hints.
pub const NOTE: Color32 = Color32::from_rgb(250, 196, 84);
/// Background of panels, slightly transparent.
const PANEL: Color32 = Color32::from_rgba_premultiplied(13, 17, 23, 238);

/// Distance of panels from the window's border and from each other, points.
pub const MARGIN: f32 = 12.0;

/// A panel's frame.
pub fn frame() -> Frame {
    Frame::new()
        .fill(PANEL)
        .corner_radius(8)
        .inner_margin(Margin::symmetric(12, 9))
        .stroke(Stroke::new(1.0, Color32::from_rgba_premultiplied(40, 44, 50, 90)))
}

/// Show a panel anchored to `anchor`, moved by `offset` points.
pub fn panel<R>(
    context: &Context,
    name: &str,
    anchor: Align2,
    offset: [f32; 2],
    content: impl FnOnce(&mut Ui) -> R,
) -> egui::Rect {
    let area = egui::Area::new(Id::new(name)).anchor(anchor, offset).constrain(true);
    area.show(context, |ui| frame().show(ui, content)).response.rect
}

/// Show a panel in the middle, over everything else and not transparent, that fits into the window.
pub fn opaque_panel<R>(context: &Context, name: &str, content: impl FnOnce(&mut Ui) -> R) {
    let inside = context.content_rect().size() - egui::vec2(2.0 * MARGIN + 26.0, 2.0 * MARGIN + 20.0);
    let area = egui::Area::new(Id::new(name)).order(egui::Order::Foreground).anchor(Align2::CENTER_CENTER, [0.0, 0.0]);
    area.show(context, |ui| {
        frame().fill(Color32::from_rgb(13, 17, 23)).show(ui, |ui| {
            ui.set_max_size(inside);
            content(ui);
        });
    });
}

/// An indicator light: a filled circle.
pub fn indicator(ui: &mut Ui, radius: f32, color: Color32) {
    let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(2.0 * radius), egui::Sense::hover());
    ui.painter().circle_filled(rect.center(), radius, color);
}

/// Width of a key cap beyond its text, points.
pub const KEY_CAP_PADDING: f32 = 10.0;

/// A key cap.
pub fn key_cap(ui: &mut Ui, key: &str) {
    Frame::new()
        .fill(Color32::from_rgb(52, 60, 72))
        .corner_radius(4)
        .inner_margin(Margin::symmetric((KEY_CAP_PADDING / 2.0) as i8, 1))
        .show(ui, |ui| ui.label(RichText::new(key).small().color(TEXT).strong()));
}
