//! The start snapshot of an episode is never given to the physics engine: changed bytes are an error that names the
//! episode, whatever they are.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use apprentice::demos::Episode;
use apprentice::rollout::{demonstrate, resimulate, trace_episode};
use apprentice::scenes::{Scene, builtin_names, find};
use apprentice::sim::SnapshotError;
use apprentice::teleop::Skill;
use proptest::prelude::*;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use crate::cli::commands::{recorded, run};

fn demonstrated(scene: &str) -> (Scene, Episode) {
    let scene = find(scene).expect("a built-in scene");
    let episode = demonstrate(&scene, Skill::Steady, 6).expect("drives");
    let length = episode.len().min(20);
    (scene, episode.slice(0..length))
}

#[test]
fn every_scene_begins_in_the_recorded_state() {
    for name in builtin_names() {
        let (scene, episode) = demonstrated(name);
        assert_eq!(resimulate(&scene, &episode).unwrap_or_else(|e| panic!("{name}: {e}")).divergences, 0, "{name}");
        // A part that begins later replays from the same reset.
        let mut part = episode.slice(7..episode.len());
        // Its own snapshot is not known here, and without the recorded state there is nothing to compare it with.
        part.first_gap = Some(0);
        assert!(resimulate(&scene, &part).is_ok(), "{name}");
    }
}

#[test]
fn a_part_of_an_episode_replays_exactly() {
    for name in ["slalom", "tag", "courtyard"] {
        let (scene, episode) = demonstrated(name);
        let part = apprentice::rollout::trim_start(&scene, &episode, 7).unwrap_or_else(|e| panic!("{name}: {e}"));
        let again = apprentice::rollout::trim_start(&scene, &part, 5).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(again.len(), episode.len() - 12);
        assert_eq!(resimulate(&scene, &again).expect("starts").divergences, 0, "{name}");
        let width = episode.header.action.size() + episode.header.other_act_dim;
        assert_eq!(again.header.lead_in.len(), 12 * width);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_are_refused(
        flips in prop::collection::vec((0.0f64..1.0, 1u8..), 1..8),
        cut in prop::option::of(0.0f64..1.0),
    ) {
        static EPISODE: OnceLock<(Scene, Episode)> = OnceLock::new();
        let (scene, episode) = EPISODE.get_or_init(|| demonstrated("crates"));
        let mut changed = episode.clone();
        let snapshot = &mut changed.header.snapshot;
        for (at, flip) in flips {
            let at = (snapshot.len() as f64 * at) as usize;
            snapshot[at] ^= flip;
        }
        if let Some(cut) = cut {
            snapshot.truncate((snapshot.len() as f64 * cut) as usize);
        }
        prop_assume!(changed.header.snapshot != episode.header.snapshot);
        prop_assert!(matches!(resimulate(scene, &changed), Err(SnapshotError::Differs)));
        prop_assert!(matches!(trace_episode(scene, &changed), Err(SnapshotError::Differs)));
    }
}

/// Change a byte of an episode's start snapshot, and the hash that is stored of it.
fn tamper(dataset: &Path, episode: usize, at: usize) {
    let snapshot = dataset.join(format!("sim/episode-{episode:06}.snapshot"));
    let record = dataset.join(format!("sim/episode-{episode:06}.json"));
    let mut bytes = fs::read(&snapshot).expect("reads");
    bytes[at] ^= 0x80;
    fs::write(&snapshot, &bytes).expect("writes");
    let mut json: Value = serde_json::from_slice(&fs::read(&record).expect("reads")).expect("is JSON");
    json["snapshot_xxh3"] = format!("{:016x}", xxh3_64(&bytes)).into();
    fs::write(&record, json.to_string()).expect("writes");
}

#[test]
fn the_commands_name_the_episode() {
    let folder = recorded("crates", "3");
    let dir = folder.path();
    for at in [1, 40, 2000] {
        tamper(&dir.join("demos"), 1, at);
        for (arguments, name) in [
            (&["dataset", "check", "demos"][..], "episode-000001"),
            (&["dataset", "replay", "demos", "1"], "episode 1"),
            (&["dataset", "plot", "demos", "--out", "a.png"], "episode 1"),
            (&["play", "--replay", "demos:1"], "episode 1"),
        ] {
            if arguments[0] == "play" && !cfg!(feature = "desktop") {
                // There is no window that would replay.
                continue;
            }
            let (code, text) = run(arguments, dir);
            assert_eq!(code, Some(1), "{arguments:?}: {text}");
            assert!(text.contains(name) && !text.contains("panicked"), "{arguments:?}: {text}");
        }
    }
    let (code, text) = run(&["dataset", "replay", "demos", "0"], dir);
    assert_eq!(code, Some(0), "the others replay: {text}");
}
