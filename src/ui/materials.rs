//! Shared materials, created once.

use bevy::prelude::*;
use bevy::render::renderer::RenderAdapterInfo;

use super::car_mesh::{tail_material, wheel};
use super::sky::is_software_renderer;
use super::texture::{Floor, floor_texture};

/// Shared materials and meshes.
#[derive(Resource)]
pub struct SharedMaterials {
    /// Matte, vertex colors.
    pub matte: Handle<StandardMaterial>,
    /// Car paint, vertex colors.
    pub gloss: Handle<StandardMaterial>,
    /// Windows.
    pub glass: Handle<StandardMaterial>,
    /// Road paint, vertex colors; a depth bias draws it over the surface below.
    pub marking: Handle<StandardMaterial>,
    /// Unlit and transparent, vertex colors.
    pub beacon: Handle<StandardMaterial>,
    /// Tail lights: off, on.
    pub tail: [Handle<StandardMaterial>; 2],
    /// A wheel of radius and width 1 m.
    pub wheel: Handle<Mesh>,
    grass: Handle<StandardMaterial>,
    asphalt: Handle<StandardMaterial>,
    paving: Handle<StandardMaterial>,
}

impl SharedMaterials {
    /// Material of a floor. One unit of the texture coordinates is one repetition of the texture.
    pub fn floor(&self, floor: Floor) -> Handle<StandardMaterial> {
        match floor {
            Floor::Grass => self.grass.clone(),
            Floor::Asphalt => self.asphalt.clone(),
            Floor::Paving => self.paving.clone(),
        }
    }
}

impl FromWorld for SharedMaterials {
    fn from_world(world: &mut World) -> Self {
        // Anisotropic filtering is too slow on a software renderer.
        let slow = world.get_resource::<RenderAdapterInfo>().is_none_or(is_software_renderer);
        let anisotropy = if slow { 1 } else { 8 };
        let [grass, asphalt, paving] = [Floor::Grass, Floor::Asphalt, Floor::Paving].map(|floor| {
            let texture = world.resource_mut::<Assets<Image>>().add(floor_texture(floor, anisotropy));
            StandardMaterial { base_color_texture: Some(texture), ..rough(0.95) }
        });
        let wheel = world.resource_mut::<Assets<Mesh>>().add(wheel().finish());
        let mut materials = world.resource_mut::<Assets<StandardMaterial>>();
        let marking = StandardMaterial { depth_bias: 40.0, ..rough(0.9) };
        let beacon =
            StandardMaterial { unlit: true, alpha_mode: AlphaMode::Blend, cull_mode: None, ..Default::default() };
        Self {
            matte: materials.add(rough(0.85)),
            gloss: materials.add(StandardMaterial { metallic: 0.15, reflectance: 0.55, ..rough(0.34) }),
            glass: materials.add(StandardMaterial { reflectance: 0.8, ..rough(0.10) }),
            marking: materials.add(marking),
            beacon: materials.add(beacon),
            tail: [false, true].map(|on| materials.add(tail_material(on))),
            wheel,
            grass: materials.add(grass),
            asphalt: materials.add(asphalt),
            paving: materials.add(paving),
        }
    }
}

fn rough(perceptual_roughness: f32) -> StandardMaterial {
    StandardMaterial { perceptual_roughness, reflectance: 0.3, ..Default::default() }
}
