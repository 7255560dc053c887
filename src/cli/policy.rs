//! `apprentice policy`

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{Args, Subcommand};
use serde_json::json;

use super::load::load_policy;
use super::{Failure, Output};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice record --scene slalom --dataset demos/slalom
  apprentice train bc --dataset demos/slalom --run runs/slalom
  apprentice policy info runs/slalom
  apprentice record --scene truck --episodes 4 --dataset demos/truck
  apprentice train bc --dataset demos/truck --init-from runs/slalom --run runs/truck --set init.lora_rank=5
  apprentice policy merge runs/truck --out policies/truck")]
pub struct PolicyArguments {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Subcommand, Debug)]
enum PolicyCommand {
    /// Print a policy's network, observation and action layouts, and provenance
    Info {
        /// A policy folder, or a run folder (its best policy)
        policy: PathBuf,
    },
    /// Merge a LoRA adapter into its base policy, and save the result as a policy of its own
    Merge {
        /// A policy folder, or a run folder (its best policy)
        policy: PathBuf,
        /// The folder to write
        #[arg(long)]
        out: PathBuf,
    },
}

pub fn run(arguments: &PolicyArguments, output: &Output) -> Result<(), Failure> {
    match &arguments.command {
        PolicyCommand::Info { policy } => info(policy, output),
        PolicyCommand::Merge { policy, out } => merge(policy, out, output),
    }
}

fn info(path: &Path, output: &Output) -> Result<(), Failure> {
    let policy = load_policy(path)?;
    let config = policy.config();
    let from = &config.provenance;
    output.line(format_args!(
        "{}: policy of a {}, {} parameters",
        path.display(),
        config.agent,
        policy.num_parameters()
    ));
    let source = match from.dataset.as_str() {
        "" => format!("by reinforcement learning in {}", from.scene),
        dataset => format!("on {dataset} ({})", from.scene),
    };
    output.line(format_args!("trained with {} {source}, {} steps, seed {}", from.learner, from.steps, from.seed));
    let (network, head) = (&config.network, &config.head);
    let mut shape = vec![format!("network {}", network.kind), format!("head {}", head.kind)];
    shape.extend((network.n_obs_steps > 1).then(|| format!("{} observation steps", network.n_obs_steps)));
    shape.extend(
        (head.chunk_size > 1)
            .then(|| format!("action chunks of {}, {} executed", head.chunk_size, head.n_action_steps)),
    );
    shape.extend((network.n_demonstration_frames > 0).then(|| "conditioned on one demonstration".to_owned()));
    output.line(shape.join(", "));
    if let Some(adapter) = &config.adapter {
        output.line(format_args!("LoRA adapter of rank {} on {}", adapter.rank, adapter.base.display()));
    }
    if !config.tasks.is_empty() {
        output.line(format_args!("tasks: {}", config.tasks.join(", ")));
    }
    for (name, layout) in [("observation", &config.observation), ("action", &config.action)] {
        let fields: Vec<String> = layout.fields.iter().map(|f| format!("{}[{}]", f.name, f.size)).collect();
        output.line(format_args!("{name}: {}", fields.join(", ")));
    }
    output.object(&json!({ "policy": path, "num_parameters": policy.num_parameters(), "config": config }));
    Ok(())
}

fn merge(path: &Path, out: &Path, output: &Output) -> Result<(), Failure> {
    let policy = load_policy(path)?;
    if policy.config().adapter.is_none() {
        return Err(Failure::usage(anyhow!("{} is not a LoRA adapter; there is nothing to merge", path.display())));
    }
    if out.exists() {
        return Err(Failure::usage(anyhow!("{} exists already; choose another folder", out.display())));
    }
    policy.merged().save(out).map_err(Failure::failed)?;
    output.line(format_args!("policy: {}", out.display()));
    output.object(&json!({ "policy": out }));
    Ok(())
}
