//! Early stopping: the best policy has the lowest validation loss, and training ends when it no longer improves.

use apprentice::learn::{Outcome, Progress, RunOptions, ValidationReport, train_on_dataset};
use apprentice::policies::Policy;

use crate::testing::learn::{Lcg, config, data};

#[derive(Default)]
struct Reports(Vec<ValidationReport>);

impl Progress for Reports {
    fn validated(&mut self, report: &ValidationReport, _: &Policy) {
        self.0.push(report.clone());
    }
}

#[test]
fn training_stops_when_validation_gets_worse_and_keeps_the_best() {
    // Noise can only be memorized, so the validation loss soon rises.
    let mut noise = Lcg(5);
    let data = data(6, 20, (4, 1), |o, a| a[0] = 0.3 * o[0] + noise.normal());
    let config = config(&[
        "network.hidden_sizes=[128]",
        "training.steps=5000",
        "training.eval_freq=10",
        "training.patience=4",
        "training.select_after=0",
        "optimizer.learning_rate=0.01",
        "data.validation_fraction=0.3",
    ]);
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let mut reports = Reports::default();
    let summary = train_on_dataset(&config, &data, &RunOptions::new(&run), &mut reports).unwrap();
    assert_eq!(summary.outcome, Outcome::StoppedEarly);
    let lowest = reports.0.iter().min_by(|a, b| a.validation.loss.total_cmp(&b.validation.loss)).unwrap();
    assert_eq!(summary.best_loss, Some(lowest.validation.loss));
    assert_eq!((summary.best_step, summary.steps), (lowest.step, lowest.step + 4 * 10));
    assert_eq!(summary.policy_dir, run.join("best"));
    let provenance = &Policy::load(&summary.policy_dir).unwrap().config().provenance.clone();
    assert_eq!((provenance.steps, provenance.validation_loss), (lowest.step, Some(lowest.validation.loss)));
    assert_eq!(Policy::load(&run.join("last")).unwrap().config().provenance.steps, summary.steps);

    let options = RunOptions { resume: true, ..RunOptions::new(&run) };
    let again = train_on_dataset(&config, &data, &options, &mut ()).unwrap();
    assert_eq!(again.steps, summary.steps, "a run that stopped early takes no more steps");
}

#[test]
fn without_validation_the_newest_policy_is_the_best() {
    let data = data(1, 100, (2, 1), |o, a| a[0] = o[0]);
    let config = config(&["data.validation_fraction=0", "training.steps=0", "training.epochs=3"]);
    let dir = tempfile::tempdir().unwrap();
    let summary = train_on_dataset(&config, &data, &RunOptions::new(dir.path().join("run")), &mut ()).unwrap();
    // 100 rows are one full batch of 64 per epoch.
    assert_eq!((summary.steps, summary.best_loss), (3, None));
    assert_eq!(Policy::load(&summary.policy_dir).unwrap().config().provenance.steps, 3);
}

#[test]
fn the_loss_of_the_policy_that_is_kept_is_reported() {
    let mut noise = Lcg(5);
    let data = data(6, 20, (4, 1), |o, a| a[0] = 0.3 * o[0] + noise.normal());
    let config = config(&[
        "network.hidden_sizes=[128]",
        "training.steps=400",
        "training.eval_freq=10",
        "training.select_after=0.9",
        "optimizer.learning_rate=0.01",
        "data.validation_fraction=0.3",
    ]);
    let dir = tempfile::tempdir().unwrap();
    let mut reports = Reports::default();
    let summary = train_on_dataset(&config, &data, &RunOptions::new(dir.path().join("run")), &mut reports).unwrap();
    let kept = Policy::load(&summary.policy_dir).unwrap().config().provenance.clone();
    assert_eq!((summary.best_loss, summary.best_step), (kept.validation_loss, kept.steps));
    assert!(summary.best_step >= 360, "only the last tenth counts");
    let lowest = reports.0.iter().min_by(|a, b| a.validation.loss.total_cmp(&b.validation.loss)).unwrap();
    assert_eq!(summary.lowest_loss, Some((lowest.validation.loss, lowest.step)));
    assert!(lowest.step < 360 && Some(lowest.validation.loss) < summary.best_loss, "{lowest:?}");
}
