//! The humanoid walks, runs, turns, side-steps, jumps, climbs, pushes, falls and gets up, without foot sliding.
//!
//! Every bound has a margin of about 1.5 over the value measured with rapier3d 0.35 at 120 steps/s. The tests print the
//! values that they measure.

use apprentice::agents::humanoid::{
    Control, Humanoid, HumanoidModel, HumanoidOptions, JOINT_COUNT, MjcfError, action_layout, observation_layout,
};
use apprentice::sim::{Body, Surface, TaskGoal, episode_rng, heading_of, wrap_angle};
use bevy::math::{Quat, Vec2, Vec3};
use bevy_rapier3d::rapier::prelude::*;
use rand::RngExt;

use crate::testing::world::{DT, RATE, STEPS, World};

/// A walking command: forward, sideways, turn, jump, crouch.
type Command = [f32; 5];
const STAND: Command = [0.0; 5];
const WALK: Command = [1.0, 0.0, 0.0, 0.0, 0.0];

fn spawn_standing(options: &HumanoidOptions) -> (World, Humanoid) {
    let mut world = World::flat();
    let body = Humanoid::spawn(&mut world.physics(), Vec3::ZERO, 0.0, options);
    world.physics().refresh();
    (world, body)
}

fn part(name: &str) -> usize {
    HumanoidModel::embedded().part_names().position(|n| n == name).expect("a part of the embedded model")
}

fn pelvis(world: &World, body: &Humanoid) -> Vec3 {
    world.root(body).0
}

fn is_down(world: &mut World, body: &Humanoid) -> bool {
    body.is_down(&world.physics())
}

/// Run a command and count the physics steps in which the body is down.
fn steps_down(world: &mut World, body: &mut Humanoid, seconds: f32, command: Command) -> u32 {
    let mut down = 0;
    world.run(body, seconds, &command, |world, body| down += u32::from(is_down(world, body)));
    down
}

/// Statistics of the soles. The slip of a stance foot is the mean horizontal speed of the corners of its box that are
/// within 6 mm of the lowest one, while the lowest is within 8 mm of the ground.
#[derive(Default)]
struct Soles {
    slip: f32,
    samples: u32,
    steps: u32,
    deepest: f32,
    stance: [bool; 2],
}

impl Soles {
    fn update(&mut self, world: &World, body: &Humanoid) {
        let stance = body.stance();
        for (leg, name) in ["left_foot", "right_foot"].into_iter().enumerate() {
            let foot = &world.bodies[body.parts()[part(name)]];
            let collider = &world.colliders[foot.colliders()[0]];
            let half = collider.shape().as_cuboid().expect("a foot's first collider is a box").half_extents;
            let corners: Vec<Vec3> = (0..8)
                .map(|i| Vec3::new((i & 1) as f32, (i >> 1 & 1) as f32, (i >> 2) as f32) * 2.0 - Vec3::ONE)
                .map(|sign| *collider.position() * (sign * half))
                .collect();
            let lowest = corners.iter().map(|c| c.y).fold(f32::MAX, f32::min);
            self.deepest = self.deepest.max(-lowest);
            if stance[leg] && lowest < 0.008 {
                let touching: Vec<f32> = corners
                    .iter()
                    .filter(|c| c.y < lowest + 0.006)
                    .map(|c| foot.velocity_at_point(*c))
                    .map(|v| Vec2::new(v.x, v.z).length())
                    .collect();
                self.slip += touching.iter().sum::<f32>() / touching.len() as f32;
                self.samples += 1;
            }
            self.steps += u32::from(stance[leg] && !self.stance[leg]);
        }
        self.stance = stance;
    }
}

#[test]
fn walks_for_a_minute_without_foot_sliding() {
    let (mut world, mut body) = spawn_standing(&HumanoidOptions::default());
    world.run(&mut body, 3.0, &WALK, |_, _| {});
    let start = pelvis(&world, &body);
    let (mut soles, mut downs) = (Soles::default(), 0);
    world.run(&mut body, 60.0, &WALK, |world, body| {
        soles.update(world, body);
        downs += u32::from(is_down(world, body));
    });
    let speed = (pelvis(&world, &body) - start).length() / 60.0;
    let slip = soles.slip / soles.samples.max(1) as f32;
    println!(
        "walk: {speed:.3} m/s ({:+.1} %), slip {slip:.3} m/s, penetration {:.1} mm, {} steps",
        100.0 * (speed / 1.4 - 1.0),
        1000.0 * soles.deepest,
        soles.steps
    );
    assert_eq!(downs, 0, "it fell");
    assert!((speed - 1.4).abs() < 0.15 * 1.4, "{speed} m/s instead of the commanded 1.4 m/s");
    assert!(soles.samples > 1000, "the soles touched the ground in {} samples only", soles.samples);
    assert!(slip < 0.06, "stance feet slide at {slip} m/s");
    assert!(soles.deepest < 0.005, "soles sink in by {} m", soles.deepest);
    assert!((100..160).contains(&soles.steps), "{} steps in a minute", soles.steps);
}

#[test]
fn follows_every_command() {
    // Name, command, and target velocities: forward m/s, left m/s, turning rate rad/s (positive to the left).
    for (name, command, forward, left, turn) in [
        ("run", [2.0, 0.0, 0.0, 0.0, 0.0], 3.0, 0.0, 0.0),
        ("stroll", [0.4, 0.0, 0.0, 0.0, 0.0], 0.56, 0.0, 0.0),
        ("back", [-1.0, 0.0, 0.0, 0.0, 0.0], -0.8, 0.0, 0.0),
        ("side-step", [0.0, 1.0, 0.0, 0.0, 0.0], 0.0, 0.7, 0.0),
        ("side-step right", [0.0, -1.0, 0.0, 0.0, 0.0], 0.0, -0.7, 0.0),
        ("turn", [0.0, 0.0, 1.0, 0.0, 0.0], 0.0, 0.0, 1.5),
        ("turn right", [0.0, 0.0, -1.0, 0.0, 0.0], 0.0, 0.0, -1.5),
    ] {
        let (mut world, mut body) = spawn_standing(&HumanoidOptions::default());
        let mut downs = steps_down(&mut world, &mut body, 3.0, command);
        let heading = |world: &World, body: &Humanoid| heading_of(world.root(body).1 * Vec3::NEG_Z);
        let (mut walked, mut turned, mut last) = (Vec3::ZERO, 0.0, heading(&world, &body));
        world.run(&mut body, 10.0, &command, |world, body| {
            let now = heading(world, body);
            let velocity = world.bodies[body.parts()[0]].linvel();
            walked += Quat::from_rotation_y(-now) * velocity * DT;
            turned += wrap_angle(now - last);
            last = now;
            downs += u32::from(is_down(world, body));
        });
        let measured = [-walked.z / 10.0, -walked.x / 10.0, turned / 10.0];
        println!("{name}: forward {:.3} m/s, left {:.3} m/s, turn {:.3} rad/s", measured[0], measured[1], measured[2]);
        assert_eq!(downs, 0, "{name}: it fell");
        for (component, measured, target) in
            [("forward", measured[0], forward), ("left", measured[1], left), ("turn", measured[2], turn)]
        {
            let error: f32 = measured - target;
            // When turning in place, the pelvis circles around the feet at 0.05 m/s.
            assert!(
                error.abs() < (0.15 * target.abs()).max(0.08),
                "{name}: {component} is {measured}, target {target}"
            );
        }
    }
}

#[test]
fn stands_still() {
    let (mut world, mut body) = spawn_standing(&HumanoidOptions::default());
    world.run(&mut body, 1.0, &STAND, |_, _| {});
    let start = pelvis(&world, &body);
    let (mut soles, mut max_distance) = (Soles { stance: body.stance(), ..Soles::default() }, 0.0f32);
    world.run(&mut body, 20.0, &STAND, |world, body| {
        soles.update(world, body);
        max_distance = max_distance.max((pelvis(world, body) - start).length());
    });
    println!("stand: moves {max_distance:.4} m, {} steps", soles.steps);
    assert!(max_distance < 0.05, "standing, the pelvis moves by {max_distance} m");
    assert_eq!(soles.steps, 0, "standing, a foot steps");
}

#[test]
fn jumps_and_crouches() {
    let (mut world, mut body) = spawn_standing(&HumanoidOptions::default());
    world.run(&mut body, 1.0, &STAND, |_, _| {});
    let start = pelvis(&world, &body).y;
    let (mut apex, mut downs) = (0.0f32, 0);
    for (seconds, jump) in [(0.2, 1.0), (2.8, 0.0)] {
        world.run(&mut body, seconds, &[0.0, 0.0, 0.0, jump, 0.0], |world, body| {
            apex = apex.max(pelvis(world, body).y - start);
            downs += u32::from(is_down(world, body));
        });
    }
    let after = pelvis(&world, &body).y - start;
    println!("jump: rises {apex:.3} m, {after:+.3} m after landing");
    assert!((0.2..0.4).contains(&apex), "jumping, the pelvis rises by {apex} m");
    assert!(after.abs() < 0.05, "after the jump the pelvis is {after} m off its height");
    downs += steps_down(&mut world, &mut body, 2.0, [0.0, 0.0, 0.0, 0.0, 1.0]);
    let low = pelvis(&world, &body).y;
    println!("crouch: pelvis at {low:.3} m");
    assert!(low < 0.65, "crouching, the pelvis is at {low} m");
    assert_eq!(downs, 0, "it fell");
}

#[test]
fn walks_over_curbs() {
    for shift in [0.0, 0.2, 0.4, 0.6] {
        let (mut world, mut body) = spawn_standing(&HumanoidOptions::default());
        for (i, height) in [0.12, 0.15, 0.20].into_iter().enumerate() {
            let start = 2.0 + shift + 4.0 * i as f32;
            world.block(Vec3::new(0.0, 0.0, -start - 0.6), Vec3::new(4.0, height, 1.2));
        }
        let mut highest = 0.0f32;
        let mut downs = 0;
        world.run(&mut body, 12.0, &WALK, |world, body| {
            highest = highest.max(pelvis(world, body).y);
            downs += u32::from(is_down(world, body));
        });
        let distance = -pelvis(&world, &body).z;
        println!("curbs, shifted by {shift} m: {distance:.1} m in 12 s, pelvis up to {highest:.2} m");
        assert_eq!(downs, 0, "curbs shifted by {shift} m: it fell");
        assert!(distance > 9.0, "curbs shifted by {shift} m: it walked {distance} m");
    }
}

#[test]
fn pushes_a_crate() {
    for friction in [0.4, 0.6] {
        let (mut world, mut body) = spawn_standing(&HumanoidOptions::default());
        let shape = ColliderBuilder::cuboid(0.5, 0.5, 0.5).mass(30.0).friction(friction);
        let place = RigidBodyBuilder::dynamic().translation(Vec3::new(0.0, 0.5, -1.4));
        let object = world.physics().insert(place, [Surface::Crate.mark(shape).build()]);
        world.physics().refresh();
        world.run(&mut body, 0.5, &STAND, |_, _| {});
        let start = world.bodies[object].translation();
        let downs = steps_down(&mut world, &mut body, 6.0, WALK);
        let moved = world.bodies[object].translation() - start;
        println!("crate of friction {friction}: {:.2} m on, {:.2} m aside", -moved.z, moved.x);
        assert_eq!(downs, 0, "it fell over the crate of friction {friction}");
        assert!(-moved.z > 3.0, "the crate of friction {friction} moved by {} m", -moved.z);
        assert!(moved.x.abs() < 0.3, "the crate of friction {friction} moved sideways by {} m", moved.x);
    }
}

#[test]
fn keeps_its_balance_after_a_push_and_falls_after_a_hard_one() {
    for (impulse, falls) in [(150.0, false), (600.0, true)] {
        for direction in [Vec3::X, Vec3::NEG_X, Vec3::Z, Vec3::NEG_Z] {
            let (mut world, mut body) = spawn_standing(&HumanoidOptions::default());
            world.run(&mut body, 2.0, &STAND, |_, _| {});
            let torso = body.parts()[part("torso")];
            // N·s at the chest's center of mass.
            world.bodies[torso].apply_impulse(direction * impulse, true);
            let (mut fell, mut up_after, mut time) = (false, f32::NAN, 0.0);
            world.run(&mut body, 5.0, &STAND, |world, body| {
                time += DT;
                let down = is_down(world, body);
                fell |= down;
                if down {
                    up_after = f32::NAN;
                } else if fell && up_after.is_nan() {
                    up_after = time;
                }
            });
            println!("{impulse} N·s along {direction}: fell {fell}, up after {up_after:.2} s");
            assert_eq!(fell, falls, "{impulse} N·s along {direction}");
            if falls {
                assert!(up_after < 5.0, "{impulse} N·s along {direction}: up after {up_after} s");
                // The pelvis must be at standing height as well.
                world.run(&mut body, 1.0, &STAND, |_, _| {});
                let height = pelvis(&world, &body).y;
                assert!(height > 0.8, "{impulse} N·s along {direction}: up, but the pelvis is at {height} m");
            }
        }
    }
}

#[test]
fn falls_without_a_harness() {
    let (mut world, mut body) = spawn_standing(&HumanoidOptions { harness: 0.0, ..HumanoidOptions::default() });
    let down = steps_down(&mut world, &mut body, 8.0, WALK);
    let height = pelvis(&world, &body).y;
    assert!(down > 0 && is_down(&mut world, &body), "without its harness it walks on");
    assert!(height < 0.4, "without its harness the pelvis is at {height} m");
}

/// Bytes of observations, poses and controller state at every tick, over half a minute of random commands and one push.
/// With `reload`, the controller state is saved and loaded after each tick.
fn recording(reload: bool) -> Vec<Vec<u8>> {
    let (mut world, mut body) = spawn_standing(&HumanoidOptions::default());
    let goal = TaskGoal::to(Vec3::new(3.0, 0.0, -5.0));
    let layout = action_layout(Control::Command);
    let mut rng = episode_rng(3, 3);
    let mut action = vec![0.0; layout.size()];
    let mut observation = vec![0.0; observation_layout().size()];
    let mut ticks = Vec::new();
    for tick in 0..(30.0 * RATE) as usize {
        if tick % 20 == 0 {
            for (value, (low, high)) in action.iter_mut().zip(layout.bounds()) {
                *value = low + rng.random::<f32>() * (high - low);
            }
        }
        if tick == 400 {
            world.bodies[body.parts()[part("torso")]].apply_impulse(Vec3::X * 600.0, true);
        }
        body.sense(&world.physics(), &goal, &mut observation);
        world.run(&mut body, 1.0 / RATE, &action, |_, _| {});
        let mut bytes = Vec::new();
        body.save(&mut bytes);
        if reload {
            assert!(body.load(&bytes), "load accepts saved bytes");
        }
        for value in &observation {
            bytes.extend(value.to_bits().to_le_bytes());
        }
        for handle in body.parts() {
            let (p, q) = (world.bodies[*handle].translation(), *world.bodies[*handle].rotation());
            for value in [p.x, p.y, p.z, q.x, q.y, q.z, q.w] {
                bytes.extend(value.to_bits().to_le_bytes());
            }
        }
        ticks.push(bytes);
    }
    ticks
}

#[test]
fn two_runs_are_bit_identical() {
    let (once, again) = (recording(false), recording(true));
    let first = once.iter().zip(&again).position(|(a, b)| a != b);
    assert_eq!(first, None, "the first tick at which the runs differ");
    assert_eq!(once.len(), again.len());
}

#[test]
fn load_rejects_bytes_of_another_length() {
    let (_, mut body) = spawn_standing(&HumanoidOptions::default());
    let mut bytes = Vec::new();
    body.save(&mut bytes);
    assert!(!body.load(&bytes[..bytes.len() - 1]), "too few bytes");
    assert!(!body.load(&[bytes.clone(), vec![0]].concat()), "too many bytes");
    assert!(body.load(&bytes));
}

#[test]
fn observations_are_within_bounds() {
    for control in [Control::Command, Control::Joints] {
        let (mut world, mut body) = spawn_standing(&HumanoidOptions { control, ..HumanoidOptions::default() });
        let (observation_layout, action_layout) = (observation_layout(), action_layout(control));
        let (names, goal) = (observation_layout.names(), TaskGoal::to(Vec3::new(30.0, 0.0, -5.0)));
        let mut observation = vec![0.0; observation_layout.size()];
        let mut action = vec![0.0; action_layout.size()];
        let mut rng = episode_rng(5, control as u64);
        for tick in 0..(60.0 * RATE) as usize {
            if tick % 6 == 0 {
                for (value, (low, high)) in action.iter_mut().zip(action_layout.bounds()) {
                    *value = low + rng.random::<f32>() * (high - low);
                }
            }
            observation.fill(f32::NAN);
            body.sense(&world.physics(), &goal, &mut observation);
            for ((value, (low, high)), name) in observation.iter().zip(observation_layout.bounds()).zip(&names) {
                assert!((low..=high).contains(value), "{control:?}, tick {tick}: {name} is {value}, not {low}..{high}");
            }
            world.run(&mut body, 1.0 / RATE, &action, |_, _| {});
        }
    }
}

#[test]
fn mass_bodies_and_hinges_match_the_model() {
    let (mut world, body) = spawn_standing(&HumanoidOptions::default());
    let colliders = body.parts().iter().flat_map(|p| world.bodies[*p].colliders());
    let mass: f32 = colliders.map(|c| world.colliders[*c].mass()).sum();
    let hinges: u32 = world
        .physics()
        .joints
        .iter()
        .map(|(_, joint)| (!joint.data.locked_axes & JointAxesMask::ANG_AXES).bits().count_ones())
        .sum();
    println!("{mass:.2} kg, {} bodies, {hinges} hinges, {STEPS} steps a tick", body.parts().len());
    assert!((mass - 75.0).abs() < 0.5, "{mass} kg");
    assert!((HumanoidModel::embedded().mass() - mass).abs() < 1e-3, "the model's mass differs from the colliders'");
    assert!(body.parts().len() >= 13, "{} bodies", body.parts().len());
    assert!(hinges >= 21, "{hinges} hinges");
    assert_eq!(hinges as usize, JOINT_COUNT, "number of hinges and JOINT_COUNT");
    assert_eq!(action_layout(Control::Joints).size(), JOINT_COUNT);
    assert_eq!(action_layout(Control::Command).size(), 5);
}

#[test]
fn an_invalid_model_is_rejected_with_the_element_named() {
    const XML: &str = include_str!("../../../assets/humanoid.xml");
    let error = |from: &str, to: &str| {
        assert!(XML.contains(from), "the model does not contain {from:?}");
        match HumanoidModel::parse(&XML.replace(from, to)) {
            Ok(_) => panic!("the model is accepted with {to:?} instead of {from:?}"),
            Err(error) => error,
        }
    };
    let unknown = error("left_knee", "left_kne");
    assert!(matches!(&unknown, MjcfError::UnknownJoint { joint, .. } if joint == "left_kne"), "{unknown}");
    // Text to replace, replacement, and names that the message must contain.
    for (from, to, names) in [
        ("left_knee", "left_kne", &["left_kne", "left_shin"][..]),
        ("range=\"0 145\"/>", "/>", &["left_knee", "left_shin"]),
        ("<body name=\"left_shin\"", "<body name=\"left_calf\"", &["left_shin"]),
        ("<joint name=\"neck_turn\" axis=\"0 0 1\" range=\"-70 70\"/>", "", &["neck_turn"]),
        ("<joint name=\"left_elbow\"", "<joint type=\"slide\" name=\"left_elbow\"", &["left_elbow", "left_forearm"]),
        ("<joint name=\"neck_turn\" axis=\"0 0 1\"", "<joint name=\"neck_turn\" axis=\"0 1 1\"", &["head"]),
        ("size=\"0.048\" mass=\"3.4875\"", "size=\"0.048\" mass=\"0\"", &["left_shin"]),
    ] {
        let message = error(from, to).to_string();
        for name in names {
            assert!(message.contains(name), "with {to:?} for {from:?} the error does not name {name}: {message}");
        }
    }
    assert!(HumanoidModel::parse("<mujoco><worldbody/></mujoco>").is_err(), "a model without a body");
    assert!(HumanoidModel::parse(&XML[..XML.len() / 2]).is_err(), "half a file");
}
