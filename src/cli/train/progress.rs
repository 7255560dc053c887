//! The progress bar of a training run, its plots, and its errors.

use std::path::Path;

use indicatif::ProgressBar;

use crate::cli::{Failure, Output, plot};
use crate::learn::self_play::Games;
use crate::learn::{Curve, Progress, RunInfo, StepReport, TrainError, ValidationReport};
use crate::policies::Policy;

/// Draws the progress bar, and prints messages above it.
pub struct ProgressReporter {
    bar: ProgressBar,
    output: Output,
}

impl ProgressReporter {
    /// An empty bar.
    pub fn new(output: &Output) -> Self {
        Self { bar: output.bar(0, "training"), output: *output }
    }

    /// Remove the bar from the screen.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for ProgressReporter {
    fn message(&mut self, text: &str) {
        self.bar.suspend(|| self.output.line(text));
    }

    fn started(&mut self, info: &RunInfo) {
        self.bar.set_length(info.total_steps);
        self.bar.set_position(info.first_step);
        self.bar.reset_eta();
    }

    fn stepped(&mut self, report: &StepReport) {
        self.bar.set_position(report.step);
    }

    fn validated(&mut self, report: &ValidationReport, _policy: &Policy) {
        self.bar.set_message(match report.validation.episodes {
            Some(score) => {
                format!("mean reward {:.2}, success {:.0} %", score.mean_reward, 100.0 * score.success_rate)
            }
            None => format!("loss {:.4}", report.validation.loss),
        });
    }
}

/// Wrong settings are wrong usage; anything else is a failure.
pub fn failure(error: TrainError) -> Failure {
    match error {
        TrainError::Config { .. } | TrainError::Resume { .. } | TrainError::Exists { .. } => Failure::usage(error),
        error => Failure::failed(error),
    }
}

/// Train with a progress bar, then plot the run's TensorBoard file into its folder.
pub fn train_with_progress<T>(
    run: &Path,
    curve: Option<Curve>,
    output: &Output,
    train: impl FnOnce(&mut ProgressReporter) -> Result<T, TrainError>,
) -> Result<T, Failure> {
    let mut progress = ProgressReporter::new(output);
    let result = train(&mut progress);
    progress.clear();
    let result = result.map_err(failure)?;
    let plotted = match curve {
        None => Ok(()),
        Some(Curve::Ratings) => plot_games(run),
        Some(curve) => plot::curves(run, curve),
    };
    if let Err(error) = plotted {
        bevy::log::warn!("no plot of the run: {error:#}");
    }
    Ok(result)
}

/// Plot ratings and cross-play of a run of self-play.
fn plot_games(run: &Path) -> anyhow::Result<()> {
    let games = Games::load(run)?;
    if games.won.is_empty() {
        return Ok(());
    }
    let ratings = plot::ratings(&run.join("ratings.png"), &games);
    plot::cross_play(&run.join("games.png"), &games).and(ratings)
}
