//! DAgger: the expert labels what the demonstrations lack.

use std::sync::atomic::Ordering;

use apprentice::learn::{
    BehaviorCloning, Learner, PreparedData, Progress, RunOptions, StepReport, TrainConfig, TrainError, dagger,
};
use apprentice::policies::Policy;
use apprentice::rollout::{Trajectory, evaluation_seeds, query_expert};
use apprentice::scenes::find;
use apprentice::teleop::Skill;
use burn::tensor::Device;

use crate::testing::learn::{Lcg, config, config_of, data};

/// The expert's slope changes its sign at -3, outside the demonstrations, which lie between -2 and 4.
fn expert(observation: f32) -> f32 {
    if observation > -3.0 { observation } else { -6.0 - observation }
}

/// Two labeled episodes between -12 and -4, outside the demonstrations.
fn labeled_episodes(round: u64) -> Vec<Trajectory> {
    let mut numbers = Lcg(100 + round);
    let episode = |seed| {
        let mut observations: Vec<f32> = (0..50).map(|_| 4.0 * numbers.next() - 8.0).collect();
        let expert_actions = Some(observations.iter().map(|o| expert(*o)).collect());
        // No action is taken at the last observation.
        observations.push(0.0);
        Trajectory { seed, ticks: 50, observations, expert_actions, ..Trajectory::default() }
    };
    (0..2).map(episode).collect()
}

fn settings() -> TrainConfig {
    config_of(
        "dagger",
        &[
            "network.hidden_sizes=[32]",
            "training.steps=400",
            "training.patience=0",
            "optimizer.learning_rate=5e-3",
            "dagger.rounds=3",
        ],
    )
}

/// Stops training in the given round.
struct StopIn {
    round: u64,
    started_rounds: u64,
    options: RunOptions,
}

impl Progress for StopIn {
    fn started(&mut self, _: &apprentice::learn::RunInfo) {
        self.started_rounds += 1;
    }

    fn stepped(&mut self, report: &StepReport) {
        if self.started_rounds == self.round + 1 && report.step >= 100 {
            self.options.stop.store(true, Ordering::Relaxed);
        }
    }
}

#[test]
fn the_policy_learns_the_queried_states() {
    let data = data(4, 100, (1, 1), |o, a| a[0] = expert(o[0]));
    let dir = tempfile::tempdir().unwrap();
    let options = RunOptions::new(dir.path().join("run"));
    let mut rounds = Vec::new();
    let mut collect = |_: &Policy, round: u64| Ok::<_, TrainError>(labeled_episodes(round));
    let summary =
        dagger(&settings(), data, &options, &mut collect, &mut |round, _| rounds.push(*round), &mut ()).unwrap();
    assert_eq!(rounds.iter().map(|round| round.ticks).collect::<Vec<_>>(), [400, 500, 600, 700]);
    assert_eq!(summary.rounds, rounds);
    let error = |dir: &std::path::Path| {
        let mut action = [0.0];
        Policy::load(dir).unwrap().act(&[-10.0], &mut [], &mut action);
        (action[0] - expert(-10.0)).abs()
    };
    let (first, last) = (error(&options.dir.join("rounds/00/best")), error(&summary.policy_dir));
    assert!(first > 1.0, "the demonstrations alone suffice: {first}");
    assert!(last < 0.3, "{last} after the last round");
}

#[test]
fn a_stopped_run_resumes_to_the_same_policy() {
    let data = || data(4, 100, (1, 1), |o, a| a[0] = expert(o[0]));
    let dir = tempfile::tempdir().unwrap();
    let whole = RunOptions::new(dir.path().join("whole"));
    let mut collect = |_: &Policy, round: u64| Ok::<_, TrainError>(labeled_episodes(round));
    let summary = dagger(&settings(), data(), &whole, &mut collect, &mut |_, _| {}, &mut ()).unwrap();
    let expected = std::fs::read(summary.policy_dir.join("model.safetensors")).unwrap();

    let options = RunOptions::new(dir.path().join("stopped"));
    let mut stop = StopIn { round: 2, started_rounds: 0, options: options.clone() };
    let summary = dagger(&settings(), data(), &options, &mut collect, &mut |_, _| {}, &mut stop).unwrap();
    assert!(summary.interrupted && summary.rounds.len() == 3);
    options.stop.store(false, Ordering::Relaxed);
    let again = RunOptions { resume: true, ..options };
    let summary = dagger(&settings(), data(), &again, &mut collect, &mut |_, _| {}, &mut ()).unwrap();
    assert!(!summary.interrupted);
    assert_eq!(std::fs::read(summary.policy_dir.join("model.safetensors")).unwrap(), expected);
}

#[test]
fn an_episode_without_labels_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let options = RunOptions::new(dir.path().join("run"));
    let unlabeled = |episode: Trajectory| Trajectory { expert_actions: None, ..episode };
    let mut collect =
        |_: &Policy, round: u64| Ok::<_, TrainError>(labeled_episodes(round).into_iter().map(unlabeled).collect());
    let data = data(4, 100, (1, 1), |o, a| a[0] = expert(o[0]));
    let config = config_of("dagger", &["network.hidden_sizes=[32]", "training.steps=20"]);
    let error = dagger(&config, data, &options, &mut collect, &mut |_, _| {}, &mut ()).unwrap_err();
    assert!(error.to_string().contains("no actions of an expert"), "{error}");
}

#[test]
fn labels_do_not_depend_on_the_other_episodes() {
    let scene = find("slalom").unwrap();
    let spaces = scene.blueprint.spaces();
    let mut synthetic = data(2, 10, (spaces.observation.size(), spaces.action.size()), |_, a| a[1] = 0.5);
    (synthetic.observation, synthetic.action) = ((*spaces.observation).clone(), (*spaces.action).clone());
    let prepared = PreparedData::new(&synthetic, 0.0, 0).unwrap();
    let policy = BehaviorCloning::on_data(&config(&[]), &prepared, &Device::flex()).unwrap().policy().unwrap();
    let seeds = evaluation_seeds(3, 5);
    let together = query_expert(&scene, policy.clone(), Skill::Steady, &seeds, 2).unwrap();
    assert_eq!(together.iter().map(|e| e.seed).collect::<Vec<_>>(), seeds);
    for (episode, seed) in together.iter().zip(&seeds) {
        let alone = query_expert(&scene, policy.clone(), Skill::Steady, &[*seed], 1).unwrap().remove(0);
        let Trajectory { index, env, start_step, .. } = *episode;
        assert_eq!(Trajectory { index, env, start_step, ..alone }, *episode);
        let labels = episode.expert_actions.as_ref().unwrap();
        assert_eq!(labels.len(), episode.ticks * spaces.action.size());
        assert_eq!(episode.acting_observations().len(), episode.ticks * spaces.observation.size());
        assert!(episode.ticks > 10);
        // The labels are the expert's actions, not those of the untrained policy.
        let throttle: Vec<f32> = labels.chunks(spaces.action.size()).map(|action| action[1]).collect();
        assert!(throttle.iter().any(|t| *t > 0.9), "the expert accelerates");
    }
}
