//! Training in the background while the scene runs.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use bevy::ecs::prelude::*;

use super::session::Session;
use super::take_over::set_policy;
use crate::demos::Dataset;
use crate::learn::{
    DataConfig, Outcome, Progress, RunInfo, RunOptions, StepReport, TrainSummary, TrainingData, ValidationReport,
    defaults, train_on_dataset,
};
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
    },
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
    stop: Arc<AtomicBool>,
    events: Option<Mutex<Receiver<TrainingEvent>>>,
}

impl BackgroundTraining {
    /// Request training to stop. The policy trained so far is saved.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Drop for BackgroundTraining {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Sends the reports of the training loop to the session.
struct Reporter(Sender<TrainingEvent>);

impl Progress for Reporter {
    // A send fails only when the app is closing; the stop flag then ends training.
    fn message(&mut self, text: &str) {
        let _ = self.0.send(TrainingEvent::Message(text.to_owned()));
    }

    fn started(&mut self, info: &RunInfo) {
        let _ = self.0.send(TrainingEvent::Started { total_steps: info.total_steps });
    }

    fn stepped(&mut self, report: &StepReport) {
        let loss = report.metrics.iter().find(|m| m.tag.ends_with("loss")).map_or(f32::NAN, |m| m.value);
        let _ = self.0.send(TrainingEvent::Stepped { step: report.step, loss });
    }

    fn validated(&mut self, report: &ValidationReport, _policy: &Policy) {
        let _ = self.0.send(TrainingEvent::Validated { step: report.step, loss: report.validation.loss });
    }
}

/// Start training on the scene's dataset.
pub(super) fn start(world: &mut World) {
    if world.resource::<BackgroundTraining>().running {
        world.resource_mut::<Session>().notify_error("training is already running");
        return;
    }
    let session = world.resource::<Session>();
    let (dir, runs, scene) = (session.dataset_dir(), session.options.runs.clone(), session.scene.name.clone());
    if session.episodes == 0 {
        world.resource_mut::<Session>().notify_error("the dataset is empty: record some episodes first (R)");
        return;
    }
    let run = unused_run(&runs, &scene);
    let (sender, receiver) = channel();
    let stop = Arc::new(AtomicBool::new(false));
    let options = RunOptions { stop: stop.clone(), scene: scene.clone(), ..RunOptions::new(run.clone()) };
    let thread = std::thread::Builder::new().name("training".to_owned()).spawn(move || {
        let result = train(&dir, &options, &sender);
        let _ = sender.send(match result {
            Ok(summary) => TrainingEvent::Finished(summary),
            Err(error) => TrainingEvent::Failed(error),
        });
    });
    if let Err(error) = thread {
        world.resource_mut::<Session>().notify_error(format!("cannot start training: {error}"));
        return;
    }
    world.insert_resource(BackgroundTraining {
        running: true,
        step: 0,
        total_steps: 0,
        messages: Vec::new(),
        losses: Vec::new(),
        validation_losses: Vec::new(),
        stop,
        events: Some(Mutex::new(receiver)),
    });
    world.resource_mut::<Session>().notify(format!("training in the background into {}", run.display()));
}

fn train(dir: &Path, options: &RunOptions, sender: &Sender<TrainingEvent>) -> Result<TrainSummary, String> {
    let dataset = Dataset::open(dir).map_err(|e| e.to_string())?;
    let data = TrainingData::from_dataset(&dataset).map_err(|e| e.to_string())?;
    let mut config = defaults("bc");
    if dataset.len() < 2 {
        // A single episode cannot be split into training and validation episodes.
        config.get_mut::<DataConfig>().validation_fraction = 0.0;
    }
    // Leave one core to the simulation, which must not wait for a matrix product.
    let threads = std::thread::available_parallelism().map_or(1, usize::from).saturating_sub(1).max(1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|e| e.to_string())?;
    pool.install(|| train_on_dataset(&config, &data, options, &mut Reporter(sender.clone()))).map_err(|e| e.to_string())
}

/// The first run folder that does not exist: `<scene>-1`, `<scene>-2`, ...
fn unused_run(runs: &Path, scene: &str) -> PathBuf {
    (1..).map(|n: u32| runs.join(format!("{scene}-{n}"))).find(|dir| !dir.exists()).unwrap_or_else(|| runs.join(scene))
}

/// Receive the events of the training thread; at the end, load the trained policy.
pub(super) fn receive_training_events(world: &mut World) {
    let mut received = Vec::new();
    if let Some(events) = &world.resource::<BackgroundTraining>().events {
        received.extend(events.lock().unwrap_or_else(PoisonError::into_inner).try_iter());
    }
    for event in received {
        let mut training = world.resource_mut::<BackgroundTraining>();
        match event {
            TrainingEvent::Started { total_steps } => training.total_steps = total_steps,
            TrainingEvent::Message(text) => {
                bevy::log::info!("{text}");
                training.messages.push(text);
            }
            TrainingEvent::Stepped { step, loss } => {
                training.step = step;
                training.losses.push((step as f32, loss));
            }
            TrainingEvent::Validated { step, loss } => training.validation_losses.push((step as f32, loss)),
            TrainingEvent::Failed(error) => {
                training.running = false;
                training.events = None;
                world.resource_mut::<Session>().notify_error(format!("training failed: {error}"));
            }
            TrainingEvent::Finished(summary) => {
                training.running = false;
                training.events = None;
                load_trained_policy(world, &summary);
            }
        }
    }
}

fn load_trained_policy(world: &mut World, summary: &TrainSummary) {
    let name = summary.policy_dir.display().to_string();
    let result = Policy::load(&summary.policy_dir).and_then(|policy| set_policy(world, policy, name.clone()));
    let mut session = world.resource_mut::<Session>();
    match result {
        Ok(()) => {
            let how = if summary.outcome == Outcome::Interrupted { "stopped" } else { "finished" };
            session.notify(format!("training {how} after {:.0} s; P hands over to the policy", summary.seconds));
        }
        Err(error) => session.notify_error(error.to_string()),
    }
}
