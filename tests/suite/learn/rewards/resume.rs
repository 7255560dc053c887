//! Resuming a run that infers a reward.

use std::sync::Arc;

use apprentice::learn::reinforcement::SceneEnv;
use apprentice::learn::rewards::train_on_inferred_reward;
use apprentice::learn::{RunOptions, TrainError, TrainingData, defaults};
use apprentice::rollout::{VecEnvOptions, record, recording_seeds};
use apprentice::scenes::find;
use apprentice::teleop::Skill;

use crate::testing::rl::StopAfter;

#[test]
fn a_stopped_run_resumes_bit_for_bit() {
    let dir = tempfile::tempdir().unwrap();
    let scene = find("slalom").unwrap();
    let demos = dir.path().join("demos");
    record(&scene, Skill::Steady, recording_seeds(1).take(2), &demos, &Arc::default(), |_| {}).unwrap();
    let data = TrainingData::from_dataset(&apprentice::demos::Dataset::open(&demos).unwrap()).unwrap();
    let env = || Box::new(SceneEnv::new(&scene.with_horizon(60), VecEnvOptions { arenas: 4, agents: 1, threads: 2 }));
    for learner in ["gail", "vail", "airl", "amp", "apprenticeship"] {
        let changes = [
            "ppo.n_envs=4",
            "ppo.n_steps=32",
            "training.steps=5",
            "ppo.n_eval_episodes=1",
            "reward.disc_buffer_size=200",
        ];
        let changes: Vec<String> = changes
            .iter()
            .chain(&["reward.batch_size=64", "reward.projection_interval=2"])
            .map(ToString::to_string)
            .collect();
        let config = defaults(learner).changed(None, &changes).unwrap();
        let weights = |options: &RunOptions| {
            let last = options.dir.join("last");
            let reward =
                std::fs::read(last.join("reward.safetensors")).or_else(|_| std::fs::read(last.join("reward.json")));
            (std::fs::read(last.join("model.safetensors")).unwrap(), reward.unwrap())
        };
        let whole = RunOptions::new(dir.path().join(learner).join("whole"));
        train_on_inferred_reward(&config, env(), &data, &whole, &mut ()).unwrap();
        let mut parts = RunOptions::new(dir.path().join(learner).join("parts"));
        train_on_inferred_reward(&config, env(), &data, &parts, &mut StopAfter(3, Arc::clone(&parts.stop))).unwrap();
        assert!(weights(&whole) != weights(&parts), "{learner} was not stopped before its end");
        parts = RunOptions { resume: true, stop: Arc::default(), ..parts };
        train_on_inferred_reward(&config, env(), &data, &parts, &mut ()).unwrap();
        assert!(weights(&whole) == weights(&parts), "{learner}: the weights differ");
        // Resuming with other demonstrations is refused.
        let other = data.take_episodes(1);
        let error = train_on_inferred_reward(&config, env(), &other, &parts, &mut ()).unwrap_err();
        assert!(matches!(error, TrainError::Resume { .. }), "{error}");
    }
}
