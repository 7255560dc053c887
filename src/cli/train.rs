//! `apprentice train`

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::anyhow;
use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::acting::{self, ActingArguments};
use super::bco::{self, BcoArguments};
use super::dagger::{self, DaggerArguments};
use super::exit::interrupted_with_result;
use super::inferring::{self, InferringArguments};
use super::plot::{Curve, curves};
use super::self_play::{self, SelfPlayArguments};
use super::{Failure, Output, stop};
use crate::demos::Dataset;
use crate::learn::{
    Base, DeviceChoice, LearnerKind, Outcome, Progress, RunInfo, RunOptions, StepReport, TrainConfig, TrainError,
    TrainSummary, TrainingData, ValidationReport, select, train,
};
use crate::live::training_data;
use crate::policies::{HeadKind, Policy, artifact, resolve_policy_dir};
use crate::scenes::{Scene, find};
use crate::spaces::Layout;

#[derive(Args, Debug)]
pub struct TrainArguments {
    #[command(subcommand)]
    learner: LearnerCommand,
}

#[derive(Subcommand, Debug)]
#[command(after_help = EXAMPLES)]
enum LearnerCommand {
    /// Behaviour cloning: supervised learning of the demonstrator's actions, with any network and head
    Bc(RunArguments),
    /// Behaviour cloning of a distribution over the next actions: a mixture of Gaussians over 10 ticks
    BehaviorPrediction(RunArguments),
    /// Behaviour cloning with a conditional variational autoencoder
    Vae(RunArguments),
    /// Diffusion policy: a chunk of actions is denoised step by step
    Diffusion(RunArguments),
    /// Dataset aggregation: drive, ask an expert about what was met, learn again
    Dagger(DaggerArguments),
    /// Cloning from observation alone: actions are inferred by a model of what actions do, learned by acting
    Bco(BcoArguments),
    /// A generator of actions that learns against a discriminator
    Gan(RunArguments),
    /// The same, which matches the mean of what the discriminator sees in the demonstrations
    FeatureMatching(RunArguments),
    /// One policy for many tasks, which is shown one demonstration of what to do (`eval --demonstration`)
    OneShot(RunArguments),
    /// Action chunking with transformers
    Act(RunArguments),
    /// Reinforcement learning from the task's own reward: proximal policy optimisation
    Ppo(ActingArguments),
    /// Reinforcement learning by the plain policy gradient, to compare with
    Reinforce(ActingArguments),
    /// Reinforcement learning over keys: deep Q-learning, double, dueling, with prioritised replay
    Dqn(ActingArguments),
    /// Generative adversarial imitation: reinforcement learning of what tells the demonstrations from the agent
    Gail(InferringArguments),
    /// The same through a bottleneck, for a judge that cannot tell by what does not matter
    Vail(InferringArguments),
    /// The same by a reward of the state alone, which serves on other courses, too
    Airl(InferringArguments),
    /// The same by what happens instead of what is done (no actions needed), mixed with the task's reward
    Amp(InferringArguments),
    /// Maximum-entropy inverse reinforcement learning, with a network
    MaxentIrl(InferringArguments),
    /// Two sides of a game that learn against each other's past: tag
    SelfPlay(SelfPlayArguments),
    /// Weights of named features by which the demonstrator does best, found by projection
    Apprenticeship(InferringArguments),
}

const EXAMPLES: &str = "Examples:
  apprentice train bc --dataset demos/slalom --run runs/slalom
  apprentice train bc --dataset demos/slalom --run runs/wide --set network.hidden=[512,512] --set training.steps=8000
  apprentice train bc --dataset demos/slalom --run runs/gru --set network.kind=gru --set network.history=16
  apprentice train diffusion --dataset demos/slalom --run runs/diffusion
  apprentice train bc --dataset demos/slalom --dataset demos/parking --run runs/both
  apprentice train bc --dataset demos/truck --init-from runs/circuit --run runs/truck --set init.lora_rank=3
  apprentice train bc --dataset demos/parking --init-from runs/slalom --earlier demos/slalom --run runs/both
  apprentice train bc --dataset demos/slalom --run runs/slalom --resume
  tensorboard --logdir runs";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct RunArguments {
    /// The demonstrations; given several times, of several scenes, one policy learns all of them
    #[arg(long = "dataset", value_name = "DATASET", required = true)]
    pub datasets: Vec<PathBuf>,
    /// Earlier demonstrations that are not to be forgotten (see `continual.method`); may be given several times
    #[arg(long, value_name = "DATASET")]
    pub earlier: Vec<PathBuf>,
    #[command(flatten)]
    pub settings: SettingArguments,
}

/// What every way of training is told.
#[derive(Args, Debug)]
pub struct SettingArguments {
    /// Begin from this policy or run instead of from chance
    #[arg(long, value_name = "POLICY")]
    pub init_from: Option<PathBuf>,
    /// The run's folder: configuration, event file, checkpoints, best and last policy
    #[arg(long)]
    pub run: PathBuf,
    /// A TOML file with settings; a run's config.toml lists them all
    #[arg(long)]
    config: Option<PathBuf>,
    /// One setting, such as optimizer.learning_rate=3e-4; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// cpu, gpu, or auto (measures both and takes the faster)
    #[arg(long, default_value = "cpu")]
    pub device: DeviceChoice,
    /// Seed of weights, order, split and noise; the same as --set training.seed=N
    #[arg(long)]
    seed: Option<u64>,
    /// Go on with the run in --run where it stopped
    #[arg(long)]
    pub resume: bool,
}

/// Whether this setting is given by itself, not by an option of its own.
pub fn names(set: &[String], key: &str) -> bool {
    set.iter().any(|set| set.split('=').next().is_some_and(|name| name.trim() == key))
}

/// Refuse a setting that an option of its own gives, too.
pub fn said_once(set: &[String], given: bool, option: &str, key: &str) -> Result<(), Failure> {
    if given && names(set, key) {
        return Err(Failure::bad_use(anyhow!("{option} sets {key} already; leave --set {key} out")));
    }
    Ok(())
}

/// Refuse the first of these settings, each of which begins with its dotted key, that nothing would come of in `train
/// COMMAND`.
pub fn all_read<'a>(
    kind: LearnerKind,
    command: &str,
    mut set: impl Iterator<Item = &'a String>,
) -> Result<(), Failure> {
    let unread = |set: &'a String| {
        let (section, _) = set.trim_start().split_once('.')?;
        (section != command && !kind.reads(section)).then_some(section)
    };
    let found = set.find_map(|set| Some((unread(set)?, set)));
    found.map_or(Ok(()), |(section, set)| {
        Err(Failure::bad_use(anyhow!("train {command} does not read {section}.*; leave {set} out")))
    })
}

pub fn run(arguments: &TrainArguments, output: &Output) -> Result<(), Failure> {
    let (kind, arguments) = match &arguments.learner {
        LearnerCommand::Dagger(arguments) => return dagger::run(arguments, output),
        LearnerCommand::Bco(arguments) => return bco::run(arguments, output),
        LearnerCommand::Bc(arguments) => (LearnerKind::BehaviourCloning, arguments),
        LearnerCommand::BehaviorPrediction(arguments) => (LearnerKind::BehaviorPrediction, arguments),
        LearnerCommand::Vae(arguments) => (LearnerKind::Vae, arguments),
        LearnerCommand::Diffusion(arguments) => (LearnerKind::Diffusion, arguments),
        LearnerCommand::Gan(arguments) => (LearnerKind::Gan, arguments),
        LearnerCommand::FeatureMatching(arguments) => (LearnerKind::FeatureMatching, arguments),
        LearnerCommand::OneShot(arguments) => (LearnerKind::OneShot, arguments),
        LearnerCommand::Act(arguments) => (LearnerKind::Act, arguments),
        LearnerCommand::Ppo(arguments) => return acting::run(LearnerKind::Ppo, arguments, output),
        LearnerCommand::Reinforce(arguments) => return acting::run(LearnerKind::Reinforce, arguments, output),
        LearnerCommand::Dqn(arguments) => return acting::run(LearnerKind::Dqn, arguments, output),
        LearnerCommand::Gail(arguments) => return inferring::run(LearnerKind::Gail, arguments, output),
        LearnerCommand::Vail(arguments) => return inferring::run(LearnerKind::Vail, arguments, output),
        LearnerCommand::Airl(arguments) => return inferring::run(LearnerKind::Airl, arguments, output),
        LearnerCommand::MaxentIrl(arguments) => return inferring::run(LearnerKind::MaxentIrl, arguments, output),
        LearnerCommand::Apprenticeship(arguments) => {
            return inferring::run(LearnerKind::Apprenticeship, arguments, output);
        }
        LearnerCommand::SelfPlay(arguments) => return self_play::run(arguments, output),
        LearnerCommand::Amp(arguments) => return inferring::run(LearnerKind::Amp, arguments, output),
    };
    learn(kind, arguments, output)
}

/// The settings that a method begins from, with what a file and the command line of `train COMMAND` change. A resumed run
/// keeps its `own` unless told others, which the run then refuses by name.
pub fn settings(
    mut defaults: TrainConfig,
    command: &str,
    arguments: &SettingArguments,
    own: &Path,
) -> Result<TrainConfig, Failure> {
    let kind = defaults.training.learner;
    let mut overrides = arguments.set.clone();
    all_read(kind, command, overrides.iter())?;
    said_once(&arguments.set, arguments.seed.is_some(), "--seed", "training.seed")?;
    said_once(&arguments.set, arguments.init_from.is_some(), "--init-from", "init.from")?;
    overrides.extend(arguments.seed.map(|seed| format!("training.seed={seed}")));
    let own = (arguments.resume && own.is_file()).then(|| own.to_owned());
    let file = arguments.config.clone().or(own);
    if let Some(from) = &arguments.init_from {
        // A policy of another shape could pass little on.
        let base = resolve_policy_dir(from).and_then(|dir| artifact::read_config(&dir)).map_err(Failure::bad_use)?;
        if kind == LearnerKind::BehaviourCloning || base.head.kind == defaults.head.kind {
            defaults.head = base.head;
        }
        defaults.network = base.network;
        let from = fs::canonicalize(from).unwrap_or_else(|_| from.clone());
        defaults.init.from = from.display().to_string();
    }
    let begun_from = defaults.init.from.clone();
    let mut config = defaults.changed(file.as_deref(), &overrides).map_err(Failure::bad_use)?;
    if arguments.init_from.is_some() && config.init.from != begun_from {
        if arguments.resume {
            let from = if config.init.from.is_empty() { "chance" } else { &config.init.from };
            return Err(Failure::bad_use(anyhow!("the run began from {from}; leave --init-from out to go on with it")));
        }
        // Another run's settings, given as a file, may name what that one began from.
        config.init.from = begun_from;
    }
    let asked = config.training.learner.name();
    if asked != kind.name() {
        return Err(Failure::bad_use(anyhow!(
            "the settings are those of `train {asked}`, not of `train {}`; use that command, or leave training.learner out",
            kind.name()
        )));
    }
    Ok(config)
}

fn learn(kind: LearnerKind, arguments: &RunArguments, output: &Output) -> Result<(), Failure> {
    let settings_of = &arguments.settings;
    let config = settings(kind.defaults(), kind.name(), settings_of, &settings_of.run.join("config.toml"))?;
    let (data, options, device) = prepare(&config, arguments, output)?;
    let summary = with_bar(Some(Curve::Loss), &options, output, |bar| train(&config, &data, &options, bar))?;
    let best = summary.best_loss.map_or("validation loss not measured".to_owned(), |loss| {
        format!("best validation loss {loss:.5} at step {}", summary.best_step)
    });
    let numbers = json!({ "best_loss": summary.best_loss, "best_step": summary.best_step });
    told(&summary, (&best, numbers), &settings_of.run, &device, output)
}

/// The policy that a run begins from, or began from.
pub fn base_of(config: &TrainConfig, arguments: &SettingArguments) -> Result<Option<Base>, Failure> {
    Base::load(config).map_err(|error| {
        let gone = !config.init.from.is_empty() && !Path::new(&config.init.from).exists();
        let began_so = !arguments.set.iter().any(|set| set.trim_start().starts_with("init."));
        if arguments.resume && arguments.run.is_dir() && gone && began_so {
            return Failure::bad_use(anyhow!(
                "the run began from another policy, without which it cannot go on: {error}"
            ));
        }
        Failure::bad_use(error)
    })
}

/// Say what of the policy that it begins from is taken over.
pub fn told_base(base: &Base, config: &TrainConfig, (observation, action): (&Layout, &Layout), output: &Output) {
    let transfer = base.transfer(observation, action);
    output.line(format_args!("begins from {}: {} fields are the same", config.init.from, transfer.kept.len()));
    let [learned, wanted] = [&base.config().head, &config.head];
    if base.config().network != config.network {
        output.line("  the network is another: layers of another shape begin anew");
    }
    if [learned.kind, wanted.kind] == [HeadKind::SquaredError, HeadKind::Gaussian] && learned.chunk == wanted.chunk {
        output.line("  what it decides is taken for the mean of a Gaussian, which begins as wide as what was shown");
    } else if learned != wanted {
        output.line("  the head is another: layers of another shape begin anew");
    }
    for (fields, what) in [(&transfer.new, "new"), (&transfer.dropped, "left out")] {
        if !fields.is_empty() {
            output.line(format_args!("  {what}: {}", fields.join(", ")));
        }
    }
}

/// Say what came of it, and how good the best policy is, in words and in numbers.
pub fn told(
    summary: &TrainSummary,
    (best, numbers): (&str, Value),
    run: &Path,
    device: &DeviceChoice,
    output: &Output,
) -> Result<(), Failure> {
    output.line(format_args!(
        "{} after {} steps ({:.0} s); {best}",
        match summary.outcome {
            Outcome::Finished => "finished",
            Outcome::StoppedEarly => "no further improvement",
            Outcome::Interrupted => "interrupted",
        },
        summary.steps,
        summary.seconds
    ));
    output.line(format_args!("policy: {}", summary.policy_dir.display()));
    let mut object = json!({
        "run": run,
        "policy": summary.policy_dir,
        "outcome": format!("{:?}", summary.outcome),
        "steps": summary.steps,
        "seconds": summary.seconds,
        "device": device.to_string(),
    });
    if let (Some(object), Value::Object(numbers)) = (object.as_object_mut(), numbers) {
        object.extend(numbers);
    }
    output.object(&object);
    if summary.outcome == Outcome::Interrupted {
        return Err(interrupted_with_result("go on with --resume"));
    }
    Ok(())
}

/// The demonstrations that the command line names, and how to train on them; says on which device, and what is taken
/// over from an earlier policy.
pub fn prepare(
    config: &TrainConfig,
    arguments: &RunArguments,
    output: &Output,
) -> Result<(TrainingData, RunOptions, DeviceChoice), Failure> {
    if !arguments.earlier.is_empty() && config.init.from.is_empty() {
        return Err(Failure::bad_use(anyhow!(
            "--earlier keeps what a policy learned before; name that policy with --init-from, or give all \
             demonstrations with --dataset"
        )));
    }
    let data = load_data(&arguments.datasets)?;
    let earlier = if arguments.earlier.is_empty() { None } else { Some(Arc::new(load_data(&arguments.earlier)?)) };
    let device = select(arguments.settings.device, config, &data).map_err(Failure::failed)?;
    output.line(&device.reason);
    if let Some(base) = base_of(config, &arguments.settings)? {
        let transfer = base.transfer(&data.observation, &data.action);
        if transfer.kept.is_empty() {
            return Err(Failure::bad_use(anyhow!(
                "{} has no field in common with these demonstrations; leave --init-from out",
                config.init.from
            )));
        }
        told_base(&base, config, (&data.observation, &data.action), output);
    }
    let scenes: BTreeSet<&str> = data.facts.iter().map(|facts| facts.scene.as_str()).collect();
    let options = RunOptions {
        dir: arguments.settings.run.clone(),
        resume: arguments.settings.resume,
        stop: stop::on_interrupt(),
        device: device.device.clone(),
        scene: scenes.into_iter().collect::<Vec<_>>().join(", "),
        earlier,
    };
    Ok((data, options, device.choice))
}

/// The scene to act in: the one named, or that of the demonstrations.
pub fn scene_of(named: Option<&str>, data: &TrainingData) -> Result<Scene, Failure> {
    let scenes: BTreeSet<&str> = data.facts.iter().map(|facts| facts.scene.as_str()).collect();
    let scenes: Vec<&str> = scenes.into_iter().collect();
    let scene = match (named, &scenes[..]) {
        (Some(named), _) => named,
        (None, [own]) => own,
        (None, several) => {
            return Err(Failure::bad_use(anyhow!(
                "the demonstrations are of several scenes ({}); say with --scene in which to act",
                several.join(", ")
            )));
        }
    };
    let scene = find(scene).map_err(Failure::bad_use)?;
    acting::alone(&scene)?;
    Ok(scene)
}

/// All demonstrations in some datasets.
pub fn load_data(dirs: &[PathBuf]) -> Result<TrainingData, Failure> {
    let mut all: Option<TrainingData> = None;
    for dir in dirs {
        let dataset = Dataset::open(dir).map_err(Failure::failed)?;
        if dataset.is_empty() {
            return Err(Failure::failed(anyhow!("{} has no episodes; record some first", dir.display())));
        }
        let data = training_data(&dataset).map_err(Failure::failed)?;
        match &mut all {
            None => all = Some(data),
            Some(all) => all.join(&data).map_err(Failure::bad_use)?,
        }
    }
    all.ok_or_else(|| Failure::bad_use(anyhow!("give at least one --dataset")))
}

/// Draws the progress bar.
pub struct Bar(ProgressBar);

impl Bar {
    /// An empty bar.
    pub fn new(output: &Output) -> Self {
        Self(output.bar(0, "training"))
    }

    /// Take it off the screen.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}

/// What cannot be is bad use; what went wrong failed.
pub fn failure(error: TrainError) -> Failure {
    match error {
        TrainError::Config { .. } | TrainError::Resume { .. } | TrainError::Exists { .. } => Failure::bad_use(error),
        error => Failure::failed(error),
    }
}

impl Progress for Bar {
    fn started(&mut self, info: &RunInfo) {
        self.0.set_length(info.total_steps);
        self.0.set_position(info.first_step);
        self.0.reset_eta();
    }

    fn stepped(&mut self, report: &StepReport) {
        self.0.set_position(report.step);
    }

    fn validated(&mut self, report: &ValidationReport, _policy: &Policy) {
        self.0.set_message(match report.validation.episodes {
            Some((total, success)) => format!("return {total:.2}, success {:.0} %", 100.0 * success),
            None => format!("loss {:.4}", report.validation.loss),
        });
    }
}

/// Train with a progress bar, and draw what the run's event files tell.
pub fn with_bar(
    curve: Option<Curve>,
    options: &RunOptions,
    output: &Output,
    train: impl FnOnce(&mut Bar) -> Result<TrainSummary, TrainError>,
) -> Result<TrainSummary, Failure> {
    let mut progress = Bar::new(output);
    let summary = train(&mut progress);
    progress.clear();
    let summary = summary.map_err(failure)?;
    if let Some(Err(error)) = curve.map(|curve| curves(&options.dir, curve)) {
        bevy::log::warn!("no plot of the run: {error:#}");
    }
    Ok(summary)
}
