//! Proximal policy optimisation on tasks with known answers.

use std::path::Path;
use std::sync::Arc;

use apprentice::learn::rl::{Arenas, Ending, Environment, Moments, generalized_advantages, train_in};
use apprentice::learn::{LearnerKind, RunOptions};
use apprentice::policies::Policy;
use apprentice::rollout::VecEnvOptions;
use apprentice::scenes::find;

use apprentice::spaces::Layout;
use rand_pcg::Pcg64;

use super::rl_common::{After, CartPole, Many, Pendulum, Row, Task, config};

/// Mean return of 100 episodes of what is learned.
fn learned<T: Task + 'static>(kind: LearnerKind, changes: &[&str]) -> f32 {
    let dir = tempfile::tempdir().unwrap();
    let config = config(kind, changes);
    let options = RunOptions::new(dir.path().join("run"));
    let summary = train_in(&config, Box::new(Many::<T>::new(config.ppo.arenas)), &options, &mut ()).unwrap();
    let policy = Policy::load(&summary.policy_dir).unwrap();
    Many::<T>::new(1).judge(&policy, 100, 9).unwrap().unwrap().0
}

#[test]
fn advantages_are_those_of_a_trace_worked_out_by_hand() {
    // Discount 0.5, lambda 0.5; the second tick ends an episode, the fourth is cut off in a state of value 8.
    let rewards = [1.0, 2.0, 0.0, 1.0, 3.0];
    let values = [4.0, 2.0, 2.0, 1.0, 5.0];
    let endings = [Ending::Running, Ending::Terminated, Ending::Running, Ending::Truncated(8.0), Ending::Running];
    let found = generalized_advantages(&rewards, &values, &endings, 6.0, (0.5, 0.5));
    // delta: 1 + 1 - 4 = -2; 2 - 2 = 0; 0 + 0.5 - 2 = -1.5; 1 + 4 - 1 = 4; 3 + 3 - 5 = 1.
    assert_eq!(found, [-2.0, 0.0, -1.5 + 0.25 * 4.0, 4.0, 1.0]);
}

#[test]
fn moments_are_those_of_all_rows_together() {
    let mut moments = Moments::new(2);
    moments.add(&[1.0, 5.0, 2.0, 5.0]);
    moments.add(&[6.0, 5.0]);
    let normalizer = moments.normalizer();
    assert!((normalizer.mean[0] - 3.0).abs() < 1e-6 && (normalizer.std[0] - (14.0f32 / 3.0).sqrt()).abs() < 1e-6);
    assert_eq!((normalizer.mean[1], normalizer.std[1]), (5.0, 1.0), "a constant number is only centred");
}

const TINY: [&str; 11] = [
    "ppo.divergence=0.01",
    "ppo.epochs=4",
    "ppo.entropy=0",
    "ppo.persistence=0.5",
    "ppo.arenas=16",
    "ppo.ticks=64",
    "ppo.discount=0.99",
    "training.batch_size=256",
    "training.steps=40",
    "head.kind=categorical",
    "head.bins=2",
];

#[test]
fn a_small_decision_process_is_solved() {
    let best = Row::optimal()[0] as f32;
    for kind in [LearnerKind::Ppo, LearnerKind::Reinforce] {
        let more: &[&str] = if kind == LearnerKind::Ppo { &[] } else { &["training.steps=150"] };
        let found = learned::<Row>(kind, &[&TINY[..], more].concat());
        // A standard error of 100 episodes is 0.02.
        assert!((found - best).abs() < 0.08, "{kind:?}: {found}, and {best} by value iteration");
    }
}

#[test]
fn a_pole_is_balanced() {
    let changes = ["ppo.ticks=128", "training.steps=49", "training.validate_every=7"];
    let found = learned::<CartPole>(LearnerKind::Ppo, &[&TINY[..], &changes].concat());
    assert!(found > 475.0, "{found} of 500 after 100,000 ticks");
}

#[test]
fn a_pendulum_is_swung_up() {
    let changes = [
        "ppo.divergence=0.01",
        "ppo.entropy=0",
        "optimizer.learning_rate=1e-3",
        "ppo.arenas=4",
        "ppo.ticks=256",
        "ppo.persistence=0",
        "ppo.discount=0.9",
        "ppo.lambda=0.9",
        "ppo.epochs=10",
        "training.batch_size=64",
        "training.steps=147",
        "training.validate_every=8",
    ];
    // One run is luck; of four, the mean.
    let found: Vec<f32> = (0..4)
        .map(|seed| {
            let seed = format!("training.seed={seed}");
            learned::<Pendulum>(LearnerKind::Ppo, &[&changes[..], &[&seed]].concat())
        })
        .collect();
    let mean = found.iter().sum::<f32>() / 4.0;
    assert!(mean > -200.0, "{found:?} after 150,000 ticks");
}

fn weights(dir: &Path) -> Vec<u8> {
    std::fs::read(dir.join("last").join("model.safetensors")).unwrap()
}

#[test]
fn a_stopped_run_goes_on_bit_for_bit() {
    let scene = find("slalom").unwrap();
    let config = config(LearnerKind::Ppo, &["ppo.arenas=6", "ppo.ticks=40", "training.steps=6", "ppo.judged=2"]);
    let arenas = || -> Box<dyn Environment> {
        Box::new(Arenas::new(&scene, VecEnvOptions { arenas: 6, agents: 1, threads: 2 }))
    };
    let dir = tempfile::tempdir().unwrap();
    let whole = RunOptions::new(dir.path().join("whole"));
    train_in(&config, arenas(), &whole, &mut ()).unwrap();
    let mut parts = RunOptions::new(dir.path().join("parts"));
    train_in(&config, arenas(), &parts, &mut After(4, Arc::clone(&parts.stop))).unwrap();
    assert_ne!(weights(&whole.dir), weights(&parts.dir));
    parts = RunOptions { resume: true, stop: Arc::default(), ..parts };
    train_in(&config, arenas(), &parts, &mut ()).unwrap();
    assert_eq!(weights(&whole.dir), weights(&parts.dir), "the weights differ");
}

/// A task whose reward is lost after some ticks.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Broken(u32);

impl Task for Broken {
    const LIMIT: u32 = 1000;

    fn layouts() -> (Layout, Layout) {
        Row::layouts()
    }

    fn begin(_: &mut Pcg64) -> Self {
        Self(0)
    }

    fn observe(&self) -> Vec<f32> {
        vec![0.0; Row::STATES]
    }

    fn step(&mut self, _: &[f32], _: &mut Pcg64) -> (f32, bool) {
        self.0 += 1;
        (if self.0 > 700 { f32::NAN } else { 1.0 }, false)
    }
}

#[test]
fn a_reward_that_is_no_number_stops_the_run_and_leaves_its_last_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    for (kind, changes) in [
        (LearnerKind::Ppo, ["ppo.arenas=4", "ppo.ticks=64", "training.steps=40"]),
        (LearnerKind::Dqn, ["dqn.arenas=4", "dqn.first_ticks=100", "training.steps=400"]),
    ] {
        let config = config(kind, &[&changes[..], &["training.checkpoint_every=5"]].concat());
        let options = RunOptions::new(dir.path().join(kind.name()));
        let error = train_in(&config, Box::new(Many::<Broken>::new(4)), &options, &mut ()).unwrap_err().to_string();
        assert!(error.contains("the reward of agent 0 is not a number"), "{error}");
        Policy::load(&options.dir.join("last")).expect("the last checkpoint");
    }
}

#[test]
fn arenas_go_on_where_they_were_saved_through_the_episodes_that_follow() {
    let scene = find("slalom").unwrap();
    let arenas = || Arenas::new(&scene, VecEnvOptions { arenas: 5, agents: 1, threads: 2 });
    let mut whole = arenas();
    whole.begin(3);
    // Each at its own speed, so that their episodes end at different times.
    let actions: Vec<f32> = (0..5).flat_map(|row| [0.1, 0.3 + 0.15 * row as f32, 0.0, 0.0]).collect();
    (0..170).for_each(|_| whole.step(&actions));
    let mut again = arenas();
    assert!(again.load(&whole.save()));
    let mut ended = [0; 5];
    for tick in 0..700 {
        assert_eq!(whole.last().observations, again.last().observations, "tick {tick}");
        whole.step(&actions);
        again.step(&actions);
        for (row, ended) in ended.iter_mut().enumerate() {
            *ended += u32::from(whole.last().terminated[row] || whole.last().truncated[row]);
        }
    }
    assert!(ended.iter().all(|ended| *ended >= 2), "{ended:?} episodes ended since");
}

#[test]
fn a_run_stopped_before_its_first_update_begins_as_if_never_stopped() {
    let dir = tempfile::tempdir().unwrap();
    for kind in [LearnerKind::Ppo, LearnerKind::Dqn] {
        let small = ["ppo.arenas=4", "ppo.ticks=32", "dqn.arenas=4", "dqn.first_ticks=40", "training.steps=3"];
        let config = config(kind, &small);
        let run = |name: &str, stopped: bool, resume: bool| {
            let options = RunOptions { resume, ..RunOptions::new(dir.path().join(kind.name()).join(name)) };
            options.stop.store(stopped, std::sync::atomic::Ordering::Relaxed);
            train_in(&config, Box::new(Many::<CartPole>::new(4)), &options, &mut ()).unwrap();
            options.dir
        };
        let whole = run("whole", false, false);
        run("parts", true, false);
        let parts = run("parts", false, true);
        assert!(weights(&whole) == weights(&parts), "{kind:?}");
    }
}
