//! The search for settings: its space, its trials, its resumption.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use apprentice::learn::TrainingData;
use apprentice::tune::{Judge, Search, Space, Trial, TuneError, Value};
use proptest::prelude::*;
use rand_pcg::Pcg64;

use super::learn_common::{config, data};

const SPACE: &str = "\"optimizer.learning_rate\" = { low = 1e-5, high = 1e-1, log = true }\n\
    \"network.hidden\" = { choices = [[4], [16]] }\n\"network.history\" = { low = 1, high = 3, integer = true }";

fn problem() -> TrainingData {
    data(10, 100, (3, 1), |o, a| a[0] = o[0] - 0.5 * o[2])
}

fn search(dir: &std::path::Path, text: &str, stop: &Arc<AtomicBool>) -> Result<Search, TuneError> {
    let space = Space::from_toml(text).unwrap();
    Search::new(dir, space, config(&["training.steps=100"]), Judge::ActionError, &problem(), stop.clone())
}

fn run(search: &Search, count: usize) -> Result<Vec<Trial>, TuneError> {
    search.run(count, &problem(), &mut |_| Ok(0.0), &mut |_| {}, &mut ())
}

#[test]
fn a_search_that_was_stopped_goes_on_as_one_that_was_not() {
    let dir = tempfile::tempdir().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let whole = run(&search(&dir.path().join("whole"), SPACE, &stop).unwrap(), 12).unwrap();
    let halves = dir.path().join("halves");
    run(&search(&halves, SPACE, &stop).unwrap(), 5).unwrap();
    // A trial that was begun and not ended.
    std::fs::create_dir_all(halves.join("trials/005")).unwrap();
    let second = run(&search(&halves, SPACE, &stop).unwrap(), 12).unwrap();
    assert_eq!(whole, second);
    let best = whole.iter().filter_map(|t| t.cost).fold(f32::INFINITY, f32::min);
    let first = whole[..4].iter().filter_map(|t| t.cost).fold(f32::INFINITY, f32::min);
    assert!(best <= first && whole.iter().any(|t| t.stopped), "some of 12 are stopped early: {whole:?}");
    assert!(halves.join("trials/011/config.toml").exists(), "trials are ordinary runs");
}

#[test]
fn another_search_in_the_same_folder_is_refused() {
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
fn a_stopped_search_says_so_and_keeps_its_trials() {
    let dir = tempfile::tempdir().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let search = search(dir.path(), SPACE, &stop).unwrap();
    let mut heard = 0;
    let result = search.run(
        10,
        &problem(),
        &mut |_| Ok(0.0),
        &mut |_| {
            heard += 1;
            stop.store(heard == 3, std::sync::atomic::Ordering::Relaxed);
        },
        &mut (),
    );
    assert!(matches!(result, Err(TuneError::Stopped)));
    assert!(dir.path().join("trials/002.json").exists());
}

#[test]
fn what_is_no_space_is_refused_by_its_key() {
    for (text, what) in [
        ("", "no setting"),
        ("x = { low = 1.0, high = 1.0 }", "x goes from 1 to 1"),
        ("x = { low = 0.0, high = 1.0, log = true }", "0 < low"),
        ("x = { choices = [] }", "x has no choices"),
        ("x = { lower = 1.0 }", ""),
        ("x = ", ""),
    ] {
        let error = Space::from_toml(text).unwrap_err().to_string();
        assert!(error.contains(what), "{text}: {error}");
    }
    assert!(!Space::usual().0.is_empty());
}

proptest! {
    #[test]
    fn draws_lie_within_their_ranges(low in -1e3f64..1e3, width in 1e-3f64..1e3, seed in any::<u64>()) {
        let high = low + width;
        let space = Space::from_toml(&format!("x = {{ low = {low:?}, high = {high:?} }}")).unwrap();
        let mut chance = Pcg64::new(u128::from(seed), 0);
        for _ in 0..20 {
            let values = space.draw(&mut chance);
            prop_assert!(matches!(values["x"], Value::Share(x) if (0.0..=1.0).contains(&x)));
            let text = &space.assignments(&values)[0];
            let x: f64 = text.strip_prefix("x=").unwrap().parse().unwrap();
            // Numbers are told to three digits.
            let slack = 5e-3 * low.abs().max(high.abs());
            prop_assert!((low - slack..=high + slack).contains(&x), "{x} outside {low} to {high}");
        }
    }

    #[test]
    fn any_text_is_a_space_or_an_error(text in "\\PC{0,200}") {
        let _ = Space::from_toml(&text);
    }
}
