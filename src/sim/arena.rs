//! One isolated physics world with the controlled bodies in it.

use bevy::ecs::prelude::*;
use bevy_rapier3d::plugin::context::RapierContextSimulation;

use super::conditions::{ConditionRanges, Conditions};
use super::physics::Physics;
use super::seed::episode_rng;
use super::slot::{Slot, Variation};
use super::snapshot::{ConditionState, Snapshot, SnapshotError};

/// Stream of the episode's generator from which the scene's layout is sampled.
const VARIATION_STREAM: u64 = 1;
/// Stream of the episode's generator from which its conditions are sampled.
const CONDITIONS_STREAM: u64 = 5;

/// A reset that the next tick carries out.
struct PendingReset {
    seed: u64,
    /// The initial state; `None` for the nominal state, randomized by the seed.
    snapshot: Option<Box<Snapshot>>,
}

/// One isolated physics world. Its Rapier sets are the other components of the same entity.
#[derive(Component)]
#[require(RapierContextSimulation)]
pub struct Arena {
    /// Its controlled bodies. `Agent::slot` is an index into them.
    pub slots: Vec<Slot>,
    /// Seed of the running episode.
    pub seed: u64,
    /// Ticks since the start of the episode.
    pub tick: u64,
    /// Physics steps per tick.
    pub substeps: u32,
    /// The requested reset; the next tick carries it out.
    pending_reset: Option<PendingReset>,
    /// True from a reset until the end of `ObserveSystems::Begin` in the same tick.
    pub just_reset: bool,
    /// Write the observations at the end of each tick, while the arena is still in the processor's cache, instead of at
    /// the start of the next. The observations are the same as long as nothing changes the arena between two ticks.
    pub sense_after_step: bool,
    /// Whether the observations belong to the arena's present state.
    observations_current: bool,
    /// Physics parameters of the running episode.
    conditions: Conditions,
    /// Their distributions over episodes.
    condition_ranges: ConditionRanges,
    /// Per slot, a ring buffer of the actions that have had no effect yet, `[delay, action size]`; the action of tick `t`
    /// is in row `t % delay`.
    pub(super) delayed_actions: Vec<Vec<f32>>,
    /// The nominal initial state.
    nominal: Option<Box<Snapshot>>,
    variation: Box<dyn Variation>,
}

impl Arena {
    /// An arena with the controlled bodies `slots`. `physics` holds the scene's nominal state.
    ///
    /// `control_dt` is the length of a tick, `sim_dt` that of a physics step, s.
    ///
    /// # Panics
    /// When `control_dt` is not a whole number of `sim_dt` (to 1 %).
    pub fn new(
        physics: &mut Physics<'_>,
        slots: Vec<Slot>,
        control_dt: f32,
        sim_dt: f32,
        variation: Box<dyn Variation>,
    ) -> Self {
        let substeps = (control_dt / sim_dt).round();
        assert!(
            substeps >= 1.0 && (substeps * sim_dt - control_dt).abs() < 0.01 * sim_dt,
            "control_dt {control_dt} s is not a whole number of sim_dt {sim_dt} s"
        );
        physics.parameters.dt = sim_dt;
        // The sensors cast rays before the first physics step.
        physics.refresh();
        let delayed_actions = vec![Vec::new(); slots.len()];
        let mut arena = Self {
            slots,
            seed: 0,
            tick: 0,
            substeps: substeps as u32,
            pending_reset: Some(PendingReset { seed: 0, snapshot: None }),
            just_reset: false,
            sense_after_step: false,
            observations_current: false,
            conditions: Conditions::default(),
            condition_ranges: ConditionRanges::default(),
            delayed_actions,
            nominal: None,
            variation,
        };
        arena.nominal = Some(Box::new(Snapshot::take(physics, &arena)));
        arena
    }

    /// The same arena with these distributions of its conditions.
    #[must_use]
    pub fn with_conditions(self, condition_ranges: ConditionRanges) -> Self {
        Self { condition_ranges, ..self }
    }

    /// Physics parameters of the running episode.
    pub fn conditions(&self) -> Conditions {
        self.conditions
    }

    /// Set the conditions that are not part of the physics sets: the bodies' grip and the action delay.
    fn set_conditions(&mut self, conditions: Conditions) {
        self.conditions = conditions;
        for (slot, delayed) in self.slots.iter_mut().zip(&mut self.delayed_actions) {
            slot.body.set_conditions(&conditions);
            delayed.clear();
            delayed.resize(conditions.delay as usize * slot.action.len(), 0.0);
        }
    }

    /// Request a reset with `seed`. The next tick carries it out.
    pub fn request_reset(&mut self, seed: u64) {
        self.pending_reset = Some(PendingReset { seed, snapshot: None });
    }

    /// Request a reset with `seed` to the state of `snapshot`. The next tick carries it out.
    ///
    /// # Errors
    /// [`SnapshotError::Bodies`] when the snapshot has another number of controlled bodies,
    /// [`SnapshotError::DelayedActions`] when its delayed actions have another size. No reset is requested then.
    pub fn request_reset_from(&mut self, seed: u64, snapshot: Snapshot) -> Result<(), SnapshotError> {
        snapshot.check(&self.slots)?;
        self.pending_reset = Some(PendingReset { seed, snapshot: Some(Box::new(snapshot)) });
        Ok(())
    }

    /// The seed of the requested reset, if any.
    pub fn requested_seed(&self) -> Option<u64> {
        self.pending_reset.as_ref().map(|reset| reset.seed)
    }

    /// Carry out the requested reset, if any.
    pub(super) fn carry_out_reset(&mut self, physics: &mut Physics<'_>) {
        let Some(pending) = self.pending_reset.take() else { return };
        self.reset(physics, pending.seed);
        if let Some(snapshot) = pending.snapshot {
            snapshot.restore(physics, self);
        }
    }

    /// Reset now: restore the nominal state, sample the conditions and randomize the layout with `seed`.
    pub fn reset(&mut self, physics: &mut Physics<'_>, seed: u64) {
        if let Some(nominal) = self.nominal.take() {
            nominal.restore(physics, self);
            self.nominal = Some(nominal);
        }
        self.seed = seed;
        self.tick = 0;
        let conditions = self.condition_ranges.sample(&mut episode_rng(seed, CONDITIONS_STREAM));
        conditions.apply(physics);
        if conditions.mass != 1.0 {
            for slot in &mut self.slots {
                slot.body.scale_mass(physics, conditions.mass);
            }
        }
        self.set_conditions(conditions);
        let mut rng = episode_rng(seed, VARIATION_STREAM);
        self.variation.apply(physics, &mut self.slots, &mut rng);
        physics.refresh();
        for slot in &mut self.slots {
            slot.action.fill(0.0);
        }
        self.just_reset = true;
        self.observations_current = false;
    }

    /// Whether the observations must be written at the start of the tick.
    pub(super) fn needs_sensing(&self) -> bool {
        !(self.sense_after_step && self.observations_current)
    }

    /// Write every body's observation.
    pub fn sense(&mut self, physics: &Physics<'_>) {
        for slot in &mut self.slots {
            let sensor_size: usize = slot.sensors.iter().map(|sensor| sensor.size()).sum();
            let body_size = slot.observation.len() - sensor_size;
            let (body_out, mut rest) = slot.observation.split_at_mut(body_size);
            slot.body.sense(physics, &slot.goal, body_out);
            for sensor in &slot.sensors {
                let (out, others) = rest.split_at_mut(sensor.size());
                sensor.sense(physics, slot.body.as_ref(), &slot.goal, out);
                rest = others;
            }
        }
        self.observations_current = true;
    }

    /// Apply the actions and advance by one tick.
    pub fn advance(&mut self, physics: &mut Physics<'_>) {
        let delay = self.conditions.delay as usize;
        for (slot, delayed) in self.slots.iter_mut().zip(&mut self.delayed_actions) {
            if delay == 0 {
                slot.body.actuate(physics, &slot.action);
                continue;
            }
            let start = (self.tick % delay as u64) as usize * slot.action.len();
            let due = &mut delayed[start..start + slot.action.len()];
            slot.body.actuate(physics, due);
            due.copy_from_slice(&slot.action);
        }
        for _ in 0..self.substeps {
            for slot in &mut self.slots {
                slot.body.before_step(physics);
                slot.body.run_controller(physics);
            }
            physics.step();
        }
        for slot in &mut self.slots {
            slot.goal.update(physics, slot.body.parts()[0]);
        }
        self.tick += 1;
        self.observations_current = false;
        if self.sense_after_step {
            self.sense(physics);
        }
    }
}

impl Snapshot {
    /// Take the state of an arena.
    pub fn take(physics: &Physics<'_>, arena: &Arena) -> Self {
        let condition_state =
            ConditionState { conditions: arena.conditions, delayed_actions: arena.delayed_actions.clone() };
        Self::of_slots(physics, &arena.slots, arena.tick, arena.seed, condition_state)
    }

    /// Restore this state in an arena of the same scene.
    pub fn restore(&self, physics: &mut Physics<'_>, arena: &mut Arena) {
        arena.tick = self.tick;
        arena.seed = self.seed;
        self.restore_slots(physics, &mut arena.slots);
        arena.set_conditions(self.condition_state.conditions);
        for (delayed, stored) in arena.delayed_actions.iter_mut().zip(&self.condition_state.delayed_actions) {
            delayed.clone_from(stored);
        }
    }
}

/// Request a reset of the arena with `seed`: the episode begins at the next tick. Does nothing when `arena` is not an
/// arena.
pub fn begin_episode(world: &mut World, arena: Entity, seed: u64) {
    if let Some(mut arena) = world.get_mut::<Arena>(arena) {
        arena.request_reset(seed);
    }
}
