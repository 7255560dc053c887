//! Deep Q-learning on tasks with known answers, and what it keeps of what it met.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use apprentice::learn::rl::{Arenas, Environment, Replay, ReplayConfig, SumTree, Transition, train_in, train_shown};
use apprentice::learn::{LearnerKind, RunOptions, TrainConfig, TrainSummary};
use apprentice::policies::{Policy, PolicyMemory};
use apprentice::rollout::{Demonstrator, VecEnvOptions, demonstrate, recording_seeds};
use apprentice::scenes::find;
use apprentice::spaces::{Field, Layout};
use apprentice::teleop::Skill;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_pcg::Pcg64;

use super::rl_common::{After, CartPole, Many, Row, Task, uniform};

fn config(changes: &[&str]) -> TrainConfig {
    let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
    LearnerKind::Dqn.defaults().changed(None, &changes).unwrap()
}

/// What suits tasks of which every tick matters.
const QUICK: [&str; 5] =
    ["head.chunk=1", "head.execute=1", "dqn.ticks=4", "dqn.discount=0.99", "network.hidden=[128, 128]"];

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
    // Always to the right is best, so that nothing is lost by holding an action.
    let held = ["head.chunk=2", "head.execute=2"];
    for other in [&["dqn.replay.priority=0.6"][..], &["dqn.replay.priority=0"], &held] {
        let found = learned::<Row>(&[&QUICK[..], &changes, other].concat());
        assert!((found - best).abs() < 0.08, "{other:?}: {found}, and {best} by value iteration");
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
    let found = learned::<CartPole>(&[&QUICK[..], &changes].concat());
    assert!(found > 475.0, "{found} of 500 after 50,000 ticks");
}

/// Pays for actions that are held, each for four ticks from the episode's start on.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Held {
    tick: u32,
    action: f32,
}

impl Task for Held {
    const LIMIT: u32 = 10;

    fn layouts() -> (Layout, Layout) {
        let field = |name: &str| vec![Field::new(name, 1, "1", -1.0, 1.0)];
        (Layout::new("held/state", field("state")), Layout::new("held/action", field("push")))
    }

    fn begin(_: &mut Pcg64) -> Self {
        Self { tick: 0, action: 0.0 }
    }

    fn observe(&self) -> Vec<f32> {
        vec![self.tick as f32 / Self::LIMIT as f32]
    }

    fn step(&mut self, action: &[f32], _: &mut Pcg64) -> (f32, bool) {
        let held = self.tick.is_multiple_of(4) || action[0] == self.action;
        self.action = action[0];
        self.tick += 1;
        // Stops the run.
        (if held { 1.0 } else { f32::NAN }, false)
    }
}

#[test]
fn an_action_is_held_in_learning_and_afterwards() {
    let changes = ["dqn.arenas=3", "dqn.ticks=7", "dqn.first_ticks=100", "training.steps=60", "dqn.explore=0.5"];
    assert_eq!(learned::<Held>(&changes), Held::LIMIT as f32);
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

#[test]
fn what_is_kept_never_makes_room() {
    let mut replay = Replay::new(&ReplayConfig { capacity: 5, ..ReplayConfig::default() }, 1);
    let push = |replay: &mut Replay, action: u32| {
        replay.push(&Transition { observation: &[0.0], action, reward: 0.0, discount: 0.0, next: &[0.0] });
    };
    (0..2).for_each(|action| push(&mut replay, action));
    replay.keep();
    (2..20).for_each(|action| push(&mut replay, action));
    let held = |replay: &Replay| (0..replay.len()).map(|entry| replay.get(entry).action).collect::<Vec<_>>();
    let newest: Vec<u32> = {
        let mut rest = held(&replay)[2..].to_vec();
        rest.sort_unstable();
        rest
    };
    assert_eq!((&held(&replay)[..2], &newest[..]), (&[0, 1][..], &[17, 18, 19][..]));
    let mut again = Replay::new(&ReplayConfig { capacity: 5, ..ReplayConfig::default() }, 1);
    assert!(again.load(&replay.save()));
    assert_eq!(again.kept(), 2);
    push(&mut replay, 20);
    push(&mut again, 20);
    assert_eq!(held(&replay), held(&again));
}

/// The steady operator, with keys that are held as long as dqn holds them.
fn by_keys() -> Demonstrator {
    Demonstrator::from(Skill::Steady).by_keys(4)
}

#[test]
fn demonstrations_alone_say_what_to_do_where_they_were() {
    let scene = find("slalom").unwrap();
    let episodes: Vec<_> =
        recording_seeds(4).take(6).map(|seed| demonstrate(&scene, by_keys(), seed).unwrap()).collect();
    let arenas = || Box::new(Arenas::new(&scene, VecEnvOptions { arenas: 4, agents: 1, threads: 2 }));
    let dir = tempfile::tempdir().unwrap();
    let changes = ["dqn.arenas=4", "dqn.first_ticks=200", "training.steps=1", "dqn.judged=1", "dqn.explore_first=0.1"];
    // Share of the demonstrated decisions that the policy takes alike: wheel and pedals.
    let agrees = |summary: TrainSummary| {
        let mut policy = Policy::load(&summary.policy_dir).unwrap();
        let (mut same, mut all) = (0, 0);
        for episode in &episodes {
            let mut actions = vec![0.0; episode.actions.len()];
            // As many who decide as there are ticks, each for the first time.
            let mut memories: Vec<_> = (0..episode.len() as u64).map(PolicyMemory::new).collect();
            policy.act(&episode.observations, &mut memories, &mut actions);
            for (own, shown) in actions.chunks_exact(4).zip(episode.actions.chunks_exact(4)).step_by(4) {
                same += usize::from(own == shown);
                all += 1;
            }
        }
        same as f64 / all as f64
    };
    let options = RunOptions::new(dir.path().join("shown"));
    let shown = agrees(train_shown(&config(&changes), arenas(), &episodes, &options, &mut ()).unwrap());
    let options = RunOptions::new(dir.path().join("alone"));
    let alone = agrees(train_in(&config(&changes), arenas(), &options, &mut ()).unwrap());
    // Keys that are tapped are now down and now up where the same is seen; one decision for all would be alike so often:
    let mut counts = HashMap::new();
    let decisions = || episodes.iter().flat_map(|episode| episode.actions.chunks_exact(4).step_by(4));
    decisions().for_each(|action| *counts.entry(format!("{action:?}")).or_insert(0) += 1);
    let commonest = *counts.values().max().unwrap() as f64 / decisions().count() as f64;
    assert!(
        shown > commonest + 0.15 && alone < commonest,
        "as shown at {shown}, without demonstrations at {alone}; the commonest decision is {commonest}"
    );
    // Gone on with by other demonstrations it would not be the same run.
    let options = RunOptions { resume: true, ..RunOptions::new(dir.path().join("shown")) };
    let error = train_shown(&config(&changes), arenas(), &episodes[1..], &options, &mut ()).unwrap_err();
    assert!(error.to_string().contains("what it learns from has changed"), "{error}");
    // Not those of another agent.
    let person = demonstrate(&find("courtyard").unwrap(), Skill::Steady, 2).unwrap();
    let options = RunOptions::new(dir.path().join("other"));
    let error = train_shown(&config(&changes), arenas(), &[person], &options, &mut ()).unwrap_err().to_string();
    assert!(error.contains("observations are not those of the scene's agent"), "{error}");
    // Not what failed, such as by keys that are never let go of.
    let stuck = demonstrate(&scene, Demonstrator::from(Skill::Steady).by_keys(100_000), 2).unwrap();
    assert!(!stuck.succeeded());
    let options = RunOptions::new(dir.path().join("stuck"));
    let error = train_shown(&config(&changes), arenas(), &[stuck], &options, &mut ()).unwrap_err().to_string();
    assert!(error.contains("none of them succeeded"), "{error}");
    // Not what dqn could never do.
    let smooth = [episodes[0].clone(), demonstrate(&scene, Skill::Steady, 2).unwrap()];
    let options = RunOptions::new(dir.path().join("smooth"));
    let error = train_shown(&config(&changes), arenas(), &smooth, &options, &mut ()).unwrap_err().to_string();
    assert!(error.contains("episode 1 was driven by more than keys that are held for 4 ticks"), "{error}");
}

#[test]
fn a_stopped_run_with_demonstrations_goes_on_bit_for_bit() {
    let scene = find("slalom").unwrap();
    let episodes: Vec<_> =
        recording_seeds(4).take(2).map(|seed| demonstrate(&scene, by_keys(), seed).unwrap()).collect();
    let arenas = || Box::new(Arenas::new(&scene, VecEnvOptions { arenas: 4, agents: 1, threads: 2 }));
    let dir = tempfile::tempdir().unwrap();
    let changes = [
        "dqn.arenas=4",
        "dqn.first_ticks=100",
        "dqn.shown_batches=10",
        "training.steps=120",
        "training.log_every=5",
        "dqn.judged=1",
        "dqn.replay.capacity=2400",
    ];
    let config = config(&changes);
    let whole = RunOptions::new(dir.path().join("whole"));
    train_shown(&config, arenas(), &episodes, &whole, &mut ()).unwrap();
    let mut parts = RunOptions::new(dir.path().join("parts"));
    train_shown(&config, arenas(), &episodes, &parts, &mut After(85, Arc::clone(&parts.stop))).unwrap();
    let last = |options: &RunOptions, file: &str| std::fs::read(options.dir.join("last").join(file)).unwrap();
    assert_ne!(last(&whole, "model.safetensors"), last(&parts, "model.safetensors"));
    parts = RunOptions { resume: true, stop: Arc::default(), ..parts };
    train_shown(&config, arenas(), &episodes, &parts, &mut ()).unwrap();
    for file in ["model.safetensors", "replay.bin", "dqn.bin"] {
        assert!(last(&whole, file) == last(&parts, file), "{file} differs");
    }
}
