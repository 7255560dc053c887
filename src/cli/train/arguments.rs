//! The options of `apprentice train NAME`: the same for every learner; those that a learner does not read are hidden in its
//! help, and refused.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::anyhow;
use clap::error::ErrorKind;
use clap::{ArgMatches, Args, Command, FromArgMatches, Subcommand};

use crate::cli::Failure;
use crate::cli::overrides::training_seed;
use crate::learn::{DeviceChoice, LearnerSpec, Need, find_learner, learners};
use crate::teleop::Skill;

#[derive(Args, Debug)]
pub struct RunArguments {
    /// Demonstrations; may be given several times, also of several scenes, to train one policy on all of them
    #[arg(long = "dataset", value_name = "DATASET")]
    pub datasets: Vec<PathBuf>,
    /// Earlier demonstrations that must not be forgotten (see continual.method); may be given several times
    #[arg(long, value_name = "DATASET")]
    pub earlier: Vec<PathBuf>,
    /// Scene to act in: a built-in scene or the path of a .ron file
    #[arg(long)]
    pub scene: Option<String>,
    /// Train on the reward learned by this run (of train gail, airl, maxent-irl, ...) instead of the task's reward
    #[arg(long, value_name = "RUN")]
    pub reward: Option<PathBuf>,
    /// Scripted expert that labels observations: steady (the default), hasty or sloppy
    #[arg(long, value_parser = Skill::from_str)]
    pub expert: Option<Skill>,
    /// Start from this policy or run instead of from random initialization
    #[arg(long, value_name = "POLICY")]
    pub init_from: Option<PathBuf>,
    /// Folder of the run: configuration, TensorBoard file, checkpoints, best and last policy
    #[arg(long, required_unless_present = "print_config")]
    run: Option<PathBuf>,
    /// TOML file with settings, such as --print-config prints
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// One setting, such as optimizer.learning_rate=3e-4; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Print every setting with its documentation, default and range, as TOML, and exit
    #[arg(long)]
    pub print_config: bool,
    /// cpu, gpu, or auto (measures both and takes the faster)
    #[arg(long, default_value = "cpu")]
    pub device: DeviceChoice,
    /// Seed of initial weights, order, split and noise; the same as --set training.seed=N
    #[arg(long, value_parser = training_seed())]
    pub seed: Option<u64>,
    /// Resume the run in --run where it stopped
    #[arg(long)]
    pub resume: bool,
}

impl RunArguments {
    /// The folder of the run.
    pub fn run(&self) -> Result<&Path, Failure> {
        self.run.as_deref().ok_or_else(|| Failure::usage(anyhow!("--run is missing: name the folder of the run")))
    }

    /// The configuration that a resumed run was started with.
    pub fn own_config(&self) -> Option<PathBuf> {
        let path = self.run.as_ref()?.join("config.toml");
        (self.resume && path.is_file()).then_some(path)
    }
}

/// A learner of the registry, with its options.
#[derive(Debug)]
pub struct SelectedLearner {
    pub learner: &'static dyn LearnerSpec,
    pub arguments: RunArguments,
}

const EXAMPLES: &str = "Examples:
  apprentice train bc --help                   options and examples of a learner
  apprentice train bc --print-config           its settings, with documentation, defaults and ranges
  apprentice record --scene slalom --dataset demos/slalom
  apprentice train bc --dataset demos/slalom --run runs/slalom
  apprentice train ppo --scene slalom --run runs/ppo
  tensorboard --logdir runs";

/// The subcommand of a learner.
fn command(learner: &'static dyn LearnerSpec) -> Command {
    let requirements = learner.requirements();
    let examples: Vec<String> = learner.examples().iter().map(|example| format!("  {example}")).collect();
    let command = Command::new(learner.name())
        .about(learner.about())
        .after_help(format!("Examples:\n{}\n  tensorboard --logdir runs", examples.join("\n")));
    let dataset = if requirements.dataset == Need::No { requirements.episodes } else { requirements.dataset };
    let flag = |used: bool| if used { Need::Optional } else { Need::No };
    let needs = [
        ("datasets", dataset),
        ("scene", requirements.scene),
        ("earlier", flag(requirements.earlier)),
        ("reward", flag(requirements.reward)),
        ("expert", flag(requirements.expert)),
        ("device", flag(requirements.gpu)),
    ];
    needs.into_iter().fold(RunArguments::augment_args(command), |command, (name, need)| {
        command.mut_arg(name, |arg| match need {
            Need::No => arg.hide(true),
            Need::Optional => arg,
            Need::Required => arg.required_unless_present("print_config"),
        })
    })
}

impl Subcommand for SelectedLearner {
    fn augment_subcommands(parent: Command) -> Command {
        let parent = parent.subcommand_required(true).arg_required_else_help(true).after_help(EXAMPLES);
        learners().into_iter().fold(parent, |parent, learner| parent.subcommand(command(learner)))
    }

    fn augment_subcommands_for_update(parent: Command) -> Command {
        Self::augment_subcommands(parent)
    }

    fn has_subcommand(name: &str) -> bool {
        find_learner(name).is_ok()
    }
}

impl FromArgMatches for SelectedLearner {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let missing = || clap::Error::raw(ErrorKind::MissingSubcommand, "name a learner");
        let (name, matches) = matches.subcommand().ok_or_else(missing)?;
        let learner = find_learner(name).map_err(|error| clap::Error::raw(ErrorKind::InvalidSubcommand, error))?;
        Ok(Self { learner, arguments: RunArguments::from_arg_matches(matches)? })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
