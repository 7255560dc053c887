//! The TensorBoard file of a killed training run reaches its newest checkpoint.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use apprentice::learn::scalars;

fn apprentice(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apprentice"));
    command.args(arguments).env("RUST_LOG", "error").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn the_curve_of_a_killed_run_reaches_its_newest_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let [demos, run] = ["demos", "run"].map(|name| folder.path().join(name));
    let record = apprentice(&["record", "--scene", "slalom", "--episodes", "2", "--dataset"]).arg(&demos).status();
    assert!(record.unwrap().success());
    // Without evaluations, only checkpoints flush the event file.
    let settings = ["steps=1000000", "eval_freq=1000000", "save_freq=40", "log_freq=10"];
    let settings = settings.map(|setting| format!("training.{setting}"));
    let mut train = apprentice(&["train", "bc", "--dataset"]);
    train.arg(&demos).arg("--run").arg(&run);
    settings.iter().for_each(|setting| _ = train.args(["--set", setting]));
    let mut child = train.spawn().unwrap();
    let newest = || -> u64 {
        let Ok(checkpoints) = std::fs::read_dir(run.join("checkpoints")) else { return 0 };
        let names = checkpoints.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        names.max().unwrap_or(0)
    };
    let start = Instant::now();
    while newest() < 80 && start.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let checkpoint = newest();
    assert!(checkpoint >= 80, "the run took too few steps");
    let curve = scalars(&run, "train/loss").unwrap();
    assert_eq!(curve.keys().next(), Some(&10), "the curve does not start at the first log entry");
    assert!(curve.keys().last() >= Some(&checkpoint), "{:?}, checkpoint {checkpoint}", curve.keys().last());
}
