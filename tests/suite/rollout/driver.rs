//! The rollout driver: one trajectory per seed, in any number of environments.

use std::sync::Arc;

use apprentice::agents::Spaces;
use apprentice::rollout::{
    ExplorationNoise, Player, Record, RolloutError, RolloutOptions, Trajectory, collect_trajectories, evaluate,
    evaluation_seeds, explore, rollout,
};
use apprentice::scenes::{ArenaContents, Blueprint, Scene, find};
use apprentice::sim::Physics;
use apprentice::teleop::{KeyBindings, Operator, Skill};

const OPTIONS: RolloutOptions =
    RolloutOptions { n_envs: 3, threads: 1, side: 0, record: Record::Path, expert: None, noise: None };

/// A scene with episodes of different lengths.
fn slalom() -> Scene {
    find("slalom").expect("a scene")
}

fn collected(player: Player, seeds: &[u64], options: &RolloutOptions) -> Vec<Trajectory> {
    collect_trajectories(&slalom(), vec![player], seeds, options).expect("the player fits")
}

/// The trajectory without what depends on the other episodes.
fn alone(trajectory: &Trajectory) -> Trajectory {
    Trajectory { index: 0, env: 0, start_step: 0, ..trajectory.clone() }
}

#[test]
fn a_trajectory_has_one_more_observation_than_ticks() {
    let spaces = slalom().blueprint.spaces();
    let (obs_dim, act_dim) = (spaces.observation.size(), spaces.action.size());
    let options = RolloutOptions { expert: Some(Skill::Steady), ..OPTIONS };
    let mut last_actions = Vec::new();
    for trajectory in collected(Player::Operator(Skill::Sloppy), &evaluation_seeds(1, 5), &options) {
        let ticks = trajectory.ticks;
        assert!(ticks > 10);
        assert_eq!(trajectory.observations.len(), (ticks + 1) * obs_dim);
        assert_eq!(trajectory.acting_observations(), &trajectory.observations[..ticks * obs_dim]);
        assert_eq!(trajectory.actions.len(), ticks * act_dim);
        assert_eq!(trajectory.expert_actions.as_ref().map(Vec::len), Some(ticks * act_dim));
        assert_eq!(trajectory.rewards.len(), ticks);
        assert_eq!(trajectory.path.positions.len(), ticks);
        let (sum, episode_return) = (trajectory.rewards.iter().sum::<f32>(), trajectory.episode_return());
        assert!((sum - episode_return).abs() < 1e-3 * (1.0 + episode_return.abs()), "{sum}, {episode_return}");
        last_actions.extend_from_slice(&trajectory.actions[(ticks - 1) * act_dim..]);
    }
    // The action of the last tick is recorded before the agent is reset.
    assert!(last_actions.iter().any(|action| *action != 0.0), "{last_actions:?}");
}

#[test]
fn episodes_do_not_depend_on_the_number_of_environments() {
    let seeds = evaluation_seeds(2, 7);
    for player in [Player::Operator(Skill::Hasty), Player::Random] {
        let one = collected(player.clone(), &seeds, &RolloutOptions { n_envs: 1, ..OPTIONS });
        let many = collected(player, &seeds, &RolloutOptions { n_envs: 4, threads: 2, ..OPTIONS });
        assert_eq!(many.iter().map(|t| t.index).collect::<Vec<_>>(), (0..seeds.len()).collect::<Vec<_>>());
        assert_eq!(many.iter().map(|t| t.seed).collect::<Vec<_>>(), seeds);
        for (one, many) in one.iter().zip(&many) {
            assert_eq!(alone(one), alone(many));
        }
    }
}

#[test]
fn a_seed_that_occurs_twice_is_two_episodes() {
    let [a, b] = [evaluation_seeds(3, 1)[0], evaluation_seeds(4, 1)[0]];
    let seeds = [a, b, a, a, b];
    let trajectories = collected(Player::Random, &seeds, &OPTIONS);
    assert_eq!(trajectories.iter().map(|t| (t.index, t.seed)).collect::<Vec<_>>(), {
        seeds.iter().copied().enumerate().collect::<Vec<_>>()
    });
    assert_eq!(alone(&trajectories[0]), alone(&trajectories[3]));
    let evaluation = evaluate(&slalom(), Player::Random, &seeds, 1, |_| {}).expect("random fits");
    assert_eq!(evaluation.results.iter().map(|r| r.seed).collect::<Vec<_>>(), seeds);
    // Noise alternates by episode, not by seed.
    let options = RolloutOptions { noise: Some(ExplorationNoise { scale: 0.5, interval: 2 }), ..OPTIONS };
    let explored: Vec<bool> = collected(Player::Neutral, &seeds, &options).iter().map(|t| t.explored).collect();
    assert_eq!(explored, [true, false, true, false, true]);
}

#[test]
fn statistics_hold_nothing_for_each_tick() {
    let seeds = evaluation_seeds(5, 4);
    let recorded = collected(Player::Random, &seeds, &OPTIONS);
    let statistics = collected(Player::Random, &seeds, &RolloutOptions { record: Record::Statistics, ..OPTIONS });
    for (statistics, recorded) in statistics.iter().zip(&recorded) {
        assert!(statistics.observations.is_empty() && statistics.actions.is_empty() && statistics.rewards.is_empty());
        assert!(statistics.path.positions.is_empty() && statistics.path.course.is_empty());
        assert_eq!(
            (statistics.ticks, statistics.end, &statistics.terms),
            (recorded.ticks, recorded.end, &recorded.terms)
        );
    }
}

#[test]
fn noise_is_added_to_the_neutral_action() {
    let seeds = evaluation_seeds(6, 3);
    let explored = explore(&slalom(), None, 0.0, &seeds, 1).expect("no policy");
    assert!(explored.iter().all(|t| t.explored));
    assert!(explored.iter().any(|t| t.actions.iter().any(|a| *a != 0.0)));
    let neutral = collected(Player::Neutral, &seeds, &OPTIONS);
    assert!(neutral.iter().all(|t| !t.explored && t.actions.iter().all(|a| *a == 0.0)));
}

#[test]
fn one_side_of_a_game_is_recorded() {
    let scene = find("tag").expect("a scene").with_horizon(60);
    let (seeds, players) = (evaluation_seeds(7, 4), || vec![Player::Operator(Skill::Steady), Player::Random]);
    let side = |side: usize| {
        let options = RolloutOptions { side, ..OPTIONS };
        collect_trajectories(&scene, players(), &seeds, &options).expect("the players fit")
    };
    let [chaser, runner] = [side(0), side(1)];
    for (chaser, runner) in chaser.iter().zip(&runner) {
        assert_eq!((chaser.seed, chaser.ticks), (runner.seed, runner.ticks));
        assert_ne!(chaser.actions, runner.actions);
    }
}

/// The blueprint of another scene, without its operator.
struct WithoutOperator(Arc<dyn Blueprint>);

impl Blueprint for WithoutOperator {
    fn title(&self) -> String {
        self.0.title()
    }

    fn spaces(&self) -> Spaces {
        self.0.spaces()
    }

    fn bindings(&self) -> KeyBindings {
        self.0.bindings()
    }

    fn time_limit(&self) -> f32 {
        self.0.time_limit()
    }

    fn terms(&self) -> Vec<(String, f32)> {
        self.0.terms()
    }

    fn build(&self, physics: &mut Physics<'_>, agents: usize) -> ArenaContents {
        self.0.build(physics, agents)
    }

    fn operator(&self, _skill: Skill) -> Option<Box<dyn Operator>> {
        None
    }
}

#[test]
fn a_scene_without_operator_cannot_be_queried() {
    let scene = Scene::new("alone", "alone", WithoutOperator(slalom().blueprint));
    let options = RolloutOptions { expert: Some(Skill::Steady), ..OPTIONS };
    let result = rollout(&scene, vec![Player::Neutral], &[1], &options, |_| {});
    assert!(matches!(result, Err(RolloutError::NoOperator(name)) if name == "alone"));
}
