//! Excluded fields, mirror augmentation, and weights of interventions.

use apprentice::agents::{Spaces, mirrors};
use apprentice::learn::{RunOptions, train_on_dataset};
use apprentice::policies::Policy;
use apprentice::spaces::{Field, Layout};

use crate::testing::learn::{config, data};

#[test]
fn an_excluded_field_is_neither_used_nor_needed() {
    let mut data = data(10, 100, (3, 1), |o, a| a[0] = o[0] + 5.0 * o[2]);
    data.observation =
        Layout::new("test", ["ray_a", "other", "ray_b"].map(|name| Field::new(name, 1, "1", -100.0, 100.0)).to_vec());
    let dir = tempfile::tempdir().unwrap();
    let options = RunOptions::new(dir.path().join("run"));
    let summary = train_on_dataset(&config(&["data.exclude=[\"ray_*\"]"]), &data, &options, &mut ()).unwrap();
    let policy = Policy::load(&summary.policy_dir).unwrap();
    assert_eq!(policy.config().observation.names(), ["other"]);
    let spaces = Spaces {
        agent: "test".into(),
        observation: data.observation.clone().into(),
        action: data.action.clone().into(),
    };
    let mut fitted = policy.for_agent(&spaces, "").unwrap();
    let mut actions = [0.0; 2];
    fitted.act(&[9.0, 1.0, -9.0, -4.0, 1.0, 7.0], &mut [], &mut actions);
    assert_eq!(actions[0], actions[1], "the excluded fields change the action");
    let options = RunOptions::new(dir.path().join("wrong"));
    let error =
        train_on_dataset(&config(&["data.exclude=[\"rays\"]"]), &data, &options, &mut ()).unwrap_err().to_string();
    assert!(error.contains("rays") && error.contains("ray_a"), "{error}");
}

#[test]
fn mirror_augmentation_adds_the_other_side_and_needs_mirror_maps() {
    let mut demonstrated = data(10, 100, (1, 1), |_, _| {});
    for (o, a) in demonstrated.observations.iter_mut().zip(&mut demonstrated.actions) {
        *o = o.abs() + 0.1;
        *a = 2.0;
    }
    demonstrated.agent = "vehicle".into();
    demonstrated.observation = Layout::new("o", vec![Field::new("velocity_left", 1, "m/s", -10.0, 10.0)]);
    demonstrated.action = Layout::new("a", vec![Field::new("steer", 1, "1", -10.0, 10.0)]);
    demonstrated.mirrors = mirrors("vehicle", &demonstrated.observation, &demonstrated.action);
    let dir = tempfile::tempdir().unwrap();
    let changes = ["data.mirror_augmentation=true", "training.steps=600", "optimizer.learning_rate=5e-3"];
    let summary =
        train_on_dataset(&config(&changes), &demonstrated, &RunOptions::new(dir.path().join("run")), &mut ()).unwrap();
    let mut actions = [0.0; 2];
    Policy::load(&summary.policy_dir).unwrap().act(&[2.0, -2.0], &mut [], &mut actions);
    assert!((actions[0] - 2.0).abs() < 0.2 && (actions[1] + 2.0).abs() < 0.2, "{actions:?}");
    demonstrated.mirrors = Err("joint_angle".into());
    let error = train_on_dataset(&config(&changes), &demonstrated, &RunOptions::new(dir.path().join("no")), &mut ());
    assert!(error.unwrap_err().to_string().contains("joint_angle"));
}

#[test]
fn ticks_of_interventions_have_a_higher_weight() {
    // Two different actions at similar observations; those of the interventions are 1.
    let mut data = data(10, 100, (1, 1), |_, a| a[0] = 0.0);
    data.interventions = vec![false; 1000];
    for row in 0..500 {
        data.actions[2 * row] = 1.0;
        data.interventions[2 * row] = true;
    }
    let mean = |weight: &str| {
        let dir = tempfile::tempdir().unwrap();
        let weight = format!("data.intervention_weight={weight}");
        let changes = [weight.as_str(), "training.steps=500", "optimizer.learning_rate=1e-2"];
        let summary =
            train_on_dataset(&config(&changes), &data, &RunOptions::new(dir.path().join("run")), &mut ()).unwrap();
        let mut actions = vec![0.0; 1000];
        Policy::load(&summary.policy_dir).unwrap().act(&data.observations, &mut [], &mut actions);
        actions.iter().sum::<f32>() / 1000.0
    };
    let (equal, threefold) = (mean("1.0"), mean("3.0"));
    assert!(
        (equal - 0.5).abs() < 0.05 && (threefold - 0.75).abs() < 0.05,
        "equal weights {equal}, threefold {threefold}"
    );
}
