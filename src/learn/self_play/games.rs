//! Who has beaten whom.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ratings::ratings;
use crate::learn::TrainError;
use crate::learn::run_dir::not_whole;

/// The games of everybody on one side against everybody on the other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Games {
    /// Names of the sides.
    pub sides: [String; 2],
    /// Updates that each player had learned from, oldest first; those of both sides are as old.
    pub updates: Vec<u64>,
    /// Games between two players.
    pub games: u32,
    /// `won[i][j]`: games that player `i` of the first side won against player `j` of the other.
    pub won: Vec<Vec<u32>>,
}

impl Games {
    /// The file in a policy's folder.
    pub const FILE: &str = "games.json";

    /// The games in a run's folder, or in that of its newest policy.
    ///
    /// # Errors
    /// There are none, or they are damaged.
    pub fn load(dir: &Path) -> Result<Self, TrainError> {
        let newest = dir.join("last");
        let dir = if newest.join(Self::FILE).exists() { newest } else { dir.to_owned() };
        let path = dir.join(Self::FILE);
        let text = std::fs::read_to_string(&path).map_err(TrainError::io("read", &path))?;
        let games: Self = serde_json::from_str(&text).map_err(|_| not_whole(&dir, Self::FILE, "is damaged"))?;
        let players = games.won.len();
        let whole = games.updates.len() == players
            && games.won.iter().all(|row| row.len() == players && row.iter().all(|n| *n <= games.games));
        if whole { Ok(games) } else { Err(not_whole(&dir, Self::FILE, "is damaged")) }
    }

    /// Elo ratings of the players of both sides, oldest first.
    pub fn ratings(&self) -> [Vec<f64>; 2] {
        let (first, second) = ratings(&self.won, self.games);
        [first, second]
    }

    /// Share of its games against each player of the other side, oldest first, that player `player` of side `side` (0 or 1)
    /// won.
    ///
    /// # Panics
    /// When there is no such player.
    pub fn shares(&self, side: usize, player: usize) -> Vec<f64> {
        let games = f64::from(self.games.max(1));
        match side {
            0 => self.won[player].iter().map(|won| f64::from(*won) / games).collect(),
            _ => self.won.iter().map(|row| 1.0 - f64::from(row[player]) / games).collect(),
        }
    }

    /// How much player `player` of side `side` can learn from each player of the other side, oldest first, between 0 and a
    /// quarter: least from those that it always or never beats (Vinyals et al. 2019, "Grandmaster level in StarCraft II",
    /// prioritised fictitious self-play, `f_var`; of a share that counts one game won and one lost more than were played,
    /// so that nobody is forgotten).
    ///
    /// # Panics
    /// When there is no such player.
    pub fn evenness(&self, side: usize, player: usize) -> Vec<f64> {
        let games = f64::from(self.games);
        let won = self.shares(side, player).into_iter().map(|share| (share * games + 1.0) / (games + 2.0));
        won.map(|share| share * (1.0 - share)).collect()
    }
}
