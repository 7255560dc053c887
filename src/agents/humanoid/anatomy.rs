//! Lengths and places of the segments that the gait computes with, taken from the blueprint.

use bevy::math::Vec3;

use super::mjcf::{Blueprint, MjcfError};
use bevy_rapier3d::rapier::prelude::*;

/// Measures of one humanoid; lengths in m, pairs are left, right.
#[derive(Clone, Debug)]
pub(super) struct Anatomy {
    /// Part indices.
    pub torso: usize,
    /// Part indices.
    pub abdomen: usize,
    /// Part indices.
    pub thighs: [usize; 2],
    /// Part indices.
    pub shins: [usize; 2],
    /// Part indices.
    pub feet: [usize; 2],
    /// Hip joints in the pelvis.
    pub hips: [Vec3; 2],
    /// Half the distance of the hip joints.
    pub half_width: f32,
    /// Hip to knee.
    pub thigh: f32,
    /// Knee to ankle.
    pub shin: f32,
    /// Ankle above the sole.
    pub ankle_height: f32,
    /// From below the ankle to the ball of the foot.
    pub ball: f32,
    /// From below the ankle back to the heel.
    pub heel: f32,
    /// Mass, kg.
    pub mass: f32,
}

/// Where the foot rolls over, as a share of the way from ankle to toe tip: the rigid foot has no toe joint.
const BALL: f32 = 0.97;

impl Anatomy {
    /// Measure a blueprint.
    ///
    /// # Errors
    /// When a segment is missing.
    pub fn of(blueprint: &Blueprint) -> Result<Self, MjcfError> {
        let both = |left, right| Ok::<_, MjcfError>([blueprint.part(left)?, blueprint.part(right)?]);
        let thighs = both("left_thigh", "right_thigh")?;
        let shins = both("left_shin", "right_shin")?;
        let feet = both("left_foot", "right_foot")?;
        let anchor = |part: usize| {
            let link = blueprint.links.iter().find(|l| l.part == part);
            let part = &blueprint.parts[part];
            part.offset + link.map_or(Vec3::ZERO, |l| part.rotation * l.anchor)
        };
        let hips = thighs.map(anchor);
        let ankle = anchor(feet[0]);
        let part = &blueprint.parts[feet[0]];
        let mut sole = Aabb::new_invalid();
        for shape in &part.shapes {
            let pose = Pose::from_parts(part.offset, part.rotation) * shape.pose;
            sole.merge(&shape.shape.compute_aabb(&pose));
        }
        Ok(Self {
            torso: blueprint.part("torso")?,
            abdomen: blueprint.part("abdomen")?,
            thighs,
            shins,
            feet,
            half_width: 0.5 * (hips[0] - hips[1]).length(),
            thigh: (anchor(shins[0]) - hips[0]).length(),
            shin: (ankle - anchor(shins[0])).length(),
            hips,
            ankle_height: ankle.y - sole.mins.y,
            ball: BALL * (ankle.z - sole.mins.z),
            heel: sole.maxs.z - ankle.z,
            mass: blueprint.mass(),
        })
    }

    /// Height of the hip joints over the sole with straight legs.
    pub fn hip_height(&self) -> f32 {
        self.thigh + self.shin + self.ankle_height
    }
}
