//! Every example of README and of `--help` works, in the order in which they stand, in a new folder. Each command is run for
//! real: trainings and recordings with small settings in place of the defaults, and what has none is stopped by Ctrl-C.
#![cfg(unix)]

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use apprentice::learn::{LearnerSpec, learners};

use crate::cli::commands::{apprentice, stderr_text};

/// The program's commands.
const COMMANDS: [&str; 11] = [
    "play",
    "quickstart",
    "scenes",
    "record",
    "dataset",
    "eval",
    "policy",
    "reward",
    "tune",
    "study imitation",
    "study rewards",
];

/// Commands without a setting that makes them short; Ctrl-C stops them.
const LONG: [&str; 3] = ["quickstart", "study", "bench"];

/// The text of `--help` of a command, such as `train bc`.
fn help(command: &str) -> String {
    let dir = tempfile::tempdir().expect("a folder");
    let arguments: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
    let output = apprentice(&arguments, dir.path());
    assert!(output.status.success(), "{command}: {}", stderr_text(&output));
    String::from_utf8(output.stdout).expect("text")
}

/// The example of a line of help or README, without what describes it.
fn example(line: &str) -> Option<String> {
    let line = line.trim();
    let command = line.split("  ").next().unwrap_or(line).split(" #").next().unwrap_or(line);
    let is_example = command == "apprentice" || command.starts_with("apprentice ") || command.starts_with("echo ");
    is_example.then(|| command.trim().to_owned())
}

/// The examples at the end of a help text.
fn examples_of_help(text: &str) -> Vec<String> {
    text.split_once("Examples:").map_or(Vec::new(), |(_, examples)| examples.lines().filter_map(example).collect())
}

/// The examples of README: the commands of its shell blocks.
fn examples_of_readme() -> Vec<String> {
    let text = include_str!("../../../README.md");
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(str::lines).filter_map(example).collect()
}

/// Small settings of a learner.
fn settings(learner: &str) -> Vec<&'static str> {
    let mut settings = match learner {
        "bc" | "behavior-prediction" | "vae" | "diffusion" | "act" | "gan" | "feature-matching" | "one-shot" => {
            vec!["training.steps=6", "training.eval_freq=3"]
        }
        "dagger" => vec!["training.steps=6", "training.eval_freq=3", "dagger.rounds=2", "dagger.episodes_per_round=2"],
        "bco" => vec!["training.steps=6", "training.eval_freq=3", "bco.rounds=2", "bco.episodes_per_round=2"],
        "dqn" => vec!["dqn.n_envs=4", "dqn.learning_starts=40", "dqn.n_eval_episodes=2", "dqn.pretrain_steps=2"],
        _ => vec!["ppo.n_envs=4", "ppo.n_steps=20", "ppo.n_eval_episodes=2"],
    };
    if matches!(learner, "gail" | "vail" | "airl" | "amp" | "maxent-irl" | "apprenticeship") {
        settings.push("reward.batch_size=16");
    }
    if learner == "self-play" {
        settings.extend(["self_play.snapshot_interval=1", "self_play.n_rating_games=1"]);
    }
    if !settings[0].starts_with("training") {
        settings.extend(["training.steps=2", "training.batch_size=16"]);
    }
    settings
}

/// The command with small numbers in place of its own.
fn shortened(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let mut short: Vec<String> = words.iter().map(ToString::to_string).collect();
    let mut set_number = |option: &str, number: &str| match words.iter().position(|word| *word == option) {
        Some(at) => number.clone_into(&mut short[at + 1]),
        None => short.extend([option.to_owned(), number.to_owned()]),
    };
    match words.get(1..) {
        Some(["record" | "eval", ..]) => set_number("--episodes", "4"),
        Some(["reward", "show", ..]) if line.contains("--map") => set_number("--episodes", "1"),
        Some(["tune", ..]) => {
            set_number("--trials", "2");
            if line.contains("--scene") {
                set_number("--episodes", "2");
            }
            short.extend(["--set", "training.steps=6", "--set", "training.eval_freq=3"].map(str::to_owned));
        }
        Some(["train", learner, ..]) if !line.contains("--help") && !line.contains("--print-config") => {
            for setting in settings(learner) {
                let (key, _) = setting.split_once('=').expect("key=value");
                let own = |word: &String| word.split_once('=').is_some_and(|(name, _)| name == key);
                match short.iter_mut().find(|word| own(word)) {
                    Some(word) => setting.clone_into(word),
                    None => short.extend(["--set".to_owned(), setting.to_owned()]),
                }
            }
        }
        _ => {}
    }
    // A redirection stays at the end.
    if let Some(at) = short.iter().position(|word| word == ">") {
        let redirection: Vec<String> = short.drain(at..at + 2).collect();
        short.extend(redirection);
    }
    short.join(" ")
}

/// Run a line in a shell in which `apprentice` is this program.
fn shell(line: &str, dir: &Path) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_apprentice"));
    let path =
        format!("{}:{}", program.parent().expect("a folder").display(), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new("sh");
    // `exec`: a signal reaches the program itself.
    let line = if line.starts_with("apprentice") { format!("exec {line}") } else { line.to_owned() };
    command.args(["-c", &line]).env("PATH", path).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    let child = command.current_dir(dir).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a shell");
    if LONG.iter().any(|long| line.contains(&format!("apprentice {long}"))) {
        std::thread::sleep(Duration::from_secs(3));
        let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    }
    child.wait_with_output().expect("an end")
}

/// Run the examples in order in a new folder.
fn all_work(source: &str, examples: &[String]) {
    assert!(!examples.is_empty(), "{source} has no examples");
    let dir = tempfile::tempdir().expect("a folder");
    for line in examples {
        let output = shell(&shortened(line), dir.path());
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr_text(&output));
        let code = output.status.code();
        let arguments = line.strip_prefix("apprentice").unwrap_or_default().trim();
        let worked = if arguments.is_empty() || arguments.starts_with("play") {
            // It gets as far as to the window, which there is none for here.
            code == Some(1) && text.contains("quickstart")
        } else if LONG.iter().any(|long| arguments.starts_with(long)) {
            code == Some(0) || code == Some(1) && (text.contains("interrupted") || text.contains("stopped"))
        } else {
            code == Some(0)
        };
        assert!(worked, "{source}: `{line}`, run as `{}`: code {code:?}\n{text}", shortened(line));
    }
}

#[test]
fn the_examples_of_readme_work() {
    all_work("README", &examples_of_readme());
}

#[test]
fn the_examples_of_every_command_work() {
    for command in ["", "train", "bench"].into_iter().chain(COMMANDS) {
        let examples = examples_of_help(&help(command));
        // Without a command, the examples are the README's.
        all_work(&format!("apprentice {command} --help"), &examples);
    }
}

#[test]
fn every_command_is_among_those_whose_examples_are_run() {
    let text = help("");
    let (_, commands) = text.split_once("Commands:\n").expect("commands");
    let listed =
        commands.lines().take_while(|line| line.starts_with("  ")).filter_map(|line| line.split_whitespace().next());
    for name in listed.filter(|name| *name != "help") {
        let known = COMMANDS.iter().any(|command| command.split(' ').next() == Some(name));
        assert!(known || ["train", "bench"].contains(&name), "{name} is not in the list");
    }
}

/// The learners whose place in the registry leaves this remainder: tests run in parallel.
fn examples_of_learners_work(remainder: usize) {
    for learner in learners().into_iter().skip(remainder).step_by(3).map(LearnerSpec::name) {
        let source = format!("train {learner}");
        let examples = examples_of_help(&help(&source));
        assert!(examples.iter().any(|line| line.contains(&format!("train {learner} "))), "{source} shows its own use");
        all_work(&format!("apprentice {source} --help"), &examples);
    }
}

#[test]
fn the_examples_of_the_first_learners_work() {
    examples_of_learners_work(0);
}

#[test]
fn the_examples_of_the_second_learners_work() {
    examples_of_learners_work(1);
}

#[test]
fn the_examples_of_the_third_learners_work() {
    examples_of_learners_work(2);
}
