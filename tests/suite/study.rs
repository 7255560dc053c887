//! Cells of a study run in parallel and are cached.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use apprentice::study::{CellMetrics, StudyError, StudyRunner};

fn metrics(value: f64) -> CellMetrics {
    CellMetrics::from([("value".into(), value)])
}

#[test]
fn results_are_ordered_by_item_and_seed() {
    let dir = tempfile::tempdir().unwrap();
    let mut progress = |_: &str| {};
    let runner = StudyRunner::new(dir.path(), false, 3, Arc::default(), &mut progress).unwrap();
    let computed = AtomicUsize::new(0);
    let all = || {
        runner.with_each_seed(&[40u64, 20, 0], |item, seed| {
            runner.cell(&format!("{item}-{seed}"), || {
                // The first items take longest.
                std::thread::sleep(Duration::from_millis(*item));
                computed.fetch_add(1, Ordering::Relaxed);
                Ok(metrics((*item + seed) as f64))
            })
        })
    };
    let cells = all().unwrap();
    let values: Vec<Vec<f64>> = cells.iter().map(|cells| cells.iter().map(|cell| cell["value"]).collect()).collect();
    assert_eq!(values, [[40.0, 41.0, 42.0], [20.0, 21.0, 22.0], [0.0, 1.0, 2.0]]);
    assert_eq!(all().unwrap(), cells);
    assert_eq!(computed.load(Ordering::Relaxed), 9, "cached cells are not computed again");
}

#[test]
fn the_first_error_is_returned_and_finished_cells_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let mut progress = |_: &str| {};
    let runner = StudyRunner::new(dir.path(), false, 1, stop.clone(), &mut progress).unwrap();
    runner.cell("before", || Ok(metrics(1.0))).unwrap();
    stop.store(true, Ordering::Relaxed);
    let all = runner.with_each_seed(&["before", "after"], |name, _| runner.cell(name, || Ok(metrics(2.0))));
    assert!(matches!(all, Err(StudyError::Stopped)));
    assert_eq!(runner.cell("before", || unreachable!()).unwrap(), metrics(1.0));
    // A cell that was cut off, and one with another number.
    let path = dir.path().join("cells/before.json");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"value\": 1.0"), "{text}");
    for changed in ["{\"value\": ", &text.replace("1.0", "7.5"), &text[..text.len() - 2]] {
        std::fs::write(&path, changed).unwrap();
        let damaged = runner.cell("before", || unreachable!()).unwrap_err().to_string();
        assert!(damaged.contains("before.json") && damaged.contains("remove it"), "{damaged}");
    }
}
