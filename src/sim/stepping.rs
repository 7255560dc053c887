//! Working on arenas over the cores.

use std::sync::{Arc, Mutex, PoisonError};

use bevy::ecs::prelude::*;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::arena::Arena;
use super::physics::{Physics, PhysicsSets, PhysicsSetsItem};

/// An arena with its physics, borrowed for one piece of work.
type Item<'a> = (Mut<'a, Arena>, PhysicsSetsItem<'a, 'a>);

/// The threads that work on arenas. Bevy's own compute pool leaves one thread on two cores, which gains nothing, and
/// allocates for each piece of work.
#[derive(Resource)]
pub struct SimThreads {
    pool: Option<Arc<ThreadPool>>,
    threads: usize,
    /// Empty between two calls; kept for its memory, so that a tick allocates none.
    items: Mutex<Vec<Item<'static>>>,
}

impl SimThreads {
    /// `threads` threads; 0 takes one for each core. Where the system gives no threads, arenas are worked on one after
    /// the other.
    pub fn new(threads: usize) -> Self {
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        let build = || ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("arena {i}")).build().ok();
        let pool = if threads > 1 { build().map(Arc::new) } else { None };
        Self { threads: if pool.is_some() { threads } else { 1 }, pool, items: Mutex::default() }
    }

    /// How many threads work on arenas.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The pool, where there is more than one thread. Whoever runs several ticks' phases inside one `install` saves the
    /// waking and waiting of each.
    pub fn pool(&self) -> Option<Arc<ThreadPool>> {
        self.pool.clone()
    }

    /// Run `work` on every arena that is `wanted`. Arenas share nothing, so neither their order nor the thread count
    /// shows in the result. Idle threads take over single arenas from busy ones, which evens out what arenas cost.
    pub(super) fn for_each(
        &self,
        arenas: &mut Query<(&mut Arena, PhysicsSets)>,
        wanted: impl Fn(&Arena) -> bool,
        work: impl Fn(&mut Arena, &mut Physics<'_>) + Send + Sync,
    ) {
        let Some(pool) = &self.pool else {
            for (mut arena, mut sets) in arenas.iter_mut().filter(|(arena, _)| wanted(arena)) {
                work(&mut arena, &mut sets.physics());
            }
            return;
        };
        let mut shelf = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        let mut items = emptied(std::mem::take(&mut *shelf));
        items.extend(arenas.iter_mut().filter(|(arena, _)| wanted(arena)));
        match &mut items[..] {
            [] => {}
            // Handing a single arena to another thread costs more than it gains.
            [(arena, sets)] => work(arena, &mut sets.physics()),
            many => pool.install(|| {
                many.par_iter_mut().with_max_len(1).for_each(|(arena, sets)| work(arena, &mut sets.physics()));
            }),
        }
        *shelf = emptied(items);
    }
}

/// The memory of a vector for items of another lifetime. Collecting from an emptied vector reuses its allocation.
fn emptied<'a>(mut items: Vec<Item<'_>>) -> Vec<Item<'a>> {
    items.clear();
    items.into_iter().map(|_| unreachable!("the vector was emptied")).collect()
}

/// Apply the actions and advance every arena by one tick.
pub(super) fn step_arenas(threads: Res<SimThreads>, mut arenas: Query<(&mut Arena, PhysicsSets)>) {
    threads.for_each(&mut arenas, |_| true, |arena, physics| arena.advance(physics));
}
