//! Where the panels are, so that messages do not cover them.

use bevy::prelude::*;
use bevy_egui::egui;

use super::widgets::MARGIN;

/// Whether the window is too small for everything: tables and plots are left out.
pub(super) fn is_compact(context: &egui::Context) -> bool {
    let size = context.content_rect().size();
    size.y < 520.0 || size.x < 900.0
}

/// Where the panels are in this frame, so that messages do not cover them.
#[derive(Resource)]
pub(super) struct PanelRects {
    /// The status panel.
    pub top_left: egui::Rect,
    /// The recording panel.
    pub top_right: egui::Rect,
    /// The training panel.
    pub training: egui::Rect,
    /// The key panel.
    pub bottom: egui::Rect,
    /// The last notice.
    pub notice: egui::Rect,
}

impl Default for PanelRects {
    fn default() -> Self {
        let nothing = egui::Rect::NOTHING;
        Self { top_left: nothing, top_right: nothing, training: nothing, bottom: nothing, notice: nothing }
    }
}

impl PanelRects {
    /// Where a message of at most `width` points goes: the distance of its top from the window's, and its width. Between the
    /// panels at the top where there is room, else below them.
    pub fn place_message(&self, screen: egui::Rect, width: f32) -> (f32, f32) {
        let middle = screen.center().x;
        let left = if self.top_left.is_positive() { middle - self.top_left.right() } else { middle };
        let right = if self.top_right.is_positive() { self.top_right.left() - middle } else { middle };
        let between = 2.0 * (left.min(right) - MARGIN);
        if between >= width.min(MIN_MESSAGE_WIDTH) {
            return (MARGIN, width.min(between));
        }
        let below = [self.top_left, self.top_right].into_iter().filter(|rect| rect.is_positive());
        let top = below.map(|rect| rect.bottom()).fold(0.0, f32::max);
        (top + MARGIN, width.min(screen.width() - 2.0 * MARGIN))
    }
}

/// A message narrower than this, points, is hard to read.
const MIN_MESSAGE_WIDTH: f32 = 280.0;
