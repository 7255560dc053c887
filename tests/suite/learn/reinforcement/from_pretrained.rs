//! PPO from a pretrained policy.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use apprentice::demos::Dataset;
use apprentice::learn::reinforcement::{PpoConfig, SceneEnv, train_rl};
use apprentice::learn::{RunOptions, TrainingData, train_on_dataset};
use apprentice::policies::Policy;
use apprentice::rollout::{VecEnvOptions, record, recording_seeds};
use apprentice::scenes::find;
use apprentice::teleop::Skill;

use crate::testing::rl::{CartPole, VecTestEnv, config};

const TINY: [&str; 5] = [
    "ppo.n_envs=16",
    "ppo.n_steps=64",
    "network.hidden_sizes=[32]",
    "training.batch_size=256",
    "ppo.n_eval_episodes=2",
];

/// Weights of a policy trained on CartPole with these settings.
fn cart_pole_weights(dir: &Path, name: &str, changes: &[&str]) -> Vec<u8> {
    let config = config("ppo", &[&TINY[..], changes].concat());
    let options = RunOptions::new(dir.join(name));
    train_rl(&config, Box::new(VecTestEnv::<CartPole>::new(config.get::<PpoConfig>().n_envs)), &options, &mut ())
        .unwrap();
    std::fs::read(options.dir.join("last/model.safetensors")).unwrap()
}

#[test]
fn the_actor_is_not_trained_during_critic_warmup() {
    let dir = tempfile::tempdir().unwrap();
    let learn = |name, changes: &[&str]| cart_pole_weights(dir.path(), name, changes);
    let base = learn("base", &["training.steps=3"]);
    let from = format!("init.from={}", dir.path().join("base/last").display());
    assert!(
        learn("warmup", &[&from, "ppo.critic_warmup_updates=2", "training.steps=2"]) == base,
        "the actor was trained during warmup"
    );
    assert!(
        learn("trained", &[&from, "ppo.critic_warmup_updates=2", "training.steps=3"]) != base,
        "the actor was not trained after warmup"
    );
    assert!(
        learn("random", &["ppo.critic_warmup_updates=9", "training.steps=3"]) == base,
        "there is no warmup with random initialization"
    );
}

#[test]
fn gae_lambda_decays_from_one_with_a_pretrained_policy() {
    let dir = tempfile::tempdir().unwrap();
    let learn = |name, changes: &[&str]| cart_pole_weights(dir.path(), name, changes);
    learn("base", &["training.steps=3"]);
    let from = format!("init.from={}", dir.path().join("base/last").display());
    let fine_tune = |name, changes: &[&str]| {
        learn(
            name,
            &[&[&from[..], "ppo.bc_coef=0", "ppo.critic_warmup_updates=0", "training.steps=3"], changes].concat(),
        )
    };
    let monte_carlo = fine_tune("monte carlo", &["ppo.gae_lambda=1"]);
    assert!(
        fine_tune("no decay", &["ppo.gae_lambda=0.5", "ppo.bc_coef_decay=1"]) == monte_carlo,
        "lambda is 1 without decay"
    );
    assert!(
        fine_tune("decayed", &["ppo.gae_lambda=0.5", "ppo.bc_coef_decay=0"]) != monte_carlo,
        "lambda did not decay"
    );
    let from_random = |name, changes: &[&str]| learn(name, &[&["training.steps=3"], changes].concat());
    let weights = from_random("lambda 0.5", &["ppo.gae_lambda=0.5", "ppo.bc_coef_decay=1"]);
    assert!(
        weights != from_random("lambda 1", &["ppo.gae_lambda=1"]),
        "lambda must not decay with random initialization"
    );
}

#[test]
fn an_undemonstrated_action_is_explored_without_dominating_the_log_probability() {
    let scene = find("slalom").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let demos = dir.path().join("demos");
    record(&scene, Skill::Steady, recording_seeds(5).take(2), &demos, &AtomicBool::new(false), |_| {}).unwrap();
    let data = TrainingData::from_dataset(&Dataset::open(&demos).unwrap()).unwrap();
    let options = RunOptions::new(dir.path().join("clone"));
    let changes = ["network.hidden_sizes=[32]", "training.steps=1500", "optimizer.learning_rate=3e-3"];
    let clone = train_on_dataset(&config("bc", &changes), &data, &options, &mut ()).unwrap().policy_dir;
    let from = format!("init.from={}", clone.display());
    let config = config(
        "ppo",
        &[
            &from,
            "network.hidden_sizes=[32]",
            "ppo.n_envs=4",
            "ppo.n_steps=32",
            "ppo.n_eval_episodes=1",
            "training.steps=1",
        ],
    );
    let options = RunOptions::new(dir.path().join("ppo"));
    let arenas = Box::new(SceneEnv::new(&scene, VecEnvOptions { arenas: 4, agents: 1, threads: 1 }));
    let after = train_rl(&config, arenas, &options, &mut ()).unwrap().policy_dir;
    let (mut before, mut after) = (Policy::load(&clone).unwrap(), Policy::load(&after).unwrap());
    assert_eq!(before.config().action_normalizer.std[3], 1.0, "the demonstrations use the handbrake");
    for observation in data.observations.chunks_exact(data.observation.size()).step_by(40) {
        let (mut means, mut stds) = ([0.0; 4], [0.0; 4]);
        after.distribution(observation, &mut means, &mut stds);
        let (mut action_before, mut action_after) = ([0.0; 4], [0.0; 4]);
        before.act(observation, &mut [], &mut action_before);
        after.act(observation, &mut [], &mut action_after);
        // The only update is critic warmup, so the mean is still that of the pretrained policy.
        let close = action_after.iter().zip(&action_before).all(|(after, before)| (after - before).abs() < 1e-2);
        assert!(close, "{action_after:?}, before {action_before:?}");
        let handbrake_stds = -after.config().action_normalizer.mean[3] / stds[3];
        assert!(
            (1.5..2.5).contains(&handbrake_stds),
            "the handbrake is pulled beyond {handbrake_stds} standard deviations"
        );
        // The log-probability depends on errors in units of the standard deviation, so none may be much smaller than the
        // others.
        let smallest = stds[..3].iter().copied().fold(f32::INFINITY, f32::min);
        assert!(stds[3] > 0.5 * smallest, "{stds:?}");
    }
}

#[test]
fn a_run_is_not_resumed_with_another_pretrained_policy() {
    let dir = tempfile::tempdir().unwrap();
    let learn = |name: &str, changes: &[&str], resume: bool| {
        let config = config("ppo", &[&TINY[..], changes].concat());
        let options = RunOptions { resume, ..RunOptions::new(dir.path().join(name)) };
        train_rl(&config, Box::new(VecTestEnv::<CartPole>::new(config.get::<PpoConfig>().n_envs)), &options, &mut ())
    };
    learn("base", &["training.steps=1"], false).unwrap();
    let from = format!("init.from={}", dir.path().join("base/last").display());
    let changes = [&from[..], "training.steps=2"];
    learn("next", &changes, false).unwrap();
    learn("next", &changes, true).unwrap();
    learn("other", &["training.steps=2"], false).unwrap();
    std::fs::rename(dir.path().join("base"), dir.path().join("replaced")).unwrap();
    std::fs::rename(dir.path().join("other"), dir.path().join("base")).unwrap();
    let error = learn("next", &changes, true).unwrap_err().to_string();
    assert!(error.contains("training data has changed"), "{error}");
    // A network of another size cannot be initialized from it.
    let error = learn("larger", &[&from, "network.hidden_sizes=[48]"], false).unwrap_err().to_string();
    assert!(error.contains("the policy of init.from has another network"), "{error}");
}
