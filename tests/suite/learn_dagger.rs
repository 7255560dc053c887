//! Dataset aggregation: what the demonstrations lack is asked for.

use std::sync::atomic::Ordering;

use apprentice::learn::{Prepared, TrainConfig};
use apprentice::learn::{Progress, RunOptions, StepReport, TrainError, dagger, learner};
use apprentice::policies::Policy;
use apprentice::rollout::{Experience, ask_expert, evaluation_seeds};
use apprentice::scenes::find;
use apprentice::teleop::Skill;
use burn::tensor::Device;

use super::learn_common::{Numbers, config, data};

/// The expert turns round at -3, of which demonstrations between -2 and 4 tell nothing.
fn expert(observation: f32) -> f32 {
    if observation > -3.0 { observation } else { -6.0 - observation }
}

/// Two episodes between -12 and -4, where no demonstration was.
fn asked(round: u64) -> Vec<Experience> {
    let mut numbers = Numbers(100 + round);
    let episode = |seed| {
        let observations: Vec<f32> = (0..50).map(|_| 4.0 * numbers.next() - 8.0).collect();
        let actions = observations.iter().map(|o| expert(*o)).collect();
        Experience { seed, observations, actions, ..Experience::default() }
    };
    (0..2).map(episode).collect()
}

fn settings() -> TrainConfig {
    config(&[
        "network.hidden=[32]",
        "training.steps=400",
        "training.patience=0",
        "optimizer.learning_rate=5e-3",
        "dagger.rounds=3",
    ])
}

/// Stops training in the given round.
struct StopIn {
    round: u64,
    begun: u64,
    options: RunOptions,
}

impl Progress for StopIn {
    fn started(&mut self, _: &apprentice::learn::RunInfo) {
        self.begun += 1;
    }

    fn stepped(&mut self, report: &StepReport) {
        if self.begun == self.round + 1 && report.step >= 100 {
            self.options.stop.store(true, Ordering::Relaxed);
        }
    }
}

#[test]
fn what_is_asked_is_learned() {
    let data = data(4, 100, (1, 1), |o, a| a[0] = expert(o[0]));
    let dir = tempfile::tempdir().unwrap();
    let options = RunOptions::new(dir.path().join("run"));
    let mut heard = Vec::new();
    let mut ask = |_: &Policy, round: u64| Ok::<_, TrainError>(asked(round));
    let summary = dagger(&settings(), data, &options, &mut ask, &mut |round| heard.push(*round), &mut ()).unwrap();
    assert_eq!(heard.iter().map(|round| round.ticks).collect::<Vec<_>>(), [400, 500, 600, 700]);
    assert_eq!(summary.rounds, heard);
    let error = |dir: &std::path::Path| {
        let mut action = [0.0];
        Policy::load(dir).unwrap().act(&[-10.0], &mut [], &mut action);
        (action[0] - expert(-10.0)).abs()
    };
    let (first, last) = (error(&options.dir.join("rounds/00/best")), error(&summary.policy_dir));
    assert!(first > 1.0, "demonstrations alone tell already: {first}");
    assert!(last < 0.3, "{last} after the last round");
}

#[test]
fn a_stopped_run_goes_on_to_the_same_policy() {
    let data = || data(4, 100, (1, 1), |o, a| a[0] = expert(o[0]));
    let dir = tempfile::tempdir().unwrap();
    let whole = RunOptions::new(dir.path().join("whole"));
    let mut ask = |_: &Policy, round: u64| Ok::<_, TrainError>(asked(round));
    let summary = dagger(&settings(), data(), &whole, &mut ask, &mut |_| {}, &mut ()).unwrap();
    let wanted = std::fs::read(summary.policy_dir.join("model.safetensors")).unwrap();

    let options = RunOptions::new(dir.path().join("stopped"));
    let mut stop = StopIn { round: 2, begun: 0, options: options.clone() };
    let summary = dagger(&settings(), data(), &options, &mut ask, &mut |_| {}, &mut stop).unwrap();
    assert!(summary.interrupted && summary.rounds.len() == 3);
    options.stop.store(false, Ordering::Relaxed);
    let again = RunOptions { resume: true, ..options };
    let summary = dagger(&settings(), data(), &again, &mut ask, &mut |_| {}, &mut ()).unwrap();
    assert!(!summary.interrupted);
    assert_eq!(std::fs::read(summary.policy_dir.join("model.safetensors")).unwrap(), wanted);
}

#[test]
fn an_expert_says_the_same_whoever_else_is_asked() {
    let scene = find("slalom").unwrap();
    let spaces = scene.blueprint.spaces();
    let mut made_up = data(2, 10, (spaces.observation.size(), spaces.action.size()), |_, a| a[1] = 0.5);
    (made_up.observation, made_up.action) = ((*spaces.observation).clone(), (*spaces.action).clone());
    let prepared = Prepared::new(&made_up, 0.0, 0).unwrap();
    let policy = learner(&config(&[]), &made_up, &prepared, &Device::flex()).unwrap().policy().unwrap();
    let seeds = evaluation_seeds(3, 5);
    let together = ask_expert(&scene, policy.clone(), Skill::Steady, &seeds, 2).unwrap();
    assert_eq!(together.iter().map(|e| e.seed).collect::<Vec<_>>(), seeds);
    for (episode, seed) in together.iter().zip(&seeds) {
        let alone = ask_expert(&scene, policy.clone(), Skill::Steady, &[*seed], 1).unwrap();
        assert_eq!(alone[0], *episode);
        let ticks = episode.actions.len() / spaces.action.size();
        assert_eq!(episode.observations.len(), ticks * spaces.observation.size());
        assert!(ticks > 10);
        // An untrained policy does not move the expert's own hands.
        let throttle: Vec<f32> = episode.actions.chunks(spaces.action.size()).map(|action| action[1]).collect();
        assert!(throttle.iter().any(|t| *t > 0.9), "the expert would have driven off");
    }
}
