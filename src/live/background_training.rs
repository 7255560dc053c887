//! The state of the training in the background.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bevy::ecs::prelude::*;

use crate::learn::TrainSummary;
use crate::policies::Policy;

/// An event of the training thread.
#[derive(Debug)]
pub enum TrainingEvent {
    /// Training has started.
    Started {
        /// The total number of steps.
        total_steps: u64,
    },
    /// A line for the user, such as the number of failed episodes that are left out.
    Message(String),
    /// The report of a training step.
    Stepped {
        /// The step.
        step: u64,
        /// The training loss.
        loss: f32,
    },
    /// The report of a validation.
    Validated {
        /// The step.
        step: u64,
        /// The validation loss.
        loss: f32,
        /// Whether it is the best so far.
        best: bool,
        /// The policy of this step.
        policy: Box<Policy>,
    },
    /// The policy of the last step, before it is saved.
    Trained(Box<Policy>),
    /// Training has finished or was stopped.
    Finished(TrainSummary),
    /// Training has failed with this error.
    Failed(String),
}

/// The state of the training thread.
#[derive(Resource, Default)]
pub struct BackgroundTraining {
    /// Whether the thread is running.
    pub running: bool,
    /// The last reported step.
    pub step: u64,
    /// The total number of steps.
    pub total_steps: u64,
    /// What training reported about its data, such as the number of failed episodes that are left out.
    pub messages: Vec<String>,
    /// Step and training loss, for the plot.
    pub losses: Vec<(f32, f32)>,
    /// Step and validation loss, for the plot.
    pub validation_losses: Vec<(f32, f32)>,
    /// Name of the scene that is trained for.
    pub scene: String,
    /// The trained policy that could not be saved, until it is.
    pub unsaved: Option<UnsavedPolicy>,
    pub(super) scene_hash: u64,
    pub(super) run: PathBuf,
    /// The best policy so far, or else the newest, in case that it cannot be saved.
    pub(super) newest: Option<Policy>,
    /// Time and step of the first report.
    pub(super) since: Option<(Instant, u64)>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) events: Option<Mutex<Receiver<TrainingEvent>>>,
}

impl BackgroundTraining {
    /// Request training to stop. The policy trained so far is saved.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Steps per second; `None` before it can be estimated.
    pub fn rate(&self) -> Option<f64> {
        let (at, first) = self.since?;
        let seconds = at.elapsed().as_secs_f64();
        (seconds > 0.5 && self.step > first).then(|| (self.step - first) as f64 / seconds)
    }

    /// Seconds until the last step; `None` before it can be estimated.
    pub fn seconds_left(&self) -> Option<f64> {
        self.rate().map(|rate| self.total_steps.saturating_sub(self.step) as f64 / rate)
    }
}

impl Drop for BackgroundTraining {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A trained policy that could not be written. It can drive, and is lost when the program ends.
#[derive(Clone, Debug)]
pub struct UnsavedPolicy {
    /// The policy.
    pub policy: Policy,
    /// The hash of the scene that it was trained for.
    pub scene: u64,
    /// The run's folder.
    pub run: PathBuf,
    /// Why it could not be written.
    pub error: String,
}

impl UnsavedPolicy {
    /// Its name on the screen.
    pub fn name(&self) -> String {
        format!("step {}, not saved", self.policy.config().provenance.steps)
    }
}
