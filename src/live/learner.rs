//! Training in the background while the scene runs.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use bevy::ecs::prelude::*;

use super::data::training_data;
use super::session::{Session, adopt};
use crate::demos::Dataset;
use crate::learn::{
    Outcome, Progress, RunInfo, RunOptions, StepReport, TrainConfig, TrainSummary, ValidationReport, train,
};
use crate::policies::Policy;

/// News from the training thread.
#[derive(Debug)]
pub enum LearningEvent {
    /// Training has begun, with so many steps to go.
    Started(u64),
    /// So many steps are done, at this loss.
    Stepped(u64, f32),
    /// Validation loss after so many steps.
    Validated(u64, f32),
    /// Done.
    Finished(TrainSummary),
    /// Not done; why.
    Failed(String),
}

/// The training thread, and what is known of it.
#[derive(Resource, Default)]
pub struct Learning {
    /// Whether training goes on.
    pub running: bool,
    /// Steps done.
    pub step: u64,
    /// Steps in all.
    pub total: u64,
    /// Step and training loss, for a plot.
    pub losses: Vec<(f32, f32)>,
    /// Step and validation loss, for a plot.
    pub validations: Vec<(f32, f32)>,
    stop: Arc<AtomicBool>,
    news: Option<Mutex<Receiver<LearningEvent>>>,
}

impl Learning {
    /// Ask training to stop; what it has is kept.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Drop for Learning {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Hands the loop's reports to the scene.
struct Reporter(Sender<LearningEvent>);

impl Progress for Reporter {
    // A send only fails when the app is closing; the stop flag then ends training.
    fn started(&mut self, info: &RunInfo) {
        let _ = self.0.send(LearningEvent::Started(info.total_steps));
    }

    fn stepped(&mut self, report: &StepReport) {
        let loss = report.metrics.iter().find(|m| m.tag.ends_with("loss")).map_or(f32::NAN, |m| m.value);
        let _ = self.0.send(LearningEvent::Stepped(report.step, loss));
    }

    fn validated(&mut self, report: &ValidationReport, _policy: &Policy) {
        let _ = self.0.send(LearningEvent::Validated(report.step, report.validation.loss));
    }
}

/// Begin training on the scene's dataset.
pub(super) fn start(world: &mut World) {
    if world.resource::<Learning>().running {
        world.resource_mut::<Session>().complain("training is under way");
        return;
    }
    let session = world.resource::<Session>();
    let (dir, runs, scene) = (session.dataset_dir(), session.options.runs.clone(), session.scene.name.clone());
    if session.episodes == 0 {
        world.resource_mut::<Session>().complain("the dataset is empty: record some episodes first (R)");
        return;
    }
    let run = unused_run(&runs, &scene);
    let (sender, receiver) = channel();
    let stop = Arc::new(AtomicBool::new(false));
    let options = RunOptions { stop: stop.clone(), scene: scene.clone(), ..RunOptions::new(run.clone()) };
    let spawned = std::thread::Builder::new().name("learner".to_owned()).spawn(move || {
        let result = learn(&dir, &options, &sender);
        let _ = sender.send(match result {
            Ok(summary) => LearningEvent::Finished(summary),
            Err(error) => LearningEvent::Failed(error),
        });
    });
    if let Err(error) = spawned {
        world.resource_mut::<Session>().complain(format!("cannot start training: {error}"));
        return;
    }
    world.insert_resource(Learning {
        running: true,
        step: 0,
        total: 0,
        losses: Vec::new(),
        validations: Vec::new(),
        stop,
        news: Some(Mutex::new(receiver)),
    });
    world.resource_mut::<Session>().say(format!("training in the background into {}", run.display()));
}

fn learn(dir: &Path, options: &RunOptions, sender: &Sender<LearningEvent>) -> Result<TrainSummary, String> {
    let dataset = Dataset::open(dir).map_err(|e| e.to_string())?;
    let data = training_data(&dataset).map_err(|e| e.to_string())?;
    let mut config = TrainConfig::default();
    if dataset.len() < 2 {
        // One episode leaves none to validate with.
        config.data.validation_fraction = 0.0;
    }
    // One core stays free for the scene, which must not wait for a product of matrices.
    let threads = std::thread::available_parallelism().map_or(1, usize::from).saturating_sub(1).max(1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|e| e.to_string())?;
    pool.install(|| train(&config, &data, options, &mut Reporter(sender.clone()))).map_err(|e| e.to_string())
}

/// A run folder that is not taken: `<scene>-1`, `<scene>-2`, ...
fn unused_run(runs: &Path, scene: &str) -> PathBuf {
    (1..).map(|n: u32| runs.join(format!("{scene}-{n}"))).find(|dir| !dir.exists()).unwrap_or_else(|| runs.join(scene))
}

/// Take in what the training thread reports; a finished policy is put at hand.
pub(super) fn hear_from_training(world: &mut World) {
    let mut events = Vec::new();
    if let Some(news) = &world.resource::<Learning>().news {
        events.extend(news.lock().unwrap_or_else(PoisonError::into_inner).try_iter());
    }
    for event in events {
        let mut learning = world.resource_mut::<Learning>();
        match event {
            LearningEvent::Started(total) => learning.total = total,
            LearningEvent::Stepped(step, loss) => {
                learning.step = step;
                learning.losses.push((step as f32, loss));
            }
            LearningEvent::Validated(step, loss) => learning.validations.push((step as f32, loss)),
            LearningEvent::Failed(error) => {
                learning.running = false;
                learning.news = None;
                world.resource_mut::<Session>().complain(format!("training failed: {error}"));
            }
            LearningEvent::Finished(summary) => {
                learning.running = false;
                learning.news = None;
                offer(world, &summary);
            }
        }
    }
}

fn offer(world: &mut World, summary: &TrainSummary) {
    let name = summary.policy_dir.display().to_string();
    let adopted = Policy::load(&summary.policy_dir).and_then(|policy| adopt(world, policy, name.clone()));
    let mut session = world.resource_mut::<Session>();
    match adopted {
        Ok(()) => {
            let how = if summary.outcome == Outcome::Interrupted { "stopped" } else { "finished" };
            session.say(format!("training {how} after {:.0} s; P hands over to the policy", summary.seconds));
        }
        Err(error) => session.complain(error.to_string()),
    }
}
