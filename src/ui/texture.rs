//! Ground textures, generated at startup.

use bevy::asset::RenderAssetUsages;
use bevy::image::{Image, ImageAddressMode, ImageFilterMode, ImageSampler, ImageSamplerDescriptor};
use bevy::render::render_resource::{Extent3d, TextureDimension, TextureFormat};

use super::mesh_builder::hash01;

/// Pixels along each side.
const SIZE: u32 = 512;
/// Size of one repetition on the ground, m.
pub const SPAN: f32 = 16.0;

/// A kind of ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Floor {
    /// A mown lawn.
    Grass,
    /// A parking lot.
    Asphalt,
    /// Paving stones.
    Paving,
}

impl Floor {
    /// Color (sRGB, 0 to 1) at a point (x, y), m. `pixel` seeds the grain.
    fn color(self, x: f32, y: f32, pixel: u32) -> [f32; 3] {
        let grain = hash01(pixel) - 0.5;
        let tone = |rgb: [f32; 3], by: f32| rgb.map(|c| (c + by).clamp(0.0, 1.0));
        match self {
            Self::Grass => {
                // A checkerboard of mown squares of 4 m makes speed and distance visible.
                let mown = ((x / 4.0).floor() + (y / 4.0).floor()).rem_euclid(2.0) - 0.5;
                tone([0.37 + 0.02 * mown, 0.50 + 0.035 * mown, 0.24], 0.06 * grain)
            }
            Self::Asphalt => {
                let seam = [x, y].iter().any(|v| v.rem_euclid(8.0) < 0.06);
                tone([0.37, 0.38, 0.40], 0.07 * grain - if seam { 0.07 } else { 0.0 })
            }
            Self::Paving => {
                // Stones of 1 m with joints of 4 cm; every second row is shifted by half a stone.
                let row = y.floor();
                let shifted = x + 0.5 * row.rem_euclid(2.0);
                let column = shifted.floor().rem_euclid(SPAN);
                let joint = y.rem_euclid(1.0) < 0.04 || shifted.rem_euclid(1.0) < 0.04;
                let stone = hash01(7919 + row as u32 * 64 + column as u32) - 0.5;
                tone([0.66, 0.63, 0.58], 0.06 * stone + 0.04 * grain - if joint { 0.16 } else { 0.0 })
            }
        }
    }
}

/// The texture of a floor with all mip levels, which prevent flickering in the distance. `anisotropy` is the sampler's
/// anisotropy clamp.
pub fn floor_texture(floor: Floor, anisotropy: u16) -> Image {
    let mut level: Vec<[f32; 3]> = (0..SIZE * SIZE)
        .map(|pixel| {
            let at = |p: u32| (p as f32 + 0.5) / SIZE as f32 * SPAN;
            floor.color(at(pixel % SIZE), at(pixel / SIZE), pixel)
        })
        .collect();
    let mut data = to_rgba8(&level);
    let (mut size, mut levels) = (SIZE, 1);
    while size > 1 {
        level = halve(&level, size as usize);
        size /= 2;
        levels += 1;
        data.extend(to_rgba8(&level));
    }
    let extent = Extent3d { width: SIZE, height: SIZE, depth_or_array_layers: 1 };
    let usage = RenderAssetUsages::RENDER_WORLD;
    let mut image = Image::new_uninit(extent, TextureDimension::D2, TextureFormat::Rgba8UnormSrgb, usage);
    image.data = Some(data);
    image.texture_descriptor.mip_level_count = levels;
    image.sampler = ImageSampler::Descriptor(ImageSamplerDescriptor {
        address_mode_u: ImageAddressMode::Repeat,
        address_mode_v: ImageAddressMode::Repeat,
        mag_filter: ImageFilterMode::Linear,
        min_filter: ImageFilterMode::Linear,
        mipmap_filter: ImageFilterMode::Linear,
        anisotropy_clamp: anisotropy,
        ..ImageSamplerDescriptor::default()
    });
    image
}

fn to_rgba8(level: &[[f32; 3]]) -> Vec<u8> {
    level.iter().flat_map(|c| [c[0], c[1], c[2], 1.0].map(|v| (v * 255.0).round() as u8)).collect()
}

fn halve(level: &[[f32; 3]], size: usize) -> Vec<[f32; 3]> {
    let half = size / 2;
    (0..half * half)
        .map(|i| {
            let (x, y) = (i % half * 2, i / half * 2);
            let four = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(dx, dy)| level[(y + dy) * size + x + dx]);
            std::array::from_fn(|c| four.iter().map(|p| p[c]).sum::<f32>() / 4.0)
        })
        .collect()
}
