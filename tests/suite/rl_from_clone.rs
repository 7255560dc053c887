//! Going on from a policy by acting: nothing that it knows is lost to what is not known yet.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use apprentice::demos::Dataset;
use apprentice::learn::rl::{Arenas, train_in};
use apprentice::learn::{LearnerKind, RunOptions, train};
use apprentice::live::training_data;
use apprentice::policies::Policy;
use apprentice::rollout::{VecEnvOptions, record, recording_seeds};
use apprentice::scenes::find;
use apprentice::teleop::Skill;

use super::rl_common::{CartPole, Many, config};

const TINY: [&str; 5] =
    ["ppo.arenas=16", "ppo.ticks=64", "network.hidden=[32]", "training.batch_size=256", "ppo.judged=2"];

/// Weights of a pole's balancer that learned so.
fn balanced(dir: &Path, name: &str, changes: &[&str]) -> Vec<u8> {
    let config = config(LearnerKind::Ppo, &[&TINY[..], changes].concat());
    let options = RunOptions::new(dir.join(name));
    train_in(&config, Box::new(Many::<CartPole>::new(config.ppo.arenas)), &options, &mut ()).unwrap();
    std::fs::read(options.dir.join("last/model.safetensors")).unwrap()
}

#[test]
fn a_policy_waits_for_its_critic() {
    let dir = tempfile::tempdir().unwrap();
    let learn = |name, changes: &[&str]| balanced(dir.path(), name, changes);
    let base = learn("base", &["training.steps=3"]);
    let from = format!("init.from={}", dir.path().join("base/last").display());
    assert!(learn("waits", &[&from, "ppo.critic_first=2", "training.steps=2"]) == base, "it learned too early");
    assert!(learn("learns", &[&from, "ppo.critic_first=2", "training.steps=3"]) != base, "it never learned");
    assert!(learn("chance", &["ppo.critic_first=9", "training.steps=3"]) == base, "from chance it waits for nothing");
}

#[test]
fn the_rewards_that_came_are_trusted_while_the_critic_is_young() {
    let dir = tempfile::tempdir().unwrap();
    let learn = |name, changes: &[&str]| balanced(dir.path(), name, changes);
    learn("base", &["training.steps=3"]);
    let from = format!("init.from={}", dir.path().join("base/last").display());
    let go_on = |name, changes: &[&str]| {
        learn(name, &[&[&from[..], "ppo.stay=0", "ppo.critic_first=0", "training.steps=3"], changes].concat())
    };
    let all = go_on("all", &["ppo.lambda=1"]);
    assert!(go_on("young", &["ppo.lambda=0.5", "ppo.stay_decay=1"]) == all, "a critic that stays young was trusted");
    assert!(go_on("grown", &["ppo.lambda=0.5", "ppo.stay_decay=0"]) != all, "a critic that grew up was not");
    let chance = |name, changes: &[&str]| learn(name, &[&["training.steps=3"], changes].concat());
    let own = chance("own", &["ppo.lambda=0.5", "ppo.stay_decay=1"]);
    assert!(own != chance("other", &["ppo.lambda=1"]), "from chance the critic is trusted at once");
}

#[test]
fn what_nobody_did_is_done_once_in_a_while_and_drowns_nothing() {
    let scene = find("slalom").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let demos = dir.path().join("demos");
    record(&scene, Skill::Steady, recording_seeds(5).take(2), &demos, &AtomicBool::new(false), |_| {}).unwrap();
    let data = training_data(&Dataset::open(&demos).unwrap()).unwrap();
    let options = RunOptions::new(dir.path().join("clone"));
    let changes = ["network.hidden=[32]", "training.steps=1500", "optimizer.learning_rate=3e-3"];
    let clone = train(&config(LearnerKind::BehaviourCloning, &changes), &data, &options, &mut ()).unwrap().policy_dir;
    let from = format!("init.from={}", clone.display());
    let config = config(
        LearnerKind::Ppo,
        &[&from, "network.hidden=[32]", "ppo.arenas=4", "ppo.ticks=32", "ppo.judged=1", "training.steps=1"],
    );
    let options = RunOptions::new(dir.path().join("ppo"));
    let arenas = Box::new(Arenas::new(&scene, VecEnvOptions { arenas: 4, agents: 1, threads: 1 }));
    let after = train_in(&config, arenas, &options, &mut ()).unwrap().policy_dir;
    let (mut before, mut after) = (Policy::load(&clone).unwrap(), Policy::load(&after).unwrap());
    assert_eq!(before.config().action_normalizer.std[3], 1.0, "somebody pulled the handbrake");
    for seen in data.observations.chunks_exact(data.observation.size()).step_by(40) {
        let (mut means, mut deviations) = ([0.0; 4], [0.0; 4]);
        after.distribution(seen, &mut means, &mut deviations);
        let (mut was, mut is) = ([0.0; 4], [0.0; 4]);
        before.act(seen, &mut [], &mut was);
        after.act(seen, &mut [], &mut is);
        // Nothing has been learned yet.
        assert!(is.iter().zip(&was).all(|(is, was)| (is - was).abs() < 1e-2), "{is:?}, and it was {was:?}");
        let pulled = -after.config().action_normalizer.mean[3] / deviations[3];
        assert!((1.5..2.5).contains(&pulled), "the handbrake is {pulled} deviations from being pulled");
        // A likelihood changes by how far a mean moves, in deviations: no number may be far narrower than the others.
        let narrowest = deviations[..3].iter().copied().fold(f32::INFINITY, f32::min);
        assert!(deviations[3] > 0.5 * narrowest, "{deviations:?}");
    }
}

#[test]
fn a_stopped_run_does_not_go_on_from_another_policy() {
    let dir = tempfile::tempdir().unwrap();
    let learn = |name: &str, changes: &[&str], resume: bool| {
        let config = config(LearnerKind::Ppo, &[&TINY[..], changes].concat());
        let options = RunOptions { resume, ..RunOptions::new(dir.path().join(name)) };
        train_in(&config, Box::new(Many::<CartPole>::new(config.ppo.arenas)), &options, &mut ())
    };
    learn("base", &["training.steps=1"], false).unwrap();
    let from = format!("init.from={}", dir.path().join("base/last").display());
    let changes = [&from[..], "training.steps=2"];
    learn("next", &changes, false).unwrap();
    learn("next", &changes, true).unwrap();
    learn("other", &["training.steps=2"], false).unwrap();
    std::fs::copy(dir.path().join("other/last/model.safetensors"), dir.path().join("base/last/model.safetensors"))
        .unwrap();
    let error = learn("next", &changes, true).unwrap_err().to_string();
    assert!(error.contains("what it learns from has changed"), "{error}");
    // Nor from one of which half would be chance.
    let error = learn("wide", &[&from, "network.hidden=[48]"], false).unwrap_err().to_string();
    assert!(error.contains("init.from has another network"), "{error}");
}
