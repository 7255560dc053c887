//! Transitions of several episodes as flat rows.

use apprentice::rollout::{
    Player, Record, RolloutOptions, Trajectory, TransitionsWithRewards, collect_trajectories, collect_transitions,
    evaluation_seeds,
};
use apprentice::scenes::find;
use apprentice::teleop::Skill;

/// An episode of one observed number, which counts the ticks from `first`, beginning at step `start_step` of `env`.
fn counting(env: usize, start_step: u64, ticks: usize, first: f32) -> Trajectory {
    Trajectory {
        env,
        start_step,
        ticks,
        observations: (0..=ticks).map(|tick| first + tick as f32).collect(),
        actions: (0..ticks).map(|tick| -first - tick as f32).collect(),
        rewards: (0..ticks).map(|tick| 0.5 * (first + tick as f32)).collect(),
        ..Trajectory::default()
    }
}

#[test]
fn rows_are_ordered_by_step_and_environment_without_last_ticks() {
    let episodes = [counting(0, 0, 3, 10.0), counting(1, 0, 2, 20.0), counting(1, 2, 3, 30.0)];
    let collected = TransitionsWithRewards::from_trajectories(1, 1, &episodes);
    let transitions = &collected.transitions;
    assert_eq!(transitions.rows(), 5);
    assert_eq!(transitions.observations, [10.0, 20.0, 11.0, 30.0, 31.0]);
    assert_eq!(transitions.actions, [-10.0, -20.0, -11.0, -30.0, -31.0]);
    assert_eq!(transitions.next_observations, [11.0, 21.0, 12.0, 31.0, 32.0]);
    assert_eq!(collected.rewards, [5.0, 10.0, 5.5, 15.0, 15.5]);
    assert!(collected.positions.is_empty());
}

#[test]
fn a_player_s_transitions_are_those_of_its_trajectories() {
    let scene = find("slalom").expect("a scene").with_horizon(60);
    let (seeds, player) = (evaluation_seeds(8, 5), Player::Operator(Skill::Hasty));
    let collected = collect_transitions(&scene, player.clone(), &seeds, 2).expect("an operator");
    let options = RolloutOptions { threads: 1, record: Record::Transitions, ..RolloutOptions::default() };
    let trajectories = collect_trajectories(&scene, vec![player], &seeds, &options).expect("an operator");
    let rows: usize = trajectories.iter().map(|trajectory| trajectory.ticks - 1).sum();
    assert_eq!(collected.transitions.rows(), rows);
    assert_eq!((collected.rewards.len(), collected.positions.len()), (rows, rows));
    // All episodes begin in the first step: the first row of each environment is that of its first tick.
    let obs_dim = collected.transitions.obs_dim;
    for trajectory in &trajectories {
        let first = &collected.transitions.observations[trajectory.env * obs_dim..][..obs_dim];
        assert_eq!(first, &trajectory.observations[..obs_dim]);
    }
    assert_eq!(collect_transitions(&scene, Player::Random, &[], 1).expect("no episodes").transitions.rows(), 0);
}
