//! Editing a dataset in place: removing episodes, and replacing them by changed ones.

use std::collections::BTreeSet;
use std::path::Path;

use super::dataset::Dataset;
use super::episode::Episode;
use super::error::DatasetError;
use super::metadata::{self, ROWS_PER_FILE};
use super::staging::Staging;

impl Dataset {
    /// Open the dataset in `dir` and lock it for writing, so that its episodes keep their numbers until an edit.
    ///
    /// # Errors
    /// As [`Dataset::open`]; [`DatasetError::Locked`] when another writer holds the lock.
    pub fn open_locked(dir: impl AsRef<Path>) -> Result<Self, DatasetError> {
        let mut dataset = Self::open(dir)?;
        dataset.begin_writing()?;
        Ok(dataset)
    }

    /// Remove episodes. The others are numbered anew, from 0. A crash leaves the old or the new dataset.
    ///
    /// # Errors
    /// - [`DatasetError::NoEpisode`] when there is no episode of one of these indices.
    /// - [`DatasetError::NoneLeft`] when they are all.
    /// - [`DatasetError::Locked`] when another writer holds the lock.
    /// - The errors of [`Dataset::read`] for the episodes whose number changes; [`DatasetError::Io`] when a file cannot be
    ///   written. The dataset is then unchanged.
    pub fn delete(&mut self, episodes: &BTreeSet<usize>) -> Result<(), DatasetError> {
        self.rewrite(episodes, |_, _| Ok(None))
    }

    /// Replace episodes by what `change` makes of them. They keep their number and the ID of their recording. A crash
    /// leaves the old or the new dataset.
    ///
    /// # Errors
    /// As [`Dataset::delete`]; those of [`Episode::validate`]; those of `change`.
    pub fn replace<E: From<DatasetError>>(
        &mut self,
        episodes: &BTreeSet<usize>,
        mut change: impl FnMut(usize, Episode) -> Result<Episode, E>,
    ) -> Result<(), E> {
        self.rewrite(episodes, |dataset, index| Ok(Some(change(index, dataset.read(index)?)?)))
    }

    /// Rewrite the dataset. `change` returns the new content of each selected episode; `None` removes it.
    fn rewrite<E: From<DatasetError>>(
        &mut self,
        selected: &BTreeSet<usize>,
        change: impl FnMut(&Self, usize) -> Result<Option<Episode>, E>,
    ) -> Result<(), E> {
        let writer = self.take_writer()?;
        let result = self.stage(selected, change).and_then(|staging| Ok(staging.commit(self.dir())?));
        let given = self.give_writer(writer);
        result?;
        Ok(given?)
    }

    fn stage<E: From<DatasetError>>(
        &self,
        selected: &BTreeSet<usize>,
        mut change: impl FnMut(&Self, usize) -> Result<Option<Episode>, E>,
    ) -> Result<Staging, E> {
        for episode in selected {
            self.row(*episode)?;
        }
        let mut staging = Staging::edit(self.dir(), self.metadata.schema.clone())?;
        for rows in self.summaries().chunks(ROWS_PER_FILE) {
            let stats = metadata::read_stats(self.dir(), &self.metadata.features, rows)?;
            for (row, stats) in rows.iter().zip(stats) {
                if selected.contains(&row.episode) {
                    if let Some(episode) = change(self, row.episode)? {
                        staging.push(&episode, &row.recording)?;
                    }
                } else if staging.stays(row, self.metadata.task_index(row)) {
                    staging.keep(row.clone(), stats);
                } else {
                    staging.push(&self.read(row.episode)?, &row.recording)?;
                }
            }
        }
        Ok(staging)
    }
}
