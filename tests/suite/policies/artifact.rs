//! The policy folder: a loaded policy gives the same actions as the saved one, and errors name what does not match.

use std::fs;
use std::path::Path;

use apprentice::learn::{RunOptions, train_on_dataset};
use apprentice::policies::artifact::{CONFIG_FILE, WEIGHTS_FILE};
use apprentice::policies::{Policy, PolicyError, resolve_policy_dir};
use apprentice::spaces::{Field, Layout, Normalizer};

use crate::testing::learn::{config, data};

/// Train a policy; it is saved in `<dir>/best`.
pub fn trained(dir: &Path, changes: &[&str]) {
    let data = data(4, 30, (3, 2), |o, a| {
        a[0] = 5.0 * o[0] + 20.0;
        a[1] = -o[1];
    });
    let changes: Vec<_> = ["training.steps=20"].iter().chain(changes).copied().collect();
    train_on_dataset(&config(&changes), &data, &RunOptions::new(dir), &mut ()).unwrap();
}

#[test]
fn a_saved_policy_loads_with_its_normalizers_and_gives_the_same_actions() {
    let dir = tempfile::tempdir().unwrap();
    let observations: Vec<f32> = (0..12).map(|i| i as f32 * 0.3 - 1.0).collect();
    for (i, changes) in [
        &["network.layer_norm=true", "network.activation=elu"][..],
        &["head.kind=gaussian"],
        &["head.kind=gaussian", "head.state_dependent_std=true", "network.hidden_sizes=[8, 4, 8]"],
        &["network.hidden_sizes=[]"],
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
        let mut loaded = Policy::load(&copy).unwrap();
        assert_eq!(loaded.config(), policy.config());
        assert_ne!(policy.config().action_normalizer, Normalizer::identity(2));
        let (mut a, mut b, mut single) = ([0.0; 8], [0.0; 8], [0.0; 2]);
        policy.act(&observations, &mut [], &mut a);
        loaded.act(&observations, &mut [], &mut b);
        assert_eq!(a, b);
        for (row, many) in observations.chunks(3).zip(a.chunks(2)) {
            loaded.act(row, &mut [], &mut single);
            assert!(single.iter().zip(many).all(|(x, y)| (x - y).abs() < 1e-4), "{single:?} {many:?}");
        }
        for file in [CONFIG_FILE, WEIGHTS_FILE] {
            assert!(fs::read(copy.join(file)).unwrap() == fs::read(run.join("best").join(file)).unwrap(), "{file}");
        }
        let entries: Vec<_> = fs::read_dir(run.join("deep")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(entries, ["copy"], "temporary files are left");
    }
}

#[test]
fn actions_are_within_bounds_for_any_observation() {
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
fn layout_errors_name_the_fields_that_differ() {
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
    // Additional fields of the agent are accepted; missing ones are not.
    let mut more = observation.clone();
    more.fields.insert(0, Field::new("speed", 1, "m/s", -50.0, 50.0));
    policy.check_layouts(&more, &action).unwrap();
    let less = Layout::new("car/observation", vec![Field::new("speed", 1, "m/s", -50.0, 50.0)]);
    let text = policy.check_layouts(&less, &action).unwrap_err().to_string();
    assert!(text.contains("has x[3]") && text.contains("which the agent lacks"), "{text}");
    let text = policy.check_layouts(&observation, &other).unwrap_err().to_string();
    assert!(text.contains("test/action") && text.contains("car/observation"), "{text}");
}

#[test]
fn a_run_folder_resolves_to_its_best_or_last_policy() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    trained(&run, &[]);
    assert_eq!(resolve_policy_dir(&run).unwrap(), run.join("best"));
    assert_eq!(resolve_policy_dir(&run.join("last")).unwrap(), run.join("last"));
    // The state after an interruption between replace_dir's two renames.
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
fn policies_are_send_and_clone() {
    fn assert_send_and_clone<T: Send + Clone + 'static>() {}
    assert_send_and_clone::<Policy>();
}
