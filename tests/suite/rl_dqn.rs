//! Deep Q-learning on tasks with known answers, and what it keeps of what it met.

use std::path::Path;
use std::sync::Arc;

use apprentice::learn::rl::{Arenas, Environment, Replay, ReplayConfig, SumTree, Transition, train_in};
use apprentice::learn::{LearnerKind, RunOptions, TrainConfig};
use apprentice::policies::Policy;
use apprentice::rollout::VecEnvOptions;
use apprentice::scenes::find;
use apprentice::spaces::{Field, Layout};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_pcg::Pcg64;

use super::rl_common::{After, CartPole, Many, Row, Task, uniform};

fn config(changes: &[&str]) -> TrainConfig {
    let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
    LearnerKind::Dqn.defaults().changed(None, &changes).unwrap()
}

fn learned<T: Task + 'static>(changes: &[&str]) -> f32 {
    let dir = tempfile::tempdir().unwrap();
    let config = config(changes);
    let options = RunOptions::new(dir.path().join("run"));
    let summary = train_in(&config, Box::new(Many::<T>::new(config.dqn.arenas)), &options, &mut ()).unwrap();
    let policy = Policy::load(&summary.policy_dir).unwrap();
    Many::<T>::new(1).judge(&policy, 100, 9).unwrap().unwrap().0
}

#[test]
fn a_small_decision_process_is_solved() {
    let best = Row::optimal()[0] as f32;
    let changes = ["dqn.arenas=8", "dqn.first_ticks=1000", "training.steps=500", "training.validate_every=100"];
    for replay in ["dqn.replay.priority=0.6", "dqn.replay.priority=0"] {
        let found = learned::<Row>(&[&changes[..], &[replay]].concat());
        assert!((found - best).abs() < 0.08, "{replay}: {found}, and {best} by value iteration");
    }
}

#[test]
fn a_pole_is_balanced() {
    let changes = [
        "dqn.arenas=8",
        "dqn.first_ticks=1000",
        "dqn.persistence=0",
        "dqn.target_every=250",
        "training.steps=1530",
        "training.validate_every=100",
        "optimizer.learning_rate=1e-3",
    ];
    let found = learned::<CartPole>(&changes);
    assert!(found > 475.0, "{found} of 500 after 50,000 ticks");
}

/// Nine numbers to decide.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Wide;

impl Task for Wide {
    const LIMIT: u32 = 10;

    fn layouts() -> (Layout, Layout) {
        let fields = |name: &str, size| vec![Field::new(name, size, "1", -1.0, 1.0)];
        (Layout::new("wide/state", fields("state", 2)), Layout::new("wide/joints", fields("joint", 9)))
    }

    fn begin(_: &mut Pcg64) -> Self {
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
fn an_agent_of_too_many_joint_actions_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let options = RunOptions::new(dir.path().join("run"));
    let error = train_in(&config(&[]), Box::new(Many::<Wide>::new(16)), &options, &mut ()).unwrap_err().to_string();
    assert!(error.contains("9 action numbers") && error.contains("gaussian"), "{error}");
    assert!(!options.dir.exists());
}

#[test]
fn entries_are_found_as_often_as_their_priorities_say() {
    let priorities = [3.0, 0.0, 1.0, 4.0, 2.0];
    let mut tree = SumTree::new(priorities.len());
    for (entry, priority) in priorities.iter().enumerate() {
        tree.set(entry, 9.0);
        tree.set(entry, *priority);
    }
    assert_eq!(tree.total(), 10.0);
    let mut rng = Pcg64::seed_from_u64(5);
    let mut found = [0.0f64; 5];
    const DRAWS: f64 = 100_000.0;
    (0..DRAWS as usize).for_each(|_| found[tree.find(uniform(&mut rng))] += 1.0);
    for (count, priority) in found.iter().zip(priorities) {
        let wanted = priority / 10.0;
        // Five standard errors.
        let bound = 5.0 * (DRAWS * wanted * (1.0 - wanted)).sqrt();
        assert!((count - DRAWS * wanted).abs() <= bound, "{found:?}");
    }
}

proptest! {
    #[test]
    fn what_is_found_is_where_the_running_sum_passes(
        priorities in prop::collection::vec(0.0f64..10.0, 1..70), share in 0.0f64..0.999_999
    ) {
        prop_assume!(priorities.iter().sum::<f64>() > 0.0);
        let mut tree = SumTree::new(priorities.len());
        priorities.iter().enumerate().for_each(|(entry, priority)| tree.set(entry, *priority));
        let found = tree.find(share);
        let before: f64 = priorities[..found].iter().sum();
        let wanted = share * tree.total();
        prop_assert!(before <= wanted + 1e-9 && wanted <= before + priorities[found] + 1e-9);
        prop_assert!(priorities[found] > 0.0);
    }
}

fn transition(number: f32) -> [f32; 2] {
    [number, -number]
}

fn filled(capacity: usize, count: usize) -> Replay {
    let mut replay = Replay::new(&ReplayConfig { capacity, ..ReplayConfig::default() }, 2);
    for number in 0..count {
        let (observation, next) = (transition(number as f32), transition(number as f32 + 0.5));
        let (action, reward) = (number as u32, number as f32);
        replay.push(&Transition { observation: &observation, action, reward, discount: 0.9, next: &next });
    }
    replay
}

#[test]
fn the_oldest_make_room_and_the_surprising_come_more_often_for_less() {
    let mut replay = filled(4, 6);
    assert_eq!(replay.len(), 4);
    let kept: Vec<u32> = (0..4).map(|entry| replay.get(entry).action).collect();
    assert_eq!(kept, [4, 5, 2, 3]);
    assert_eq!(replay.get(0).next, transition(4.5));
    replay.surprise(&[0, 1, 2, 3], &[8.0, 0.5, 0.5, 0.5]);
    let mut rng = Pcg64::seed_from_u64(1);
    let drawn = replay.draw(1000, 1.0, &mut rng);
    let often = drawn.entries.iter().filter(|entry| **entry == 0).count() as f64;
    let power = |x: f64| (x + 1e-3).powf(0.6);
    let wanted = 1000.0 * power(8.0) / (power(8.0) + 3.0 * power(0.5));
    assert!((often - wanted).abs() < 2.0, "{often}, {wanted}");
    // At the end all of the bias is taken back: weight times frequency is the same for all.
    let weight = |entry: usize| drawn.weights[drawn.entries.iter().position(|e| *e == entry).unwrap()];
    let ratio = f64::from(weight(1) / weight(0));
    assert!((ratio - power(8.0) / power(0.5)).abs() < 1e-3 && (weight(1) - 1.0).abs() < 1e-6, "{ratio}");
}

#[test]
fn a_replay_is_saved_whole_and_a_damaged_one_refused() {
    let mut replay = filled(4, 6);
    replay.surprise(&[2], &[3.0]);
    let bytes = replay.save();
    let mut again = Replay::new(&ReplayConfig { capacity: 4, ..ReplayConfig::default() }, 2);
    assert!(again.load(&bytes));
    let draw = |replay: &Replay| replay.draw(50, 0.3, &mut Pcg64::seed_from_u64(3));
    assert_eq!(draw(&replay), draw(&again));
    assert!(!again.load(&bytes[..bytes.len() / 2]), "half a file");
    assert!(!Replay::new(&ReplayConfig { capacity: 4, ..ReplayConfig::default() }, 3).load(&bytes), "another shape");
}

#[test]
fn a_stopped_run_goes_on_bit_for_bit() {
    let scene = find("slalom").unwrap();
    let changes = ["dqn.arenas=4", "dqn.first_ticks=100", "training.steps=40", "training.log_every=5", "dqn.judged=2"];
    let config = config(&[&changes[..], &["training.batch_size=16", "dqn.replay.capacity=300"]].concat());
    let arenas = || -> Box<dyn Environment> {
        Box::new(Arenas::new(&scene, VecEnvOptions { arenas: 4, agents: 1, threads: 2 }))
    };
    let dir = tempfile::tempdir().unwrap();
    let whole = RunOptions::new(dir.path().join("whole"));
    train_in(&config, arenas(), &whole, &mut ()).unwrap();
    let parts = RunOptions::new(dir.path().join("parts"));
    train_in(&config, arenas(), &parts, &mut After(25, Arc::clone(&parts.stop))).unwrap();
    let read = |dir: &Path, file: &str| std::fs::read(dir.join("last").join(file)).unwrap();
    assert_ne!(read(&whole.dir, "model.safetensors"), read(&parts.dir, "model.safetensors"));
    let parts = RunOptions { resume: true, stop: Arc::default(), ..parts };
    train_in(&config, arenas(), &parts, &mut ()).unwrap();
    for file in ["model.safetensors", "replay.bin"] {
        assert!(read(&whole.dir, file) == read(&parts.dir, file), "{file} differs");
    }
}
