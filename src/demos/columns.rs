//! The data files: an episode as Parquet columns, and all of them as flat arrays for training.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::episode::{Episode, EpisodeHeader};
use super::error::DatasetError;
use super::files;
use super::metadata::{EpisodeSummary, data_path};
use super::table::{Column, Table, encode};
use crate::spaces::Layout;

/// What training needs of a dataset's episodes, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    /// `[ticks * observation size]`, tick by tick.
    pub observations: Vec<f32>,
    /// `[ticks * action size]`, tick by tick.
    pub actions: Vec<f32>,
    /// `[ticks]`: a person had taken over from a policy.
    pub interventions: Vec<bool>,
    /// `[ticks]`: the task was fulfilled.
    pub successes: Vec<bool>,
    /// The first tick of each episode.
    pub episode_starts: Vec<usize>,
}

/// Seconds from the episode's start to each tick, as LeRobot computes them.
fn timestamps(ticks: usize, fps: u32) -> impl Iterator<Item = f32> {
    (0..ticks).map(move |frame| (frame as f64 / f64::from(fps)) as f32)
}

/// The data columns of an episode, in the order of the features.
pub(super) fn of_episode(
    episode: &Episode,
    number: usize,
    first_index: usize,
    task: usize,
    fps: u32,
) -> Vec<(String, Column)> {
    let (header, ticks) = (&episode.header, episode.len());
    let constant = |value: usize| Column::Ints(vec![value as i64; ticks]);
    let counting = |from: usize| Column::Ints((from as i64..).take(ticks).collect());
    let mut columns =
        vec![("observation.state".to_owned(), Column::Floats(header.observation.size(), episode.observations.clone()))];
    if header.action.size() > 0 {
        columns.push(("action".to_owned(), Column::Floats(header.action.size(), episode.actions.clone())));
    }
    columns.extend([
        ("next.reward".to_owned(), Column::Floats(1, episode.rewards.clone())),
        ("next.done".to_owned(), Column::Bools(episode.dones.clone())),
        ("next.success".to_owned(), Column::Bools(episode.successes.clone())),
    ]);
    for (i, term) in header.terms.iter().enumerate() {
        let values = episode.terms.iter().skip(i).step_by(header.terms.len()).copied().collect();
        columns.push((format!("reward.{term}"), Column::Floats(1, values)));
    }
    let hashes = episode.state_hashes.iter().map(|hash| hash.cast_signed()).collect();
    columns.extend(
        [
            ("state_hash", Column::Ints(hashes)),
            ("intervention", Column::Bools(episode.interventions.clone())),
            ("timestamp", Column::Floats(1, timestamps(ticks, fps).collect())),
            ("frame_index", counting(0)),
            ("episode_index", constant(number)),
            ("index", counting(first_index)),
            ("task_index", constant(task)),
        ]
        .map(|(name, column)| (name.to_owned(), column)),
    );
    columns
}

/// Write a data file and return its hash.
pub(super) fn write(path: &Path, columns: Vec<(String, Column)>) -> Result<u64, DatasetError> {
    let bytes = encode(path, columns, HashMap::new())?;
    files::write_atomic(path, &bytes)?;
    Ok(xxh3_64(&bytes))
}

/// Decode the wanted columns of an episode's data file, after checking that it is the one recorded.
fn open(path: &Path, row: &EpisodeSummary, wanted: impl Fn(&str) -> bool) -> Result<Table, DatasetError> {
    if files::hash_file(path)? != row.data_hash {
        return Err(DatasetError::malformed(path, "its bytes are not those recorded"));
    }
    let table = Table::read(path, wanted)?;
    if table.rows() != row.length {
        let cause = format!("it has {} rows, meta/episodes says {}", table.rows(), row.length);
        return Err(DatasetError::inconsistent(path, cause));
    }
    check_counting(&table, path, "frame_index", 0)?;
    check_counting(&table, path, "index", row.first_index)?;
    Ok(table)
}

/// Check that a column counts up from `from`.
fn check_counting(table: &Table, path: &Path, column: &str, from: usize) -> Result<(), DatasetError> {
    check_equal(path, column, &table.ints(column)?, from as i64..)
}

fn check_equal<T: PartialEq + std::fmt::Display>(
    path: &Path,
    column: &str,
    found: &[T],
    wanted: impl Iterator<Item = T>,
) -> Result<(), DatasetError> {
    match found.iter().zip(wanted).enumerate().find(|(_, (found, wanted))| **found != *wanted) {
        None => Ok(()),
        Some((tick, (found, wanted))) => {
            Err(DatasetError::inconsistent(path, format!("tick {tick}: {column} is {found}, not {wanted}")))
        }
    }
}

/// Read an episode's data file; `task` is the number of its task.
pub(super) fn read_episode(
    path: &Path,
    row: &EpisodeSummary,
    (header, others): (EpisodeHeader, Vec<f32>),
    task: Option<usize>,
    fps: u32,
) -> Result<Episode, DatasetError> {
    let table = open(path, row, |_| true)?;
    let constant = |value: usize| std::iter::repeat(value as i64);
    check_equal(path, "episode_index", &table.ints("episode_index")?, constant(row.episode))?;
    check_equal(path, "task_index", &table.ints("task_index")?, constant(task.unwrap_or(usize::MAX)))?;
    check_equal(path, "timestamp", &table.floats("timestamp", 1)?, timestamps(row.length, fps))?;
    let width = header.terms.len();
    let mut terms = vec![0.0; row.length * width];
    for (i, term) in header.terms.iter().enumerate() {
        let values = table.floats(&format!("reward.{term}"), 1)?;
        terms.iter_mut().skip(i).step_by(width).zip(values).for_each(|(cell, value)| *cell = value);
    }
    let episode = Episode {
        observations: table.floats("observation.state", header.observation.size())?,
        actions: match header.action.size() {
            0 => Vec::new(),
            size => table.floats("action", size)?,
        },
        others,
        rewards: table.floats("next.reward", 1)?,
        terms,
        dones: table.bools("next.done")?,
        successes: table.bools("next.success")?,
        interventions: table.bools("intervention")?,
        state_hashes: table.ints("state_hash")?.into_iter().map(i64::cast_unsigned).collect(),
        header,
    };
    episode.validate().map_err(|e| DatasetError::malformed(path, e))?;
    Ok(episode)
}

/// An episode's part of the flat arrays.
struct Part<'a> {
    row: &'a EpisodeSummary,
    observations: &'a mut [f32],
    actions: &'a mut [f32],
    interventions: &'a mut [bool],
    successes: &'a mut [bool],
}

impl Part<'_> {
    fn fill(self, dir: &Path, sizes: (usize, usize)) -> Result<(), DatasetError> {
        const WANTED: [&str; 6] =
            ["observation.state", "action", "intervention", "next.success", "frame_index", "index"];
        let path = data_path(dir, self.row.episode);
        let table = open(&path, self.row, |name| WANTED.contains(&name))?;
        self.interventions.copy_from_slice(&table.bools("intervention")?);
        self.successes.copy_from_slice(&table.bools("next.success")?);
        for (column, values, size) in
            [("observation.state", self.observations, sizes.0), ("action", self.actions, sizes.1)]
        {
            if size == 0 {
                continue;
            }
            table.floats_into(column, size, values)?;
            if let Some(at) = values.iter().position(|v| !v.is_finite()) {
                let cause = format!("is {} at tick {}", values[at], at / size);
                return Err(DatasetError::column(&path, column, cause));
            }
        }
        Ok(())
    }
}

/// `count` values, or an error where the memory does not hold them: the metadata may be damaged and ask for more than
/// there is.
fn room<T: Clone + Default>(count: usize, dir: &Path) -> Result<Vec<T>, DatasetError> {
    let mut values = Vec::new();
    values.try_reserve_exact(count).map_err(|e| {
        DatasetError::io("hold in memory the ticks of", dir)(io::Error::new(io::ErrorKind::OutOfMemory, e))
    })?;
    values.resize(count, T::default());
    Ok(values)
}

/// Cut the first `count` values off; fewer where there are not so many.
fn first<'a, T>(rest: &mut &'a mut [T], count: usize) -> &'a mut [T] {
    let (own, others) = std::mem::take(rest).split_at_mut_checked(count).unwrap_or_default();
    *rest = others;
    own
}

/// The files are decoded over all cores, each straight into its place.
pub(super) fn read_columns(
    dir: &Path,
    rows: &[EpisodeSummary],
    observation: &Layout,
    action: &Layout,
) -> Result<Columns, DatasetError> {
    let sizes = (observation.size(), action.size());
    let ticks = rows.iter().fold(0usize, |sum, row| sum.saturating_add(row.length));
    let mut out = Columns {
        observations: room(ticks.saturating_mul(sizes.0), dir)?,
        actions: room(ticks.saturating_mul(sizes.1), dir)?,
        interventions: room(ticks, dir)?,
        successes: room(ticks, dir)?,
        episode_starts: rows.iter().map(|row| row.first_index).collect(),
    };
    let mut rest =
        (&mut out.observations[..], &mut out.actions[..], &mut out.interventions[..], &mut out.successes[..]);
    let parts: Vec<Part<'_>> = rows
        .iter()
        .map(|row| Part {
            row,
            observations: first(&mut rest.0, row.length * sizes.0),
            actions: first(&mut rest.1, row.length * sizes.1),
            interventions: first(&mut rest.2, row.length),
            successes: first(&mut rest.3, row.length),
        })
        .collect();
    let results: Vec<Result<(), DatasetError>> = parts.into_par_iter().map(|part| part.fill(dir, sizes)).collect();
    results.into_iter().collect::<Result<(), _>>()?;
    Ok(out)
}
