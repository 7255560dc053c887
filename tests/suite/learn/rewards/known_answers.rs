//! Inferred rewards against known solutions.

use apprentice::learn::rewards::{Projection, RewardModel, inferred_reward, train_on_inferred_reward};
use apprentice::learn::{RolloutTransitions, RunOptions, TrainingData, UpdateStep};
use apprentice::spaces::{Field, Layout};
use burn::tensor::Device;
use rand::SeedableRng;
use rand_pcg::Pcg64;

use crate::testing::learn::{Lcg, data};
use crate::testing::rl::{TestEnv, VecTestEnv, config, uniform};

/// Distance of the means of the demonstrator's and the agent's observations, whose standard deviation is 1.
const MEAN_DISTANCE: f32 = 1.5;
/// Accuracy of the Bayes-optimal classifier, Φ(0.75).
const BAYES_ACCURACY: f32 = 0.7734;

/// Observations from a normal distribution with the given mean and a standard deviation of 1.
fn normal(numbers: &mut Lcg, mean: f32, rows: usize) -> Vec<f32> {
    (0..rows).map(|_| mean + numbers.normal()).collect()
}

#[test]
fn the_accuracy_on_two_gaussians_is_the_optimal_one() {
    // (learner, optimal accuracy: its network sees one observation of a transition, or both)
    for (learner, best) in [
        ("gail", BAYES_ACCURACY),
        ("vail", BAYES_ACCURACY),
        // Both observations: Φ(0.75 √2) = 0.8556.
        ("airl", 0.8556),
        ("amp", 0.8556),
        ("maxent-irl", BAYES_ACCURACY),
    ] {
        let changes = [
            "reward.hidden_sizes=[32,32]",
            "reward.learning_rate=2e-3",
            "reward.n_disc_updates=20",
            "reward.disc_buffer_size=0",
            "reward.kl_bottleneck=5",
            "reward.gradient_penalty_coef=0.01",
        ];
        let config = config(learner, &changes);
        let mut numbers = Lcg(5);
        // Episodes of one transition, so that all rows are independent. The actions carry no information.
        let mut expert = data(3000, 2, (1, 1), |_, action| action[0] = 0.0);
        expert.observations = normal(&mut numbers, MEAN_DISTANCE, 6000);
        let layouts = (&expert.observation.clone(), &expert.action.clone());
        let mut reward = inferred_reward(&config, &expert, layouts, &Device::flex()).unwrap();
        let mut accuracy = 0.0;
        for index in 0..60 {
            let (observations, next_observations) = (normal(&mut numbers, 0.0, 2048), normal(&mut numbers, 0.0, 2048));
            let rollout = RolloutTransitions {
                observations: &observations,
                actions: &vec![0.0; 2048],
                next_observations: &next_observations,
                rewards: &vec![0.0; 2048],
                log_prob: &|_, actions| vec![0.0; actions.len()],
            };
            let step = UpdateStep { index, learning_rate: 0.0, seed: 0 };
            let (_, metrics) = reward.train_and_relabel(&rollout, step).unwrap();
            if index >= 40 {
                accuracy += metrics.iter().find(|(tag, _)| *tag == "disc/acc").unwrap().1 / 20.0;
            }
        }
        // 20 rounds of 20 batches of 1,024 rows: a standard error of 0.001. The rest is for imperfect training and
        // overfitting.
        assert!((accuracy - best).abs() < 0.015, "{learner}: accuracy {accuracy}; the optimal one is {best}");
    }
}

#[test]
fn the_reward_of_gail_is_that_of_the_density_ratio() {
    let config = config(
        "gail",
        &[
            "reward.hidden_sizes=[32,32]",
            "reward.learning_rate=2e-3",
            "reward.n_disc_updates=20",
            "reward.gradient_penalty_coef=0",
            "reward.logit_reg_coef=0",
        ],
    );
    let mut numbers = Lcg(6);
    let mut expert = data(3000, 2, (1, 1), |_, action| action[0] = 0.0);
    expert.observations = normal(&mut numbers, MEAN_DISTANCE, 6000);
    let layouts = (&expert.observation.clone(), &expert.action.clone());
    let mut reward = inferred_reward(&config, &expert, layouts, &Device::flex()).unwrap();
    let points = [-1.0, 0.0, 0.75, 1.5, 2.5];
    let mut means = [0.0f32; 5];
    for index in 0..100 {
        let mut observations = normal(&mut numbers, 0.0, 2048);
        observations[..5].copy_from_slice(&points);
        let rollout = RolloutTransitions {
            observations: &observations,
            actions: &vec![0.0; 2048],
            next_observations: &observations,
            rewards: &vec![0.0; 2048],
            log_prob: &|_, actions| vec![0.0; actions.len()],
        };
        let (rewards, _) =
            reward.train_and_relabel(&rollout, UpdateStep { index, learning_rate: 0.0, seed: 0 }).unwrap();
        if index >= 80 {
            means.iter_mut().zip(&rewards).for_each(|(mean, reward)| *mean += reward / 20.0);
        }
    }
    for (x, found) in points.iter().zip(means) {
        // -log(1 - D) = log(1 + density ratio).
        let expected = (1.0 + f64::from(MEAN_DISTANCE * x - 0.5 * MEAN_DISTANCE * MEAN_DISTANCE).exp()).ln() as f32;
        assert!((found - expected).abs() < 0.1 + 0.1 * expected, "{found} at {x}; {expected} by the density ratio");
    }
}

/// A grid world of five by five cells. The agent moves to a neighbor cell or does not move; all episodes have the same
/// length.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Grid(usize);

const SIDE: usize = 5;
const CELLS: usize = SIDE * SIDE;
const MOVES: [(isize, isize); 5] = [(-1, 0), (0, -1), (0, 0), (0, 1), (1, 0)];

fn next_cell(cell: usize, direction: usize) -> usize {
    let (dx, dy) = MOVES[direction];
    let at = |x: usize, d: isize| x.saturating_add_signed(d).min(SIDE - 1);
    at(cell % SIDE, dx) + SIDE * at(cell / SIDE, dy)
}

/// The true reward of each cell.
fn true_rewards() -> Vec<f64> {
    let mut numbers = Lcg(3);
    (0..CELLS).map(|_| f64::from(numbers.normal())).collect()
}

impl TestEnv for Grid {
    const TIME_LIMIT: u32 = 20;

    fn layouts() -> (Layout, Layout) {
        let cell = vec![Field::new("cell", CELLS, "1", 0.0, 1.0)];
        (Layout::new("grid/cell", cell), Layout::new("grid/go", vec![Field::new("go", 1, "1", -1.0, 1.0)]))
    }

    fn reset(rng: &mut Pcg64) -> Self {
        Self((uniform(rng) * CELLS as f64) as usize)
    }

    fn observe(&self) -> Vec<f32> {
        (0..CELLS).map(|cell| f32::from(u8::from(cell == self.0))).collect()
    }

    fn step(&mut self, action: &[f32], _: &mut Pcg64) -> (f32, bool) {
        self.0 = next_cell(self.0, ((action[0] + 1.0) * 2.0).round() as usize);
        (true_rewards()[self.0] as f32, false)
    }
}

/// Demonstrations of the maximum-entropy policy, by soft value iteration.
fn soft_demonstrations(episodes: usize) -> TrainingData {
    let rewards = true_rewards();
    let ticks = Grid::TIME_LIMIT as usize;
    let q_value = |values: &[f64], cell: usize, direction: usize| {
        rewards[next_cell(cell, direction)] + values[next_cell(cell, direction)]
    };
    // Values by the number of ticks that remain.
    let mut values = vec![vec![0.0; CELLS]];
    for remaining in 0..ticks {
        let next = (0..CELLS)
            .map(|cell| (0..5).map(|direction| q_value(&values[remaining], cell, direction).exp()).sum::<f64>().ln());
        let next = next.collect();
        values.push(next);
    }
    let mut out = data(episodes, ticks, (CELLS, 1), |_, _| {});
    (out.observation, out.action) = Grid::layouts();
    let mut rng = Pcg64::seed_from_u64(11);
    for episode in 0..episodes {
        let mut grid = Grid::reset(&mut rng);
        for tick in 0..ticks {
            let row = episode * ticks + tick;
            out.observations[row * CELLS..(row + 1) * CELLS].copy_from_slice(&grid.observe());
            let remaining = ticks - tick;
            let mut draw = uniform(&mut rng);
            let direction = (0..4).find(|direction| {
                draw -= (q_value(&values[remaining - 1], grid.0, *direction) - values[remaining][grid.0]).exp();
                draw < 0.0
            });
            out.actions[row] = direction.unwrap_or(4) as f32 / 2.0 - 1.0;
            grid.0 = next_cell(grid.0, direction.unwrap_or(4));
        }
    }
    out
}

/// Spearman's rank correlation, without ties.
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
    "head.num_bins=5",
    "ppo.n_envs=64",
    "ppo.n_steps=20",
    "ppo.noise_correlation=0",
    "ppo.ent_coef=0",
    "ppo.gamma=0.95",
    "training.batch_size=256",
    "training.steps=400",
    "optimizer.learning_rate=3e-3",
    "reward.hidden_sizes=[32]",
    "reward.learning_rate=1e-3",
    "reward.gradient_penalty_coef=0.05",
    "reward.logit_reg_coef=0",
];

/// The reward of each cell that `learner` infers.
fn inferred(learner: &str, seed: u64) -> Vec<f64> {
    let dir = tempfile::tempdir().unwrap();
    let options = RunOptions::new(dir.path().join("run"));
    let config = config(learner, &[&GRID[..], &[&format!("training.seed={seed}")]].concat());
    train_on_inferred_reward(
        &config,
        Box::new(VecTestEnv::<Grid>::new(64)),
        &soft_demonstrations(3000),
        &options,
        &mut (),
    )
    .unwrap();
    let reward = RewardModel::load(&options.dir).unwrap();
    let cells: Vec<f32> = (0..CELLS).flat_map(|cell| Grid(cell).observe()).collect();
    reward.predict(&cells, &[0.0; CELLS], &cells).into_iter().map(f64::from).collect()
}

#[test]
fn inferred_rewards_rank_the_cells_of_a_grid_world() {
    for (seed, learner) in [(0, "maxent-irl"), (1, "maxent-irl"), (0, "airl")] {
        let correlation = spearman(&inferred(learner, seed), &true_rewards());
        assert!(correlation >= 0.9, "{learner}, seed {seed}: rank correlation {correlation}");
    }
}

#[test]
fn projection_converges_to_the_expert_feature_expectations() {
    const GAMMA: f64 = 0.9;
    // The features are one-hot cells. A policy's feature expectations are its discounted visits from the first cell.
    let optimal_visits = |weights: &[f64]| -> Vec<f64> {
        let mut values = vec![0.0; CELLS];
        for _ in 0..400 {
            values = (0..CELLS)
                .map(|cell| {
                    let next_values = (0..5).map(|direction| values[next_cell(cell, direction)]);
                    weights[cell] + GAMMA * next_values.fold(f64::NEG_INFINITY, f64::max)
                })
                .collect();
        }
        let (mut visits, mut cell, mut discount) = (vec![0.0; CELLS], 0, 1.0);
        for _ in 0..400 {
            visits[cell] += discount;
            discount *= GAMMA;
            let next = |direction: &usize| values[next_cell(cell, *direction)];
            let direction = (0..5).max_by(|a, b| next(a).total_cmp(&next(b))).unwrap();
            cell = next_cell(cell, direction);
        }
        visits
    };
    let expert = optimal_visits(&true_rewards());
    let mut projection = Projection::new(expert);
    projection.add(&optimal_visits(&[0.0; CELLS]));
    let initial = projection.distance();
    let mut last = initial;
    let bound = |epsilon: f64| {
        // Theorem 1 of Abbeel & Ng: an upper bound on the rounds to reach epsilon.
        let k = CELLS as f64;
        k / ((1.0 - GAMMA) * epsilon).powi(2) * (k / ((1.0 - GAMMA) * epsilon)).ln()
    };
    let epsilon = 0.5;
    let mut rounds = 0;
    while projection.distance() > epsilon {
        let weights = projection.weights();
        projection.add(&optimal_visits(&weights));
        assert!(projection.distance() <= last + 1e-9, "{} after {last}", projection.distance());
        last = projection.distance();
        rounds += 1;
        assert!(f64::from(rounds) <= bound(epsilon), "{last} after {rounds} rounds");
    }
    assert!(initial > epsilon && rounds < 1000, "{rounds} rounds from {initial}");
}
