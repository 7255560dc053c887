//! Elo ratings.

/// Rating of the virtual opponent of the prior.
const MEAN_RATING: f64 = 1000.0;
/// Rating difference at odds of 10 to 1.
const POINTS_PER_DECADE: f64 = 400.0;
/// Largest number of Newton sweeps over the players.
const MAX_SWEEPS: usize = 10_000;
/// The sweeps stop when no strength, in natural logarithms, changes by more.
const TOLERANCE: f64 = 1e-9;

/// Maximum a posteriori Elo ratings (Elo 1978; Bradley & Terry 1952) of the players of the first side and of the second,
/// fitted to all games at once, so that their order does not matter. `won[i][j]` of the `games` games between player `i` of
/// the first side and `j` of the second were won by `i`; all rows have the same length.
///
/// As a prior, each player also won and lost half a game against a virtual opponent of rating 1000. It keeps the rating of a
/// player finite that won or lost every game. Its influence decreases with the number of games, so ratings from different
/// numbers of games are not comparable.
pub fn elo_ratings(won: &[Vec<u32>], games: u32) -> (Vec<f64>, Vec<f64>) {
    let opponents = won.first().map_or(0, Vec::len);
    let (mut first, mut second) = (vec![0.0f64; won.len()], vec![0.0f64; opponents]);
    let games = f64::from(games);
    for _ in 0..MAX_SWEEPS {
        let mut change = 0.0f64;
        for (i, row) in won.iter().enumerate() {
            let wins: f64 = row.iter().map(|w| f64::from(*w)).sum();
            let strength = newton_step(first[i], &second, wins, games);
            change = change.max((strength - first[i]).abs());
            first[i] = strength;
        }
        for j in 0..opponents {
            let wins: f64 = won.iter().map(|row| games - f64::from(row[j])).sum();
            let strength = newton_step(second[j], &first, wins, games);
            change = change.max((strength - second[j]).abs());
            second[j] = strength;
        }
        // A common shift of all strengths depends on the prior alone, to which the steps of single players converge slowly.
        let win_probabilities = || first.iter().chain(&second).map(|s| 1.0 / (1.0 + (-s).exp()));
        let (slope, curvature) =
            win_probabilities().fold((0.0, 1e-9), |(slope, curvature), p| (slope + 0.5 - p, curvature + p * (1.0 - p)));
        let shift = (slope / curvature).clamp(-1.0, 1.0);
        first.iter_mut().chain(&mut second).for_each(|s| *s += shift);
        if change.max(shift.abs()) < TOLERANCE {
            break;
        }
    }
    let to_elo = |strengths: Vec<f64>| {
        strengths.into_iter().map(|s| MEAN_RATING + s * POINTS_PER_DECADE / std::f64::consts::LN_10).collect::<Vec<_>>()
    };
    (to_elo(first), to_elo(second))
}

/// Newton step of the strength (a natural logarithm) of a player that won `wins` games in total, of `games` games against
/// each of `opponents`. Includes the prior.
fn newton_step(strength: f64, opponents: &[f64], wins: f64, games: f64) -> f64 {
    let (mut slope, mut curvature) = (wins + 0.5, 0.0);
    for (opponent, games) in opponents.iter().map(|opponent| (*opponent, games)).chain([(0.0, 1.0)]) {
        let win_probability = 1.0 / (1.0 + (opponent - strength).exp());
        slope -= games * win_probability;
        curvature += games * win_probability * (1.0 - win_probability);
    }
    strength + (slope / curvature.max(1e-9)).clamp(-1.0, 1.0)
}
