//! What a collider is: for tasks that judge contacts and viewers that colour it.

use bevy::ecs::entity::Entity;
use bevy_rapier3d::rapier::prelude::{Collider, ColliderBuilder};

/// What a collider is made to be. Kept in the upper half of Rapier's `user_data`; the lower half is the entity that
/// bevy_rapier keeps there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Surface {
    /// Grass, concrete: what one may stand on.
    #[default]
    Ground = 0,
    /// The road of a course.
    Road = 1,
    /// A step or kerb, to be stood on.
    Step = 2,
    /// A wall or post, not to be touched.
    Obstacle = 3,
    /// A traffic cone.
    Cone = 4,
    /// A crate, to be pushed.
    Crate = 5,
    /// A part of an acting body.
    Body = 6,
    /// A parked car.
    Parked = 7,
}

impl Surface {
    /// Mark a collider.
    pub fn mark(self, builder: ColliderBuilder) -> ColliderBuilder {
        builder.user_data((u128::from(self as u8) << 64) | u128::from(Entity::PLACEHOLDER.to_bits()))
    }

    /// What a collider was marked as; `Ground` where it was not.
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

    /// Whether a car or a person is meant to be on it.
    pub fn is_floor(self) -> bool {
        matches!(self, Self::Ground | Self::Road | Self::Step)
    }
}
