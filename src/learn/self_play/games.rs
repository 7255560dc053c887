//! Results of the rating games.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ratings::elo_ratings;
use crate::learn::TrainError;
use crate::learn::core::run_dir::not_whole;

/// Results of the games between each snapshot of one side and each of the other (cross-play).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Games {
    /// Names of the sides.
    pub sides: [String; 2],
    /// Updates before each snapshot, oldest first; the same for both sides.
    pub updates: Vec<u64>,
    /// Number of games of each pair of snapshots.
    pub games: u32,
    /// `won[i][j]`: games that snapshot `i` of the first side won against snapshot `j` of the second.
    pub won: Vec<Vec<u32>>,
}

impl Games {
    /// The file in a policy's folder.
    pub const FILE: &str = "games.json";

    /// Load the results from the folder of a run or of its latest policy.
    ///
    /// # Errors
    /// The file is missing or damaged.
    pub fn load(dir: &Path) -> Result<Self, TrainError> {
        let last = dir.join("last");
        let dir = if last.join(Self::FILE).exists() { last } else { dir.to_owned() };
        let path = dir.join(Self::FILE);
        let text = std::fs::read_to_string(&path).map_err(TrainError::io("read", &path))?;
        let games: Self = serde_json::from_str(&text).map_err(|_| not_whole(&dir, Self::FILE, "is damaged"))?;
        let snapshots = games.won.len();
        let valid = games.updates.len() == snapshots
            && games.won.iter().all(|row| row.len() == snapshots && row.iter().all(|n| *n <= games.games));
        if valid { Ok(games) } else { Err(not_whole(&dir, Self::FILE, "is damaged")) }
    }

    /// Elo ratings of the snapshots of both sides, oldest first.
    pub fn ratings(&self) -> [Vec<f64>; 2] {
        let (first, second) = elo_ratings(&self.won, self.games);
        [first, second]
    }

    /// Win rates of snapshot `snapshot` of side `side` (0 or 1) against each snapshot of the other side, oldest first.
    ///
    /// # Panics
    /// `snapshot` is out of range.
    pub fn win_rates(&self, side: usize, snapshot: usize) -> Vec<f64> {
        let games = f64::from(self.games.max(1));
        match side {
            0 => self.won[snapshot].iter().map(|won| f64::from(*won) / games).collect(),
            _ => self.won.iter().map(|row| 1.0 - f64::from(row[snapshot]) / games).collect(),
        }
    }

    /// Sampling weights of prioritized fictitious self-play for snapshot `snapshot` of side `side` over its opponents, oldest
    /// first: `p (1 - p)` of the win rate `p` (Vinyals et al. 2019, "Grandmaster level in StarCraft II", `f_var`), largest
    /// for even opponents. The win rate counts one additional win and one additional loss, so that no weight is 0.
    ///
    /// # Panics
    /// `snapshot` is out of range.
    pub fn pfsp_weights(&self, side: usize, snapshot: usize) -> Vec<f64> {
        let games = f64::from(self.games);
        let rates = self.win_rates(side, snapshot).into_iter().map(|rate| (rate * games + 1.0) / (games + 2.0));
        rates.map(|rate| rate * (1.0 - rate)).collect()
    }
}
