//! Properties of reward networks: the effect of the gradient penalty, the selection of fields, the centering of
//! rewards.

use apprentice::learn::rewards::{RewardModel, inferred_reward};
use apprentice::learn::{LearnedReward, RolloutTransitions, UpdateStep};
use apprentice::spaces::{Field, Layout};
use burn::tensor::Device;

use crate::testing::learn::{Lcg, data};
use crate::testing::rl::config;

/// Rewards of `rows` transitions with zero actions, after one update of the reward on them.
fn rewards_after_update(
    reward: &mut dyn LearnedReward,
    rows: usize,
    observations: &[f32],
    next_observations: &[f32],
    index: u64,
) -> Vec<f32> {
    let zeros = vec![0.0; rows];
    let rollout = RolloutTransitions {
        observations,
        actions: &zeros,
        next_observations,
        rewards: &zeros,
        log_prob: &|_, actions| vec![0.0; actions.len()],
    };
    reward.train_and_relabel(&rollout, UpdateStep { index, learning_rate: 0.0, seed: 0 }).unwrap().0
}

/// Difference of the inferred reward between the demonstrated observation, 2, and the agent's, 0.
fn rise(learner: &str, penalty: &str) -> f32 {
    let changes = [
        "reward.hidden_sizes=[32,32]",
        "reward.learning_rate=2e-3",
        "reward.n_disc_updates=20",
        "reward.disc_buffer_size=0",
        penalty,
    ];
    let mut numbers = Lcg(5);
    let mut normal =
        |mean: f32, rows: usize| -> Vec<f32> { (0..rows).map(|_| mean + 0.3 * numbers.normal()).collect() };
    let mut expert = data(1000, 2, (1, 1), |_, action| action[0] = 0.0);
    expert.observations = normal(2.0, 2000);
    let layouts = (&expert.observation.clone(), &expert.action.clone());
    let mut reward = inferred_reward(&config(learner, &changes), &expert, layouts, &Device::flex()).unwrap();
    let mut rise = 0.0;
    for index in 0..40 {
        let mut observations = normal(0.0, 1024);
        let mut next_observations = normal(0.0, 1024);
        (observations[0], next_observations[0], observations[1], next_observations[1]) = (0.0, 0.0, 2.0, 2.0);
        let rewards = rewards_after_update(&mut *reward, 1024, &observations, &next_observations, index);
        rise = rewards[1] - rewards[0];
    }
    rise
}

#[test]
fn the_gradient_penalty_flattens_every_reward_network() {
    for learner in ["gail", "vail", "airl", "amp", "maxent-irl"] {
        let (steep, flat) =
            (rise(learner, "reward.gradient_penalty_coef=0.01"), rise(learner, "reward.gradient_penalty_coef=10"));
        assert!(steep > 0.3 && flat < 0.7 * steep, "{learner}: {steep} with a small penalty, {flat} with a large one");
    }
}

#[test]
fn a_reward_of_some_fields_does_not_depend_on_the_others() {
    let mut expert = data(20, 30, (2, 1), |_, action| action[0] = 0.0);
    let fields = ["near", "far"].map(|name| Field::new(name, 1, "1", -100.0, 100.0));
    expert.observation = Layout::new("test/observation", fields.to_vec());
    let layouts = (&expert.observation.clone(), &expert.action.clone());
    let mut numbers = Lcg(3);
    let observations: Vec<f32> = (0..128).map(|_| numbers.normal()).collect();
    let changed = |at: usize| {
        let mut other = observations.clone();
        other.iter_mut().skip(at).step_by(2).for_each(|x| *x += 1.0);
        other
    };
    for learner in ["gail", "airl", "amp", "apprenticeship"] {
        let config =
            config(learner, &["reward.hidden_sizes=[16]", "reward.batch_size=64", "reward.features=[\"near\"]"]);
        let rewards_of = |observations: &[f32]| {
            let mut reward = inferred_reward(&config, &expert, layouts, &Device::flex()).unwrap();
            rewards_after_update(&mut *reward, 64, observations, observations, 0)
        };
        assert_eq!(
            rewards_of(&observations),
            rewards_of(&changed(1)),
            "{learner}: the reward depends on an excluded field"
        );
        assert_ne!(rewards_of(&observations), rewards_of(&changed(0)), "{learner}: the reward ignores its field");
    }
    let unknown = config("gail", &["reward.features=[\"color\"]"]);
    let Err(error) = inferred_reward(&unknown, &expert, layouts, &Device::flex()) else {
        panic!("an unknown field is accepted")
    };
    let text = error.to_string();
    assert!(text.contains("there is no field `color`; there are near, far"), "{text}");
}

#[test]
fn rewards_are_centered_on_those_of_the_first_update() {
    let expert = data(20, 30, (1, 1), |_, action| action[0] = 0.0);
    let layouts = (&expert.observation.clone(), &expert.action.clone());
    let dir = tempfile::tempdir().unwrap();
    let (inferred, state) = (dir.path().join("inferred"), dir.path().join("state"));
    for folder in [&inferred, &state] {
        std::fs::create_dir(folder).unwrap();
    }
    let config = config("airl", &["reward.hidden_sizes=[16]", "reward.batch_size=64"]);
    inferred_reward(&config, &expert, layouts, &Device::flex()).unwrap().save(&inferred).unwrap();
    let mut numbers = Lcg(3);
    let mut sample = || -> Vec<f32> { (0..64).map(|_| numbers.normal()).collect() };
    let (first, second) = (sample(), sample());
    let mut reward = RewardModel::load(&inferred).unwrap();
    let mean = |rewards: &[f32]| rewards.iter().sum::<f32>() / rewards.len() as f32;
    let uncentered = [&first, &second].map(|x| reward.predict(x, &[], x));
    assert!(mean(&rewards_after_update(&mut reward, 64, &first, &first, 0)).abs() < 1e-5);
    let later = rewards_after_update(&mut reward, 64, &second, &second, 1);
    let baseline = mean(&uncentered[0]);
    assert!(later.iter().zip(&uncentered[1]).all(|(centered, reward)| (centered - (reward - baseline)).abs() < 1e-5));
    reward.save(&state).unwrap();
    let mut resumed = RewardModel::load(&inferred).unwrap();
    resumed.load(&state).unwrap();
    assert_eq!(rewards_after_update(&mut resumed, 64, &second, &second, 1), later, "the baseline is not restored");
}
