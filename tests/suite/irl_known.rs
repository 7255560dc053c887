//! Rewards inferred where the answer is known.

use apprentice::learn::irl::{Projection, RewardModel, imitate_in, inferred_reward};
use apprentice::learn::rl::Acted;
use apprentice::learn::{LearnerKind, RunOptions, TrainingData, UpdateStep};
use apprentice::spaces::{Field, Layout};
use burn::tensor::Device;
use rand::SeedableRng;
use rand_pcg::Pcg64;

use super::learn_common::{Numbers, data};
use super::rl_common::{Many, Task, config, uniform};

/// Means of what demonstrators and the agent see are so far apart, of a deviation of 1.
const APART: f32 = 1.5;
/// The best possible share of right answers, Φ(0.75).
const BAYES: f32 = 0.7734;

/// Moves whose every number is normal around `mean`.
fn normal(numbers: &mut Numbers, mean: f32, rows: usize) -> Vec<f32> {
    (0..rows).map(|_| mean + numbers.normal()).collect()
}

#[test]
fn gaussians_are_told_apart_as_well_as_can_be() {
    // (learner, numbers that tell: a move shows one number, or two that are independent)
    for (kind, best) in [
        (LearnerKind::Gail, BAYES),
        (LearnerKind::Vail, BAYES),
        // Both ends of a move: Φ(0.75 √2) = 0.8556.
        (LearnerKind::Airl, 0.8556),
        (LearnerKind::Amp, 0.8556),
        (LearnerKind::MaxentIrl, BAYES),
    ] {
        let changes = [
            "reward.hidden=[32,32]",
            "reward.learning_rate=2e-3",
            "reward.batches=20",
            "reward.replay=0",
            "reward.bottleneck=5",
            "reward.penalty=0.01",
        ];
        let config = config(kind, &changes);
        let mut numbers = Numbers(5);
        // Single steps, each an episode of its own, since neighbouring rows are to be independent; what is done tells nothing.
        let mut shown = data(3000, 2, (1, 1), |_, action| action[0] = 0.0);
        shown.observations = normal(&mut numbers, APART, 6000);
        let layouts = (&shown.observation.clone(), &shown.action.clone());
        let mut reward = inferred_reward(&config, &shown, layouts, &Device::flex()).unwrap();
        let mut told = 0.0;
        for index in 0..60 {
            let (observations, next) = (normal(&mut numbers, 0.0, 2048), normal(&mut numbers, 0.0, 2048));
            let acted = Acted {
                observations: &observations,
                actions: &vec![0.0; 2048],
                next: &next,
                rewards: &vec![0.0; 2048],
                likelihood: &|_, actions| vec![0.0; actions.len()],
            };
            let step = UpdateStep { index, learning_rate: 0.0, seed: 0 };
            let (_, metrics) = reward.judge(&acted, step).unwrap();
            if index >= 40 {
                told += metrics.iter().find(|(tag, _)| *tag == "reward/told_apart").unwrap().1 / 20.0;
            }
        }
        // 20 rounds of 20 batches of 1,024 rows: a standard error of 0.001; the networks lose a little, or have learned the
        // demonstrations by heart by a little.
        assert!((told - best).abs() < 0.015, "{kind:?}: {told} are told right; the best possible is {best}");
    }
}

#[test]
fn gail_s_reward_is_that_of_the_densities() {
    let config = config(
        LearnerKind::Gail,
        &[
            "reward.hidden=[32,32]",
            "reward.learning_rate=2e-3",
            "reward.batches=20",
            "reward.penalty=0",
            "reward.logit=0",
        ],
    );
    let mut numbers = Numbers(6);
    let mut shown = data(3000, 2, (1, 1), |_, action| action[0] = 0.0);
    shown.observations = normal(&mut numbers, APART, 6000);
    let layouts = (&shown.observation.clone(), &shown.action.clone());
    let mut reward = inferred_reward(&config, &shown, layouts, &Device::flex()).unwrap();
    let places = [-1.0, 0.0, 0.75, 1.5, 2.5];
    let mut means = [0.0f32; 5];
    for index in 0..100 {
        let mut observations = normal(&mut numbers, 0.0, 2048);
        observations[..5].copy_from_slice(&places);
        let acted = Acted {
            observations: &observations,
            actions: &vec![0.0; 2048],
            next: &observations,
            rewards: &vec![0.0; 2048],
            likelihood: &|_, actions| vec![0.0; actions.len()],
        };
        let (rewards, _) = reward.judge(&acted, UpdateStep { index, learning_rate: 0.0, seed: 0 }).unwrap();
        if index >= 80 {
            means.iter_mut().zip(&rewards).for_each(|(mean, reward)| *mean += reward / 20.0);
        }
    }
    for (x, found) in places.iter().zip(means) {
        // -log(1 - D) = log(1 + ratio of the densities).
        let wanted = (1.0 + f64::from(APART * x - 0.5 * APART * APART).exp()).ln() as f32;
        assert!((found - wanted).abs() < 0.1 + 0.1 * wanted, "{found} at {x}; {wanted} by the densities");
    }
}

/// Five by five cells, the agent goes to a neighbour or stays; every episode lasts as long.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Grid(usize);

const SIDE: usize = 5;
const CELLS: usize = SIDE * SIDE;
const WAYS: [(isize, isize); 5] = [(-1, 0), (0, -1), (0, 0), (0, 1), (1, 0)];

fn moved(cell: usize, way: usize) -> usize {
    let (dx, dy) = WAYS[way];
    let at = |x: usize, d: isize| x.saturating_add_signed(d).min(SIDE - 1);
    at(cell % SIDE, dx) + SIDE * at(cell / SIDE, dy)
}

/// What each cell is worth.
fn truth() -> Vec<f64> {
    let mut numbers = Numbers(3);
    (0..CELLS).map(|_| f64::from(numbers.normal())).collect()
}

impl Task for Grid {
    const LIMIT: u32 = 20;

    fn layouts() -> (Layout, Layout) {
        let cell = vec![Field::new("cell", CELLS, "1", 0.0, 1.0)];
        (Layout::new("grid/cell", cell), Layout::new("grid/go", vec![Field::new("go", 1, "1", -1.0, 1.0)]))
    }

    fn begin(rng: &mut Pcg64) -> Self {
        Self((uniform(rng) * CELLS as f64) as usize)
    }

    fn observe(&self) -> Vec<f32> {
        (0..CELLS).map(|cell| f32::from(u8::from(cell == self.0))).collect()
    }

    fn step(&mut self, action: &[f32], _: &mut Pcg64) -> (f32, bool) {
        self.0 = moved(self.0, ((action[0] + 1.0) * 2.0).round() as usize);
        (truth()[self.0] as f32, false)
    }
}

/// Demonstrations by the policy that maximises reward and entropy, by soft value iteration.
fn soft_demonstrations(episodes: usize) -> TrainingData {
    let rewards = truth();
    let ticks = Grid::LIMIT as usize;
    let worth = |values: &[f64], cell: usize, way: usize| rewards[moved(cell, way)] + values[moved(cell, way)];
    // Values with so many ticks to go.
    let mut values = vec![vec![0.0; CELLS]];
    for left in 0..ticks {
        let next = (0..CELLS).map(|cell| (0..5).map(|way| worth(&values[left], cell, way).exp()).sum::<f64>().ln());
        let next = next.collect();
        values.push(next);
    }
    let mut out = data(episodes, ticks, (CELLS, 1), |_, _| {});
    (out.observation, out.action) = Grid::layouts();
    let mut rng = Pcg64::seed_from_u64(11);
    for episode in 0..episodes {
        let mut grid = Grid::begin(&mut rng);
        for tick in 0..ticks {
            let row = episode * ticks + tick;
            out.observations[row * CELLS..(row + 1) * CELLS].copy_from_slice(&grid.observe());
            let left = ticks - tick;
            let mut draw = uniform(&mut rng);
            let way = (0..4).find(|way| {
                draw -= (worth(&values[left - 1], grid.0, *way) - values[left][grid.0]).exp();
                draw < 0.0
            });
            out.actions[row] = way.unwrap_or(4) as f32 / 2.0 - 1.0;
            grid.0 = moved(grid.0, way.unwrap_or(4));
        }
    }
    out
}

/// Rank correlation (Spearman) of numbers without ties.
fn spearman(a: &[f64], b: &[f64]) -> f64 {
    let ranks = |values: &[f64]| -> Vec<f64> {
        values.iter().map(|x| values.iter().filter(|y| *y < x).count() as f64).collect()
    };
    let (a, b) = (ranks(a), ranks(b));
    let n = a.len() as f64;
    let squares: f64 = a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum();
    1.0 - 6.0 * squares / (n * (n * n - 1.0))
}

const GRID: [&str; 14] = [
    "head.kind=categorical",
    "head.bins=5",
    "ppo.arenas=64",
    "ppo.ticks=20",
    "ppo.persistence=0",
    "ppo.entropy=0",
    "ppo.discount=0.95",
    "training.batch_size=256",
    "training.steps=400",
    "optimizer.learning_rate=3e-3",
    "reward.hidden=[32]",
    "reward.learning_rate=1e-3",
    "reward.penalty=0.05",
    "reward.logit=0",
];

/// What each cell is worth by the reward that `kind` infers.
fn inferred(kind: LearnerKind, seed: u64) -> Vec<f64> {
    let dir = tempfile::tempdir().unwrap();
    let options = RunOptions::new(dir.path().join("run"));
    let config = config(kind, &[&GRID[..], &[&format!("training.seed={seed}")]].concat());
    imitate_in(&config, Box::new(Many::<Grid>::new(64)), &soft_demonstrations(3000), &options, &mut ()).unwrap();
    let reward = RewardModel::load(&options.dir).unwrap();
    let cells: Vec<f32> = (0..CELLS).flat_map(|cell| Grid(cell).observe()).collect();
    reward.worth(&cells, &[0.0; CELLS], &cells).into_iter().map(f64::from).collect()
}

#[test]
fn a_grid_world_s_cells_are_ordered_by_what_they_are_worth() {
    for (seed, kind) in [(0, LearnerKind::MaxentIrl), (1, LearnerKind::MaxentIrl), (0, LearnerKind::Airl)] {
        let order = spearman(&inferred(kind, seed), &truth());
        assert!(order >= 0.9, "{kind:?}, seed {seed}: the order agrees to {order}");
    }
}

#[test]
fn projection_comes_to_the_demonstrator_s_feature_expectations() {
    const DISCOUNT: f64 = 0.9;
    // Features are the cells themselves; a policy's expectations are its discounted visits from the first cell.
    let best = |weights: &[f64]| -> Vec<f64> {
        let mut values = vec![0.0; CELLS];
        for _ in 0..400 {
            values = (0..CELLS)
                .map(|cell| {
                    let ways = (0..5).map(|way| values[moved(cell, way)]);
                    weights[cell] + DISCOUNT * ways.fold(f64::NEG_INFINITY, f64::max)
                })
                .collect();
        }
        let (mut visits, mut cell, mut share) = (vec![0.0; CELLS], 0, 1.0);
        for _ in 0..400 {
            visits[cell] += share;
            share *= DISCOUNT;
            let next = |way: &usize| values[moved(cell, *way)];
            let way = (0..5).max_by(|a, b| next(a).total_cmp(&next(b))).unwrap();
            cell = moved(cell, way);
        }
        visits
    };
    let expert = best(&truth());
    let mut projection = Projection::new(expert);
    projection.add(&best(&[0.0; CELLS]));
    let begun = projection.distance();
    let mut last = begun;
    let bound = |epsilon: f64| {
        // Theorem 1 of Abbeel & Ng: rounds that are enough to come within epsilon.
        let k = CELLS as f64;
        k / ((1.0 - DISCOUNT) * epsilon).powi(2) * (k / ((1.0 - DISCOUNT) * epsilon)).ln()
    };
    let epsilon = 0.5;
    let mut rounds = 0;
    while projection.distance() > epsilon {
        let weights = projection.weights();
        projection.add(&best(&weights));
        assert!(projection.distance() <= last + 1e-9, "{} after {last}", projection.distance());
        last = projection.distance();
        rounds += 1;
        assert!(f64::from(rounds) <= bound(epsilon), "{last} after {rounds} rounds");
    }
    assert!(begun > epsilon && rounds < 1000, "{rounds} rounds from {begun}");
}
