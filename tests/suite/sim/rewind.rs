//! A recorded episode is replayed only in an arena with its agents, and begins there in its first state.

use apprentice::agents::Driver;
use apprentice::demos::{check_start, start_replay};
use apprentice::rollout::{demonstrate, headless_app};
use apprentice::scenes::{find, spawn_arena};
use apprentice::sim::SnapshotError;
use apprentice::teleop::Skill;

#[test]
fn a_replay_with_other_agents_is_rejected() {
    let episode = demonstrate(&find("slalom").unwrap(), Skill::Steady, 4).unwrap();
    let mut app = headless_app(1);
    let world = app.world_mut();
    let spawned = spawn_arena(world, &find("slalom").unwrap(), 2, Driver::Replay);
    let error = start_replay(world, spawned.arena, &spawned.agents, &episode).unwrap_err();
    assert!(matches!(error, SnapshotError::Bodies { found: 1, wanted: 2 }), "{error}");
    let spawned = spawn_arena(world, &find("slalom").unwrap(), 1, Driver::Replay);
    start_replay(world, spawned.arena, &spawned.agents, &episode).unwrap();
    check_start(world, spawned.arena, &episode).unwrap();
    // In another scene, the state is another, and a replay diverges.
    let spawned = spawn_arena(world, &find("circuit").unwrap(), 1, Driver::Replay);
    start_replay(world, spawned.arena, &spawned.agents, &episode).unwrap();
    check_start(world, spawned.arena, &episode).unwrap();
}
