//! Elo ratings of everybody who ever played.

/// Rating of the player against whom everybody won and lost half a game.
const MIDDLE: f64 = 1000.0;
/// Points by which who wins ten times as often as it loses is ahead.
const DECADE: f64 = 400.0;
/// Sweeps over the players, at most, and the change in a sweep, in natural logarithms, that ends them sooner.
const SWEEPS: (usize, f64) = (10_000, 1e-9);

/// The most likely Elo ratings (Elo 1978; Bradley & Terry 1952), all games at once, so that no order of them counts: of the
/// first side, and of the other. `won[i][j]` of `games` games between player `i` of the first side and `j` of the other
/// were the first's, `[players, others]` with as many in every row. Everybody also won and lost half a game against a
/// player of 1000, which keeps who never lost finite; the more games, the less that counts, so that ratings of different
/// numbers of games are of different scales.
pub fn ratings(won: &[Vec<u32>], games: u32) -> (Vec<f64>, Vec<f64>) {
    let others = won.first().map_or(0, Vec::len);
    let (mut first, mut second) = (vec![0.0f64; won.len()], vec![0.0f64; others]);
    let games = f64::from(games);
    for _ in 0..SWEEPS.0 {
        let mut change = 0.0f64;
        for (i, row) in won.iter().enumerate() {
            let wins: f64 = row.iter().map(|w| f64::from(*w)).sum();
            let better = step(first[i], &second, wins, games);
            change = change.max((better - first[i]).abs());
            first[i] = better;
        }
        for j in 0..others {
            let wins: f64 = won.iter().map(|row| games - f64::from(row[j])).sum();
            let better = step(second[j], &first, wins, games);
            change = change.max((better - second[j]).abs());
            second[j] = better;
        }
        // All together they move by the half games alone, which sweeps over single players hardly feel.
        let everybody = || first.iter().chain(&second).map(|s| 1.0 / (1.0 + (-s).exp()));
        let (slope, curvature) =
            everybody().fold((0.0, 1e-9), |(slope, curvature), p| (slope + 0.5 - p, curvature + p * (1.0 - p)));
        let shift = (slope / curvature).clamp(-1.0, 1.0);
        first.iter_mut().chain(&mut second).for_each(|s| *s += shift);
        if change.max(shift.abs()) < SWEEPS.1 {
            break;
        }
    }
    let told = |strengths: Vec<f64>| {
        strengths.into_iter().map(|s| MIDDLE + s * DECADE / std::f64::consts::LN_10).collect::<Vec<_>>()
    };
    (told(first), told(second))
}

/// A step of Newton's towards the most likely strength (a natural logarithm) of who won `wins` of `games` games against
/// each of `others`.
fn step(own: f64, others: &[f64], wins: f64, games: f64) -> f64 {
    let (mut slope, mut curvature) = (wins + 0.5, 0.0);
    for (other, games) in others.iter().map(|other| (*other, games)).chain([(0.0, 1.0)]) {
        let expected = 1.0 / (1.0 + (other - own).exp());
        slope -= games * expected;
        curvature += games * expected * (1.0 - expected);
    }
    own + (slope / curvature.max(1e-9)).clamp(-1.0, 1.0)
}
