//! One isolated physics world with the bodies that act in it.

use bevy::ecs::prelude::*;
use bevy_rapier3d::plugin::context::RapierContextSimulation;

use super::body::{Body, Sense};
use super::conditions::{ConditionRanges, Conditions};
use super::guide::Guide;
use super::physics::{Physics, PhysicsSets};
use super::seed::{SimRng, episode_rng};
use super::snapshot::{Snapshot, SnapshotError};
use super::stepping::SimThreads;

/// Stream of the episode's generator that varies the layout.
const VARIATION_STREAM: u64 = 1;
/// Stream of the episode's generator that its conditions come from.
const CONDITIONS_STREAM: u64 = 5;

/// Changes the start of each episode: places, layout, friction. Owned by the arena's scene.
pub trait Variation: Send + Sync + 'static {
    /// Vary a freshly restored arena. Draws from `rng` only.
    fn apply(&mut self, physics: &mut Physics<'_>, slots: &mut [Slot], rng: &mut SimRng);
}

impl<F> Variation for F
where
    F: FnMut(&mut Physics<'_>, &mut [Slot], &mut SimRng) + Send + Sync + 'static,
{
    fn apply(&mut self, physics: &mut Physics<'_>, slots: &mut [Slot], rng: &mut SimRng) {
        self(physics, slots, rng);
    }
}

/// A body of an arena with what it sees and is told.
pub struct Slot {
    /// The body.
    pub body: Box<dyn Body>,
    /// What it is asked to do.
    pub guide: Guide,
    /// Sensors beside the body's own, which write the end of the observation, in order.
    pub senses: Vec<Box<dyn Sense>>,
    /// What it sensed at this tick.
    pub observation: Vec<f32>,
    /// What it does at this tick.
    pub action: Vec<f32>,
}

/// How an arena's next episode begins.
struct Beginning {
    seed: u64,
    /// The state to begin in, instead of the start varied by the seed.
    from: Option<Box<Snapshot>>,
}

/// One isolated physics world. Its Rapier sets are the other components of the same entity.
#[derive(Component)]
#[require(RapierContextSimulation)]
pub struct Arena {
    /// Its bodies; an agent knows its index here.
    pub slots: Vec<Slot>,
    /// Seed of the running episode.
    pub seed: u64,
    /// Ticks since the episode's start.
    pub tick: u64,
    /// Physics steps a tick.
    pub substeps: u32,
    /// What was asked for and the next tick carries out.
    beginning: Option<Beginning>,
    /// True from a reset until the end of that tick's `Begin`.
    pub begun: bool,
    /// Sense right after a tick, while the arena is still in the processor's cache, instead of before the next one. For
    /// whoever lets nothing change the arena between two ticks; what is sensed is the same then.
    pub sense_early: bool,
    /// Whether the observations belong to the arena's present state.
    sensed: bool,
    /// What the running episode's world is like.
    conditions: Conditions,
    /// What those of all episodes may be.
    ranges: ConditionRanges,
    /// The actions of each slot that have had no effect yet, `delay` of them; tick `t` waits at place `t % delay`.
    pub(super) waiting: Vec<Vec<f32>>,
    start: Option<Box<Snapshot>>,
    variation: Box<dyn Variation>,
}

impl Arena {
    /// An arena whose physics `physics` holds the scene's nominal layout and `slots` its bodies.
    ///
    /// `control_dt` and `sim_dt` in seconds.
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
        // The first ray casts come before the first step.
        physics.refresh();
        let waiting = vec![Vec::new(); slots.len()];
        let mut arena = Self {
            slots,
            seed: 0,
            tick: 0,
            substeps: substeps as u32,
            beginning: Some(Beginning { seed: 0, from: None }),
            begun: false,
            sense_early: false,
            sensed: false,
            conditions: Conditions::default(),
            ranges: ConditionRanges::default(),
            waiting,
            start: None,
            variation,
        };
        arena.start = Some(Box::new(Snapshot::take(physics, &arena)));
        arena
    }

    /// The same, with other conditions in every episode.
    #[must_use]
    pub fn under(self, ranges: ConditionRanges) -> Self {
        Self { ranges, ..self }
    }

    /// What the running episode's world is like.
    pub fn conditions(&self) -> Conditions {
        self.conditions
    }

    /// Let it be like this from now on, as far as physics does not hold it.
    pub(super) fn set_conditions(&mut self, conditions: Conditions) {
        self.conditions = conditions;
        for (slot, waiting) in self.slots.iter_mut().zip(&mut self.waiting) {
            slot.body.condition(&conditions);
            waiting.clear();
            waiting.resize(conditions.delay as usize * slot.action.len(), 0.0);
        }
    }

    /// Begin the episode of `seed` at the next tick.
    pub fn begin(&mut self, seed: u64) {
        self.beginning = Some(Beginning { seed, from: None });
    }

    /// Begin the episode of `seed` at the next tick, in the state of `snapshot` instead of a fresh start.
    ///
    /// # Errors
    /// [`SnapshotError::Bodies`] when the snapshot is of another number of bodies; nothing begins then.
    pub fn begin_from(&mut self, seed: u64, snapshot: Snapshot) -> Result<(), SnapshotError> {
        snapshot.check(self)?;
        self.beginning = Some(Beginning { seed, from: Some(Box::new(snapshot)) });
        Ok(())
    }

    /// The seed of the episode that the next tick begins, where one was asked for.
    pub fn next_seed(&self) -> Option<u64> {
        self.beginning.as_ref().map(|b| b.seed)
    }

    /// Begin the episode of `seed` now: the nominal start, varied.
    pub fn reset(&mut self, physics: &mut Physics<'_>, seed: u64) {
        if let Some(start) = self.start.take() {
            start.restore(physics, self);
            self.start = Some(start);
        }
        self.seed = seed;
        self.tick = 0;
        let conditions = self.ranges.draw(&mut episode_rng(seed, CONDITIONS_STREAM));
        conditions.apply(physics);
        if conditions.mass != 1.0 {
            for slot in &mut self.slots {
                slot.body.weigh(physics, conditions.mass);
            }
        }
        self.set_conditions(conditions);
        let mut rng = episode_rng(seed, VARIATION_STREAM);
        self.variation.apply(physics, &mut self.slots, &mut rng);
        physics.refresh();
        for slot in &mut self.slots {
            slot.action.fill(0.0);
        }
        self.begun = true;
        self.sensed = false;
    }

    /// Write every body's observation.
    pub fn sense(&mut self, physics: &Physics<'_>) {
        for slot in &mut self.slots {
            let added: usize = slot.senses.iter().map(|sense| sense.size()).sum();
            let own = slot.observation.len() - added;
            let (own, mut rest) = slot.observation.split_at_mut(own);
            slot.body.sense(physics, &slot.guide, own);
            for sense in &slot.senses {
                let (out, others) = rest.split_at_mut(sense.size());
                sense.sense(physics, slot.body.as_ref(), &slot.guide, out);
                rest = others;
            }
        }
        self.sensed = true;
    }

    /// Apply the actions and advance by one tick.
    pub fn advance(&mut self, physics: &mut Physics<'_>) {
        let delay = self.conditions.delay as usize;
        for (slot, waiting) in self.slots.iter_mut().zip(&mut self.waiting) {
            if delay == 0 {
                slot.body.actuate(physics, &slot.action);
                continue;
            }
            let at = (self.tick % delay as u64) as usize * slot.action.len();
            let due = &mut waiting[at..at + slot.action.len()];
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
            let (position, _) = physics.pose(slot.body.parts()[0]);
            slot.guide.follow(position);
        }
        self.tick += 1;
        self.sensed = false;
        if self.sense_early {
            self.sense(physics);
        }
    }
}

/// Begin the episodes that were asked for, arenas in parallel.
pub(super) fn reset_arenas(threads: Res<SimThreads>, mut arenas: Query<(&mut Arena, PhysicsSets)>) {
    threads.for_each(
        &mut arenas,
        |arena| arena.beginning.is_some(),
        |arena, physics| {
            let Some(beginning) = arena.beginning.take() else { return };
            arena.reset(physics, beginning.seed);
            if let Some(snapshot) = beginning.from {
                snapshot.restore(physics, arena);
            }
        },
    );
}

/// Have an arena begin the episode of `seed` at the next tick. Nothing happens where there is no such arena.
pub fn begin_episode(world: &mut World, arena: Entity, seed: u64) {
    if let Some(mut arena) = world.get_mut::<Arena>(arena) {
        arena.begin(seed);
    }
}

/// Write the observations that are not written yet, arenas in parallel.
pub(super) fn sense_arenas(threads: Res<SimThreads>, mut arenas: Query<(&mut Arena, PhysicsSets)>) {
    threads.for_each(&mut arenas, |arena| !(arena.sense_early && arena.sensed), |arena, physics| arena.sense(physics));
}
