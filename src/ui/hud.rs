//! The panels over the 3D view: their order, fonts and sizes.

use bevy::prelude::*;
use bevy_egui::egui::{self, FontId, TextStyle};
use bevy_egui::{EguiContexts, EguiPrimaryContextPass};

use super::panels::Panels;
use super::placement::PanelRects;
use super::widgets::TEXT;
use super::{folder, help, picker, recording, recovered, status, toast, training};
use crate::live::Session;

/// Shows the panels.
pub struct HudPlugin;

impl Plugin for HudPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<PanelRects>().add_systems(
            EguiPrimaryContextPass,
            (
                (apply_style, preload_glyphs).chain(),
                (status::show_status, status::show_keys, recording::show_recording, training::show_training)
                    .chain()
                    .run_if(|panels: Res<Panels>| !panels.hidden),
                (
                    toast::show_notice,
                    toast::show_end,
                    picker::show_picker,
                    recovered::show_recovered,
                    help::show_help,
                    folder::show_folder,
                )
                    .chain(),
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

/// Rasterize every glyph into the font atlas in advance: a new glyph is missing from the first frame that uses it. Glyphs
/// are drawn at whole pixels (see [`apply_style`]), so that each has one picture.
fn preload_glyphs(mut contexts: EguiContexts, session: Res<Session>, mut prepared: Local<(f32, usize)>) -> Result {
    let context = contexts.ctx_mut()?;
    let mut letters: String = (' '..='~').chain("·°²µ±½–→×…".chars()).collect();
    letters.extend(session.keyboard.characters());
    let wanted = (context.pixels_per_point(), letters.len());
    if std::mem::replace(&mut *prepared, wanted) != wanted {
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
fn apply_style(
    mut contexts: EguiContexts,
    window: Single<&Window>,
    panels: Res<Panels>,
    mut styled: Local<bool>,
) -> Result {
    let context = contexts.ctx_mut()?;
    // Body text of 13.5 points is readable in a window 640 points high; it grows with the window.
    let zoom = (window.height() / 640.0).clamp(0.8, 2.5);
    if (context.zoom_factor() - zoom).abs() > 0.01 {
        context.set_zoom_factor(zoom);
    }
    if !panels.is_typing()
        && let Some(focused) = context.memory(|memory| memory.focused())
    {
        context.memory_mut(|memory| memory.surrender_focus(focused));
    }
    if !std::mem::replace(&mut *styled, true) {
        let mut visuals = egui::Visuals::dark();
        // Else each glyph has four pictures, for positions between pixels, and not all are rasterized in advance.
        visuals.text_options.subpixel_binning = false;
        context.set_visuals(visuals);
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
