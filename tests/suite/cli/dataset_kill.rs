//! `apprentice dataset delete` and `trim` are killed at random moments: the dataset is the old one or the new one.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use apprentice::demos::{Dataset, Episode};
use apprentice::sim::split_seed;

use super::commands::{apprentice, json, recorded, stderr_text};

const KILLS: u64 = 40;

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("creates");
    for entry in std::fs::read_dir(from).expect("lists") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("copies");
        }
    }
}

fn start(arguments: &[&str], dir: &Path) -> std::process::Child {
    Command::new(env!("CARGO_BIN_EXE_apprentice"))
        .args(arguments)
        .current_dir(dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts")
}

fn read(dir: &Path) -> Vec<Episode> {
    Dataset::open(dir).expect("opens").read_all().expect("reads")
}

#[test]
fn a_killed_edit_leaves_the_old_or_the_new_dataset() {
    let folder = recorded("slalom", "8");
    let dir = folder.path();
    for arguments in
        [&["dataset", "delete", "edited", "0-1,5"][..], &["dataset", "trim", "edited", "1-6", "--end", "2s"]]
    {
        let edited = dir.join("edited");
        copy(&dir.join("demos"), &edited);
        let (begun, old) = (Instant::now(), read(&edited));
        assert!(start(arguments, dir).wait().expect("ends").success());
        let (duration, new) = (begun.elapsed(), read(&edited));
        assert_ne!(old, new);
        let mut unchanged = 0;
        for kill in 0..KILLS {
            std::fs::remove_dir_all(&edited).expect("removes");
            copy(&dir.join("demos"), &edited);
            let mut child = start(arguments, dir);
            std::thread::sleep(duration.mul_f64((split_seed(7, kill) % 1000) as f64 / 1000.0));
            child.kill().expect("can be killed");
            child.wait().expect("ends");
            let found = read(&edited);
            assert!(found == old || found == new, "kill {kill} left {} episodes", found.len());
            unchanged += u64::from(found == old);
            let again = apprentice(&["dataset", "delete", "edited", "0", "--json"], dir);
            assert!(again.status.success(), "kill {kill}: {}", stderr_text(&again));
            assert_eq!(json(&again)["total_episodes"], found.len() - 1);
        }
        std::fs::remove_dir_all(&edited).expect("removes");
        println!("{KILLS} kills of {arguments:?} in {duration:?}: {unchanged} left the old dataset");
    }
}
