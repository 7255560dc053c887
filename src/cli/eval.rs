//! `apprentice eval`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};

use super::dataset::episode_of;
use super::sides::{Match, plays};
use super::{Failure, Output};
use crate::policies::{AttackKind, Policy, PolicyError, resolve_policy_dir};
use crate::rollout::{Evaluation, Player, evaluate_side, evaluation_seeds, normalized_score, trace_policy};
use crate::scenes::{Scene, find};
use crate::sim::Span;
use crate::teleop::Skill;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice eval --policy runs/slalom --scene slalom
  apprentice eval --policy runs/slalom/best --scene slalom --episodes 200 --seed 7 --json
  apprentice eval --policy runs/slalom --scene slalom --attack pgd --epsilon 0.1
  apprentice eval --policy runs/slalom --scene slalom --condition grip=0.5 --condition mass=0.8..1.5
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
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    episodes: u64,
    /// Seed that the episodes' seeds derive from; recordings never use the same
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Let every episode last so many seconds, whatever happens in it, and count what was earned until then; to compare
    /// with learners of inferred rewards
    #[arg(long, value_name = "SECONDS")]
    horizon: Option<f32>,
    /// Let the scene's world be another: grip, mass, friction or gravity as a factor of its own, or delay in ticks, the same
    /// in every episode (grip=0.5) or drawn for each (grip=0.5..1.5); may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    condition: Vec<String>,
    /// In a scene with sides, such as tag: the side that is judged, the first without it
    #[arg(long)]
    side: Option<String>,
    /// In a scene with sides: who plays the other one, a policy, an operator (steady, hasty or sloppy) or random; steady
    /// without it
    #[arg(long, value_name = "POLICY")]
    opponent: Option<String>,
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
    #[arg(long, conflicts_with = "operator", value_parser = super::plot::png)]
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
    (versus, player): (&Match, Player),
    seeds: &[u64],
    output: &Output,
    what: &'static str,
) -> Result<Evaluation, Failure> {
    let bar = output.bar(seeds.len() as u64, what);
    let progress = |n: usize| bar.set_position(n as u64);
    let evaluation = evaluate_side(scene, versus.players(player), versus.side, seeds, 0, progress).map_err(misfit);
    bar.finish_and_clear();
    evaluation
}

/// The scene under the conditions that are named.
fn under(scene: &Scene, wanted: &[String]) -> Result<Scene, Failure> {
    let mut conditions = scene.conditions();
    let mut given = BTreeSet::new();
    for text in wanted {
        let fail = |why: String| Failure::bad_use(anyhow!("--condition {text}: {why}"));
        let parsed = text.split_once('=').and_then(|(name, value)| Some((name.trim(), Span::parse(value)?)));
        let (name, span) = parsed.ok_or_else(|| fail("give NAME=NUMBER or NAME=LEAST..GREATEST".into()))?;
        conditions = conditions.with(name, span).map_err(fail)?;
        if !given.insert(name) {
            return Err(fail(format!("{name} is given twice")));
        }
    }
    Ok(scene.under(conditions))
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
    if !arguments.condition.is_empty() {
        scene = under(&scene, &arguments.condition)?;
    }
    let versus = Match::of(&scene, arguments.side.as_deref(), arguments.opponent.as_deref())?;
    if !scene.blueprint.sides().is_empty() && arguments.plot.is_some() {
        return Err(Failure::bad_use(anyhow!("--plot draws one who plays alone; leave it out in {}", scene.name)));
    }
    let mut drawn = None;
    let (player, name) = match (&arguments.policy, &arguments.operator) {
        (Some(path), _) => {
            let mut policy = load_policy(path)?;
            plays(&policy, &scene, versus.side, path)?;
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
    let seeds = evaluation_seeds(arguments.seed, arguments.episodes as usize);
    let evaluation = play(&scene, (&versus, player), &seeds, output, "evaluating")?;
    let random = play(&scene, (&versus, Player::Random), &seeds, output, "random")?;
    let operator = scene
        .blueprint
        .operator(Skill::Steady)
        .map(|_| play(&scene, (&versus, Player::Operator(Skill::Steady)), &seeds, output, "operator"))
        .transpose()?;
    let score =
        operator.as_ref().and_then(|o| normalized_score(evaluation.return_mean, o.return_mean, random.return_mean));
    let sides = scene.blueprint.sides();
    let opponent = arguments.opponent.as_deref().unwrap_or("steady");
    let mut what = format!("{name} on {}", scene.name);
    if let Some(side) = sides.get(versus.side) {
        what = format!("{what} as {side} against {opponent}");
    }
    if let Some(seconds) = arguments.horizon {
        what = format!("{what} for {seconds} s");
    }
    if !arguments.condition.is_empty() {
        what = format!("{what} under {}", arguments.condition.join(", "));
    }
    print(output, &what, &evaluation, score);
    if let Some((out, policy)) = drawn {
        let traces = seeds.iter().take(12).map(|seed| trace_policy(&scene, policy.clone(), *seed).map_err(misfit));
        let traces = traces.collect::<Result<Vec<_>, _>>()?;
        super::plot::lines(out, &format!("{name} on {}", scene.name), &[], &traces).map_err(Failure::Failed)?;
    }
    let mut told = object(&scene, &evaluation, score, random.return_mean, operator.map(|o| o.return_mean));
    if let (Some(side), Some(told)) = (sides.get(versus.side), told.as_object_mut()) {
        told.insert("side".into(), json!(side));
        told.insert("opponent".into(), json!(opponent));
    }
    if let (Some(seconds), Some(told)) = (arguments.horizon, told.as_object_mut()) {
        told.insert("horizon_seconds".into(), json!(seconds));
    }
    if !arguments.condition.is_empty()
        && let Some(told) = told.as_object_mut()
    {
        told.insert("conditions".into(), json!(arguments.condition));
    }
    output.object(&told);
    Ok(())
}

fn print(output: &Output, what: &str, evaluation: &Evaluation, score: Option<f64>) {
    let (low, high) = evaluation.success_ci95;
    output.line(format_args!("{what} over {} unseen seeds", evaluation.episodes));
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
