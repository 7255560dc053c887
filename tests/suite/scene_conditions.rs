//! Conditions: grip, mass, friction, gravity and delay of an episode.

use apprentice::agents::{Action, Driver};
use apprentice::rollout::{VecEnv, VecEnvOptions, headless_app};
use apprentice::scenes::{Scene, parse, spawn_arena};
use apprentice::sim::{Arena, ConditionRanges, PhysicsSets, Snapshot, Span, begin_episode, state_hash, tick};
use bevy::math::Vec3;
use bevy::prelude::{App, Entity};

const PLAIN: &str = "(title: \"t\", agent: Vehicle(), time_limit: 60.0, start: (spread: (3.0, 3.0)),
    course: (points: [(0.0, 0.0), (0.0, -300.0)], closed: false, half_width: 9.0), task: Lap(laps: 1.0, margin: 90.0),
    terms: { \"progress\": 1.0 })";

/// Steer, throttle, brake, handbrake.
const GO: [f32; 4] = [0.0, 1.0, 0.0, 0.0];
const BRAKE: [f32; 4] = [0.0, 0.0, 1.0, 0.0];

fn under(conditions: &str) -> Scene {
    let text = PLAIN.replace("agent:", &format!("conditions: ({conditions}), agent:"));
    parse("t", "t.ron", &text).unwrap()
}

/// A car's velocity and place, once a tick.
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

    fn with<T>(&mut self, look: impl FnOnce(&Arena, &apprentice::sim::Physics<'_>) -> T) -> T {
        let mut query = self.app.world_mut().query::<(&Arena, PhysicsSets)>();
        let (arena, mut sets) = query.get_mut(self.app.world_mut(), self.arena).unwrap();
        look(arena, &sets.physics())
    }

    fn velocity(&mut self) -> Vec3 {
        self.with(|arena, physics| physics.bodies[arena.slots[0].body.parts()[0]].linvel())
    }

    fn hash(&mut self) -> u64 {
        self.with(|arena, physics| state_hash(physics, arena))
    }

    /// Speed after so many ticks of `action`.
    fn speed(&mut self, ticks: usize, action: [f32; 4]) -> f32 {
        (0..ticks).for_each(|_| self.tick(action));
        -self.velocity().z
    }
}

#[test]
fn a_car_of_twice_the_mass_gains_speed_half_as_fast() {
    let speed = |conditions: &str| Drive::new(&under(conditions), 1).speed(60, GO);
    let ratio = speed("mass: 2.0") / speed("");
    // Rolling resistance takes as much from both.
    assert!((0.44..0.51).contains(&ratio), "{ratio}");
}

#[test]
fn half_the_grip_brakes_half_as_hard() {
    let lost = |conditions: &str| {
        let mut drive = Drive::new(&under(conditions), 1);
        // Below half of the grip the brakes are no longer what limits.
        let before = drive.speed(150, GO);
        before - drive.speed(20, BRAKE)
    };
    let ratio = lost("grip: 0.2") / lost("grip: 0.4");
    assert!((0.45..0.6).contains(&ratio), "{ratio}");
}

#[test]
fn twice_the_gravity_sinks_the_suspension_twice_as_deep() {
    let height = |gravity: f32| {
        let mut drive = Drive::new(&under(&format!("gravity: {gravity:?}")), 1);
        drive.speed(90, [0.0; 4]);
        drive.with(|arena, physics| physics.pose(arena.slots[0].body.parts()[0]).0.y)
    };
    let (half, own, twice) = (height(0.5), height(1.0), height(2.0));
    assert!(half > own && own > twice, "{half} {own} {twice}");
    let ratio = (own - twice) / (half - own);
    assert!((1.8..2.2).contains(&ratio), "{ratio}: a spring sinks in proportion to the weight");
}

#[test]
fn friction_is_that_of_all_things_times_its_factor() {
    let first = |conditions: &str| {
        let mut drive = Drive::new(&under(conditions), 1);
        drive.tick([0.0; 4]);
        drive.with(|_, physics| physics.colliders.iter().map(|(_, c)| c.friction()).collect::<Vec<_>>())
    };
    let (own, half) = (first(""), first("friction: 0.5"));
    assert!(own.iter().any(|f| *f > 0.0));
    assert_eq!(own.iter().map(|f| f * 0.5).collect::<Vec<_>>(), half);
}

#[test]
fn an_action_has_its_effect_after_the_delay_and_not_before() {
    let speeds = |conditions: &str| -> Vec<f32> {
        let mut drive = Drive::new(&under(conditions), 1);
        // At rest on its suspension first.
        drive.speed(60, [0.0; 4]);
        (0..12).map(|i| drive.speed(1, if i < 4 { GO } else { [0.0; 4] })).collect()
    };
    let (now, late) = (speeds(""), speeds("delay: 3.0"));
    assert!(late[2] < 0.01 && now[0] > 0.05, "{now:?} {late:?}");
    for (a, b) in now.iter().zip(&late[3..]) {
        assert!((a - b).abs() < 0.01, "{now:?} {late:?}");
    }
}

#[test]
fn each_episode_draws_its_own_and_the_layout_stays() {
    let ranges = "grip: (0.5, 1.5), mass: (0.8, 2.0), delay: (0.0, 4.0), gravity: 0.9";
    let mut varied = Drive::new(&under(ranges), 0);
    let mut plain = Drive::new(&under(""), 0);
    let mut seen = Vec::new();
    for seed in 0..200 {
        for drive in [&mut varied, &mut plain] {
            begin_episode(drive.app.world_mut(), drive.arena, seed);
            drive.app.world_mut().run_schedule(apprentice::sim::SimObserve);
        }
        let place =
            |arena: &Arena, physics: &apprentice::sim::Physics<'_>| physics.pose(arena.slots[0].body.parts()[0]);
        assert_eq!(varied.with(place), plain.with(place));
        seen.push(varied.with(|arena, _| arena.conditions()));
    }
    let ends = |of: fn(&apprentice::sim::Conditions) -> f32| {
        let all = || seen.iter().map(of);
        (all().fold(f32::MAX, f32::min), all().fold(f32::MIN, f32::max))
    };
    let near = |(a, b): (f32, f32), (low, high): (f32, f32)| {
        let margin = 0.05 * (high - low);
        a >= low && a < low + margin && b <= high && b > high - margin
    };
    assert!(near(ends(|c| c.grip), (0.5, 1.5)), "{:?}", ends(|c| c.grip));
    assert!(near(ends(|c| c.mass), (0.8, 2.0)), "{:?}", ends(|c| c.mass));
    assert_eq!(ends(|c| c.delay as f32), (0.0, 4.0));
    assert_eq!(ends(|c| c.gravity), (0.9, 0.9));
    assert_eq!(plain.with(|arena, _| arena.conditions().to_string()), "");
    let told = seen[0].to_string();
    assert!(told.starts_with("grip ") && told.contains(", gravity 0.90") && !told.contains("friction"), "{told}");
    let mut again = Drive::new(&under(ranges), 7);
    again.tick([0.0; 4]);
    assert_eq!(again.with(|arena, _| arena.conditions()), seen[7]);
}

#[test]
fn a_snapshot_holds_the_conditions_and_what_has_yet_to_have_an_effect() {
    let scene =
        under("grip: (0.3, 0.6), mass: (1.5, 2.0), friction: (0.5, 0.9), gravity: (0.8, 0.9), delay: (3.0, 6.0)");
    let mut one = Drive::new(&scene, 5);
    for i in 0..40 {
        one.tick([0.4, 1.0, 0.0, f32::from(u8::from(i % 7 == 0))]);
    }
    let bytes = one.with(|arena, physics| Snapshot::take(physics, arena)).to_bytes().unwrap();
    // An arena whose own episode has others.
    let mut other = Drive::new(&scene, 6);
    other.speed(3, GO);
    let snapshot = Snapshot::from_bytes(&bytes).unwrap();
    other.app.world_mut().get_mut::<Arena>(other.arena).unwrap().begin_from(5, snapshot).unwrap();
    for _ in 0..60 {
        one.tick([0.2, 0.7, 0.0, 0.0]);
        other.tick([0.2, 0.7, 0.0, 0.0]);
        assert_eq!(one.hash(), other.hash());
    }
}

#[test]
fn snapshots_of_the_format_before_conditions_are_still_read() {
    let mut one = Drive::new(&under(""), 5);
    one.speed(30, GO);
    let mut bytes = one.with(|arena, physics| Snapshot::take(physics, arena)).to_bytes().unwrap();
    // Four factors, the delay, and no action that waits, of one slot.
    bytes.truncate(bytes.len() - (4 * 4 + 1 + 2));
    assert_eq!(bytes[0], 2);
    assert!(Snapshot::from_bytes(&bytes).is_err(), "cut short");
    bytes[0] = 1;
    let mut other = Drive::new(&under(""), 6);
    let snapshot = Snapshot::from_bytes(&bytes).unwrap();
    other.app.world_mut().get_mut::<Arena>(other.arena).unwrap().begin_from(5, snapshot).unwrap();
    one.tick(GO);
    other.tick(GO);
    assert_eq!(one.hash(), other.hash());
}

#[test]
fn a_scene_can_be_put_under_others_for_judging() {
    let scene = under("grip: (0.5, 1.5)");
    let asked = scene.conditions().with("mass", Span::Constant(2.0)).unwrap();
    assert_eq!(asked.grip, Span::Range(0.5, 1.5));
    let mut env = VecEnv::new(&scene.under(asked), VecEnvOptions::default());
    env.reset(&[3]);
    let arena = env.arena_entity(0);
    assert_eq!(env.world_mut().get::<Arena>(arena).unwrap().conditions().mass, 2.0);
    assert_eq!(ConditionRanges::default().draw(&mut apprentice::sim::episode_rng(1, 1)), Default::default());
}

#[test]
fn what_is_not_possible_is_refused_where_it_stands() {
    for (conditions, wanted) in [
        ("grip: 9.0", "grip is 9; allowed is 0.05 to 5"),
        ("mass: (2.0, 1.0)", "mass is drawn from 2 to 1; the least comes first"),
        ("delay: (0.0, 99.0)", "delay is 99; allowed is 0 to 30"),
        ("wind: 1.0", "wind"),
        ("grip: \"wet\"", "xpected a number, or (least, greatest)"),
        ("grip: (1.0)", "(least, greatest)"),
    ] {
        let text = PLAIN.replace("agent:", &format!("\nconditions: ({conditions}), agent:"));
        let error = parse("t", "t.ron", &text).unwrap_err().to_string();
        assert!(error.starts_with("t.ron:2:") && error.contains(wanted), "{error}");
    }
    assert_eq!(Span::parse("0.5..1.5"), Some(Span::Range(0.5, 1.5)));
    assert_eq!(Span::parse("0.5.."), None);
    assert_eq!(Span::parse("NaN"), None);
}
