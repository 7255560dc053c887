//! Deep Q-learning on environments with known solutions, its replay buffer, and demonstrations.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use apprentice::demos::Episode;
use apprentice::learn::reinforcement::{
    DqnConfig, ReplayBuffer, ReplayConfig, RlInputs, SceneEnv, SumTree, Transition, VecEnvironment, train_rl,
    train_rl_with,
};
use apprentice::learn::{RunOptions, TrainConfig, TrainSummary, defaults};
use apprentice::policies::{Policy, PolicyState};
use apprentice::rollout::{Demonstrator, VecEnvOptions, demonstrate, recording_seeds};
use apprentice::scenes::find;
use apprentice::spaces::{Field, Layout};
use apprentice::teleop::Skill;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_pcg::Pcg64;

use crate::testing::rl::{CartPole, ChainMdp, StopAfter, TestEnv, VecTestEnv, uniform};

fn demos(episodes: &[Episode]) -> RlInputs<'_> {
    RlInputs { episodes, reward: None }
}

fn config(changes: &[&str]) -> TrainConfig {
    let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
    defaults("dqn").changed(None, &changes).unwrap()
}

/// Settings for environments in which every tick needs its own action.
const NO_ACTION_REPEAT: [&str; 5] = [
    "head.chunk_size=1",
    "head.n_action_steps=1",
    "dqn.train_freq=4",
    "dqn.gamma=0.99",
    "network.hidden_sizes=[128, 128]",
];

/// Mean return of the trained policy over 100 episodes.
fn trained_return<T: TestEnv + 'static>(changes: &[&str]) -> f32 {
    let dir = tempfile::tempdir().unwrap();
    let config = config(changes);
    let options = RunOptions::new(dir.path().join("run"));
    let summary =
        train_rl(&config, Box::new(VecTestEnv::<T>::new(config.get::<DqnConfig>().n_envs)), &options, &mut ()).unwrap();
    let policy = Policy::load(&summary.policy_dir).unwrap();
    VecTestEnv::<T>::new(1).evaluate(&policy, 100, 9).unwrap().unwrap().mean_reward
}

#[test]
fn dqn_solves_the_chain_mdp() {
    let optimal = ChainMdp::optimal_values()[0] as f32;
    let changes = ["dqn.n_envs=8", "dqn.learning_starts=1000", "training.steps=500", "training.eval_freq=100"];
    // The optimal policy always goes right, so an action repeat of 2 does not change the optimal return.
    let action_repeat = ["head.chunk_size=2", "head.n_action_steps=2"];
    for replay_or_repeat in [&["dqn.replay.alpha=0.6"][..], &["dqn.replay.alpha=0"], &action_repeat] {
        let mean_return = trained_return::<ChainMdp>(&[&NO_ACTION_REPEAT[..], &changes, replay_or_repeat].concat());
        assert!(
            (mean_return - optimal).abs() < 0.08,
            "{replay_or_repeat:?}: {mean_return}, and {optimal} by value iteration"
        );
    }
}

#[test]
fn dqn_solves_cart_pole() {
    let changes = [
        "dqn.n_envs=8",
        "dqn.learning_starts=1000",
        "dqn.exploration_repeat_prob=0",
        "dqn.target_update_interval=250",
        "training.steps=1530",
        "training.eval_freq=100",
        "optimizer.learning_rate=1e-3",
    ];
    let mean_return = trained_return::<CartPole>(&[&NO_ACTION_REPEAT[..], &changes].concat());
    assert!(mean_return > 475.0, "{mean_return} of 500 after 50,000 ticks");
}

/// Requires that each action is held for four ticks, counted from the start of the episode.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Held {
    tick: u32,
    action: f32,
}

impl TestEnv for Held {
    const TIME_LIMIT: u32 = 10;

    fn layouts() -> (Layout, Layout) {
        let field = |name: &str| vec![Field::new(name, 1, "1", -1.0, 1.0)];
        (Layout::new("held/state", field("state")), Layout::new("held/action", field("push")))
    }

    fn reset(_: &mut Pcg64) -> Self {
        Self { tick: 0, action: 0.0 }
    }

    fn observe(&self) -> Vec<f32> {
        vec![self.tick as f32 / Self::TIME_LIMIT as f32]
    }

    fn step(&mut self, action: &[f32], _: &mut Pcg64) -> (f32, bool) {
        let held = self.tick.is_multiple_of(4) || action[0] == self.action;
        self.action = action[0];
        self.tick += 1;
        // A reward that is not finite stops the run.
        (if held { 1.0 } else { f32::NAN }, false)
    }
}

#[test]
fn actions_are_repeated_in_training_and_evaluation() {
    let changes = [
        "dqn.n_envs=3",
        "dqn.train_freq=7",
        "dqn.learning_starts=100",
        "training.steps=60",
        "dqn.exploration_final_eps=0.5",
    ];
    assert_eq!(trained_return::<Held>(&changes), Held::TIME_LIMIT as f32);
}

/// Actions of nine numbers, which have too many combinations.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct ManyJoints;

impl TestEnv for ManyJoints {
    const TIME_LIMIT: u32 = 10;

    fn layouts() -> (Layout, Layout) {
        let fields = |name: &str, size| vec![Field::new(name, size, "1", -1.0, 1.0)];
        (Layout::new("many/state", fields("state", 2)), Layout::new("many/joints", fields("joint", 9)))
    }

    fn reset(_: &mut Pcg64) -> Self {
        Self
    }

    fn observe(&self) -> Vec<f32> {
        vec![0.0; 2]
    }

    fn step(&mut self, _: &[f32], _: &mut Pcg64) -> (f32, bool) {
        (0.0, false)
    }
}

#[test]
fn an_agent_with_too_many_joint_actions_is_rejected() {
    let dir = tempfile::tempdir().unwrap();
    let options = RunOptions::new(dir.path().join("run"));
    let error =
        train_rl(&config(&[]), Box::new(VecTestEnv::<ManyJoints>::new(16)), &options, &mut ()).unwrap_err().to_string();
    assert!(error.contains("9 action numbers") && error.contains("gaussian"), "{error}");
    assert!(!options.dir.exists());
}

#[test]
fn sum_tree_samples_in_proportion_to_priority() {
    let priorities = [3.0, 0.0, 1.0, 4.0, 2.0];
    let mut tree = SumTree::new(priorities.len());
    for (entry, priority) in priorities.iter().enumerate() {
        tree.set(entry, 9.0);
        tree.set(entry, *priority);
    }
    assert_eq!(tree.total(), 10.0);
    let mut rng = Pcg64::seed_from_u64(5);
    let mut counts = [0.0f64; 5];
    const DRAWS: f64 = 100_000.0;
    (0..DRAWS as usize).for_each(|_| counts[tree.find(uniform(&mut rng))] += 1.0);
    for (count, priority) in counts.iter().zip(priorities) {
        let probability = priority / 10.0;
        // Five standard errors.
        let bound = 5.0 * (DRAWS * probability * (1.0 - probability)).sqrt();
        assert!((count - DRAWS * probability).abs() <= bound, "{counts:?}");
    }
}

proptest! {
    #[test]
    fn sum_tree_finds_where_the_cumulative_sum_exceeds_the_fraction(
        priorities in prop::collection::vec(0.0f64..10.0, 1..70), fraction in 0.0f64..0.999_999
    ) {
        prop_assume!(priorities.iter().sum::<f64>() > 0.0);
        let mut tree = SumTree::new(priorities.len());
        priorities.iter().enumerate().for_each(|(entry, priority)| tree.set(entry, *priority));
        let found = tree.find(fraction);
        let before: f64 = priorities[..found].iter().sum();
        let target = fraction * tree.total();
        prop_assert!(before <= target + 1e-9 && target <= before + priorities[found] + 1e-9);
        prop_assert!(priorities[found] > 0.0);
    }
}

fn observation(number: f32) -> [f32; 2] {
    [number, -number]
}

/// A replay buffer to which `count` transitions were added.
fn filled(buffer_size: usize, count: usize) -> ReplayBuffer {
    let mut replay = ReplayBuffer::new(&ReplayConfig { buffer_size, ..ReplayConfig::default() }, 2);
    for number in 0..count {
        let (observation, next) = (observation(number as f32), observation(number as f32 + 0.5));
        let (action, reward) = (number as u32, number as f32);
        replay.push(&Transition { observation: &observation, action, reward, discount: 0.9, next_observation: &next });
    }
    replay
}

#[test]
fn replay_replaces_the_oldest_and_weights_prioritized_samples() {
    let mut replay = filled(4, 6);
    assert_eq!(replay.len(), 4);
    let stored: Vec<u32> = (0..4).map(|index| replay.get(index).action).collect();
    assert_eq!(stored, [4, 5, 2, 3]);
    assert_eq!(replay.get(0).next_observation, observation(4.5));
    replay.update_priorities(&[0, 1, 2, 3], &[8.0, 0.5, 0.5, 0.5]);
    let mut rng = Pcg64::seed_from_u64(1);
    let sample = replay.sample(1000, 1.0, &mut rng);
    let count = sample.indices.iter().filter(|index| **index == 0).count() as f64;
    let priority = |x: f64| (x + 1e-3).powf(0.6);
    let expected = 1000.0 * priority(8.0) / (priority(8.0) + 3.0 * priority(0.5));
    assert!((count - expected).abs() < 2.0, "{count}, {expected}");
    // At the end of training beta is 1: the product of weight and probability is the same for all transitions.
    let weight = |index: usize| sample.weights[sample.indices.iter().position(|i| *i == index).unwrap()];
    let ratio = f64::from(weight(1) / weight(0));
    assert!((ratio - priority(8.0) / priority(0.5)).abs() < 1e-3 && (weight(1) - 1.0).abs() < 1e-6, "{ratio}");
}

#[test]
fn a_replay_buffer_is_restored_and_damaged_bytes_are_rejected() {
    let mut replay = filled(4, 6);
    replay.update_priorities(&[2], &[3.0]);
    let bytes = replay.save();
    let mut restored = ReplayBuffer::new(&ReplayConfig { buffer_size: 4, ..ReplayConfig::default() }, 2);
    assert!(restored.load(&bytes));
    let sample = |replay: &ReplayBuffer| replay.sample(50, 0.3, &mut Pcg64::seed_from_u64(3));
    assert_eq!(sample(&replay), sample(&restored));
    assert!(!restored.load(&bytes[..bytes.len() / 2]), "half a file");
    assert!(
        !ReplayBuffer::new(&ReplayConfig { buffer_size: 4, ..ReplayConfig::default() }, 3).load(&bytes),
        "another shape"
    );
}

#[test]
fn a_resumed_run_is_bit_identical() {
    let scene = find("slalom").unwrap();
    let changes = [
        "dqn.n_envs=4",
        "dqn.learning_starts=100",
        "training.steps=40",
        "training.log_freq=5",
        "dqn.n_eval_episodes=2",
    ];
    let config = config(&[&changes[..], &["training.batch_size=16", "dqn.replay.buffer_size=300"]].concat());
    let arenas = || -> Box<dyn VecEnvironment> {
        Box::new(SceneEnv::new(&scene, VecEnvOptions { arenas: 4, agents: 1, threads: 2 }))
    };
    let dir = tempfile::tempdir().unwrap();
    let uninterrupted = RunOptions::new(dir.path().join("uninterrupted"));
    train_rl(&config, arenas(), &uninterrupted, &mut ()).unwrap();
    let resumed = RunOptions::new(dir.path().join("resumed"));
    train_rl(&config, arenas(), &resumed, &mut StopAfter(25, Arc::clone(&resumed.stop))).unwrap();
    let read = |dir: &Path, file: &str| std::fs::read(dir.join("last").join(file)).unwrap();
    assert_ne!(read(&uninterrupted.dir, "model.safetensors"), read(&resumed.dir, "model.safetensors"));
    let resumed = RunOptions { resume: true, stop: Arc::default(), ..resumed };
    train_rl(&config, arenas(), &resumed, &mut ()).unwrap();
    for file in ["model.safetensors", "replay.bin"] {
        assert!(read(&uninterrupted.dir, file) == read(&resumed.dir, file), "{file} differs");
    }
}

#[test]
fn permanent_transitions_are_never_replaced() {
    let mut replay = ReplayBuffer::new(&ReplayConfig { buffer_size: 5, ..ReplayConfig::default() }, 1);
    let push = |replay: &mut ReplayBuffer, action: u32| {
        replay.push(&Transition { observation: &[0.0], action, reward: 0.0, discount: 0.0, next_observation: &[0.0] });
    };
    (0..2).for_each(|action| push(&mut replay, action));
    replay.make_permanent();
    (2..20).for_each(|action| push(&mut replay, action));
    let stored = |replay: &ReplayBuffer| (0..replay.len()).map(|index| replay.get(index).action).collect::<Vec<_>>();
    let newest: Vec<u32> = {
        let mut rest = stored(&replay)[2..].to_vec();
        rest.sort_unstable();
        rest
    };
    assert_eq!((&stored(&replay)[..2], &newest[..]), (&[0, 1][..], &[17, 18, 19][..]));
    let mut restored = ReplayBuffer::new(&ReplayConfig { buffer_size: 5, ..ReplayConfig::default() }, 1);
    assert!(restored.load(&replay.save()));
    assert_eq!(restored.permanent(), 2);
    push(&mut replay, 20);
    push(&mut restored, 20);
    assert_eq!(stored(&replay), stored(&restored));
}

/// The steady scripted operator with keys held for 4 ticks, the action repeat of dqn.
fn operator_with_held_keys() -> Demonstrator {
    Demonstrator::from(Skill::Steady).with_held_keys(4)
}

#[test]
fn pretraining_imitates_demonstrations_and_unsuitable_ones_are_rejected() {
    let scene = find("slalom").unwrap();
    let episodes: Vec<_> =
        recording_seeds(4).take(6).map(|seed| demonstrate(&scene, operator_with_held_keys(), seed).unwrap()).collect();
    let arenas = || Box::new(SceneEnv::new(&scene, VecEnvOptions { arenas: 4, agents: 1, threads: 2 }));
    let dir = tempfile::tempdir().unwrap();
    let changes = [
        "dqn.n_envs=4",
        "dqn.learning_starts=200",
        "training.steps=1",
        "dqn.n_eval_episodes=1",
        "dqn.exploration_initial_eps=0.1",
    ];
    // Fraction of the demonstrated decisions at which the policy takes the same action.
    let agreement = |summary: TrainSummary| {
        let mut policy = Policy::load(&summary.policy_dir).unwrap();
        let (mut equal, mut total) = (0, 0);
        for episode in &episodes {
            let mut actions = vec![0.0; episode.actions.len()];
            // A fresh policy state for each tick, so that no action is repeated.
            let mut states: Vec<_> = (0..episode.len() as u64).map(PolicyState::new).collect();
            policy.act(&episode.observations, &mut states, &mut actions);
            for (action, demonstrated) in actions.chunks_exact(4).zip(episode.actions.chunks_exact(4)).step_by(4) {
                equal += usize::from(action == demonstrated);
                total += 1;
            }
        }
        equal as f64 / total as f64
    };
    let options = RunOptions::new(dir.path().join("demonstrations"));
    let pretrained =
        agreement(train_rl_with(&config(&changes), arenas(), demos(&episodes), &options, &mut ()).unwrap());
    let options = RunOptions::new(dir.path().join("reward only"));
    let reward_only = agreement(train_rl(&config(&changes), arenas(), &options, &mut ()).unwrap());
    // The operator taps keys, so the same observation can have different actions. The baseline is a constant action.
    let mut counts = HashMap::new();
    let decisions = || episodes.iter().flat_map(|episode| episode.actions.chunks_exact(4).step_by(4));
    decisions().for_each(|action| *counts.entry(format!("{action:?}")).or_insert(0) += 1);
    let constant = *counts.values().max().unwrap() as f64 / decisions().count() as f64;
    assert!(
        pretrained > constant + 0.15 && reward_only < constant,
        "agreement {pretrained}, without demonstrations {reward_only}, of the most frequent action {constant}"
    );
    // A run cannot be resumed with other demonstrations.
    let options = RunOptions { resume: true, ..RunOptions::new(dir.path().join("demonstrations")) };
    let error = train_rl_with(&config(&changes), arenas(), demos(&episodes[1..]), &options, &mut ()).unwrap_err();
    assert!(error.to_string().contains("training data has changed"), "{error}");
    // Demonstrations of another agent.
    let humanoid = demonstrate(&find("courtyard").unwrap(), Skill::Steady, 2).unwrap();
    let options = RunOptions::new(dir.path().join("other"));
    let error =
        train_rl_with(&config(&changes), arenas(), demos(&[humanoid]), &options, &mut ()).unwrap_err().to_string();
    assert!(error.contains("the observation fields differ from those of the scene's agent"), "{error}");
    // A failed demonstration, by keys that are never released.
    let failed = demonstrate(&scene, Demonstrator::from(Skill::Steady).with_held_keys(100_000), 2).unwrap();
    assert!(!failed.succeeded());
    let options = RunOptions::new(dir.path().join("failed"));
    let error =
        train_rl_with(&config(&changes), arenas(), demos(&[failed]), &options, &mut ()).unwrap_err().to_string();
    assert!(error.contains("no episode is successful"), "{error}");
    // Actions that dqn cannot take.
    let smooth = [episodes[0].clone(), demonstrate(&scene, Skill::Steady, 2).unwrap()];
    let options = RunOptions::new(dir.path().join("smooth"));
    let error = train_rl_with(&config(&changes), arenas(), demos(&smooth), &options, &mut ()).unwrap_err().to_string();
    assert!(error.contains("episode 1 has actions other than keys held for 4 ticks"), "{error}");
}

#[test]
fn a_resumed_run_with_demonstrations_is_bit_identical() {
    let scene = find("slalom").unwrap();
    let episodes: Vec<_> =
        recording_seeds(4).take(2).map(|seed| demonstrate(&scene, operator_with_held_keys(), seed).unwrap()).collect();
    let arenas = || Box::new(SceneEnv::new(&scene, VecEnvOptions { arenas: 4, agents: 1, threads: 2 }));
    let dir = tempfile::tempdir().unwrap();
    let changes = [
        "dqn.n_envs=4",
        "dqn.learning_starts=100",
        "dqn.pretrain_steps=10",
        "training.steps=120",
        "training.log_freq=5",
        "dqn.n_eval_episodes=1",
        "dqn.replay.buffer_size=2400",
    ];
    let config = config(&changes);
    let uninterrupted = RunOptions::new(dir.path().join("uninterrupted"));
    train_rl_with(&config, arenas(), demos(&episodes), &uninterrupted, &mut ()).unwrap();
    let mut resumed = RunOptions::new(dir.path().join("resumed"));
    train_rl_with(&config, arenas(), demos(&episodes), &resumed, &mut StopAfter(85, Arc::clone(&resumed.stop)))
        .unwrap();
    let last = |options: &RunOptions, file: &str| std::fs::read(options.dir.join("last").join(file)).unwrap();
    assert_ne!(last(&uninterrupted, "model.safetensors"), last(&resumed, "model.safetensors"));
    resumed = RunOptions { resume: true, stop: Arc::default(), ..resumed };
    train_rl_with(&config, arenas(), demos(&episodes), &resumed, &mut ()).unwrap();
    for file in ["model.safetensors", "replay.bin", "dqn.bin"] {
        assert!(last(&uninterrupted, file) == last(&resumed, file), "{file} differs");
    }
}
