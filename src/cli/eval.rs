//! `apprentice eval`

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};

use super::evaluation::evaluate_with_bar;
use super::load::{episode_of, load_policy};
use super::sides::{Matchup, check_side};
use super::{Failure, Output};
use crate::policies::{AttackKind, OutsideField, Policy};
use crate::rollout::{Evaluation, Player, evaluation_seeds, normalized_score, trace_policy};
use crate::scenes::{Scene, find};
use crate::sim::ParamDistribution;
use crate::teleop::Skill;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice eval --operator hasty --scene slalom
  apprentice record --scene slalom --dataset demos/slalom
  apprentice train bc --dataset demos/slalom --run runs/slalom
  apprentice eval --policy runs/slalom --scene slalom
  apprentice eval --policy runs/slalom/best --scene slalom --episodes 200 --seed 7 --json
  apprentice eval --policy runs/slalom --scene slalom --attack pgd --epsilon 0.1
  apprentice eval --policy runs/slalom --scene slalom --condition grip=0.5 --condition mass=0.8..1.5")]
pub struct EvalArguments {
    /// A policy folder, or a run folder (its best policy)
    #[arg(long, required_unless_present = "operator")]
    policy: Option<PathBuf>,
    /// Evaluate a scripted operator instead of a policy: steady, hasty or sloppy
    #[arg(long, conflicts_with = "policy")]
    operator: Option<String>,
    /// A built-in scene or the path of a .ron file
    #[arg(long)]
    scene: String,
    /// Number of episodes, each with its own seed
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    episodes: u64,
    /// Seed that the episodes' seeds are derived from; they never overlap with the seeds of recorded episodes
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Fixed horizon: every episode lasts this long, and success or failure does not end it. For comparison with policies
    /// trained on inferred rewards (gail, airl, ...)
    #[arg(long, value_name = "SECONDS")]
    horizon: Option<f32>,
    /// Change a physics parameter: a factor of grip, mass, friction or gravity, or an action delay in ticks. grip=0.5 is
    /// the same in every episode, grip=0.5..1.5 is sampled uniformly per episode (domain randomization). May be given
    /// several times
    #[arg(long, value_name = "NAME=VALUE")]
    condition: Vec<String>,
    /// In a scene with two sides, such as tag: the side that is evaluated [default: the scene's first side]
    #[arg(long)]
    side: Option<String>,
    /// In a scene with two sides: the opponent, which is a policy, an operator (steady, hasty or sloppy) or random
    /// [default: steady]
    #[arg(long, value_name = "POLICY")]
    opponent: Option<String>,
    /// Evaluate under an adversarial attack on the observations: noise, fgsm or pgd
    #[arg(long, conflicts_with = "operator", requires = "epsilon", value_parser = AttackKind::from_str)]
    attack: Option<AttackKind>,
    /// Maximum perturbation of each observed value (L-infinity norm), in standard deviations of the demonstrations
    #[arg(long, requires = "attack", allow_negative_numbers = true)]
    epsilon: Option<f32>,
    /// The demonstration that a policy of `train one-shot` is conditioned on: a dataset's folder and an episode's number
    #[arg(long, conflicts_with = "operator", value_name = "DATASET:NUMBER")]
    demonstration: Option<String>,
    /// Plot the trajectories of the first twelve episodes into this PNG file
    #[arg(long, conflicts_with = "operator", value_parser = super::plot::png)]
    plot: Option<PathBuf>,
}

/// The policy, conditioned on the episode of a dataset that `name` gives as `DATASET:NUMBER`.
fn with_demonstration(policy: Policy, name: &str) -> Result<Policy, Failure> {
    let episode = episode_of("--demonstration", name)?;
    let (trained, recorded) = (&policy.config().agent, &episode.header.agent);
    if trained != recorded {
        return Err(Failure::usage(anyhow!("the policy is of a {trained}, the demonstration {name} of a {recorded}")));
    }
    let observations = episode.observations_as(&policy.config().observation).map_err(|differences| {
        let differences: Vec<String> = differences.iter().map(ToString::to_string).collect();
        Failure::usage(anyhow!("the policy cannot be conditioned on {name}: it {}", differences.join("; it ")))
    })?;
    policy.with_demonstration(&observations).map_err(Failure::usage)
}

/// The scene with the conditions `NAME=VALUE` changed.
fn with_conditions(scene: &Scene, changes: &[String]) -> Result<Scene, Failure> {
    let mut conditions = scene.conditions();
    let mut changed = BTreeSet::new();
    for text in changes {
        let fail = |why: String| Failure::usage(anyhow!("--condition {text}: {why}"));
        let parsed =
            text.split_once('=').and_then(|(name, value)| Some((name.trim(), ParamDistribution::parse(value)?)));
        let (name, distribution) = parsed.ok_or_else(|| fail("give NAME=NUMBER or NAME=LOW..HIGH".into()))?;
        conditions = conditions.with(name, distribution).map_err(fail)?;
        if !changed.insert(name) {
            return Err(fail(format!("{name} is given twice")));
        }
    }
    Ok(scene.with_conditions(conditions))
}

/// The scene with the horizon and the conditions of the arguments.
fn scene(arguments: &EvalArguments) -> Result<Scene, Failure> {
    let mut scene = find(&arguments.scene).map_err(Failure::usage)?;
    if let Some(seconds) = arguments.horizon {
        let ticks = (seconds / scene.blueprint.control_dt()).round();
        if !(1.0..=1e6).contains(&ticks) {
            return Err(Failure::usage(anyhow!(
                "--horizon is {seconds} s; it must be 1 to 1,000,000 ticks of {} s",
                scene.blueprint.control_dt()
            )));
        }
        scene = scene.with_horizon(ticks as u64);
    }
    if !arguments.condition.is_empty() {
        scene = with_conditions(&scene, &arguments.condition)?;
    }
    Ok(scene)
}

/// What is evaluated.
struct Evaluated {
    player: Player,
    /// Its name in the report.
    name: String,
    /// The policy whose trajectories are plotted.
    plotted: Option<Policy>,
}

/// The policy or operator of the arguments.
fn evaluated(arguments: &EvalArguments, scene: &Scene, matchup: &Matchup) -> Result<Evaluated, Failure> {
    match (&arguments.policy, &arguments.operator) {
        (Some(path), _) => {
            let mut policy = load_policy(path)?;
            check_side(&policy, scene, matchup.side, path)?;
            let mut name = path.display().to_string();
            if let Some(demonstration) = &arguments.demonstration {
                policy = with_demonstration(policy, demonstration)?;
                name = format!("{name} with demonstration {demonstration}");
            }
            if let (Some(kind), Some(epsilon)) = (arguments.attack, arguments.epsilon) {
                policy = policy.with_attack(kind, epsilon).map_err(Failure::usage)?;
                name = format!("{name} under attack {kind}, epsilon {epsilon}");
            }
            let plotted = arguments.plot.as_ref().map(|_| policy.clone());
            Ok(Evaluated { player: Player::Policy(Box::new(policy)), name, plotted })
        }
        (None, Some(name)) => {
            let skill: Skill = name.parse().map_err(Failure::usage)?;
            Ok(Evaluated { player: Player::Operator(skill), name: skill.to_string(), plotted: None })
        }
        (None, None) => Err(Failure::usage(anyhow!("give --policy or --operator"))),
    }
}

pub fn run(arguments: &EvalArguments, output: &Output) -> Result<(), Failure> {
    let scene = scene(arguments)?;
    let matchup = Matchup::new(&scene, arguments.side.as_deref(), arguments.opponent.as_deref())?;
    if !scene.blueprint.sides().is_empty() && arguments.plot.is_some() {
        return Err(Failure::usage(anyhow!(
            "--plot does not support scenes with two sides, such as {}; leave it out",
            scene.name
        )));
    }
    let Evaluated { player, name, plotted } = evaluated(arguments, &scene, &matchup)?;
    let seeds = evaluation_seeds(arguments.seed, arguments.episodes as usize);
    let evaluation = evaluate_with_bar(&scene, &matchup, player, &seeds, output, "evaluating")?;
    let random = evaluate_with_bar(&scene, &matchup, Player::Random, &seeds, output, "random")?;
    let operator = scene
        .blueprint
        .operator(Skill::Steady)
        .map(|_| evaluate_with_bar(&scene, &matchup, Player::Operator(Skill::Steady), &seeds, output, "operator"))
        .transpose()?;
    let score =
        operator.as_ref().and_then(|o| normalized_score(evaluation.return_mean, o.return_mean, random.return_mean));
    let sides = scene.blueprint.sides();
    let opponent = arguments.opponent.as_deref().unwrap_or("steady");
    let mut title = format!("{name} on {}", scene.name);
    if let Some(side) = sides.get(matchup.side) {
        title = format!("{title} as {side} against {opponent}");
    }
    if let Some(seconds) = arguments.horizon {
        title = format!("{title} with a horizon of {seconds} s");
    }
    if !arguments.condition.is_empty() {
        title = format!("{title} with {}", arguments.condition.join(", "));
    }
    print(output, &title, &evaluation, score);
    if let (Some(out), Some(policy)) = (&arguments.plot, plotted) {
        let traces =
            seeds.iter().take(12).map(|seed| trace_policy(&scene, policy.clone(), *seed).map_err(Failure::usage));
        let traces = traces.collect::<Result<Vec<_>, _>>()?;
        super::plot::trajectories(out, &format!("{name} on {}", scene.name), &[], &traces).map_err(Failure::Failed)?;
    }
    let mut object = json_object(&scene, &evaluation, score, random.return_mean, operator.map(|o| o.return_mean));
    if let (Some(side), Some(object)) = (sides.get(matchup.side), object.as_object_mut()) {
        object.insert("side".into(), json!(side));
        object.insert("opponent".into(), json!(opponent));
    }
    if let (Some(seconds), Some(object)) = (arguments.horizon, object.as_object_mut()) {
        object.insert("horizon_seconds".into(), json!(seconds));
    }
    if !arguments.condition.is_empty()
        && let Some(object) = object.as_object_mut()
    {
        object.insert("conditions".into(), json!(arguments.condition));
    }
    output.object(&object);
    Ok(())
}

fn print(output: &Output, title: &str, evaluation: &Evaluation, score: Option<f64>) {
    let (low, high) = evaluation.success_ci95;
    output.line(format_args!("{title}: {} episodes with unseen seeds", evaluation.episodes));
    output.line(format_args!(
        "  success rate     {:.1} % (95 % confidence interval {:.1} to {:.1} %)",
        100.0 * evaluation.success_rate,
        100.0 * low,
        100.0 * high
    ));
    if let Some(repetition) = evaluation.repetition() {
        output.line(format_args!("                   {repetition}"));
    }
    output.line(format_args!("  mean reward      {:.3} per episode", evaluation.return_mean));
    if let Some(score) = score {
        output.line(format_args!("  normalized score {score:.3} (0: random actions, 1: steady operator)"));
    }
    output.line(format_args!("  episode length   {:.1} s (mean)", evaluation.seconds_mean));
    output.line("  mean reward of each term");
    for term in &evaluation.terms {
        output.line(format_args!("    {:<14} {:.3}", term.name, term.mean));
    }
    output.line("  terminations");
    for (end, count) in &evaluation.ends {
        output.line(format_args!("    {count:>5} {end}"));
    }
    let Some(outside) = evaluation.outside.as_ref().filter(|outside| !outside.fields.is_empty()) else { return };
    output.line(format_args!(
        "  observations far outside of the training data in {:.1} % of the ticks",
        100.0 * outside.fraction
    ));
    for OutsideField { field, fraction } in &outside.fields {
        output.line(format_args!("    {:>5.1} % {field}", 100.0 * fraction));
    }
}

fn json_object(scene: &Scene, e: &Evaluation, score: Option<f64>, random: f64, operator: Option<f64>) -> Value {
    json!({
        "scene": scene.name,
        "n_eval_episodes": e.episodes,
        "n_distinct_episodes": e.distinct_episodes,
        "success_rate": e.success_rate,
        "success_rate_ci95": e.success_ci95,
        "mean_reward": e.return_mean,
        "normalized_score": score,
        "random_mean_reward": random,
        "operator_mean_reward": operator,
        "mean_ep_length_seconds": e.seconds_mean,
        "reward_terms": e.terms,
        "terminations": e.ends,
        "outside_training_data": e.outside,
    })
}
