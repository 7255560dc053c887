//! From the command line to a checked configuration.

use std::fs;
use std::path::Path;

use anyhow::anyhow;

use super::arguments::RunArguments;
use crate::cli::exit::Failure;
use crate::cli::overrides::{refuse_duplicate, sets};
use crate::learn::reinforcement::LearnedRewardConfig;
use crate::learn::{GivenInputs, LearnerSpec, TrainConfig};
use crate::policies::{artifact, resolve_policy_dir};

/// An absolute path, so that a run can be resumed from another folder.
fn absolute(path: &Path) -> Result<String, Failure> {
    let absolute = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    absolute.into_os_string().into_string().map_err(|path| {
        Failure::usage(anyhow!(
            "the path `{}` is not valid UTF-8, and settings are text; rename its folders, or copy it to another place",
            path.display()
        ))
    })
}

/// The settings of a run, in this order: the learner's defaults, those that other options imply, the run's own file where
/// it is resumed or `--config`, `--set`.
pub fn resolve(learner: &'static dyn LearnerSpec, arguments: &RunArguments) -> Result<TrainConfig, Failure> {
    let set = &arguments.set;
    refuse_duplicate(set, arguments.seed.is_some(), "--seed", "training.seed")?;
    refuse_duplicate(set, arguments.init_from.is_some(), "--init-from", "init.from")?;
    refuse_duplicate(set, arguments.reward.is_some(), "--reward", "reward.from")?;
    if arguments.reward.is_none() && sets(set, "reward.from") && learner.requirements().reward && !arguments.resume {
        return Err(Failure::usage(anyhow!(
            "give the reward with --reward, which also sets the defaults that go with it"
        )));
    }
    if sets(set, "reward.from") && !learner.requirements().reward {
        return Err(Failure::usage(anyhow!(
            "train {0} reads no learned reward; leave reward.from out, or use train ppo --reward",
            learner.name()
        )));
    }
    let reward = arguments.reward.as_deref().map(absolute).transpose()?;
    let mut defaults = TrainConfig::defaults(learner);
    learner.set_input_defaults(
        &mut defaults,
        &GivenInputs { reward: reward.as_deref(), demonstrations: !arguments.datasets.is_empty() },
    );
    if let Some(from) = &arguments.init_from {
        // A policy of another architecture could transfer little.
        let base = resolve_policy_dir(from).and_then(|dir| artifact::read_config(&dir)).map_err(Failure::usage)?;
        if learner.requirements().any_head || base.head.kind == defaults.head.kind {
            defaults.head = base.head;
        }
        defaults.network = base.network;
        defaults.init.from = absolute(from)?;
    }
    let init_from = defaults.init.from.clone();
    let mut overrides = set.clone();
    overrides.extend(arguments.seed.map(|seed| format!("training.seed={seed}")));
    let file = arguments.config.clone().or_else(|| arguments.own_config());
    let mut config = defaults.changed(file.as_deref(), &overrides).map_err(Failure::usage)?;
    if arguments.init_from.is_some() && config.init.from != init_from {
        if arguments.resume {
            let from = if config.init.from.is_empty() { "random initialization" } else { &config.init.from };
            return Err(Failure::usage(anyhow!("the run started from {from}; leave --init-from out to resume it")));
        }
        // The file of another run may name the policy that that run started from.
        config.init.from = init_from;
    }
    if let Some(from) = reward {
        let own = &mut config.get_mut::<LearnedRewardConfig>().from;
        if arguments.resume && *own != from {
            return Err(Failure::usage(anyhow!(
                "the run was started with another reward; leave --reward out to resume it"
            )));
        }
        *own = from;
    }
    Ok(config)
}
