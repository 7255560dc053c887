//! Cells of a study: side by side, each measured once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use apprentice::study::{Laboratory, Numbers, StudyError};

fn numbers(value: f64) -> Numbers {
    Numbers::from([("value".into(), value)])
}

#[test]
fn answers_come_by_item_and_seed_whichever_is_done_first() {
    let dir = tempfile::tempdir().unwrap();
    let mut progress = |_: &str| {};
    let laboratory = Laboratory::new(dir.path(), false, 3, Arc::default(), &mut progress).unwrap();
    let measured = AtomicUsize::new(0);
    let all = || {
        laboratory.with_each_seed(&[40u64, 20, 0], |item, seed| {
            laboratory.cell(&format!("{item}-{seed}"), || {
                // The first ones take longest.
                std::thread::sleep(Duration::from_millis(*item));
                measured.fetch_add(1, Ordering::Relaxed);
                Ok(numbers((*item + seed) as f64))
            })
        })
    };
    let found = all().unwrap();
    let values: Vec<Vec<f64>> = found.iter().map(|cells| cells.iter().map(|cell| cell["value"]).collect()).collect();
    assert_eq!(values, [[40.0, 41.0, 42.0], [20.0, 21.0, 22.0], [0.0, 1.0, 2.0]]);
    assert_eq!(all().unwrap(), found);
    assert_eq!(measured.load(Ordering::Relaxed), 9, "what was measured is not measured again");
}

#[test]
fn the_first_error_is_told_and_what_was_done_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let mut progress = |_: &str| {};
    let laboratory = Laboratory::new(dir.path(), false, 1, stop.clone(), &mut progress).unwrap();
    laboratory.cell("before", || Ok(numbers(1.0))).unwrap();
    stop.store(true, Ordering::Relaxed);
    let all = laboratory.with_each_seed(&["before", "after"], |name, _| laboratory.cell(name, || Ok(numbers(2.0))));
    assert!(matches!(all, Err(StudyError::Stopped)));
    assert_eq!(laboratory.cell("before", || unreachable!()).unwrap(), numbers(1.0));
    std::fs::write(dir.path().join("cells/before.json"), "{\"value\": ").unwrap();
    let damaged = laboratory.cell("before", || unreachable!()).unwrap_err().to_string();
    assert!(damaged.contains("before.json") && damaged.contains("remove it"), "{damaged}");
}
