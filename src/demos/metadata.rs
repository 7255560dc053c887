//! `meta/episodes/`: one row per episode, with its statistics; and `meta/tasks.parquet`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::episode::Episode;
use super::error::DatasetError;
use super::files;
use super::schema::{CHUNK_SIZE, Features};
use super::stats::{FeatureStats, NAMES, Stats};
use super::table::{Column, Table, encode};

/// Episodes per metadata file. An append rewrites the last of these files, opening a dataset reads all of them. With 50
/// rows, neither takes noticeable time up to about ten thousand episodes.
pub(super) const ROWS_PER_FILE: usize = 50;

/// The schema metadata that declares the task texts as the index of the `pandas` table.
const TASKS_INDEX: &str = r#"{"index_columns":["__index_level_0__"],"column_indexes":[{"name":null,"field_name":null,"pandas_type":"unicode","numpy_type":"object","metadata":{"encoding":"UTF-8"}}],"columns":[{"name":"task_index","field_name":"task_index","pandas_type":"int64","numpy_type":"int64","metadata":null},{"name":null,"field_name":"__index_level_0__","pandas_type":"unicode","numpy_type":"object","metadata":null}],"attributes":{},"creator":{"library":"pyarrow","version":"20.0.0"},"pandas_version":"2.2.3"}"#;

/// A summary of an episode, known without reading its data file.
#[derive(Clone, Debug, PartialEq)]
pub struct EpisodeSummary {
    /// Its index in the dataset, from 0.
    pub episode: usize,
    /// The number of ticks.
    pub length: usize,
    /// The task as text.
    pub task: String,
    /// The scene's name.
    pub scene: String,
    /// The operator: the name of the human, of the scripted operator or of the policy that drove.
    pub operator: String,
    /// Seed of the episode's perturbation.
    pub seed: u64,
    /// Whether the task had succeeded at any tick.
    pub success: bool,
    /// The return: the sum of the rewards, without discount.
    pub total_reward: f64,
    /// The number of ticks at which a human had taken over from a policy.
    pub interventions: usize,
    /// The recording's ID, so that recovering a journal twice appends its episode once.
    pub recording: String,
    pub(super) dataset_from_index: usize,
    pub(super) data_hash: u64,
}

/// The position of an episode in its dataset.
pub(super) struct EpisodePosition {
    /// LeRobot's `episode_index`.
    pub episode_index: usize,
    /// LeRobot's `dataset_from_index`: index of the first tick over the whole dataset.
    pub dataset_from_index: usize,
    /// LeRobot's `task_index`.
    pub task_index: usize,
}

impl EpisodeSummary {
    /// The summary of `episode` at `position`. `data_hash` is the xxh3 hash of its data file.
    pub(super) fn new(episode: &Episode, recording: &str, position: &EpisodePosition, data_hash: u64) -> Self {
        Self {
            episode: position.episode_index,
            length: episode.len(),
            task: episode.header.task.clone(),
            scene: episode.header.scene.clone(),
            operator: episode.header.operator.clone(),
            seed: episode.header.seed,
            success: episode.succeeded(),
            total_reward: episode.total_reward(),
            interventions: episode.interventions.iter().filter(|i| **i).count(),
            recording: recording.to_owned(),
            dataset_from_index: position.dataset_from_index,
            data_hash,
        }
    }
}

/// The chunk index and the file index of file number `index`.
fn chunk_and_file(index: usize) -> (usize, usize) {
    (index / CHUNK_SIZE, index % CHUNK_SIZE)
}

pub(super) fn data_path(dir: &Path, episode: usize) -> PathBuf {
    let (chunk, file) = chunk_and_file(episode);
    dir.join(format!("data/chunk-{chunk:03}/file-{file:03}.parquet"))
}

pub(super) fn rows_path(dir: &Path, file: usize) -> PathBuf {
    let (chunk, file) = chunk_and_file(file);
    dir.join(format!("meta/episodes/chunk-{chunk:03}/file-{file:03}.parquet"))
}

/// The data files in the dataset, by the number of their episode.
pub(super) fn data_files(dir: &Path) -> Result<Vec<(usize, PathBuf)>, DatasetError> {
    numbered_files(&dir.join("data"))
}

/// The files of `meta/episodes/`, by number.
pub(super) fn rows_files(dir: &Path) -> Result<Vec<(usize, PathBuf)>, DatasetError> {
    numbered_files(&dir.join("meta/episodes"))
}

/// The files `chunk-000/file-000.parquet` of `folder`, by number. Files of other names are left out.
fn numbered_files(folder: &Path) -> Result<Vec<(usize, PathBuf)>, DatasetError> {
    let number = |path: &Path, prefix: &str| {
        let name = path.file_name()?.to_str()?.strip_prefix(prefix)?;
        name.split('.').next()?.parse::<usize>().ok()
    };
    let mut found = Vec::new();
    for chunk in files::list(folder)?.into_iter().filter(|path| path.is_dir()) {
        let Some(chunk_index) = number(&chunk, "chunk-") else { continue };
        for path in files::list(&chunk)?.into_iter().filter(|path| path.extension().is_some_and(|e| e == "parquet")) {
            if let Some(file_index) = number(&path, "file-").filter(|index| *index < CHUNK_SIZE) {
                found.push((chunk_index.saturating_mul(CHUNK_SIZE).saturating_add(file_index), path));
            }
        }
    }
    Ok(found)
}

pub(super) fn tasks_path(dir: &Path) -> PathBuf {
    dir.join("meta/tasks.parquet")
}

/// Write one metadata file with `rows` and the statistics of each episode. All rows belong into the same file.
pub(super) fn write_rows(
    dir: &Path,
    features: &Features,
    rows: &[EpisodeSummary],
    stats: &[Stats],
) -> Result<(), DatasetError> {
    let Some(first) = rows.first() else { return Ok(()) };
    let file = first.episode / ROWS_PER_FILE;
    let ints = |f: &dyn Fn(&EpisodeSummary) -> usize| Column::Ints(rows.iter().map(|r| f(r) as i64).collect());
    let texts = |f: &dyn Fn(&EpisodeSummary) -> &String| Column::Texts(rows.iter().map(|r| f(r).clone()).collect());
    let mut columns = vec![
        ("episode_index", ints(&|r| r.episode)),
        ("tasks", Column::TextLists(rows.iter().map(|r| r.task.clone()).collect())),
        ("length", ints(&|r| r.length)),
        ("data/chunk_index", ints(&|r| chunk_and_file(r.episode).0)),
        ("data/file_index", ints(&|r| chunk_and_file(r.episode).1)),
        ("dataset_from_index", ints(&|r| r.dataset_from_index)),
        ("dataset_to_index", ints(&|r| r.dataset_from_index + r.length)),
        ("meta/episodes/chunk_index", ints(&|_| chunk_and_file(file).0)),
        ("meta/episodes/file_index", ints(&|_| chunk_and_file(file).1)),
        ("sim/recording", texts(&|r| &r.recording)),
        ("sim/scene", texts(&|r| &r.scene)),
        ("sim/operator", texts(&|r| &r.operator)),
        ("sim/seed", Column::Ints(rows.iter().map(|r| r.seed.cast_signed()).collect())),
        ("sim/success", Column::Bools(rows.iter().map(|r| r.success).collect())),
        ("sim/total_reward", Column::Doubles(rows.iter().map(|r| r.total_reward).collect())),
        ("sim/interventions", ints(&|r| r.interventions)),
        ("sim/data_xxh3", Column::Ints(rows.iter().map(|r| r.data_hash.cast_signed()).collect())),
    ]
    .into_iter()
    .map(|(name, column)| (name.to_owned(), column))
    .collect::<Vec<_>>();
    for (i, (feature, _)) in features.0.iter().enumerate() {
        for (at, stat) in NAMES.iter().enumerate() {
            let lists = stats.iter().map(|s| s[i].values[at].clone()).collect();
            columns.push((format!("stats/{feature}/{stat}"), Column::DoubleLists(lists)));
        }
        let counts = stats.iter().map(|s| s[i].count as i64).collect();
        columns.push((format!("stats/{feature}/count"), Column::IntLists(counts)));
    }
    let path = rows_path(dir, file);
    let bytes = encode(&path, columns, HashMap::new())?;
    files::write_atomic(&path, &bytes)
}

/// The first `episodes` rows over all metadata files. The last file may hold one more row, from an append that crashed
/// before its commit.
pub(super) fn read_rows(dir: &Path, episodes: usize) -> Result<Vec<EpisodeSummary>, DatasetError> {
    let mut rows: Vec<EpisodeSummary> = Vec::new();
    let mut next_index = 0usize;
    while rows.len() < episodes {
        let path = rows_path(dir, rows.len() / ROWS_PER_FILE);
        let expected = (episodes - rows.len()).min(ROWS_PER_FILE);
        let mut found = read_file_rows(&path)?;
        if found.len() < expected || found.len() > expected + 1 {
            let cause = format!("it has {} rows, but by info.json's counts {expected}", found.len());
            return Err(DatasetError::inconsistent(&path, cause));
        }
        found.truncate(expected);
        for row in found {
            if row.episode != rows.len() || row.dataset_from_index != next_index || row.length == 0 {
                let cause = format!(
                    "row {} is of episode {} with dataset_from_index {}, not of episode {} with {next_index}",
                    rows.len() % ROWS_PER_FILE,
                    row.episode,
                    row.dataset_from_index,
                    rows.len()
                );
                return Err(DatasetError::inconsistent(&path, cause));
            }
            next_index += row.length;
            rows.push(row);
        }
    }
    Ok(rows)
}

/// All rows of one metadata file.
pub(super) fn read_file_rows(path: &Path) -> Result<Vec<EpisodeSummary>, DatasetError> {
    let table = Table::read(path, |name| !name.starts_with("stats/"))?;
    let ints = |name: &str| -> Result<Vec<usize>, DatasetError> {
        let bad = |v: i64| DatasetError::column(path, name, format!("holds {v}"));
        // Counts above 2^40 are damage; below, their sums cannot overflow.
        table
            .ints(name)?
            .into_iter()
            .map(|v| if (0..1 << 40).contains(&v) { Ok(v as usize) } else { Err(bad(v)) })
            .collect()
    };
    let (episode, length) = (ints("episode_index")?, ints("length")?);
    let (from, to) = (ints("dataset_from_index")?, ints("dataset_to_index")?);
    let data = (ints("data/chunk_index")?, ints("data/file_index")?);
    let meta = (ints("meta/episodes/chunk_index")?, ints("meta/episodes/file_index")?);
    let (mut task, mut scene) = (table.single_texts("tasks")?.into_iter(), table.texts("sim/scene")?.into_iter());
    let mut operator = table.texts("sim/operator")?.into_iter();
    let mut recording = table.texts("sim/recording")?.into_iter();
    let (seed, hash) = (table.ints("sim/seed")?, table.ints("sim/data_xxh3")?);
    let (success, total_reward) = (table.bools("sim/success")?, table.doubles("sim/total_reward")?);
    let interventions = ints("sim/interventions")?;
    let mut rows = Vec::with_capacity(table.rows());
    for (i, ((task, scene), (operator, recording))) in
        task.by_ref().zip(scene.by_ref()).zip(operator.by_ref().zip(recording.by_ref())).enumerate()
    {
        if (data.0[i], data.1[i]) != chunk_and_file(episode[i])
            || (meta.0[i], meta.1[i]) != chunk_and_file(episode[i] / ROWS_PER_FILE)
            || from[i] + length[i] != to[i]
        {
            let cause = format!("the chunk, file or tick indices in row {i} are not those of episode {}", episode[i]);
            return Err(DatasetError::inconsistent(path, cause));
        }
        rows.push(EpisodeSummary {
            episode: episode[i],
            length: length[i],
            task,
            scene,
            operator,
            seed: seed[i].cast_unsigned(),
            success: success[i],
            total_reward: total_reward[i],
            interventions: interventions[i],
            recording,
            dataset_from_index: from[i],
            data_hash: hash[i].cast_unsigned(),
        });
    }
    Ok(rows)
}

/// The statistics of `rows`, which are the first rows of a metadata file.
pub(super) fn read_stats(dir: &Path, features: &Features, rows: &[EpisodeSummary]) -> Result<Vec<Stats>, DatasetError> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let path = rows_path(dir, first.episode / ROWS_PER_FILE);
    let table = Table::read(&path, |name| name.starts_with("stats/"))?;
    let count = rows.len();
    if table.rows() < count {
        return Err(DatasetError::inconsistent(&path, format!("it has {} rows, not {count}", table.rows())));
    }
    let mut all = vec![Stats::with_capacity(features.0.len()); count];
    for (feature, spec) in &features.0 {
        let column = format!("stats/{feature}/count");
        let counts = table.single_ints(&column)?;
        if !counts.iter().zip(rows).all(|(count, row)| usize::try_from(*count) == Ok(row.length)) {
            return Err(DatasetError::column(&path, &column, "differs from the lengths of the episodes"));
        }
        let mut found: Vec<FeatureStats> =
            rows.iter().map(|row| FeatureStats { values: Default::default(), count: row.length }).collect();
        for (at, stat) in NAMES.iter().enumerate() {
            let lists = table.double_lists(&format!("stats/{feature}/{stat}"), spec.shape[0])?;
            found.iter_mut().zip(lists).for_each(|(row, values)| row.values[at] = values);
        }
        all.iter_mut().zip(found).for_each(|(stats, row)| stats.push(row));
    }
    Ok(all)
}

pub(super) fn write_tasks(dir: &Path, tasks: &[String]) -> Result<(), DatasetError> {
    let path = tasks_path(dir);
    let columns = vec![
        ("task_index".to_owned(), Column::Ints((0..tasks.len() as i64).collect())),
        ("__index_level_0__".to_owned(), Column::Texts(tasks.to_vec())),
    ];
    let bytes = encode(&path, columns, HashMap::from([("pandas".to_owned(), TASKS_INDEX.to_owned())]))?;
    files::write_atomic(&path, &bytes)
}

/// The first `count` tasks. The file may hold one more, from an append that crashed before its commit.
pub(super) fn read_tasks(dir: &Path, count: usize) -> Result<Vec<String>, DatasetError> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let path = tasks_path(dir);
    let table = Table::read(&path, |_| true)?;
    let (indices, mut texts) = (table.ints("task_index")?, table.texts("__index_level_0__")?);
    if texts.len() < count || texts.len() > count + 1 || !indices.iter().copied().eq(0..texts.len() as i64) {
        let cause = format!("its task_index column is not 0 to {}", count - 1);
        return Err(DatasetError::inconsistent(&path, cause));
    }
    texts.truncate(count);
    Ok(texts)
}
