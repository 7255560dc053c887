//! Proximal policy optimization on environments with known solutions.

use std::path::Path;
use std::sync::Arc;

use apprentice::learn::RunOptions;
use apprentice::learn::reinforcement::{
    EpisodeStatus, PpoConfig, RunningMeanStd, SceneEnv, VecEnvironment, compute_gae, train_rl,
};
use apprentice::policies::Policy;
use apprentice::rollout::VecEnvOptions;
use apprentice::scenes::find;
use apprentice::spaces::{Field, Layout};
use rand_pcg::Pcg64;

use crate::testing::rl::{CartPole, ChainMdp, Pendulum, StopAfter, TestEnv, VecTestEnv, config};

/// Mean return of the trained policy over 100 episodes.
fn trained_return<T: TestEnv + 'static>(learner: &str, changes: &[&str]) -> f32 {
    let dir = tempfile::tempdir().unwrap();
    let config = config(learner, changes);
    let options = RunOptions::new(dir.path().join("run"));
    let summary =
        train_rl(&config, Box::new(VecTestEnv::<T>::new(config.get::<PpoConfig>().n_envs)), &options, &mut ()).unwrap();
    let policy = Policy::load(&summary.policy_dir).unwrap();
    VecTestEnv::<T>::new(1).evaluate(&policy, 100, 9).unwrap().unwrap().mean_reward
}

#[test]
fn gae_equals_a_hand_computed_example() {
    // gamma 0.5, lambda 0.5; the second step terminates, the fourth is truncated in a state of value 8.
    let rewards = [1.0, 2.0, 0.0, 1.0, 3.0];
    let values = [4.0, 2.0, 2.0, 1.0, 5.0];
    let statuses = [
        EpisodeStatus::Running,
        EpisodeStatus::Terminated,
        EpisodeStatus::Running,
        EpisodeStatus::Truncated(8.0),
        EpisodeStatus::Running,
    ];
    let advantages = compute_gae(&rewards, &values, &statuses, 6.0, 0.5, 0.5);
    // delta: 1 + 1 - 4 = -2; 2 - 2 = 0; 0 + 0.5 - 2 = -1.5; 1 + 4 - 1 = 4; 3 + 3 - 5 = 1.
    assert_eq!(advantages, [-2.0, 0.0, -1.5 + 0.25 * 4.0, 4.0, 1.0]);
}

#[test]
fn running_stats_equal_those_of_all_rows() {
    let mut stats = RunningMeanStd::new(2);
    stats.update(&[1.0, 5.0, 2.0, 5.0]);
    stats.update(&[6.0, 5.0]);
    let layout = Layout::new("numbers", vec![Field::new("number", 2, "1", -100.0, 100.0)]);
    let normalizer = stats.normalizer(&layout);
    assert!((normalizer.mean[0] - 3.0).abs() < 1e-6 && (normalizer.std[0] - (14.0f32 / 3.0).sqrt()).abs() < 1e-6);
    assert_eq!((normalizer.mean[1], normalizer.std[1]), (5.0, 200.0), "a constant column is divided by its range");
    assert_eq!((normalizer.min, normalizer.max), (vec![1.0, 5.0], vec![6.0, 5.0]));
}

const TINY: [&str; 11] = [
    "ppo.desired_kl=0.01",
    "ppo.n_epochs=4",
    "ppo.ent_coef=0",
    "ppo.noise_correlation=0.5",
    "ppo.n_envs=16",
    "ppo.n_steps=64",
    "ppo.gamma=0.99",
    "training.batch_size=256",
    "training.steps=40",
    "head.kind=categorical",
    "head.num_bins=2",
];

#[test]
fn ppo_and_reinforce_solve_the_chain_mdp() {
    let optimal = ChainMdp::optimal_values()[0] as f32;
    for learner in ["ppo", "reinforce"] {
        let more: &[&str] = if learner == "ppo" { &[] } else { &["training.steps=150"] };
        let mean_return = trained_return::<ChainMdp>(learner, &[&TINY[..], more].concat());
        // The standard error over 100 episodes is 0.02.
        assert!((mean_return - optimal).abs() < 0.08, "{learner}: {mean_return}, and {optimal} by value iteration");
    }
}

#[test]
fn ppo_solves_cart_pole() {
    let changes = ["ppo.n_steps=128", "training.steps=49", "training.eval_freq=7"];
    let mean_return = trained_return::<CartPole>("ppo", &[&TINY[..], &changes].concat());
    assert!(mean_return > 475.0, "{mean_return} of 500 after 100,000 ticks");
}

#[test]
fn ppo_solves_pendulum() {
    let changes = [
        "ppo.desired_kl=0.01",
        "ppo.ent_coef=0",
        "optimizer.learning_rate=1e-3",
        "ppo.n_envs=4",
        "ppo.n_steps=256",
        "ppo.noise_correlation=0",
        "ppo.gamma=0.9",
        "ppo.gae_lambda=0.9",
        "ppo.n_epochs=10",
        "training.batch_size=64",
        "training.steps=147",
        "training.eval_freq=8",
    ];
    // The mean over four seeds: single runs vary a lot.
    let returns: Vec<f32> = (0..4)
        .map(|seed| {
            let seed = format!("training.seed={seed}");
            trained_return::<Pendulum>("ppo", &[&changes[..], &[&seed]].concat())
        })
        .collect();
    let mean = returns.iter().sum::<f32>() / 4.0;
    assert!(mean > -200.0, "{returns:?} after 150,000 ticks");
}

fn weights(dir: &Path) -> Vec<u8> {
    std::fs::read(dir.join("last").join("model.safetensors")).unwrap()
}

#[test]
fn a_resumed_run_is_bit_identical() {
    let scene = find("slalom").unwrap();
    let config = config("ppo", &["ppo.n_envs=6", "ppo.n_steps=40", "training.steps=6", "ppo.n_eval_episodes=2"]);
    let arenas = || -> Box<dyn VecEnvironment> {
        Box::new(SceneEnv::new(&scene, VecEnvOptions { arenas: 6, agents: 1, threads: 2 }))
    };
    let dir = tempfile::tempdir().unwrap();
    let uninterrupted = RunOptions::new(dir.path().join("uninterrupted"));
    train_rl(&config, arenas(), &uninterrupted, &mut ()).unwrap();
    let mut resumed = RunOptions::new(dir.path().join("resumed"));
    train_rl(&config, arenas(), &resumed, &mut StopAfter(4, Arc::clone(&resumed.stop))).unwrap();
    assert_ne!(weights(&uninterrupted.dir), weights(&resumed.dir));
    resumed = RunOptions { resume: true, stop: Arc::default(), ..resumed };
    train_rl(&config, arenas(), &resumed, &mut ()).unwrap();
    assert_eq!(weights(&uninterrupted.dir), weights(&resumed.dir), "the weights differ");
}

/// An environment whose reward is NaN after 700 ticks.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct NanReward(u32);

impl TestEnv for NanReward {
    const TIME_LIMIT: u32 = 1000;

    fn layouts() -> (Layout, Layout) {
        ChainMdp::layouts()
    }

    fn reset(_: &mut Pcg64) -> Self {
        Self(0)
    }

    fn observe(&self) -> Vec<f32> {
        vec![0.0; ChainMdp::STATES]
    }

    fn step(&mut self, _: &[f32], _: &mut Pcg64) -> (f32, bool) {
        self.0 += 1;
        (if self.0 > 700 { f32::NAN } else { 1.0 }, false)
    }
}

#[test]
fn a_nan_reward_stops_the_run_and_keeps_the_last_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    for (learner, changes) in [
        ("ppo", ["ppo.n_envs=4", "ppo.n_steps=64", "training.steps=40"]),
        ("dqn", ["dqn.n_envs=4", "dqn.learning_starts=100", "training.steps=400"]),
    ] {
        let config = config(learner, &[&changes[..], &["training.save_freq=5"]].concat());
        let options = RunOptions::new(dir.path().join(learner));
        let error =
            train_rl(&config, Box::new(VecTestEnv::<NanReward>::new(4)), &options, &mut ()).unwrap_err().to_string();
        assert!(error.contains("the reward of agent 0 is not a number"), "{error}");
        Policy::load(&options.dir.join("last")).expect("the last checkpoint");
    }
}

#[test]
fn restored_arenas_are_bit_identical_over_later_episodes() {
    let scene = find("slalom").unwrap();
    let arenas = || SceneEnv::new(&scene, VecEnvOptions { arenas: 5, agents: 1, threads: 2 });
    let mut original = arenas();
    original.reset(3);
    // A different speed in each arena, so that the episodes end at different times.
    let actions: Vec<f32> = (0..5).flat_map(|row| [0.1, 0.3 + 0.15 * row as f32, 0.0, 0.0]).collect();
    (0..170).for_each(|_| original.step(&actions));
    let mut restored = arenas();
    assert!(restored.load(&original.save()));
    let mut ended = [0; 5];
    for tick in 0..700 {
        assert_eq!(original.last_step().observations, restored.last_step().observations, "tick {tick}");
        original.step(&actions);
        restored.step(&actions);
        for (row, ended) in ended.iter_mut().enumerate() {
            *ended += u32::from(original.last_step().terminated[row] || original.last_step().truncated[row]);
        }
    }
    assert!(ended.iter().all(|ended| *ended >= 2), "{ended:?} episodes ended since");
}

#[test]
fn a_run_stopped_before_its_first_update_resumes_bit_identical() {
    let dir = tempfile::tempdir().unwrap();
    for (learner, small) in [
        ("ppo", ["ppo.n_envs=4", "ppo.n_steps=32", "training.steps=3"]),
        ("dqn", ["dqn.n_envs=4", "dqn.learning_starts=40", "training.steps=3"]),
    ] {
        let config = config(learner, &small);
        let run = |name: &str, stopped: bool, resume: bool| {
            let options = RunOptions { resume, ..RunOptions::new(dir.path().join(learner).join(name)) };
            options.stop.store(stopped, std::sync::atomic::Ordering::Relaxed);
            train_rl(&config, Box::new(VecTestEnv::<CartPole>::new(4)), &options, &mut ()).unwrap();
            options.dir
        };
        let uninterrupted = run("uninterrupted", false, false);
        run("resumed", true, false);
        let resumed = run("resumed", false, true);
        assert!(weights(&uninterrupted) == weights(&resumed), "{learner}");
    }
}
