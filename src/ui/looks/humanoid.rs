//! The look of the humanoid: clothes by the name of the body part, and a face that shows its direction.

use bevy::math::{Quat, Vec3};
use bevy::prelude::*;

use super::look::{DrawnBody, Look, spawn_shapes};
use crate::agents::humanoid::HumanoidModel;
use crate::ui::mesh_builder::MeshBuilder;
use crate::ui::mesh_spawner::MeshSpawner;

const SKIN: Color = Color::srgb(0.87, 0.66, 0.52);
const HAIR: Color = Color::srgb(0.20, 0.13, 0.09);
const TROUSERS: Color = Color::srgb(0.33, 0.40, 0.55);
const SHOES: Color = Color::srgb(0.93, 0.92, 0.90);
const SOLE: Color = Color::srgb(0.20, 0.20, 0.22);

/// The humanoid. The default framing of the camera shows the ground of its next steps.
pub struct HumanoidLook;

impl Look for HumanoidLook {
    fn agent(&self) -> &'static str {
        "humanoid"
    }

    fn spawn(&self, spawner: &mut MeshSpawner<'_, '_>, drawn: &DrawnBody<'_>) {
        let names: Vec<&str> = HumanoidModel::embedded().part_names().collect();
        let parts = drawn.body.parts();
        if names.len() != parts.len() {
            // Another model.
            return spawn_shapes(spawner, drawn);
        }
        for (part, name) in parts.iter().zip(names) {
            spawner.spawn_shapes(drawn.physics, *part, color_of_part(name, drawn.color));
            if let Some(extra) = decoration(name, drawn.color) {
                spawner.spawn_mesh(*part, extra, spawner.materials.matte.clone());
            }
        }
    }
}

/// Color of a body part. Left limbs are a little darker than right ones, so that crossing legs are distinguishable.
fn color_of_part(name: &str, shirt: Color) -> Color {
    let color = match name.trim_start_matches("left_").trim_start_matches("right_") {
        "head" | "forearm" => SKIN,
        "torso" | "abdomen" | "upper_arm" => shirt,
        "pelvis" | "thigh" | "shin" => TROUSERS,
        "foot" => SHOES,
        _ => Color::srgb(0.6, 0.6, 0.62),
    };
    if name.starts_with("left_") { color.darker(0.035) } else { color }
}

/// The mesh that is added to a body part's collision shapes: it fills the gaps at joints and has no collider.
fn decoration(name: &str, shirt: Color) -> Option<Mesh> {
    let mut extra = MeshBuilder::default();
    let color = color_of_part(name, shirt);
    match name.trim_start_matches("left_").trim_start_matches("right_") {
        "head" => face(&mut extra),
        "torso" => {
            // A chest that narrows to the waist, and shoulders.
            extra.mesh(
                Sphere::new(1.0),
                ellipsoid_transform(Vec3::new(0.0, 0.13, 0.0), Vec3::new(0.185, 0.19, 0.125)),
                color,
            );
            extra.mesh(
                Sphere::new(1.0),
                ellipsoid_transform(Vec3::new(0.0, 0.02, 0.0), Vec3::new(0.155, 0.16, 0.11)),
                color,
            );
        }
        "abdomen" => {
            extra.mesh(
                Sphere::new(1.0),
                ellipsoid_transform(Vec3::new(0.0, 0.08, 0.0), Vec3::new(0.150, 0.14, 0.108)),
                color,
            );
            extra.mesh(
                Cylinder::new(1.0, 1.0),
                ellipsoid_transform(Vec3::new(0.0, -0.01, 0.0), Vec3::new(0.152, 0.045, 0.112)),
                SOLE,
            );
        }
        "pelvis" => {
            extra.mesh(
                Sphere::new(1.0),
                ellipsoid_transform(Vec3::new(0.0, 0.0, 0.0), Vec3::new(0.165, 0.135, 0.115)),
                color,
            );
        }
        "upper_arm" => {
            extra.mesh(Sphere::new(0.062), Transform::default(), color);
            extra.mesh(Sphere::new(0.042), Transform::from_xyz(0.0, -0.315, 0.0), color);
        }
        "forearm" => extra.mesh(Sphere::new(0.040), Transform::default(), color),
        "thigh" => {
            extra.mesh(Sphere::new(0.080), Transform::from_xyz(0.0, -0.01, 0.0), color);
            extra.mesh(Sphere::new(0.060), Transform::from_xyz(0.0, -0.42, 0.0), color);
        }
        "shin" => {
            extra.mesh(Sphere::new(0.057), Transform::from_xyz(0.0, -0.005, 0.0), color);
            extra.mesh(
                Sphere::new(1.0),
                ellipsoid_transform(Vec3::new(0.0, -0.13, 0.015), Vec3::new(0.056, 0.12, 0.060)),
                color,
            );
            extra.mesh(Sphere::new(0.046), Transform::from_xyz(0.0, -0.40, 0.0), color);
        }
        "foot" => {
            extra.mesh(
                Sphere::new(1.0),
                ellipsoid_transform(Vec3::new(0.0, -0.018, -0.045), Vec3::new(0.050, 0.045, 0.10)),
                color,
            );
            extra.cuboid(Vec3::new(0.0, -0.061, -0.07), Vec3::new(0.100, 0.016, 0.268), SOLE);
        }
        _ => {}
    }
    (!extra.is_empty()).then(|| extra.finish())
}

fn face(head: &mut MeshBuilder) {
    head.mesh(
        Sphere::new(1.0),
        ellipsoid_transform(Vec3::new(0.0, 0.155, 0.004), Vec3::new(0.097, 0.098, 0.101)),
        HAIR,
    );
    head.mesh(
        Sphere::new(1.0),
        ellipsoid_transform(Vec3::new(0.0, 0.115, -0.030), Vec3::new(0.088, 0.100, 0.088)),
        SKIN,
    );
    head.mesh(Sphere::new(0.016), Transform::from_xyz(0.0, 0.112, -0.119), SKIN);
    for side in [-1.0, 1.0] {
        head.mesh(Sphere::new(0.015), Transform::from_xyz(side * 0.033, 0.140, -0.104), Color::srgb(0.95, 0.95, 0.95));
        head.mesh(Sphere::new(0.009), Transform::from_xyz(side * 0.033, 0.140, -0.114), Color::srgb(0.10, 0.16, 0.28));
        head.mesh(
            Sphere::new(1.0),
            ellipsoid_transform(Vec3::new(side * 0.090, 0.125, -0.015), Vec3::new(0.012, 0.024, 0.016)),
            SKIN,
        );
    }
}

fn ellipsoid_transform(at: Vec3, scale: Vec3) -> Transform {
    Transform { translation: at, rotation: Quat::IDENTITY, scale }
}
