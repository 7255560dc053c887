//! `apprentice quickstart`: record, train and evaluate.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::anyhow;
use clap::Args;
use serde_json::json;

use super::evaluation::evaluate_with_bar;
use super::exit::interrupted;
use super::load::{load_data, load_policy};
use super::progress::train_with_progress;
use super::sides::Matchup;
use super::{Failure, Output, plot, stop};
use crate::demos::Dataset;
use crate::learn::{Curve, DeviceChoice, Outcome, RunOptions, TrainSummary, defaults, select, train_on_dataset};
use crate::rollout::{Evaluation, Player, evaluation_seeds, record, recording_seeds, trace_episode, trace_policy};
use crate::scenes::{Scene, find};
use crate::sim::split_seed;
use crate::teleop::Skill;

/// The scene.
const SCENE: &str = "circuit";
/// Operators and their numbers of episodes.
const DEMONSTRATIONS: [(Skill, usize); 2] = [(Skill::Steady, 48), (Skill::Hasty, 12)];
/// Number of evaluation episodes, with seeds that no demonstration has.
const N_EVAL_EPISODES: usize = 50;

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  apprentice quickstart\n  apprentice quickstart --out mine --seed 2 --device auto")]
pub struct QuickstartArguments {
    /// Folder for the dataset, the run and the plots
    #[arg(long, default_value = "quickstart")]
    out: PathBuf,
    /// Seed of the recordings, the training and the evaluation
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// cpu, gpu, or auto (benchmarks both and chooses the faster)
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
}

/// The scene and the folders of the tour.
struct Quickstart {
    scene: Scene,
    /// Folder of everything else.
    out: PathBuf,
    /// Folder of the dataset.
    demos: PathBuf,
    /// Folder of the training run.
    run: PathBuf,
}

/// What the tour measured.
struct Results {
    policy: Evaluation,
    operator: Evaluation,
    summary: TrainSummary,
    device: DeviceChoice,
}

pub fn run(arguments: &QuickstartArguments, output: &Output) -> Result<(), Failure> {
    let start = Instant::now();
    let stop = stop::on_interrupt();
    let tour = Quickstart::new(&arguments.out)?;
    output.line("1/3 recording demonstrations");
    tour.record(arguments.seed, &stop, output)?;
    output.line("2/3 training");
    let (summary, device) = tour.train(arguments, stop, output)?;
    output.line(format_args!("3/3 evaluating on {N_EVAL_EPISODES} unseen seeds"));
    let (policy, operator) = tour.evaluate(arguments.seed, output)?;
    tour.report(&Results { policy, operator, summary, device }, start.elapsed().as_secs_f64(), output);
    Ok(())
}

impl Quickstart {
    /// A tour into `out`.
    ///
    /// # Errors
    /// When its dataset or its run exists.
    fn new(out: &Path) -> Result<Self, Failure> {
        let scene = find(SCENE).map_err(Failure::failed)?;
        let (demos, run) = (out.join("dataset"), out.join("run"));
        for dir in [&demos, &run] {
            if dir.exists() {
                return Err(Failure::usage(anyhow!(
                    "{} exists already; choose another folder with --out, or remove it",
                    dir.display()
                )));
            }
        }
        Ok(Self { scene, out: out.to_path_buf(), demos, run })
    }

    /// Record [`DEMONSTRATIONS`].
    fn record(&self, seed: u64, stop: &AtomicBool, output: &Output) -> Result<(), Failure> {
        for (skill, episodes) in DEMONSTRATIONS {
            let bar = output.bar(episodes as u64, skill.name());
            let seeds = recording_seeds(split_seed(seed, skill as u64)).take(episodes);
            let report = record(&self.scene, skill, seeds, &self.demos, stop, |n| bar.set_position(n as u64));
            bar.finish_and_clear();
            let report = report.map_err(Failure::failed)?;
            output.line(format_args!("    {skill:<7} {episodes:>3} laps, {} ticks", report.ticks));
            if report.stopped {
                return Err(interrupted(format_args!("remove {} to start again", self.out.display())));
            }
        }
        Ok(())
    }

    /// Train a policy on the demonstrations. Returns the device, too.
    fn train(
        &self,
        arguments: &QuickstartArguments,
        stop: Arc<AtomicBool>,
        output: &Output,
    ) -> Result<(TrainSummary, DeviceChoice), Failure> {
        let data = load_data(std::slice::from_ref(&self.demos))?;
        let mut config = defaults("bc");
        config.training.seed = arguments.seed;
        let device = select(arguments.device, &config, &data, None).map_err(Failure::failed)?;
        output.line(format_args!("    {}", device.reason));
        let scene = self.scene.name.clone();
        let options = RunOptions { stop, device: device.device, scene, ..RunOptions::new(self.run.clone()) };
        let summary = train_with_progress(&self.run, Some(Curve::Loss), output, |progress| {
            train_on_dataset(&config, &data, &options, progress)
        })?;
        if summary.outcome == Outcome::Interrupted {
            return Err(interrupted(format_args!(
                "continue with: apprentice train bc --dataset {} --run {} --resume",
                self.demos.display(),
                self.run.display()
            )));
        }
        output.line(format_args!("    {} steps in {:.0} s", summary.steps, summary.seconds));
        Ok((summary, device.choice))
    }

    /// Evaluate the policy and the steady operator, and plot trajectories.
    fn evaluate(&self, seed: u64, output: &Output) -> Result<(Evaluation, Evaluation), Failure> {
        let seeds = evaluation_seeds(seed, N_EVAL_EPISODES);
        let policy = load_policy(&self.run)?;
        let evaluate = |player: Player, label: &'static str| {
            evaluate_with_bar(&self.scene, &Matchup::single_player(), player, &seeds, output, label)
        };
        let result = evaluate(Player::Policy(Box::new(policy)), "policy")?;
        let operator = evaluate(Player::Operator(Skill::Steady), "operator")?;
        self.plot_trajectories(&seeds[..3])?;
        Ok((result, operator))
    }

    /// Print the results, and what to do next.
    fn report(&self, results: &Results, seconds: f64, output: &Output) {
        let Results { policy, operator, summary, device } = results;
        output.line("");
        output.line("                    success rate   mean lap time   mean reward");
        for (name, e) in [("policy", policy), ("steady operator", operator)] {
            output.line(format_args!(
                "  {name:<16} {:>12.0} %  {:>12.1} s  {:>11.2}",
                100.0 * e.success_rate,
                e.seconds_mean,
                e.return_mean
            ));
        }
        output.line("");
        output.line(format_args!("done in {seconds:.0} s. In {}:", self.out.display()));
        output.line("  dataset/          the demonstrations (LeRobotDataset v3.0)");
        output.line("  run/              the policy (best/), checkpoints, TensorBoard file, loss.png");
        output.line("  trajectories.png  trajectories of demonstrations and of the policy");
        output.line("");
        output.line(format_args!("Watch the policy:   apprentice play {SCENE} --policy {}", self.run.display()));
        output.line(format_args!("Drive yourself:     apprentice play {SCENE}"));
        output.line(format_args!("Check the replays:  apprentice dataset check {}", self.demos.display()));
        output.object(&json!({
            "success_rate": policy.success_rate,
            "success_rate_ci95": policy.success_ci95,
            "n_eval_episodes": policy.episodes,
            "mean_reward": policy.return_mean,
            "operator_success_rate": operator.success_rate,
            "training_steps": summary.steps,
            "device": device.to_string(),
            "wall_seconds": seconds,
            "dataset": self.demos,
            "run": self.run,
        }));
    }

    /// Plot the trajectories of some demonstrations, and of the policy with `seeds`.
    fn plot_trajectories(&self, seeds: &[u64]) -> Result<(), Failure> {
        let dataset = Dataset::open(&self.demos).map_err(Failure::failed)?;
        let mut demonstrations = Vec::new();
        for number in 0..dataset.len().min(3) {
            let episode = dataset.read(number).map_err(Failure::failed)?;
            demonstrations.push(trace_episode(&self.scene, &episode).map_err(Failure::failed)?);
        }
        let mut trajectories = Vec::new();
        for seed in seeds {
            trajectories.push(trace_policy(&self.scene, load_policy(&self.run)?, *seed).map_err(Failure::usage)?);
        }
        let path = self.out.join("trajectories.png");
        plot::trajectories(&path, "Laps on the circuit", &demonstrations, &trajectories).map_err(Failure::Failed)
    }
}
