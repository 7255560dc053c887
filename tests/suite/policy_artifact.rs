//! A policy's folder: what is saved acts the same when loaded, and what does not fit says why.

use std::fs;
use std::path::Path;

use apprentice::learn::{RunOptions, train};
use apprentice::policies::artifact::{CONFIG_FILE, WEIGHTS_FILE};
use apprentice::policies::{Policy, PolicyError, resolve_policy_dir};
use apprentice::spaces::{Field, Layout, Normalizer};

use super::learn_common::{config, data};

/// A run with its policy in `<dir>/best`.
pub fn trained(dir: &Path, changes: &[&str]) {
    let data = data(4, 30, (3, 2), |o, a| {
        a[0] = 5.0 * o[0] + 20.0;
        a[1] = -o[1];
    });
    let changes: Vec<_> = ["training.steps=20"].iter().chain(changes).copied().collect();
    train(&config(&changes), &data, &RunOptions::new(dir), &mut ()).unwrap();
}

#[test]
fn a_policy_reads_back_with_its_normalisers_and_acts_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let observations: Vec<f32> = (0..12).map(|i| i as f32 * 0.3 - 1.0).collect();
    for (i, changes) in [
        &["network.layer_norm=true", "network.activation=elu"][..],
        &["head.kind=gaussian"],
        &["head.kind=gaussian", "head.state_dependent=true", "network.hidden=[8, 4, 8]"],
        &["network.hidden=[]"],
    ]
    .into_iter()
    .enumerate()
    {
        let run = dir.path().join(i.to_string());
        trained(&run, changes);
        let mut policy = Policy::load(&run.join("best")).unwrap();
        let copy = run.join("deep/copy");
        policy.save(&copy).unwrap();
        policy.save(&copy).unwrap();
        let mut again = Policy::load(&copy).unwrap();
        assert_eq!(again.config(), policy.config());
        assert_ne!(policy.config().action_normalizer, Normalizer::identity(2));
        let (mut a, mut b, mut single) = ([0.0; 8], [0.0; 8], [0.0; 2]);
        policy.act(&observations, &mut [], &mut a);
        again.act(&observations, &mut [], &mut b);
        assert_eq!(a, b);
        for (row, many) in observations.chunks(3).zip(a.chunks(2)) {
            again.act(row, &mut [], &mut single);
            assert!(single.iter().zip(many).all(|(x, y)| (x - y).abs() < 1e-4), "{single:?} {many:?}");
        }
        for file in [CONFIG_FILE, WEIGHTS_FILE] {
            assert!(fs::read(copy.join(file)).unwrap() == fs::read(run.join("best").join(file)).unwrap(), "{file}");
        }
        let left: Vec<_> = fs::read_dir(run.join("deep")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["copy"], "nothing is left beside it");
    }
}

#[test]
fn actions_stay_within_bounds_whatever_is_observed() {
    let dir = tempfile::tempdir().unwrap();
    trained(dir.path(), &[]);
    let mut policy = Policy::load(&dir.path().join("best")).unwrap();
    policy.config_mut().action_normalizer.std = vec![1e6; 2];
    let mut actions = [0.0; 8];
    let observed = [f32::NAN, 0.0, 0.0, f32::INFINITY, 0.0, 1.0, f32::MIN, f32::MAX, f32::NEG_INFINITY, 1.0, 2.0, 3.0];
    policy.act(&observed, &mut [], &mut actions);
    assert!(actions.iter().all(|a| (-100.0..=100.0).contains(a)), "{actions:?}");
    policy.act(&[], &mut [], &mut []);
}

#[test]
fn another_agents_layout_is_refused_by_its_fields() {
    let dir = tempfile::tempdir().unwrap();
    trained(dir.path(), &[]);
    let policy = Policy::load(&dir.path().join("best")).unwrap();
    let (observation, action) = (policy.config().observation.clone(), policy.config().action.clone());
    policy.check_layouts(&observation, &action).unwrap();
    let mut renamed = observation.clone();
    renamed.name = "renamed".into();
    policy.check_layouts(&renamed, &action).unwrap();
    let other = Layout::new(
        "car/observation",
        vec![Field::new("x", 3, "m", -1.0, 1.0), Field::new("speed", 1, "m/s", -50.0, 50.0)],
    );
    let text = policy.check_layouts(&other, &action).unwrap_err().to_string();
    assert!(text.contains("has x[3] in 1") && text.contains("x[3] in m within -1..1"), "{text}");
    // What an agent senses besides does not matter; what it does not sense does.
    let mut more = observation.clone();
    more.fields.insert(0, Field::new("speed", 1, "m/s", -50.0, 50.0));
    policy.check_layouts(&more, &action).unwrap();
    let less = Layout::new("car/observation", vec![Field::new("speed", 1, "m/s", -50.0, 50.0)]);
    let text = policy.check_layouts(&less, &action).unwrap_err().to_string();
    assert!(text.contains("has x[3]") && text.contains("which the agent does not"), "{text}");
    let text = policy.check_layouts(&observation, &other).unwrap_err().to_string();
    assert!(text.contains("test/action") && text.contains("car/observation"), "{text}");
}

#[test]
fn a_run_folder_means_its_best_policy_or_its_last() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    trained(&run, &[]);
    assert_eq!(resolve_policy_dir(&run).unwrap(), run.join("best"));
    assert_eq!(resolve_policy_dir(&run.join("last")).unwrap(), run.join("last"));
    // As an interruption between replace_dir's two renames leaves it.
    fs::rename(run.join("best"), run.join(".best.previous")).unwrap();
    assert_eq!(resolve_policy_dir(&run).unwrap(), run.join(".best.previous"));
    Policy::load(&run.join("best")).unwrap().save(&run.join("best")).unwrap();
    assert!(run.join("best").exists() && !run.join(".best.previous").exists());
    fs::remove_dir_all(run.join("best")).unwrap();
    assert_eq!(resolve_policy_dir(&run).unwrap(), run.join("last"));
    let error = resolve_policy_dir(dir.path()).unwrap_err();
    assert!(matches!(error, PolicyError::NotFound { .. }) && error.to_string().contains("config.json"), "{error}");
}

#[test]
fn a_policy_can_move_between_threads() {
    fn sendable<T: Send + Clone + 'static>() {}
    sendable::<Policy>();
}
