//! `apprentice eval`

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};

use super::dataset::episode_of;
use super::{Failure, Output};
use crate::policies::{AttackKind, Policy, PolicyError, resolve_policy_dir};
use crate::rollout::{Evaluation, Player, evaluate, evaluation_seeds, normalized_score, trace_policy};
use crate::scenes::{Scene, find};
use crate::teleop::Skill;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice eval --policy runs/slalom --scene slalom
  apprentice eval --policy runs/slalom/best --scene slalom --episodes 200 --seed 7 --json
  apprentice eval --policy runs/slalom --scene slalom --attack pgd --epsilon 0.1
  apprentice eval --operator hasty --scene slalom")]
pub struct EvalArguments {
    /// A policy folder, or a run folder (its best policy)
    #[arg(long, required_unless_present = "operator")]
    policy: Option<PathBuf>,
    /// Evaluate a scripted operator instead: steady, hasty or sloppy
    #[arg(long, conflicts_with = "policy")]
    operator: Option<String>,
    /// A built-in scene or the path of a .ron file
    #[arg(long)]
    scene: String,
    /// How many episodes, each with a seed of its own
    #[arg(long, default_value_t = 100)]
    episodes: usize,
    /// Seed that the episodes' seeds derive from; recordings never use the same
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Let every episode last so many seconds, whatever happens in it, and count what was earned until then; to compare
    /// with learners of inferred rewards
    #[arg(long, value_name = "SECONDS")]
    horizon: Option<f32>,
    /// Attack the policy through its observations: noise, fgsm or pgd
    #[arg(long, conflicts_with = "operator", requires = "epsilon", value_parser = AttackKind::from_str)]
    attack: Option<AttackKind>,
    /// How far the attack moves each observed number at most, in standard deviations of the demonstrations
    #[arg(long, requires = "attack", allow_negative_numbers = true)]
    epsilon: Option<f32>,
    /// Show the policy this episode, DATASET:NUMBER, of what to do (for policies of `train one-shot`)
    #[arg(long, conflicts_with = "operator", value_name = "DATASET:NUMBER")]
    demonstration: Option<String>,
    /// Draw the lines of the first twelve episodes into this PNG file
    #[arg(long, conflicts_with = "operator")]
    plot: Option<PathBuf>,
}

/// Load the policy in a policy or run folder.
pub fn load_policy(path: &Path) -> Result<Policy, Failure> {
    resolve_policy_dir(path).and_then(|dir| Policy::load(&dir)).map_err(Failure::failed)
}

/// The policy, shown an episode of a dataset.
fn shown(policy: Policy, which: &str) -> Result<Policy, Failure> {
    let episode = episode_of("--demonstration", which)?;
    let seen = episode.seen_as(&policy.config().observation).map_err(|differences| {
        let differences: Vec<String> = differences.iter().map(ToString::to_string).collect();
        Failure::bad_use(anyhow!("the policy cannot be shown {which}: it {}", differences.join("; it ")))
    })?;
    policy.shown(&seen).map_err(Failure::bad_use)
}

/// A policy that does not fit is bad use; anything else failed.
pub fn misfit(error: PolicyError) -> Failure {
    Failure::bad_use(error)
}

/// Evaluate with a progress bar.
pub fn play(
    scene: &Scene,
    player: Player,
    seeds: &[u64],
    output: &Output,
    what: &'static str,
) -> Result<Evaluation, Failure> {
    let bar = output.bar(seeds.len() as u64, what);
    let evaluation = evaluate(scene, player, seeds, 0, |n| bar.set_position(n as u64)).map_err(misfit);
    bar.finish_and_clear();
    evaluation
}

pub fn run(arguments: &EvalArguments, output: &Output) -> Result<(), Failure> {
    let mut scene = find(&arguments.scene).map_err(Failure::bad_use)?;
    if let Some(seconds) = arguments.horizon {
        let ticks = (seconds / scene.blueprint.control_dt()).round();
        if !(1.0..=1e6).contains(&ticks) {
            return Err(Failure::bad_use(anyhow!("--horizon is {seconds} s; give at least a tick, at most 1,000,000")));
        }
        scene = scene.with_horizon(ticks as u64);
    }
    if arguments.episodes == 0 {
        return Err(Failure::bad_use(anyhow!("--episodes is 0; give at least 1")));
    }
    let mut drawn = None;
    let (player, name) = match (&arguments.policy, &arguments.operator) {
        (Some(path), _) => {
            let mut policy = load_policy(path)?;
            let mut name = path.display().to_string();
            if let Some(which) = &arguments.demonstration {
                policy = shown(policy, which)?;
                name = format!("{name} shown {which}");
            }
            if let (Some(kind), Some(epsilon)) = (arguments.attack, arguments.epsilon) {
                policy = policy.attacked(kind, epsilon).map_err(Failure::bad_use)?;
                name = format!("{name} under {kind} of {epsilon}");
            }
            drawn = arguments.plot.as_ref().map(|path| (path, policy.clone()));
            (Player::Policy(Box::new(policy)), name)
        }
        (None, Some(name)) => {
            let skill: Skill = name.parse().map_err(Failure::bad_use)?;
            (Player::Operator(skill), skill.to_string())
        }
        (None, None) => return Err(Failure::bad_use(anyhow!("give --policy or --operator"))),
    };
    let seeds = evaluation_seeds(arguments.seed, arguments.episodes);
    let evaluation = play(&scene, player, &seeds, output, "evaluating")?;
    let random = play(&scene, Player::Random, &seeds, output, "random")?;
    let operator = scene
        .blueprint
        .operator(Skill::Steady)
        .map(|_| play(&scene, Player::Operator(Skill::Steady), &seeds, output, "operator"))
        .transpose()?;
    let score =
        operator.as_ref().and_then(|o| normalized_score(evaluation.return_mean, o.return_mean, random.return_mean));
    print(output, &scene, &name, &evaluation, score);
    if let Some((out, policy)) = drawn {
        let traces = seeds.iter().take(12).map(|seed| trace_policy(&scene, policy.clone(), *seed).map_err(misfit));
        let traces = traces.collect::<Result<Vec<_>, _>>()?;
        super::plot::lines(out, &format!("{name} on {}", scene.name), &[], &traces).map_err(Failure::Failed)?;
    }
    output.object(&object(&scene, &evaluation, score, random.return_mean, operator.map(|o| o.return_mean)));
    Ok(())
}

fn print(output: &Output, scene: &Scene, name: &str, evaluation: &Evaluation, score: Option<f64>) {
    let (low, high) = evaluation.success_ci95;
    output.line(format_args!("{name} on {} over {} unseen seeds", scene.name, evaluation.episodes));
    output.line(format_args!(
        "  success          {:.1} % (95 % interval {:.1} to {:.1} %)",
        100.0 * evaluation.success_rate,
        100.0 * low,
        100.0 * high
    ));
    output.line(format_args!("  return           {:.3}", evaluation.return_mean));
    if let Some(score) = score {
        output.line(format_args!("  normalised score {score:.3} (0 random, 1 steady operator)"));
    }
    output.line(format_args!("  episode length   {:.1} s", evaluation.seconds_mean));
    for term in &evaluation.terms {
        output.line(format_args!("  {:<16} {:.3}", term.name, term.mean));
    }
    for (end, count) in &evaluation.ends {
        output.line(format_args!("  {count:>4} x {end}"));
    }
}

fn object(scene: &Scene, e: &Evaluation, score: Option<f64>, random: f64, operator: Option<f64>) -> Value {
    json!({
        "scene": scene.name,
        "episodes": e.episodes,
        "success_rate": e.success_rate,
        "success_ci95": e.success_ci95,
        "return_mean": e.return_mean,
        "normalized_score": score,
        "random_return_mean": random,
        "operator_return_mean": operator,
        "episode_seconds_mean": e.seconds_mean,
        "terms": e.terms,
        "ends": e.ends,
    })
}
