//! `apprentice policy`

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use super::eval::load_policy;
use super::{Failure, Output};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice policy info runs/slalom
  apprentice policy merge runs/truck --out policies/truck")]
pub struct PolicyArguments {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Subcommand, Debug)]
enum PolicyCommand {
    /// What a policy sees and decides, and where it comes from
    Info {
        /// A policy folder, or a run folder (its best policy)
        policy: PathBuf,
    },
    /// Write an adapter and the network that it adapts as one ordinary policy
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
    output.line(format_args!("{}: drives a {}, {} weights", path.display(), config.agent, policy.parameters()));
    let learned_from = match from.dataset.as_str() {
        "" => format!("by acting in {}", from.scene),
        dataset => format!("from {dataset} ({})", from.scene),
    };
    output.line(format_args!("learned by {} {learned_from}, {} steps, seed {}", from.learner, from.steps, from.seed));
    let (network, head) = (&config.network, &config.head);
    let mut shape = vec![format!("network {}", word(&network.kind)), format!("head {}", word(&head.kind))];
    shape.extend((network.history > 1).then(|| format!("over {} ticks", network.history)));
    shape.extend((head.chunk > 1).then(|| format!("{} actions at once, {} carried out", head.chunk, head.execute)));
    shape.extend((network.shown > 0).then(|| "shown one demonstration".to_owned()));
    output.line(shape.join(", "));
    if let Some(adapter) = &config.adapter {
        output.line(format_args!("an adapter of rank {} on {}", adapter.rank, adapter.base.display()));
    }
    if !config.tasks.is_empty() {
        output.line(format_args!("tasks: {}", config.tasks.join(", ")));
    }
    for (what, layout) in [("sees", &config.observation), ("decides", &config.action)] {
        let fields: Vec<String> = layout.fields.iter().map(|f| format!("{}[{}]", f.name, f.size)).collect();
        output.line(format_args!("{what}: {}", fields.join(", ")));
    }
    output.object(&json!({ "policy": path, "parameters": policy.parameters(), "config": config }));
    Ok(())
}

/// A setting as it is written.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).map_or(String::new(), |value| value.as_str().unwrap_or_default().to_owned())
}

fn merge(path: &Path, out: &Path, output: &Output) -> Result<(), Failure> {
    let policy = load_policy(path)?;
    if policy.config().adapter.is_none() {
        return Err(Failure::bad_use(anyhow!(
            "{} is a whole policy already; only adapters are merged",
            path.display()
        )));
    }
    if out.exists() {
        return Err(Failure::bad_use(anyhow!("{} is there already; give another folder", out.display())));
    }
    policy.merged().save(out).map_err(Failure::failed)?;
    output.line(format_args!("policy: {}", out.display()));
    output.object(&json!({ "policy": out }));
    Ok(())
}
