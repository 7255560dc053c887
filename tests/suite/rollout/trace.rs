//! The path of an episode is the same in a rollout and in the re-simulation of its recording.

use apprentice::rollout::{Player, Record, RolloutOptions, collect_trajectories, demonstrate, trace_episode};
use apprentice::scenes::find;
use apprentice::teleop::Skill;

#[test]
fn a_rollout_has_the_path_of_its_recording() {
    for name in ["slalom", "courtyard"] {
        let scene = find(name).expect("a scene").with_horizon(120);
        let episode = demonstrate(&scene, Skill::Steady, 5).expect("an operator");
        let trace = trace_episode(&scene, &episode).expect("its start decodes");
        let options = RolloutOptions { threads: 1, record: Record::Path, ..RolloutOptions::default() };
        let players = vec![Player::Operator(Skill::Steady)];
        let trajectory = collect_trajectories(&scene, players, &[5], &options).expect("an operator").remove(0);
        assert_eq!(trace.path, trajectory.path, "{name}");
        assert_eq!(trace.success, trajectory.succeeded(), "{name}");
        assert_eq!(trace.path.positions.len(), episode.len(), "{name}");
        assert!(!trace.path.course.is_empty() || trace.path.goal.is_some(), "{name}: no goal");
    }
}
