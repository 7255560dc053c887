//! Isolated physics worlds: arenas, the tick's schedule, stepping, snapshots, seeds and the state hash.

mod arena;
mod body;
mod conditions;
mod course;
mod goal;
mod hash;
mod physics;
mod schedule;
mod seed;
mod slot;
mod snapshot;
mod stepping;
mod surface;

pub use arena::{Arena, begin_episode};
pub use body::{Body, Sensor, WheelPose};
pub use conditions::{ConditionRanges, Conditions, ParamDistribution};
pub use course::{Course, CourseError, Projection, heading_of, wrap_angle};
pub use goal::{GoalDetails, Mark, TaskGoal, heading_frame};
pub use hash::state_hash;
pub use physics::{GRAVITY, Physics, PhysicsSets, PhysicsSetsItem, RayHit};
pub use schedule::{ActSystems, DecideSystems, ObserveSystems, SimAct, SimObserve, SimPlugin, tick};
pub use seed::{SimRng, episode_rng, split_seed};
pub use slot::{Slot, Variation};
pub use snapshot::{Snapshot, SnapshotError};
pub use stepping::SimThreads;
pub use surface::Surface;
