//! The kind of surface that a collider is. Tasks classify contacts by it, the viewer chooses materials by it.

use bevy::ecs::entity::Entity;
use bevy_rapier3d::rapier::prelude::{Collider, ColliderBuilder};

/// Kind of a collider. Stored in the upper 64 bits of Rapier's `user_data`; bevy_rapier stores the entity in the lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Surface {
    /// Grass or concrete.
    #[default]
    Ground = 0,
    /// The road of a course.
    Road = 1,
    /// A step or curb.
    Step = 2,
    /// A wall or post, to be avoided.
    Obstacle = 3,
    /// A traffic cone.
    Cone = 4,
    /// A crate that can be pushed.
    Crate = 5,
    /// A part of a controlled body.
    Body = 6,
    /// A parked car.
    Parked = 7,
}

impl Surface {
    /// Set the kind of a collider.
    pub fn mark(self, builder: ColliderBuilder) -> ColliderBuilder {
        builder.user_data((u128::from(self as u8) << 64) | u128::from(Entity::PLACEHOLDER.to_bits()))
    }

    /// The kind of a collider; `Ground` where none was set.
    pub fn of(collider: &Collider) -> Self {
        match (collider.user_data >> 64) as u8 {
            1 => Self::Road,
            2 => Self::Step,
            3 => Self::Obstacle,
            4 => Self::Cone,
            5 => Self::Crate,
            6 => Self::Body,
            7 => Self::Parked,
            _ => Self::Ground,
        }
    }

    /// Whether a car or a humanoid may drive or walk on it.
    pub fn is_floor(self) -> bool {
        matches!(self, Self::Ground | Self::Road | Self::Step)
    }
}
