//! Plots of numbers near the greatest that a float holds end.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use apprentice::learn::{EventWriter, Metric};
use apprentice::policies::checksums::json_with_checksum;

use crate::cli::commands::{apprentice, recorded, stderr_text};

/// Run a command, which must end within a minute.
fn ends(arguments: &[&str], dir: &Path) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_apprentice"))
        .args(arguments)
        .current_dir(dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        if let Some(status) = child.try_wait().expect("a status") {
            assert!(status.success(), "{arguments:?}: {status}");
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().expect("killed");
    child.wait().expect("a status");
    panic!("{arguments:?} did not end");
}

#[test]
fn a_run_with_huge_losses_is_plotted() {
    let dir = recorded("slalom", "2");
    let train = ["train", "bc", "--dataset", "demos", "--run", "run", "--set", "training.steps=20"];
    let output = apprentice(&train, dir.path());
    assert!(output.status.success(), "{}", stderr_text(&output));
    let run = dir.path().join("run");
    for values in [[3e38, 1.0], [-3e38, 3e38], [3.4e38, 3.4e38], [1e-38, 3e38]] {
        for (step, value) in (0..).zip(values) {
            let mut writer = EventWriter::create(&run).expect("a writer");
            writer.write(u64::MAX / 2 * step, &[Metric { tag: "train/loss", value }]).expect("written");
            writer.flush().expect("written");
        }
        fs::remove_file(run.join("loss.png")).expect("the earlier plot");
        ends(&[&train[..], &["--resume"]].concat(), dir.path());
        assert!(run.join("loss.png").is_file());
    }
}

#[test]
fn trials_with_huge_costs_are_plotted() {
    let dir = recorded("slalom", "2");
    let tune = ["tune", "bc", "--dataset", "demos", "--out", "t", "--trials", "2"];
    let short = ["--set", "training.steps=6", "--set", "training.eval_freq=3"];
    ends(&[&tune[..], &short].concat(), dir.path());
    for (number, cost) in [(0, "3e38"), (1, "-3.4e38")] {
        let path = dir.path().join(format!("t/trials/{number:03}.json"));
        let text = fs::read_to_string(&path).expect("a trial");
        let mut file: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        file["content"]["cost"] = serde_json::from_str(cost).expect("a number");
        fs::write(&path, json_with_checksum(&file["content"]).expect("JSON")).expect("written");
    }
    fs::remove_file(dir.path().join("t/trials.png")).expect("the earlier plot");
    ends(&[&tune[..], &short].concat(), dir.path());
    assert!(dir.path().join("t/trials.png").is_file());
}
