//! Training in the background while the scene runs.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bevy::ecs::prelude::*;

use super::background_training::{BackgroundTraining, TrainingEvent, UnsavedPolicy};
use super::commands::Command;
use super::scene_policies::ScenePolicies;
use super::session::Session;
use super::take_over::set_policy;
use crate::demos::Dataset;
use crate::learn::{
    DataConfig, Outcome, Progress, RunInfo, RunOptions, StepReport, TrainSummary, TrainingData, ValidationReport,
    defaults, train_on_dataset,
};
use crate::policies::Policy;
use crate::scenes::file_name;

/// The name of the policy of a run in progress.
const SO_FAR: &str = "in training";

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

    fn validated(&mut self, report: &ValidationReport, policy: &Policy) {
        let (step, loss, policy) = (report.step, report.validation.loss, Box::new(policy.clone()));
        let _ = self.0.send(TrainingEvent::Validated { step, loss, best: report.best, policy });
    }

    fn trained(&mut self, policy: &Policy) {
        let _ = self.0.send(TrainingEvent::Trained(Box::new(policy.clone())));
    }
}

/// Start training on the scene's dataset.
pub(super) fn start(world: &mut World) {
    if world.resource::<BackgroundTraining>().running {
        world.resource_mut::<Session>().notify_error("training is already running");
        return;
    }
    if world.resource::<BackgroundTraining>().unsaved.is_some() {
        let text = "save (Enter) or discard (Backspace) the last policy first, which could not be saved";
        world.resource_mut::<Session>().notify_error(text);
        return;
    }
    let session = world.resource::<Session>();
    let scene_hash = session.scene.hash();
    let (dir, runs, scene) = (session.dataset_dir(), session.options.runs.clone(), session.scene.name.clone());
    if session.episodes == 0 {
        let mut session = world.resource_mut::<Session>();
        let key = session.key_name(Command::Record);
        session.notify_error(format!("the dataset is empty: record some episodes first ({key})"));
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
        scene,
        unsaved: None,
        scene_hash,
        run: run.clone(),
        newest: None,
        since: None,
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
pub(super) fn unused_run(runs: &Path, scene: &str) -> PathBuf {
    let name = file_name(scene);
    (1..).map(|n: u32| runs.join(format!("{name}-{n}"))).find(|dir| !dir.exists()).unwrap_or_else(|| runs.join(name))
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
                training.since.get_or_insert_with(|| (Instant::now(), step));
                training.losses.push((step as f32, loss));
            }
            TrainingEvent::Validated { step, loss, best, policy } => {
                training.validation_losses.push((step as f32, loss));
                if best || training.newest.is_none() {
                    training.newest = Some((*policy).clone());
                }
                load_policy_so_far(world, step, *policy);
            }
            TrainingEvent::Trained(policy) => {
                training.newest.get_or_insert(*policy);
            }
            TrainingEvent::Failed(error) => {
                training.running = false;
                training.events = None;
                keep_unsaved_policy(world, error);
            }
            TrainingEvent::Finished(summary) => {
                training.running = false;
                training.events = None;
                training.newest = None;
                load_trained_policy(world, &summary);
            }
        }
    }
}

/// Load the policy of a validation, so that it can drive while training goes on.
fn load_policy_so_far(world: &mut World, step: u64, policy: Policy) {
    let session = world.resource::<Session>();
    let training = world.resource::<BackgroundTraining>();
    let of_this_run = session.policy.is_none() || session.policy_name.starts_with(SO_FAR);
    if training.scene_hash != session.scene.hash() || !of_this_run {
        return;
    }
    if let Err(error) = set_policy(world, policy, format!("{SO_FAR}, step {step}")) {
        world.resource_mut::<Session>().notify_error(error.to_string());
    }
}

/// After an error, keep the policy that training has reached in memory.
fn keep_unsaved_policy(world: &mut World, error: String) {
    let mut training = world.resource_mut::<BackgroundTraining>();
    let Some(policy) = training.newest.take() else {
        world.resource_mut::<Session>().notify_error(format!("training failed: {error}"));
        return;
    };
    let (scene, run) = (training.scene_hash, training.run.clone());
    let unsaved = UnsavedPolicy { policy: policy.clone(), scene, run, error: error.clone() };
    let name = unsaved.name();
    training.unsaved = Some(unsaved);
    let mut session = world.resource_mut::<Session>();
    let folder = session.key_name(Command::Folder);
    session.notify_error(format!(
        "training stopped: {error}; its policy is still here: Enter saves it, {folder} saves it into another folder, \
         Backspace discards it"
    ));
    if session.scene.hash() == scene
        && let Err(error) = set_policy(world, policy, name)
    {
        world.resource_mut::<Session>().notify_error(error.to_string());
    }
}

fn load_trained_policy(world: &mut World, summary: &TrainSummary) {
    let training = world.resource::<BackgroundTraining>();
    let (scene, name, run) = (training.scene_hash, training.scene.clone(), training.run.clone());
    let how = if summary.outcome == Outcome::Interrupted { "stopped" } else { "finished" };
    world.resource_mut::<ScenePolicies>().remember(scene, run.clone());
    if world.resource::<Session>().scene.hash() != scene {
        let text = format!("training for {name} {how} after {:.0} s; its policy waits in that scene", summary.seconds);
        world.resource_mut::<Session>().notify(text);
        return;
    }
    let result =
        Policy::load(&summary.policy_dir).and_then(|policy| set_policy(world, policy, run.display().to_string()));
    let mut session = world.resource_mut::<Session>();
    let key = session.key_name(Command::Policy);
    match result {
        Ok(()) => {
            session.notify(format!("training {how} after {:.0} s; {key} hands over to the policy", summary.seconds))
        }
        Err(error) => session.notify_error(error.to_string()),
    }
}
