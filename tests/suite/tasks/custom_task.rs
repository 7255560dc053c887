//! A task of another crate: one module, one registration, and scene files, evaluation and the whole command line know it.

use std::fs;
use std::path::Path;
use std::sync::Once;

use apprentice::cli::run_with;
use apprentice::demos::Dataset;
use apprentice::rollout::{Player, VecEnv, VecEnvOptions, evaluate, evaluation_seeds};
use apprentice::scenes::{Scene, SceneError, find, parse};
use apprentice::sim::{Body, GoalDetails, Mark, Physics, Sensor, TaskGoal};
use apprentice::spaces::{Field, Layout};
use apprentice::tasks::{Outcome, Task, TaskContext, TaskKind, TaskSensor, register, task_names};
use apprentice::teleop::{KeyLatch, Operator, Skill};
use apprentice::world::{Checker, EpisodeStart, ObjectKind, Shape, WorldSpecification, insert_object};
use bevy::math::Vec3;
use bevy_rapier3d::rapier::prelude::RigidBodyHandle;
use serde::Deserialize;

/// Height and radius of the beacon, m.
const BEACON: Shape = Shape::Cylinder(0.5, 2.0);

/// Stand still in front of a beacon.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HoldStill {
    /// Horizontal speed below which the agent stands still, m/s.
    speed: f32,
    /// Time for which it must stand still, s.
    #[serde(default = "one_second")]
    hold: f32,
}

fn one_second() -> f32 {
    1.0
}

/// Position of the beacon in an episode, m.
#[derive(Clone, Debug)]
struct Beacon(Vec3);

impl GoalDetails for Beacon {
    fn boxed_clone(&self) -> Box<dyn GoalDetails> {
        Box::new(self.clone())
    }

    fn marks(&self, _: &TaskGoal) -> Vec<Mark> {
        vec![Mark::Pillar { position: self.0, color: [1.0, 0.5, 0.0], disc: false }]
    }
}

/// Observes the distance to the beacon.
struct BeaconSensor;

impl Sensor for BeaconSensor {
    fn size(&self) -> usize {
        1
    }

    fn sense(&self, physics: &Physics<'_>, body: &dyn Body, goal: &TaskGoal, out: &mut [f32]) {
        let (position, _) = physics.pose(body.parts()[0]);
        out[0] = goal.details_as::<Beacon>().map_or(0.0, |beacon| beacon.0.distance(position).min(40.0));
    }
}

impl TaskKind for HoldStill {
    fn terms(&self) -> &'static [&'static str] {
        &["still", "held"]
    }

    fn score(&self, _: &WorldSpecification) -> Box<dyn Task> {
        Box::new(HoldStillScore { task: self.clone(), held: 0.0 })
    }

    fn check(&self, _: &WorldSpecification, checker: &mut Checker) {
        checker.parameter("speed", self.speed, 0.01, 10.0, "speed (m/s)");
        checker.parameter("hold", self.hold, 0.0, 60.0, "hold (s)");
    }

    fn sensors(&self, _: &WorldSpecification) -> Vec<TaskSensor> {
        let fields = vec![Field::new("beacon_distance", 1, "m", 0.0, 40.0)];
        vec![TaskSensor { fields, sensor: Box::new(BeaconSensor) }]
    }

    fn build(&self, _: &WorldSpecification, physics: &mut Physics<'_>) -> Vec<RigidBodyHandle> {
        vec![insert_object(physics, ObjectKind::Obstacle, BEACON, None, 0.6)]
    }

    fn begin(&self, episode: &mut EpisodeStart<'_, '_>) {
        let (start, _) = episode.place_world();
        let position = episode.sample_point((0.0, -15.0), (5.0, 5.0));
        let beacon = episode.task_objects[0];
        episode.set_pose(beacon, position + Vec3::Y * (BEACON.height() / 2.0), 0.0);
        episode.place_agents(start, &TaskGoal::default().with_details(Beacon(position)));
    }

    fn operator(&self, _: &WorldSpecification, _: &Layout, _: Skill) -> Option<Box<dyn Operator>> {
        Some(Box::new(NoKeys))
    }
}

/// Presses no keys.
struct NoKeys;

impl Operator for NoKeys {
    fn begin(&mut self, _seed: u64) {}

    fn press(&mut self, _observation: &[f32], _action: &[f32], _dt: f32, _keys: &mut KeyLatch) {}
}

struct HoldStillScore {
    task: HoldStill,
    /// Time for which the agent has stood still, s.
    held: f32,
}

impl Task for HoldStillScore {
    fn terms(&self) -> &'static [&'static str] {
        self.task.terms()
    }

    fn reset(&mut self, _: &TaskContext<'_>) {
        self.held = 0.0;
    }

    fn step(&mut self, ctx: &TaskContext<'_>, terms: &mut [f32]) -> Outcome {
        terms.fill(0.0);
        let still = ctx.physics.bodies[ctx.body.parts()[0]].linvel().with_y(0.0).length() < self.task.speed;
        self.held = if still { self.held + ctx.dt } else { 0.0 };
        terms[0] = if still { ctx.dt } else { 0.0 };
        if self.held >= self.task.hold {
            terms[1] = 1.0;
            return Outcome::Success;
        }
        Outcome::Running
    }
}

const STILL: &str = "(
    title: \"Stand still\",
    agent: Vehicle(),
    time_limit: 10.0,
    start: (spread: (2.0, 2.0), turn: 20.0),
    task: HoldStill(speed: 0.3),
    terms: { \"still\": 1.0, \"held\": 10.0 },
)";

fn registered() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| register::<HoldStill>("HoldStill"));
}

/// A folder with the scene file, and the scene, read from it.
fn scene() -> (tempfile::TempDir, Scene) {
    registered();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("still.ron");
    fs::write(&file, STILL).unwrap();
    let scene = find(&file.display().to_string()).unwrap();
    (dir, scene)
}

/// Line, column and message of the error in a scene text.
fn rejection(text: &str) -> (usize, usize, String) {
    registered();
    match parse("still", "still.ron", text) {
        Err(SceneError::Invalid { line, column, message, .. }) => (line, column, message),
        other => panic!("not rejected by its content: {other:?}"),
    }
}

#[test]
fn a_scene_file_with_a_registered_task_is_evaluated() {
    let (_dir, scene) = scene();
    assert_eq!(scene.name, "still");
    assert_eq!(scene.blueprint.terms(), [("still".to_owned(), 1.0), ("held".to_owned(), 10.0)]);
    let result = evaluate(&scene, Player::Operator(Skill::Steady), &evaluation_seeds(1, 5), 1, |_| {}).unwrap();
    assert_eq!(result.success_rate, 1.0, "{:?}", result.ends);
    for episode in &result.results {
        assert!((30..100).contains(&episode.ticks), "{} ticks for one second of standing still", episode.ticks);
        assert_eq!(episode.terms[1], 10.0);
        assert!(episode.terms[0] >= 0.99 && episode.terms[0] < 4.0, "{} s", episode.terms[0]);
    }
}

#[test]
fn its_sensor_observes_what_its_episode_start_has_drawn() {
    let (_dir, scene) = scene();
    let layout = scene.blueprint.spaces().observation;
    assert_eq!(layout.fields.last().map(|field| field.name.as_str()), Some("beacon_distance"));
    let options = VecEnvOptions { arenas: 3, agents: 1, threads: 1 };
    let mut env = VecEnv::with_player(&scene, options, Player::Random).unwrap();
    env.reset(&[1, 3, 1]);
    let rows: Vec<&[f32]> = env.last_step().observations.chunks(layout.size()).collect();
    let distance = |row: usize| rows[row][layout.size() - 1];
    assert!((5.0..30.0).contains(&distance(0)), "{} m", distance(0));
    assert_ne!(distance(0), distance(1), "another seed");
    assert_eq!(distance(0), distance(2), "the same seed");
}

#[test]
fn its_parameters_are_checked_with_their_position() {
    let (line, _, message) = rejection(&STILL.replace("speed: 0.3", "speeds: 0.3"));
    assert!(line == 6 && message.contains("speeds") && message.contains("hold"), "{line}: {message}");
    let (line, _, message) = rejection(&STILL.replace("speed: 0.3", "hold: 0.3"));
    assert!(line == 6 && message.contains("speed"), "{line}: {message}");
    let text = STILL.replace("speed: 0.3", "hold: 2.0, speed: 11.5");
    let (line, column, message) = rejection(&text);
    let expected = text.lines().nth(5).and_then(|line| line.find("11.5")).map(|at| at + 1);
    assert_eq!((line, Some(column)), (6, expected), "{message}");
    assert!(message.contains("speed (m/s) is 11.5; it must be between 0.01 and 10"), "{message}");
    let (line, _, message) = rejection(&STILL.replace("\"held\"", "\"hold\""));
    assert!(line == 7 && message.contains("this task has still, held"), "{line}: {message}");
}

#[test]
fn an_unknown_task_is_refused_with_the_names() {
    let (line, _, message) = rejection(&STILL.replace("HoldStill", "HoldOn"));
    assert_eq!(line, 6, "{message}");
    assert!(message.contains("unknown task `HoldOn`") && message.contains("Lap, Slalom"), "{message}");
    assert!(message.contains("HoldStill") && task_names().contains(&"HoldStill"), "{message}");
}

#[test]
fn built_in_parameters_keep_the_positions_of_their_errors() {
    for (task, message) in [
        ("Slalom(reach: 6.0, extra: 1)", "extra"),
        ("Slalom()", "reach"),
        ("Slalom(reach: \"far\")", ""),
        ("Slalom", ""),
        ("Park(distance: 1.0,\n angle: 10.0, hold)", ""),
    ] {
        let (line, _, found) = rejection(&STILL.replace("HoldStill(speed: 0.3)", task));
        let last = 6 + task.matches('\n').count();
        assert!((6..=last + 1).contains(&line) && found.contains(message), "{task}: {line}: {found}");
    }
}

#[test]
fn the_command_line_records_and_simulates_it_again() {
    let (dir, _) = scene();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (file, demos) = (path("still.ron"), path("demos"));
    assert_eq!(run_with(["apprentice", "scenes", "check", &file]), 0);
    assert_eq!(run_with(["apprentice", "record", "--scene", &file, "--episodes", "2", "--dataset", &demos]), 0);
    let dataset = Dataset::open(Path::new(&demos)).unwrap();
    assert!(dataset.observation().fields.iter().any(|field| field.name == "beacon_distance"));
    assert_eq!(run_with(["apprentice", "dataset", "check", &demos]), 0);
}
