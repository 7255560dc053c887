//! Hyperparameter search: the search space, trials, and resuming.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use apprentice::learn::TrainingData;
use apprentice::tune::{Objective, Search, SearchSpace, Trial, TuneError, Value};
use proptest::prelude::*;
use rand_pcg::Pcg64;

use crate::testing::learn::{config, data};

const SPACE: &str = "\"optimizer.learning_rate\" = { low = 1e-5, high = 1e-1, log = true }\n\
    \"network.hidden_sizes\" = { choices = [[4], [16]] }\n\"network.n_obs_steps\" = { low = 1, high = 3, integer = true }";

fn problem() -> TrainingData {
    data(10, 100, (3, 1), |o, a| a[0] = o[0] - 0.5 * o[2])
}

fn search(dir: &std::path::Path, text: &str, stop: &Arc<AtomicBool>) -> Result<Search, TuneError> {
    let space = SearchSpace::from_toml(text).unwrap();
    Search::new(dir, space, config(&["training.steps=100"]), Objective::ActionError, &problem(), stop.clone())
}

fn run(search: &Search, count: usize) -> Result<Vec<Trial>, TuneError> {
    search.run(count, &problem(), &mut |_| Ok(0.0), &mut |_| {}, &mut ())
}

#[test]
fn a_resumed_search_equals_an_uninterrupted_one() {
    let dir = tempfile::tempdir().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let uninterrupted = run(&search(&dir.path().join("whole"), SPACE, &stop).unwrap(), 12).unwrap();
    let halves = dir.path().join("halves");
    run(&search(&halves, SPACE, &stop).unwrap(), 5).unwrap();
    // An interrupted trial.
    std::fs::create_dir_all(halves.join("trials/005")).unwrap();
    let resumed = run(&search(&halves, SPACE, &stop).unwrap(), 12).unwrap();
    assert_eq!(uninterrupted, resumed);
    let best = uninterrupted.iter().filter_map(|t| t.cost).fold(f32::INFINITY, f32::min);
    let first = uninterrupted[..4].iter().filter_map(|t| t.cost).fold(f32::INFINITY, f32::min);
    assert!(best <= first && uninterrupted.iter().any(|t| t.pruned), "some of 12 trials are pruned: {uninterrupted:?}");
    assert!(halves.join("trials/011/config.toml").exists(), "trials are ordinary runs");
}

#[test]
fn another_search_in_the_same_folder_is_rejected() {
    let dir = tempfile::tempdir().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    search(dir.path(), SPACE, &stop).unwrap();
    let error = search(dir.path(), "\"optimizer.learning_rate\" = { low = 1e-4, high = 1e-1 }", &stop);
    assert!(matches!(error, Err(TuneError::Settings { .. })));
    let unknown = search(&dir.path().join("other"), "\"optimizer.learningrate\" = { low = 1e-4, high = 1e-1 }", &stop);
    let error = unwrap_error(unknown);
    assert!(error.contains("optimizer.learning_rate"), "{error}");
    let impossible = search(&dir.path().join("third"), "\"network.dropout\" = { low = 0.0, high = 2.0 }", &stop);
    let error = unwrap_error(impossible);
    assert!(error.contains("dropout"), "{error}");
}

fn unwrap_error(result: Result<Search, TuneError>) -> String {
    result.err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn a_stopped_search_returns_an_error_and_keeps_its_trials() {
    let dir = tempfile::tempdir().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let search = search(dir.path(), SPACE, &stop).unwrap();
    let mut completed = 0;
    let result = search.run(
        10,
        &problem(),
        &mut |_| Ok(0.0),
        &mut |_| {
            completed += 1;
            stop.store(completed == 3, std::sync::atomic::Ordering::Relaxed);
        },
        &mut (),
    );
    assert!(matches!(result, Err(TuneError::Stopped)));
    assert!(dir.path().join("trials/002.json").exists());
}

#[test]
fn a_trial_with_another_number_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let search = search(dir.path(), SPACE, &Arc::default()).unwrap();
    let run = |count| search.run(count, &problem(), &mut |_| Ok(0.0), &mut |_| {}, &mut ());
    run(1).unwrap();
    let path = dir.path().join("trials/000.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let cost = text.lines().find(|line| line.contains("\"cost\"")).expect("a cost");
    std::fs::write(&path, text.replace(cost, "  \"cost\": -7.5,")).unwrap();
    let error = run(2).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("000.json") && error.contains("remove it"), "{error}");
    std::fs::write(&path, text).unwrap();
    assert_eq!(run(2).unwrap().len(), 2);
}

#[test]
fn an_invalid_search_space_is_rejected_and_names_the_key() {
    for (text, what) in [
        ("", "no setting"),
        ("x = { low = 1.0, high = 1.0 }", "x ranges from 1 to 1"),
        ("x = { low = 0.0, high = 1.0, log = true }", "0 < low"),
        ("x = { choices = [] }", "x has no choices"),
        ("x = { lower = 1.0 }", ""),
        ("x = ", ""),
    ] {
        let error = SearchSpace::from_toml(text).unwrap_err().to_string();
        assert!(error.contains(what), "{text}: {error}");
    }
    assert!(!SearchSpace::default_space().0.is_empty());
}

proptest! {
    #[test]
    fn samples_are_within_their_ranges(low in -1e3f64..1e3, width in 1e-3f64..1e3, seed in any::<u64>()) {
        let high = low + width;
        let space = SearchSpace::from_toml(&format!("x = {{ low = {low:?}, high = {high:?} }}")).unwrap();
        let mut rng = Pcg64::new(u128::from(seed), 0);
        for _ in 0..20 {
            let values = space.sample(&mut rng);
            prop_assert!(matches!(values["x"], Value::Normalized(x) if (0.0..=1.0).contains(&x)));
            let text = &space.assignments(&values)[0];
            let x: f64 = text.strip_prefix("x=").unwrap().parse().unwrap();
            // Assignments are rounded to three digits.
            let slack = 5e-3 * low.abs().max(high.abs());
            prop_assert!((low - slack..=high + slack).contains(&x), "{x} outside {low} to {high}");
        }
    }

    #[test]
    fn any_text_is_a_search_space_or_an_error(text in "\\PC{0,200}") {
        let _ = SearchSpace::from_toml(&text);
    }
}
