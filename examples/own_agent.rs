//! A custom agent: a ball that is rolled onto a mark. This file defines its body, layouts, keys, task and scripted
//! operator, then records demonstrations, trains a policy by behavior cloning and evaluates it.
//!
//! ```sh
//! cargo run --release --example own_agent            # headless
//! cargo run --release --example own_agent -- play    # in the window: W A S D roll the ball
//! ```
use std::sync::{Arc, atomic::AtomicBool};

use apprentice::agents::Spaces;
use apprentice::demos::Dataset;
use apprentice::learn::{RunOptions, TrainingData, defaults, train_on_dataset};
use apprentice::policies::Policy;
use apprentice::rollout::{Player, check_dataset, evaluate, evaluation_seeds, record, recording_seeds};
use apprentice::scenes::{ArenaContents, Blueprint, Role, Scene};
use apprentice::sim::{Body, Physics, SimRng, Slot, TaskGoal};
use apprentice::spaces::{Field, Layout};
use apprentice::tasks::{Outcome, Task, TaskContext};
use apprentice::teleop::{Binding, KeyBindings, KeyLatch, Operator, RateLimit, Skill};
use bevy::input::keyboard::KeyCode::{self, KeyA, KeyD, KeyS, KeyW};
use bevy::math::Vec3;
use bevy_rapier3d::rapier::prelude::*;
use rand::RngExt;

/// Radius of the ball, m.
const RADIUS: f32 = 0.4;
/// Mass of the ball, kg.
const MASS: f32 = 4.0;
/// Torque at full action, N m.
const TORQUE: f32 = 8.0;

/// A ball that is rolled by a torque.
///
/// Its rigid body lives in the arena's physics sets; this struct has the handle, and the state of the agent itself.
struct Ball {
    parts: [RigidBodyHandle; 1],
    /// The action of the current tick.
    push: [f32; 2],
}

impl Body for Ball {
    /// Once a tick: write the observation, in the order of the observation layout. The goal is the slot's, and the
    /// variation below sets it.
    fn sense(&mut self, physics: &Physics<'_>, goal: &TaskGoal, observation: &mut [f32]) {
        let ball = &physics.bodies[self.parts[0]];
        let (to_goal, v) = (goal.position.unwrap_or_default() - ball.translation(), ball.linvel());
        observation.copy_from_slice(&[to_goal.x, to_goal.z, v.x, v.z]);
    }

    /// Once a tick: take the action.
    fn actuate(&mut self, _: &mut Physics<'_>, action: &[f32]) {
        self.push.copy_from_slice(action);
    }

    /// Before each of the physics steps of a tick: apply forces.
    fn before_step(&mut self, physics: &mut Physics<'_>) {
        let torque = Vec3::new(self.push[1], 0.0, -self.push[0]) * TORQUE * physics.dt();
        physics.bodies[self.parts[0]].apply_torque_impulse(torque, true);
    }

    /// At the start of an episode, by the variation.
    fn place(&mut self, physics: &mut Physics<'_>, position: Vec3, _heading: f32) {
        physics.bodies[self.parts[0]].set_translation(position + Vec3::Y * RADIUS, true);
    }

    fn parts(&self) -> &[RigidBodyHandle] {
        &self.parts
    }

    /// Everything that the body keeps between ticks. Snapshots contain it, so that an episode can be rewound and
    /// simulated again, and so does the state hash that is recorded at every tick: state that is left out shows as a
    /// divergence in `check_dataset`.
    fn save(&self, out: &mut Vec<u8>) {
        out.extend(postcard::to_stdvec(&self.push).unwrap_or_default());
    }

    /// The inverse of `save`.
    fn load(&mut self, bytes: &[u8]) -> bool {
        postcard::from_bytes(bytes).map(|push| self.push = push).is_ok()
    }
}

/// Task: the ball rests on the mark.
struct OnMark;

impl Task for OnMark {
    /// The blueprint gives each of these reward terms a weight.
    fn terms(&self) -> &'static [&'static str] {
        &["near"]
    }

    /// A task with a state, such as a distance driven, resets it here.
    fn reset(&mut self, _: &TaskContext<'_>) {}

    fn step(&mut self, ctx: &TaskContext<'_>, terms: &mut [f32]) -> Outcome {
        let ball = &ctx.physics.bodies[ctx.body.parts()[0]];
        let distance = (ctx.goal.position.unwrap_or_default() - ball.translation()).with_y(0.0).length();
        terms[0] = 1.0 / (1.0 + distance);
        if distance < 0.5 && ball.linvel().length() < 0.5 { Outcome::Success } else { Outcome::Running }
    }
}

/// Scripted operator: presses keys to follow a PD controller towards the mark. It sees what a policy sees.
struct Roller;

impl Operator for Roller {
    fn begin(&mut self, _seed: u64) {}

    /// `action` is the action of the last tick: the value that the keys have reached.
    fn press(&mut self, observation: &[f32], action: &[f32], _dt: f32, keys: &mut KeyLatch) {
        let pairs: [(KeyCode, KeyCode); 2] = [(KeyD, KeyA), (KeyS, KeyW)];
        for (i, (up, down)) in pairs.into_iter().enumerate() {
            let target = (0.5 * observation[i] - 0.6 * observation[2 + i]).clamp(-1.0, 1.0);
            keys.set(up, target > action[i] + 0.1);
            keys.set(down, target < action[i] - 0.1);
        }
    }
}

/// The scene: what an arena contains, and how its agents are observed and controlled.
struct Bowling;

impl Blueprint for Bowling {
    fn title(&self) -> String {
        "A ball, rolled onto a mark".to_owned()
    }

    /// The layouts name every number of observation and action, with unit and bounds. A policy folder stores them, and a
    /// policy is refused for an agent with other ones.
    fn spaces(&self) -> Spaces {
        let pair = |n: &str, unit: &str| Field::new(n, 2, unit, -20.0, 20.0);
        let observation = Layout::new("ball/observation", vec![pair("goal", "m"), pair("velocity", "m/s")]);
        let action = Layout::new("ball/action", vec![Field::new("push", 2, "1", -1.0, 1.0)]);
        Spaces { agent: "ball".into(), observation: Arc::new(observation), action: Arc::new(action) }
    }

    /// A key moves a number of the action towards a value, at a limited rate.
    fn bindings(&self) -> KeyBindings {
        let keys = [(KeyD, 0, 1.0), (KeyA, 0, -1.0), (KeyS, 1, 1.0), (KeyW, 1, -1.0)];
        let bindings = keys.map(|(key, action, value)| Binding::new(&[key], "roll", action, value)).to_vec();
        KeyBindings { bindings, rate_limits: vec![RateLimit { rise: 4.0, fall: 6.0 }; 2] }
    }

    fn time_limit(&self) -> f32 {
        15.0
    }

    fn terms(&self) -> Vec<(String, f32)> {
        vec![("near".to_owned(), 1.0)]
    }

    fn build(&self, physics: &mut Physics<'_>, agents: usize) -> ArenaContents {
        let ground = ColliderBuilder::cuboid(30.0, 0.5, 30.0).translation(Vec3::NEG_Y * 0.5).build();
        physics.insert(RigidBodyBuilder::fixed(), [ground]);
        // A slot is a body with its goal, sensors, observation and action. Here all are built in their nominal state,
        // which is the snapshot that a reset restores before the variation.
        let slot = |_| {
            let ball = RigidBodyBuilder::dynamic().angular_damping(0.5).can_sleep(false);
            let handle = physics.insert(ball, [ColliderBuilder::ball(RADIUS).mass(MASS).build()]);
            let body = Box::new(Ball { parts: [handle], push: [0.0; 2] });
            let (observation, action) = (vec![0.0; 4], vec![0.0; 2]);
            Slot { body, goal: TaskGoal::default(), sensors: Vec::new(), observation, action }
        };
        let slots = (0..agents).map(slot).collect();
        // One role for each slot: an agent with its task, or a non-player body with a scripted operator.
        let roles = (0..agents).map(|_| Role::Agent(Box::new(OnMark))).collect();
        // What differs between episodes. It samples from `rng` alone, so that an episode's seed determines it.
        let variation = Box::new(|physics: &mut Physics<'_>, slots: &mut [Slot], rng: &mut SimRng| {
            for slot in slots {
                let mut position = || Vec3::new(rng.random::<f32>() - 0.5, 0.0, rng.random::<f32>() - 0.5) * 12.0;
                slot.body.place(physics, position(), 0.0);
                slot.goal = TaskGoal::to(position());
            }
        });
        ArenaContents { slots, roles, variation }
    }

    fn operator(&self, _skill: Skill) -> Option<Box<dyn Operator>> {
        Some(Box::new(Roller))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The text stands for the blueprint in datasets; change it when the blueprint changes.
    let scene = Scene::new("bowling", "bowling 1", Bowling);
    #[cfg(feature = "desktop")]
    if std::env::args().any(|a| a == "play") {
        apprentice::ui::run_app(apprentice::ui::AppOptions { scene: Some(scene), ..Default::default() })?;
        return Ok(());
    }
    let out = tempfile::tempdir()?;
    let (demos, run) = (out.path().join("demos"), out.path().join("run"));
    let recorded = record(&scene, Skill::Steady, recording_seeds(1).take(20), &demos, &AtomicBool::new(false), |_| {})?;
    let dataset = Dataset::open(&demos)?;
    let checked = check_dataset(&dataset, |_| Ok::<_, apprentice::demos::DatasetError>(scene.clone()), |_| {})?;
    let config = defaults("bc").changed(None, &["training.steps=2000".to_owned()])?;
    let trained = train_on_dataset(&config, &TrainingData::from_dataset(&dataset)?, &RunOptions::new(&run), &mut ())?;
    let policy = Player::Policy(Box::new(Policy::load(&trained.policy_dir)?));
    let result = evaluate(&scene, policy, &evaluation_seeds(1, 50), 0, |_| {})?;
    println!("{} episodes recorded, {} ticks diverged in re-simulation", recorded.episodes, checked.diverged);
    println!("success rate of the policy on 50 unseen seeds: {:.0} %", 100.0 * result.success_rate);
    assert!(checked.diverged == 0 && result.success_rate >= 0.9, "divergence, or a low success rate");
    Ok(())
}
