//! Stepping arenas over the cores.

use bevy::ecs::prelude::*;
use bevy::tasks::{TaskPool, TaskPoolBuilder};

use super::arena::Arena;
use super::physics::{Physics, PhysicsSets, PhysicsSetsItem};

/// The threads that work on arenas. Bevy's own compute pool leaves one thread on two cores, which gains nothing.
#[derive(Resource)]
pub struct SimThreads {
    pool: Option<TaskPool>,
    threads: usize,
}

impl SimThreads {
    /// `threads` threads, the calling one included; 0 takes one for each core.
    pub fn new(threads: usize) -> Self {
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        // The thread that waits for the scope works too.
        let pool = (threads > 1)
            .then(|| TaskPoolBuilder::new().num_threads(threads - 1).thread_name("arena".to_owned()).build());
        Self { pool, threads }
    }

    /// How many threads work on arenas.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Run `work` on every arena. Arenas share nothing, so neither their order nor the thread count shows in the
    /// result.
    pub(super) fn for_each(
        &self,
        arenas: &mut Query<(&mut Arena, PhysicsSets)>,
        work: impl Fn(&mut Arena, &mut Physics<'_>) + Send + Sync,
    ) {
        let count = arenas.iter().len();
        let Some(pool) = self.pool.as_ref().filter(|_| count > 1) else {
            for (mut arena, mut sets) in arenas.iter_mut() {
                work(&mut arena, &mut sets.physics());
            }
            return;
        };
        let mut items: Vec<(Mut<Arena>, PhysicsSetsItem<'_, '_>)> = arenas.iter_mut().collect();
        // Four pieces a thread even out arenas that cost more than others.
        let piece = count.div_ceil(self.threads * 4).max(1);
        let work = &work;
        pool.scope(|scope| {
            for chunk in items.chunks_mut(piece) {
                scope.spawn(async move {
                    for (arena, sets) in chunk {
                        work(arena, &mut sets.physics());
                    }
                });
            }
        });
    }
}

/// Apply the actions and advance every arena by one tick.
pub(super) fn step_arenas(threads: Res<SimThreads>, mut arenas: Query<(&mut Arena, PhysicsSets)>) {
    threads.for_each(&mut arenas, |arena, physics| arena.advance(physics));
}
