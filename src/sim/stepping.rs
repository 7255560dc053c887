//! The systems that reset, sense and step arenas, in parallel.

use std::sync::{Arc, Mutex, PoisonError};

use bevy::ecs::prelude::*;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::arena::Arena;
use super::physics::{Physics, PhysicsSets, PhysicsSetsItem};

/// An arena with its physics, borrowed for one call of [`SimThreads::for_each`].
type ArenaItem<'a> = (Mut<'a, Arena>, PhysicsSetsItem<'a, 'a>);

/// The thread pool that works on arenas. Bevy's own compute pool is not used: it has only one thread on two cores, which
/// gains nothing, and it allocates memory for each task.
#[derive(Resource)]
pub struct SimThreads {
    pool: Option<Arc<ThreadPool>>,
    threads: usize,
    /// Buffer of the arenas of one call; empty between calls. Reusing its memory, a tick allocates none.
    buffer: Mutex<Vec<ArenaItem<'static>>>,
}

impl SimThreads {
    /// `threads` threads; 0 takes one per core. When the system cannot create threads, arenas run sequentially.
    pub fn new(threads: usize) -> Self {
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        let build = || ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("arena {i}")).build().ok();
        let pool = if threads > 1 { build().map(Arc::new) } else { None };
        Self { threads: if pool.is_some() { threads } else { 1 }, pool, buffer: Mutex::default() }
    }

    /// How many threads work on arenas.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The thread pool; `None` with one thread. Running several phases of a tick inside one `install` saves the threads'
    /// wake-up in each.
    pub fn pool(&self) -> Option<Arc<ThreadPool>> {
        self.pool.clone()
    }

    /// Run `work` on each arena that `filter` accepts. Arenas share no state, so the result depends neither on their order
    /// nor on the number of threads. Work stealing by single arenas balances their different costs.
    pub(super) fn for_each(
        &self,
        arenas: &mut Query<(&mut Arena, PhysicsSets)>,
        filter: impl Fn(&Arena) -> bool,
        work: impl Fn(&mut Arena, &mut Physics<'_>) + Send + Sync,
    ) {
        let Some(pool) = &self.pool else {
            for (mut arena, mut sets) in arenas.iter_mut().filter(|(arena, _)| filter(arena)) {
                work(&mut arena, &mut sets.physics());
            }
            return;
        };
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut items = recycle(std::mem::take(&mut *buffer));
        items.extend(arenas.iter_mut().filter(|(arena, _)| filter(arena)));
        match &mut items[..] {
            [] => {}
            // Handing a single arena to another thread costs more than it gains.
            [(arena, sets)] => work(arena, &mut sets.physics()),
            many => pool.install(|| {
                many.par_iter_mut().with_max_len(1).for_each(|(arena, sets)| work(arena, &mut sets.physics()));
            }),
        }
        *buffer = recycle(items);
    }
}

/// An empty vector of another lifetime that reuses the allocation of `items`: collecting from an emptied vector keeps it.
fn recycle<'a>(mut items: Vec<ArenaItem<'_>>) -> Vec<ArenaItem<'a>> {
    items.clear();
    items.into_iter().map(|_| unreachable!("the vector was emptied")).collect()
}

/// Carry out the requested resets, arenas in parallel.
pub(super) fn reset_arenas(threads: Res<SimThreads>, mut arenas: Query<(&mut Arena, PhysicsSets)>) {
    threads.for_each(&mut arenas, |arena| arena.requested_seed().is_some(), Arena::carry_out_reset);
}

/// Write the observations that are not current, arenas in parallel.
pub(super) fn sense_arenas(threads: Res<SimThreads>, mut arenas: Query<(&mut Arena, PhysicsSets)>) {
    threads.for_each(&mut arenas, Arena::needs_sensing, |arena, physics| arena.sense(physics));
}

/// Apply the actions and advance each arena by one tick.
pub(super) fn step_arenas(threads: Res<SimThreads>, mut arenas: Query<(&mut Arena, PhysicsSets)>) {
    threads.for_each(&mut arenas, |_| true, |arena, physics| arena.advance(physics));
}
