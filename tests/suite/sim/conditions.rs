//! Domain randomization: grip, mass, friction, gravity and action delay of an episode.

use apprentice::agents::{Action, Driver};
use apprentice::rollout::{VecEnv, VecEnvOptions, headless_app};
use apprentice::scenes::{Scene, parse, spawn_arena};
use apprentice::sim::{
    Arena, ConditionRanges, ParamDistribution, PhysicsSets, Snapshot, begin_episode, state_hash, tick,
};
use bevy::math::Vec3;
use bevy::prelude::{App, Entity};

const NOMINAL: &str = "(title: \"t\", agent: Vehicle(), time_limit: 60.0, start: (spread: (3.0, 3.0)),
    course: (points: [(0.0, 0.0), (0.0, -300.0)], closed: false, half_width: 9.0), task: Lap(laps: 1.0, margin: 90.0),
    terms: { \"progress\": 1.0 })";

/// Steer, throttle, brake, handbrake.
const ACCELERATE: [f32; 4] = [0.0, 1.0, 0.0, 0.0];
const BRAKE: [f32; 4] = [0.0, 0.0, 1.0, 0.0];

fn scene_with(conditions: &str) -> Scene {
    let text = NOMINAL.replace("agent:", &format!("conditions: ({conditions}), agent:"));
    parse("t", "t.ron", &text).unwrap()
}

/// A car in an arena, driven by given actions.
struct Drive {
    app: App,
    arena: Entity,
    agent: Entity,
}

impl Drive {
    fn new(scene: &Scene, seed: u64) -> Self {
        let mut app = headless_app(1);
        let spawned = spawn_arena(app.world_mut(), scene, 1, Driver::Remote);
        begin_episode(app.world_mut(), spawned.arena, seed);
        Self { app, arena: spawned.arena, agent: spawned.agents[0] }
    }

    fn tick(&mut self, action: [f32; 4]) {
        self.app.world_mut().get_mut::<Action>(self.agent).unwrap().0.copy_from_slice(&action);
        tick(self.app.world_mut());
    }

    fn with<T>(&mut self, read: impl FnOnce(&Arena, &apprentice::sim::Physics<'_>) -> T) -> T {
        let mut query = self.app.world_mut().query::<(&Arena, PhysicsSets)>();
        let (arena, mut sets) = query.get_mut(self.app.world_mut(), self.arena).unwrap();
        read(arena, &sets.physics())
    }

    fn velocity(&mut self) -> Vec3 {
        self.with(|arena, physics| physics.bodies[arena.slots[0].body.parts()[0]].linvel())
    }

    fn hash(&mut self) -> u64 {
        self.with(|arena, physics| state_hash(physics, arena))
    }

    /// Speed after `ticks` ticks of `action`, m/s.
    fn speed(&mut self, ticks: usize, action: [f32; 4]) -> f32 {
        (0..ticks).for_each(|_| self.tick(action));
        -self.velocity().z
    }
}

#[test]
fn twice_the_mass_halves_the_acceleration() {
    let speed = |conditions: &str| Drive::new(&scene_with(conditions), 1).speed(60, ACCELERATE);
    let ratio = speed("mass: 2.0") / speed("");
    // Rolling resistance decelerates both cars equally, so the ratio is a little below one half.
    assert!((0.44..0.51).contains(&ratio), "{ratio}");
}

#[test]
fn half_the_grip_halves_the_braking_deceleration() {
    let speed_lost = |conditions: &str| {
        let mut drive = Drive::new(&scene_with(conditions), 1);
        // With less than half of the nominal grip, the tires limit the deceleration, not the brakes.
        let before = drive.speed(150, ACCELERATE);
        before - drive.speed(20, BRAKE)
    };
    let ratio = speed_lost("grip: 0.2") / speed_lost("grip: 0.4");
    assert!((0.45..0.6).contains(&ratio), "{ratio}");
}

#[test]
fn twice_the_gravity_doubles_the_suspension_travel() {
    let height = |gravity: f32| {
        let mut drive = Drive::new(&scene_with(&format!("gravity: {gravity:?}")), 1);
        drive.speed(90, [0.0; 4]);
        drive.with(|arena, physics| physics.pose(arena.slots[0].body.parts()[0]).0.y)
    };
    let (half, nominal, twice) = (height(0.5), height(1.0), height(2.0));
    assert!(half > nominal && nominal > twice, "{half} {nominal} {twice}");
    let ratio = (nominal - twice) / (half - nominal);
    assert!((1.8..2.2).contains(&ratio), "{ratio}: the compression of a spring is proportional to the weight");
}

#[test]
fn the_friction_of_all_colliders_is_multiplied_by_the_factor() {
    let frictions = |conditions: &str| {
        let mut drive = Drive::new(&scene_with(conditions), 1);
        drive.tick([0.0; 4]);
        drive.with(|_, physics| physics.colliders.iter().map(|(_, c)| c.friction()).collect::<Vec<_>>())
    };
    let (nominal, half) = (frictions(""), frictions("friction: 0.5"));
    assert!(nominal.iter().any(|f| *f > 0.0));
    assert_eq!(nominal.iter().map(|f| f * 0.5).collect::<Vec<_>>(), half);
}

#[test]
fn an_action_takes_effect_after_the_delay() {
    let speeds = |conditions: &str| -> Vec<f32> {
        let mut drive = Drive::new(&scene_with(conditions), 1);
        // Let the car come to rest on its suspension.
        drive.speed(60, [0.0; 4]);
        (0..12).map(|i| drive.speed(1, if i < 4 { ACCELERATE } else { [0.0; 4] })).collect()
    };
    let (immediate, delayed) = (speeds(""), speeds("delay: 3.0"));
    assert!(delayed[2] < 0.01 && immediate[0] > 0.05, "{immediate:?} {delayed:?}");
    for (a, b) in immediate.iter().zip(&delayed[3..]) {
        assert!((a - b).abs() < 0.01, "{immediate:?} {delayed:?}");
    }
}

#[test]
fn each_episode_samples_its_conditions_without_changing_the_layout() {
    let ranges = "grip: (0.5, 1.5), mass: (0.8, 2.0), delay: (0.0, 4.0), gravity: 0.9";
    let mut randomized = Drive::new(&scene_with(ranges), 0);
    let mut nominal = Drive::new(&scene_with(""), 0);
    let mut samples = Vec::new();
    for seed in 0..200 {
        for drive in [&mut randomized, &mut nominal] {
            begin_episode(drive.app.world_mut(), drive.arena, seed);
            drive.app.world_mut().run_schedule(apprentice::sim::SimObserve);
        }
        let pose = |arena: &Arena, physics: &apprentice::sim::Physics<'_>| physics.pose(arena.slots[0].body.parts()[0]);
        assert_eq!(randomized.with(pose), nominal.with(pose));
        samples.push(randomized.with(|arena, _| arena.conditions()));
    }
    let extremes = |parameter: fn(&apprentice::sim::Conditions) -> f32| {
        let all = || samples.iter().map(parameter);
        (all().fold(f32::MAX, f32::min), all().fold(f32::MIN, f32::max))
    };
    let near = |(a, b): (f32, f32), (low, high): (f32, f32)| {
        let margin = 0.05 * (high - low);
        a >= low && a < low + margin && b <= high && b > high - margin
    };
    assert!(near(extremes(|c| c.grip), (0.5, 1.5)), "{:?}", extremes(|c| c.grip));
    assert!(near(extremes(|c| c.mass), (0.8, 2.0)), "{:?}", extremes(|c| c.mass));
    assert_eq!(extremes(|c| c.delay as f32), (0.0, 4.0));
    assert_eq!(extremes(|c| c.gravity), (0.9, 0.9));
    assert_eq!(nominal.with(|arena, _| arena.conditions().to_string()), "");
    let text = samples[0].to_string();
    assert!(text.starts_with("grip ") && text.contains(", gravity 0.90") && !text.contains("friction"), "{text}");
    let mut repeated = Drive::new(&scene_with(ranges), 7);
    repeated.tick([0.0; 4]);
    assert_eq!(repeated.with(|arena, _| arena.conditions()), samples[7]);
}

#[test]
fn a_snapshot_contains_the_conditions_and_the_delayed_actions() {
    let scene =
        scene_with("grip: (0.3, 0.6), mass: (1.5, 2.0), friction: (0.5, 0.9), gravity: (0.8, 0.9), delay: (3.0, 6.0)");
    let mut one = Drive::new(&scene, 5);
    for i in 0..40 {
        one.tick([0.4, 1.0, 0.0, f32::from(u8::from(i % 7 == 0))]);
    }
    let bytes = one.with(|arena, physics| Snapshot::take(physics, arena)).to_bytes().unwrap();
    // An arena whose episode has other conditions.
    let mut other = Drive::new(&scene, 6);
    other.speed(3, ACCELERATE);
    let snapshot = Snapshot::from_bytes(&bytes).unwrap();
    other.app.world_mut().get_mut::<Arena>(other.arena).unwrap().request_reset_from(5, snapshot).unwrap();
    for _ in 0..60 {
        one.tick([0.2, 0.7, 0.0, 0.0]);
        other.tick([0.2, 0.7, 0.0, 0.0]);
        assert_eq!(one.hash(), other.hash());
    }
}

#[test]
fn snapshots_of_the_format_without_conditions_can_be_read() {
    let mut one = Drive::new(&scene_with(""), 5);
    one.speed(30, ACCELERATE);
    let mut bytes = one.with(|arena, physics| Snapshot::take(physics, arena)).to_bytes().unwrap();
    // Remove four factors, the delay, and the empty list of delayed actions of one slot.
    bytes.truncate(bytes.len() - (4 * 4 + 1 + 2));
    assert_eq!(bytes[0], 2);
    assert!(Snapshot::from_bytes(&bytes).is_err(), "truncated");
    bytes[0] = 1;
    let mut other = Drive::new(&scene_with(""), 6);
    let snapshot = Snapshot::from_bytes(&bytes).unwrap();
    other.app.world_mut().get_mut::<Arena>(other.arena).unwrap().request_reset_from(5, snapshot).unwrap();
    one.tick(ACCELERATE);
    other.tick(ACCELERATE);
    assert_eq!(one.hash(), other.hash());
}

#[test]
fn an_evaluation_can_replace_the_conditions_of_a_scene() {
    let scene = scene_with("grip: (0.5, 1.5)");
    let ranges = scene.conditions().with("mass", ParamDistribution::Constant(2.0)).unwrap();
    assert_eq!(ranges.grip, ParamDistribution::Uniform(0.5, 1.5));
    let mut env = VecEnv::new(&scene.with_conditions(ranges), VecEnvOptions::default());
    env.reset(&[3]);
    let arena = env.arena_entity(0);
    assert_eq!(env.world_mut().get::<Arena>(arena).unwrap().conditions().mass, 2.0);
    assert_eq!(ConditionRanges::default().sample(&mut apprentice::sim::episode_rng(1, 1)), Default::default());
}

#[test]
fn invalid_conditions_are_rejected_with_their_position() {
    for (conditions, message) in [
        ("grip: 9.0", "grip is 9; it must be between 0.05 and 5"),
        ("mass: (2.0, 1.0)", "mass is (2, 1); the lower bound comes first"),
        ("delay: 0.5", "delay is 0.5; it must be a whole number of ticks"),
        ("delay: (0.0, 1.5)", "delay is 1.5; it must be a whole number of ticks"),
        ("delay: (0.0, 99.0)", "delay is 99; it must be between 0 and 30"),
        ("wind: 1.0", "wind"),
        ("grip: \"wet\"", "xpected a number, or (low, high)"),
        ("grip: (1.0)", "(low, high)"),
    ] {
        let text = NOMINAL.replace("agent:", &format!("\nconditions: ({conditions}), agent:"));
        let error = parse("t", "t.ron", &text).unwrap_err().to_string();
        assert!(error.starts_with("t.ron:2:") && error.contains(message), "{error}");
    }
    assert_eq!(ParamDistribution::parse("0.5..1.5"), Some(ParamDistribution::Uniform(0.5, 1.5)));
    assert_eq!(ParamDistribution::parse("0.5.."), None);
    assert_eq!(ParamDistribution::parse("NaN"), None);
}
