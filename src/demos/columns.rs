//! The data files: one Parquet file per episode, and all episodes as flat arrays for training.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::episode::Episode;
use super::error::DatasetError;
use super::files;
use super::metadata::{EpisodePosition, EpisodeSummary, data_path};
use super::sim_files::SimulationData;
use super::table::{Column, Table, encode};
use crate::spaces::Layout;

/// The columns that training reads, all episodes concatenated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    /// `[ticks * obs_dim]`, row-major.
    pub observations: Vec<f32>,
    /// `[ticks * act_dim]`, row-major.
    pub actions: Vec<f32>,
    /// `[ticks]`: whether a human had taken over from a policy (an intervention).
    pub interventions: Vec<bool>,
    /// `[ticks]`: whether the task had succeeded.
    pub successes: Vec<bool>,
    /// `[episodes]`: index of each episode's first tick.
    pub episode_starts: Vec<usize>,
}

/// Timestamp of each tick: seconds since the start of the episode, as LeRobot computes it.
fn timestamps(ticks: usize, fps: u32) -> impl Iterator<Item = f32> {
    (0..ticks).map(move |frame| (frame as f64 / f64::from(fps)) as f32)
}

/// The data columns of an episode, in the order of the features.
pub(super) fn episode_columns(episode: &Episode, position: &EpisodePosition, fps: u32) -> Vec<(String, Column)> {
    let (header, ticks) = (&episode.header, episode.len());
    let constant = |value: usize| Column::Ints(vec![value as i64; ticks]);
    let consecutive = |from: usize| Column::Ints((from as i64..).take(ticks).collect());
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
            ("frame_index", consecutive(0)),
            ("episode_index", constant(position.episode_index)),
            ("index", consecutive(position.dataset_from_index)),
            ("task_index", constant(position.task_index)),
        ]
        .map(|(name, column)| (name.to_owned(), column)),
    );
    columns
}

/// Write a data file and return its xxh3 hash.
pub(super) fn write(path: &Path, columns: Vec<(String, Column)>) -> Result<u64, DatasetError> {
    let bytes = encode(path, columns, HashMap::new())?;
    files::write_atomic(path, &bytes)?;
    Ok(xxh3_64(&bytes))
}

/// Decode the columns of an episode's data file that `is_selected` accepts, after checking the file's hash.
fn read_table(path: &Path, row: &EpisodeSummary, is_selected: impl Fn(&str) -> bool) -> Result<Table, DatasetError> {
    if files::hash_file(path)? != row.data_hash {
        return Err(DatasetError::malformed(path, "its hash differs from the recorded one"));
    }
    let table = Table::read(path, is_selected)?;
    if table.rows() != row.length {
        let cause = format!("it has {} rows, but meta/episodes has length {}", table.rows(), row.length);
        return Err(DatasetError::inconsistent(path, cause));
    }
    check_consecutive(&table, path, "frame_index", 0)?;
    check_consecutive(&table, path, "index", row.dataset_from_index)?;
    Ok(table)
}

/// Check that a column holds the consecutive integers from `from` on.
fn check_consecutive(table: &Table, path: &Path, column: &str, from: usize) -> Result<(), DatasetError> {
    check_equal(path, column, &table.ints(column)?, from as i64..)
}

fn check_equal<T: PartialEq + std::fmt::Display>(
    path: &Path,
    column: &str,
    found: &[T],
    expected: impl Iterator<Item = T>,
) -> Result<(), DatasetError> {
    match found.iter().zip(expected).enumerate().find(|(_, (found, expected))| **found != *expected) {
        None => Ok(()),
        Some((tick, (found, expected))) => {
            Err(DatasetError::inconsistent(path, format!("tick {tick}: {column} is {found}, not {expected}")))
        }
    }
}

/// The position of an episode as its data file has it, and its number of ticks.
pub(super) fn position_in_file(path: &Path) -> Result<(EpisodePosition, usize), DatasetError> {
    let table = Table::read(path, |name| ["episode_index", "index", "task_index"].contains(&name))?;
    let first = |column: &str| -> Result<usize, DatasetError> {
        let value = table.ints(column)?.first().copied().unwrap_or(-1);
        usize::try_from(value).map_err(|_| DatasetError::column(path, column, format!("begins with {value}")))
    };
    let position = EpisodePosition {
        episode_index: first("episode_index")?,
        dataset_from_index: first("index")?,
        task_index: first("task_index")?,
    };
    Ok((position, table.rows()))
}

/// Read an episode's data file.
pub(super) fn read_episode(
    path: &Path,
    row: &EpisodeSummary,
    simulation: SimulationData,
    task_index: usize,
    fps: u32,
) -> Result<Episode, DatasetError> {
    let SimulationData { header, other_actions, first_gap } = simulation;
    let table = read_table(path, row, |_| true)?;
    let constant = |value: usize| std::iter::repeat(value as i64);
    check_equal(path, "episode_index", &table.ints("episode_index")?, constant(row.episode))?;
    check_equal(path, "task_index", &table.ints("task_index")?, constant(task_index))?;
    check_equal(path, "timestamp", &table.floats("timestamp", 1)?, timestamps(row.length, fps))?;
    let n_terms = header.terms.len();
    let mut terms = vec![0.0; row.length * n_terms];
    for (i, term) in header.terms.iter().enumerate() {
        let values = table.floats(&format!("reward.{term}"), 1)?;
        terms.iter_mut().skip(i).step_by(n_terms).zip(values).for_each(|(cell, value)| *cell = value);
    }
    let episode = Episode {
        observations: table.floats("observation.state", header.observation.size())?,
        actions: match header.action.size() {
            0 => Vec::new(),
            size => table.floats("action", size)?,
        },
        other_actions,
        rewards: table.floats("next.reward", 1)?,
        terms,
        dones: table.bools("next.done")?,
        successes: table.bools("next.success")?,
        interventions: table.bools("intervention")?,
        state_hashes: table.ints("state_hash")?.into_iter().map(i64::cast_unsigned).collect(),
        header,
        first_gap,
    };
    episode.validate().map_err(|e| DatasetError::malformed(path, e))?;
    Ok(episode)
}

/// The size of one row of the observations and of the actions.
#[derive(Clone, Copy)]
struct RowSizes {
    obs_dim: usize,
    act_dim: usize,
}

/// One episode's slices of the flat arrays.
struct EpisodeSlices<'a> {
    row: &'a EpisodeSummary,
    observations: &'a mut [f32],
    actions: &'a mut [f32],
    interventions: &'a mut [bool],
    successes: &'a mut [bool],
}

impl EpisodeSlices<'_> {
    fn fill(self, dir: &Path, sizes: RowSizes) -> Result<(), DatasetError> {
        const SELECTED: [&str; 6] =
            ["observation.state", "action", "intervention", "next.success", "frame_index", "index"];
        let path = data_path(dir, self.row.episode);
        let table = read_table(&path, self.row, |name| SELECTED.contains(&name))?;
        self.interventions.copy_from_slice(&table.bools("intervention")?);
        self.successes.copy_from_slice(&table.bools("next.success")?);
        for (column, values, size) in
            [("observation.state", self.observations, sizes.obs_dim), ("action", self.actions, sizes.act_dim)]
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

/// Allocate `count` default values. Returns an error instead of aborting when the allocation fails, because damaged
/// metadata may ask for more memory than there is.
fn allocate<T: Clone + Default>(count: usize, dir: &Path) -> Result<Vec<T>, DatasetError> {
    let mut values = Vec::new();
    values.try_reserve_exact(count).map_err(|e| {
        DatasetError::io("allocate memory for the ticks of", dir)(io::Error::new(io::ErrorKind::OutOfMemory, e))
    })?;
    values.resize(count, T::default());
    Ok(values)
}

/// Split the first `count` values off `rest`; an empty slice if `rest` is shorter.
fn split_front<'a, T>(rest: &mut &'a mut [T], count: usize) -> &'a mut [T] {
    let (front, back) = std::mem::take(rest).split_at_mut_checked(count).unwrap_or_default();
    *rest = back;
    front
}

/// Read the training columns of all episodes. The files are decoded in parallel over all cores, each directly into its
/// slices of the result.
pub(super) fn read_columns(
    dir: &Path,
    rows: &[EpisodeSummary],
    observation: &Layout,
    action: &Layout,
) -> Result<Columns, DatasetError> {
    let sizes = RowSizes { obs_dim: observation.size(), act_dim: action.size() };
    let ticks = rows.iter().fold(0usize, |sum, row| sum.saturating_add(row.length));
    let mut out = Columns {
        observations: allocate(ticks.saturating_mul(sizes.obs_dim), dir)?,
        actions: allocate(ticks.saturating_mul(sizes.act_dim), dir)?,
        interventions: allocate(ticks, dir)?,
        successes: allocate(ticks, dir)?,
        episode_starts: rows.iter().map(|row| row.dataset_from_index).collect(),
    };
    let mut rest =
        (&mut out.observations[..], &mut out.actions[..], &mut out.interventions[..], &mut out.successes[..]);
    let slices: Vec<EpisodeSlices<'_>> = rows
        .iter()
        .map(|row| EpisodeSlices {
            row,
            observations: split_front(&mut rest.0, row.length * sizes.obs_dim),
            actions: split_front(&mut rest.1, row.length * sizes.act_dim),
            interventions: split_front(&mut rest.2, row.length),
            successes: split_front(&mut rest.3, row.length),
        })
        .collect();
    let results: Vec<Result<(), DatasetError>> =
        slices.into_par_iter().map(|episode| episode.fill(dir, sizes)).collect();
    results.into_iter().collect::<Result<(), _>>()?;
    Ok(out)
}
