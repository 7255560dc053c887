//! A policy acts the same where a number that hardly varied in the demonstrations takes another value.

use apprentice::learn::{Progress, RunOptions, TrainingData, train_on_dataset};
use apprentice::policies::{OutsideCounter, Policy, TrainingRange};
use apprentice::spaces::{Field, Layout};

use crate::testing::learn::{Lcg, config, data};

#[derive(Default)]
struct Messages(Vec<String>);

impl Progress for Messages {
    fn message(&mut self, text: &str) {
        self.0.push(text.to_owned());
    }
}

/// Demonstrations on a flat road: half of the first number, whatever the jitter of the roll is.
fn flat_road() -> TrainingData {
    let mut data = data(6, 100, (2, 1), |o, a| a[0] = 0.5 * o[0]);
    let fields = vec![Field::new("offset", 1, "m", -10.0, 10.0), Field::new("roll", 1, "1", -1.0, 1.0)];
    data.observation = Layout::new("car/observation", fields);
    let mut rng = Lcg(1);
    data.observations.chunks_exact_mut(2).for_each(|row| row[1] = 0.003 * rng.normal());
    data
}

#[test]
fn the_policy_ignores_a_bank_that_it_has_never_seen() {
    let data = flat_road();
    let changes = ["network.hidden_sizes=[32,32]", "training.steps=1000", "optimizer.learning_rate=3e-3"];
    let dir = tempfile::tempdir().unwrap();
    let mut messages = Messages::default();
    let summary =
        train_on_dataset(&config(&changes), &data, &RunOptions::new(dir.path().join("run")), &mut messages).unwrap();
    let warning = messages.0.iter().find(|m| m.contains("hardly varied")).expect("a warning");
    assert!(warning.ends_with(": roll"), "{warning}");

    let mut policy = Policy::load(&summary.policy_dir).unwrap();
    let (mut flat, mut banked) = (Vec::new(), Vec::new());
    for i in 0..20 {
        let offset = 0.3 * i as f32 - 2.0;
        flat.extend([offset, 0.0]);
        banked.extend([offset, 0.105]);
    }
    let (mut on_flat, mut on_banked) = (vec![0.0; 20], vec![0.0; 20]);
    policy.act(&flat, &mut [], &mut on_flat);
    policy.act(&banked, &mut [], &mut on_banked);
    for ((observation, flat), banked) in flat.chunks_exact(2).zip(&on_flat).zip(&on_banked) {
        assert!((flat - 0.5 * observation[0]).abs() < 0.1, "{observation:?}: {flat}");
        assert!((flat - banked).abs() < 0.3, "{observation:?}: {flat} on a flat road, {banked} on a banked one");
    }

    let range = TrainingRange::new(policy.config(), &data.observation, &data.action).unwrap().expect("a known range");
    assert_eq!(range.outside(&[1.0, 0.105]).collect::<Vec<_>>(), ["roll"]);
    assert_eq!(range.outside(&[1.0, 0.004]).count(), 0);
    assert_eq!(range.outside(&[9.0, 0.0]).collect::<Vec<_>>(), ["offset"], "the demonstrations are within -2 and 4 m");
    let mut counter = OutsideCounter::new(range);
    banked.chunks_exact(2).for_each(|observation| counter.add(observation));
    flat.chunks_exact(2).for_each(|observation| counter.add(observation));
    let report = counter.report();
    assert_eq!((report.fraction, report.fields.len()), (0.5, 1));
    assert_eq!((report.fields[0].field.as_str(), report.fields[0].fraction), ("roll", 0.5));
}

#[test]
fn an_excluded_field_is_not_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut messages = Messages::default();
    let config = config(&["data.exclude=[\"roll\"]", "training.steps=1"]);
    train_on_dataset(&config, &flat_road(), &RunOptions::new(dir.path().join("run")), &mut messages).unwrap();
    assert!(messages.0.is_empty(), "{:?}", messages.0);
}
