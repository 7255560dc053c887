//! The recorded start state of an episode can be restored only in an arena of its scene.

use std::sync::atomic::AtomicBool;

use apprentice::agents::Driver;
use apprentice::demos::{Dataset, rewind_to_start};
use apprentice::rollout::{headless_app, record, recording_seeds};
use apprentice::scenes::{find, spawn_arena};
use apprentice::sim::{Arena, SnapshotError};
use apprentice::teleop::Skill;

#[test]
fn a_start_state_with_other_bodies_is_rejected() {
    let dir = tempfile::tempdir().unwrap();
    let slalom = find("slalom").unwrap();
    record(&slalom, Skill::Steady, recording_seeds(3).take(1), dir.path(), &AtomicBool::new(false), |_| {}).unwrap();
    let episode = Dataset::open(dir.path()).unwrap().read(0).unwrap();
    let mut app = headless_app(1);
    let mut rewind = |scene: &str| {
        let spawned = spawn_arena(app.world_mut(), &find(scene).unwrap(), 1, Driver::Replay);
        rewind_to_start(&mut app.world_mut().get_mut::<Arena>(spawned.arena).unwrap(), &episode)
    };
    assert!(rewind("slalom").is_ok());
    let error = rewind("traffic").unwrap_err();
    assert!(matches!(error, SnapshotError::Bodies { found: 1, wanted } if wanted > 1), "{error}");
}
