//! A run that infers a reward, stopped and gone on with.

use std::sync::Arc;

use apprentice::learn::irl::imitate_in;
use apprentice::learn::rl::Arenas;
use apprentice::learn::{LearnerKind, RunOptions, TrainError};
use apprentice::live::training_data;
use apprentice::rollout::{VecEnvOptions, record, recording_seeds};
use apprentice::scenes::find;
use apprentice::teleop::Skill;

use super::rl_common::After;

#[test]
fn a_stopped_run_goes_on_bit_for_bit_with_its_reward() {
    let dir = tempfile::tempdir().unwrap();
    let scene = find("slalom").unwrap();
    let demos = dir.path().join("demos");
    record(&scene, Skill::Steady, recording_seeds(1).take(2), &demos, &Arc::default(), |_| {}).unwrap();
    let data = training_data(&apprentice::demos::Dataset::open(&demos).unwrap()).unwrap();
    let arenas = || Box::new(Arenas::new(&scene.with_horizon(60), VecEnvOptions { arenas: 4, agents: 1, threads: 2 }));
    for kind in [LearnerKind::Gail, LearnerKind::Vail, LearnerKind::Airl, LearnerKind::Amp, LearnerKind::Apprenticeship]
    {
        let changes = ["ppo.arenas=4", "ppo.ticks=32", "training.steps=5", "ppo.judged=1", "reward.replay=200"];
        let changes: Vec<String> =
            changes.iter().chain(&["reward.batch_size=64", "reward.round=2"]).map(ToString::to_string).collect();
        let config = kind.defaults().changed(None, &changes).unwrap();
        let weights = |options: &RunOptions| {
            let last = options.dir.join("last");
            let reward =
                std::fs::read(last.join("reward.safetensors")).or_else(|_| std::fs::read(last.join("reward.json")));
            (std::fs::read(last.join("model.safetensors")).unwrap(), reward.unwrap())
        };
        let whole = RunOptions::new(dir.path().join(kind.name()).join("whole"));
        imitate_in(&config, arenas(), &data, &whole, &mut ()).unwrap();
        let mut parts = RunOptions::new(dir.path().join(kind.name()).join("parts"));
        imitate_in(&config, arenas(), &data, &parts, &mut After(3, Arc::clone(&parts.stop))).unwrap();
        assert!(weights(&whole) != weights(&parts), "{kind:?} was not stopped before its end");
        parts = RunOptions { resume: true, stop: Arc::default(), ..parts };
        imitate_in(&config, arenas(), &data, &parts, &mut ()).unwrap();
        assert!(weights(&whole) == weights(&parts), "{kind:?}: the weights differ");
        // Not with other demonstrations.
        let other = data.first_episodes(1);
        let error = imitate_in(&config, arenas(), &other, &parts, &mut ()).unwrap_err();
        assert!(matches!(error, TrainError::Resume { .. }), "{error}");
    }
}
