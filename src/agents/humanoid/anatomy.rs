//! Segment lengths and joint positions that the gait needs, measured from the model.

use bevy::math::Vec3;

use super::mjcf::{HumanoidModel, MjcfError};
use bevy_rapier3d::rapier::prelude::*;

/// Dimensions of one humanoid. Lengths are in m, pairs are (left, right).
#[derive(Clone, Debug)]
pub(super) struct Anatomy {
    /// Part index of the torso.
    pub torso: usize,
    /// Part index of the abdomen.
    pub abdomen: usize,
    /// Part indices of the thighs.
    pub thighs: [usize; 2],
    /// Part indices of the shins.
    pub shins: [usize; 2],
    /// Part indices of the feet.
    pub feet: [usize; 2],
    /// Positions of the hip joints in the pelvis' frame.
    pub hips: [Vec3; 2],
    /// Half the distance between the hip joints.
    pub half_width: f32,
    /// Length from hip to knee.
    pub thigh: f32,
    /// Length from knee to ankle.
    pub shin: f32,
    /// Height of the ankle over the sole.
    pub ankle_height: f32,
    /// Horizontal distance from the ankle forward to the ball of the foot.
    pub ball: f32,
    /// Horizontal distance from the ankle back to the heel.
    pub heel: f32,
    /// Mass, kg.
    pub mass: f32,
}

/// Position of the ball of the foot, about which the foot rolls, as a fraction of the distance from ankle to toe tip.
/// The rigid foot has no toe joint.
const BALL_FRACTION: f32 = 0.97;

impl Anatomy {
    /// Measure a model.
    ///
    /// # Errors
    /// When a segment is missing.
    pub fn of(model: &HumanoidModel) -> Result<Self, MjcfError> {
        let part_pair = |left, right| Ok::<_, MjcfError>([model.part(left)?, model.part(right)?]);
        let thighs = part_pair("left_thigh", "right_thigh")?;
        let shins = part_pair("left_shin", "right_shin")?;
        let feet = part_pair("left_foot", "right_foot")?;
        let joint_position = |part: usize| {
            let link = model.links.iter().find(|l| l.part == part);
            let part = &model.parts[part];
            part.offset + link.map_or(Vec3::ZERO, |l| part.rotation * l.anchor)
        };
        let hips = thighs.map(joint_position);
        let ankle = joint_position(feet[0]);
        let part = &model.parts[feet[0]];
        let mut sole = Aabb::new_invalid();
        for shape in &part.shapes {
            let pose = Pose::from_parts(part.offset, part.rotation) * shape.pose;
            sole.merge(&shape.shape.compute_aabb(&pose));
        }
        Ok(Self {
            torso: model.part("torso")?,
            abdomen: model.part("abdomen")?,
            thighs,
            shins,
            feet,
            half_width: 0.5 * (hips[0] - hips[1]).length(),
            thigh: (joint_position(shins[0]) - hips[0]).length(),
            shin: (ankle - joint_position(shins[0])).length(),
            hips,
            ankle_height: ankle.y - sole.mins.y,
            ball: BALL_FRACTION * (ankle.z - sole.mins.z),
            heel: sole.maxs.z - ankle.z,
            mass: model.mass(),
        })
    }

    /// Height of the hip joints over the sole with straight legs, m.
    pub fn hip_height(&self) -> f32 {
        self.thigh + self.shin + self.ankle_height
    }
}
