//! A custom task for the built-in car: drive 60 m of the circuit below a speed limit. The blueprint is the built-in
//! circuit's with another task, other reward terms and another operator; then it is recorded, cloned and evaluated.
//!
//! ```sh
//! cargo run --release --example own_task            # headless
//! cargo run --release --example own_task -- play    # in the window
//! ```
use std::sync::{Arc, atomic::AtomicBool};

use apprentice::agents::Spaces;
use apprentice::agents::vehicle::DriveOperator;
use apprentice::agents::vehicle::VehicleSpecification;
use apprentice::demos::Dataset;
use apprentice::learn::{RunOptions, TrainingData, defaults, train_on_dataset};
use apprentice::policies::Policy;
use apprentice::rollout::{Player, evaluate, evaluation_seeds, record, recording_seeds};
use apprentice::scenes::{ArenaContents, Blueprint, Role, Scene, find};
use apprentice::sim::{ConditionRanges, Physics};
use apprentice::tasks::{Outcome, Task, TaskContext};
use apprentice::teleop::{KeyBindings, Operator, Skill};

/// Distance to drive along the road, m.
const DISTANCE: f32 = 60.0;
/// Speed limit, m/s.
const SPEED_LIMIT: f32 = 10.0;
/// Time above the speed limit at which the task fails, s.
const SPEEDING_LIMIT: f32 = 1.0;
/// Cruising speed of the scripted operator, m/s: it deviates from its own by up to 30 %.
const CRUISE: f32 = 8.0;
/// Lateral acceleration of the scripted operator in bends, m/s².
const LATERAL_ACCELERATION: f32 = 4.0;

/// Drive a distance along the road without leaving it or driving too fast for long.
#[derive(Default)]
struct SpeedLimit {
    /// Arc length of the car's projection onto the road at the last tick, m.
    last_along: f32,
    /// Distance driven along the road in this episode, m.
    distance: f32,
    /// Time above the speed limit in this episode, s.
    speeding: f32,
}

impl Task for SpeedLimit {
    fn terms(&self) -> &'static [&'static str] {
        &["progress", "speeding", "finish"]
    }

    fn reset(&mut self, ctx: &TaskContext<'_>) {
        *self = Self::default();
        if let Some(course) = &ctx.goal.course {
            self.last_along = course.project(ctx.physics.pose(ctx.body.parts()[0]).0).along;
        }
    }

    /// Reward terms: `progress`, meters driven along the road; `speeding`, m/s above the limit, times dt; `finish`, 1 at
    /// the end.
    fn step(&mut self, ctx: &TaskContext<'_>, terms: &mut [f32]) -> Outcome {
        terms.fill(0.0);
        let Some(course) = &ctx.goal.course else { return Outcome::Failure("no course") };
        let car = ctx.body.parts()[0];
        let projection = course.project(ctx.physics.pose(car).0);
        terms[0] = course.advance(self.last_along, projection.along);
        self.last_along = projection.along;
        self.distance += terms[0];
        let excess = ctx.physics.bodies[car].linvel().length() - SPEED_LIMIT;
        if excess > 0.0 {
            terms[1] = excess * ctx.dt;
            self.speeding += ctx.dt;
        }
        if projection.offset.abs() > course.half_width() {
            return Outcome::Failure("left the road");
        }
        if self.speeding > SPEEDING_LIMIT {
            return Outcome::Failure("drove too fast");
        }
        if self.distance >= DISTANCE {
            terms[2] = 1.0;
            return Outcome::Success;
        }
        Outcome::Running
    }
}

/// A scene of the car with [`SpeedLimit`] as its task: everything else is the other scene's.
struct SpeedLimited(Arc<dyn Blueprint>);

impl Blueprint for SpeedLimited {
    fn title(&self) -> String {
        format!("{DISTANCE} m at {SPEED_LIMIT} m/s or less")
    }

    fn spaces(&self) -> Spaces {
        self.0.spaces()
    }

    fn bindings(&self) -> KeyBindings {
        self.0.bindings()
    }

    fn control_dt(&self) -> f32 {
        self.0.control_dt()
    }

    fn sim_dt(&self) -> f32 {
        self.0.sim_dt()
    }

    fn conditions(&self) -> ConditionRanges {
        self.0.conditions()
    }

    fn time_limit(&self) -> f32 {
        30.0
    }

    /// The weights of the task's terms, in its order.
    fn terms(&self) -> Vec<(String, f32)> {
        [("progress", 0.1), ("speeding", -0.5), ("finish", 10.0)]
            .map(|(name, weight)| (name.to_owned(), weight))
            .to_vec()
    }

    fn build(&self, physics: &mut Physics<'_>, agents: usize) -> ArenaContents {
        let mut contents = self.0.build(physics, agents);
        for role in &mut contents.roles {
            if let Role::Agent(task) = role {
                *task = Box::new(SpeedLimit::default());
            }
        }
        contents
    }

    fn operator(&self, skill: Skill) -> Option<Box<dyn Operator>> {
        let car = VehicleSpecification::default();
        Some(Box::new(DriveOperator::new(skill, CRUISE, LATERAL_ACCELERATION, &car)))
    }
}

/// The circuit with another task. The text identifies the scene in datasets, so it has what this file adds.
fn scene() -> Result<Scene, Box<dyn std::error::Error>> {
    let circuit = find("circuit")?;
    let text = format!("{}\n// speed limit {SPEED_LIMIT} m/s, {DISTANCE} m", circuit.text);
    Ok(Scene::new("speed-limit", text, SpeedLimited(circuit.blueprint)))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let scene = scene()?;
    #[cfg(feature = "desktop")]
    if std::env::args().any(|a| a == "play") {
        apprentice::ui::run_app(apprentice::ui::AppOptions { scene: Some(scene), ..Default::default() })?;
        return Ok(());
    }
    let out = tempfile::tempdir()?;
    let (demos, run) = (out.path().join("demos"), out.path().join("run"));
    let recorded = record(&scene, Skill::Steady, recording_seeds(1).take(20), &demos, &AtomicBool::new(false), |_| {})?;
    let data = TrainingData::from_dataset(&Dataset::open(&demos)?)?;
    let config = defaults("bc").changed(None, &["training.steps=2000".to_owned()])?;
    let trained = train_on_dataset(&config, &data, &RunOptions::new(&run), &mut ())?;
    let policy = Player::Policy(Box::new(Policy::load(&trained.policy_dir)?));
    let result = evaluate(&scene, policy, &evaluation_seeds(1, 50), 0, |_| {})?;
    println!("{} of {} demonstrations succeeded", recorded.successes, recorded.episodes);
    println!("success rate of the policy on 50 unseen seeds: {:.0} %", 100.0 * result.success_rate);
    for (end, episodes) in &result.ends {
        println!("  {end}: {episodes}");
    }
    assert!(result.success_rate >= 0.8, "a low success rate");
    Ok(())
}
