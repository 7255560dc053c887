//! The replay check of a dataset: every recorded episode is re-simulated and compared by state hash.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::resimulation::resimulate;
use crate::demos::{Dataset, DatasetError, Episode};
use crate::scenes::Scene;

/// The result of [`check_dataset`].
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CheckReport {
    /// Episodes re-simulated.
    pub episodes: usize,
    /// Ticks re-simulated.
    pub ticks: usize,
    /// Ticks whose state hash differs from the recorded one.
    pub diverged: usize,
    /// For each episode that diverged: its index and the first diverged tick.
    pub first_divergences: Vec<(usize, usize)>,
}

/// Re-simulate every episode of a dataset and compare the state hash at every tick. `scene_of` returns the scene that an
/// episode was recorded in; `progress` is called after each episode with the number of finished episodes.
///
/// # Errors
/// The first error of reading an episode, of its scene, or of its start snapshot.
pub fn check_dataset<E>(
    dataset: &Dataset,
    scene_of: impl Fn(&Episode) -> Result<Scene, E> + Sync,
    progress: impl Fn(usize) + Sync,
) -> Result<CheckReport, E>
where
    E: From<DatasetError> + Send,
{
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    let report = Mutex::new(Ok(CheckReport::default()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= dataset.len() || report.lock().unwrap_or_else(PoisonError::into_inner).is_err() {
                        return;
                    }
                    let result = dataset
                        .read(number)
                        .map_err(E::from)
                        .and_then(|episode| Ok((scene_of(&episode)?, episode)))
                        .and_then(|(scene, episode)| {
                            let path = dataset.dir().join(format!("sim/episode-{number:06}.snapshot"));
                            let track = resimulate(&scene, &episode)
                                .map_err(|error| E::from(DatasetError::Malformed { path, cause: error.to_string() }))?;
                            Ok((track, episode.len()))
                        });
                    let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
                    match (&mut *report, result) {
                        (Ok(report), Ok((track, ticks))) => {
                            report.episodes += 1;
                            report.ticks += ticks;
                            report.diverged += track.divergences;
                            report.first_divergences.extend(track.first_divergence.map(|tick| (number, tick)));
                            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
                        }
                        (report @ Ok(_), Err(error)) => *report = Err(error),
                        (Err(_), _) => {}
                    }
                }
            });
        }
    });
    let mut report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Ok(report) = &mut report {
        report.first_divergences.sort_unstable();
    }
    report
}
