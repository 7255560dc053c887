//! The car accelerates, brakes, steers, recovers from a flip, and its observations are within the bounds of their
//! layout.

use apprentice::agents::vehicle::{Vehicle, VehicleSpecification, observation_layout};
use apprentice::agents::{Action, Driver, Observation, Spaces};
use apprentice::rollout::headless_app;
use apprentice::scenes::{builtin_names, find, spawn_arena};
use apprentice::sim::{Body, TaskGoal, begin_episode, episode_rng, heading_of, tick, wrap_angle};
use apprentice::tasks::Score;
use bevy::math::{Quat, Vec3};
use rand::RngExt;

use crate::testing::world::{DT, World};

/// Steer, throttle, brake, handbrake.
type Command = [f32; 4];
const COAST: Command = [0.0; 4];
const GO: Command = [0.0, 1.0, 0.0, 0.0];
const BRAKE: Command = [0.0, 0.0, 1.0, 0.0];

/// A car at rest on its suspension.
fn parked() -> (World, Vehicle) {
    let mut world = World::flat();
    let mut car = Vehicle::spawn(&mut world.physics(), VehicleSpecification::default());
    car.place(&mut world.physics(), Vec3::ZERO, 0.0);
    world.physics().refresh();
    world.run(&mut car, 1.0, &COAST, |_, _| {});
    (world, car)
}

fn speed(world: &World, car: &Vehicle) -> f32 {
    let chassis = &world.bodies[car.parts()[0]];
    chassis.linvel().dot(*chassis.rotation() * Vec3::NEG_Z)
}

fn up(world: &World, car: &Vehicle) -> f32 {
    (world.root(car).1 * Vec3::Y).y
}

/// Full throttle until `target` m/s; returns the time, s.
fn accelerate(world: &mut World, car: &mut Vehicle, target: f32) -> f32 {
    let mut time = 0.0;
    while speed(world, car) < target {
        world.run(car, 1.0 / 30.0, &GO, |_, _| time += DT);
        assert!(time < 20.0, "after 20 s of full throttle the car does {} m/s", speed(world, car));
    }
    time
}

fn observe(world: &mut World, car: &mut Vehicle, field: &str) -> Vec<f32> {
    let layout = observation_layout();
    let mut observation = vec![0.0; layout.size()];
    car.sense(&world.physics(), &TaskGoal::default(), &mut observation);
    observation[layout.range(field).expect("a field of the car's observation")].to_vec()
}

#[test]
fn stands_on_its_wheels() {
    let (mut world, mut car) = parked();
    let start = world.root(&car).0;
    world.run(&mut car, 10.0, &COAST, |_, _| {});
    let moved = (world.root(&car).0 - start).length();
    assert!(moved < 0.05, "a parked car moves by {moved} m in 10 s");
    assert_eq!(observe(&mut world, &mut car, "wheel_contact"), [1.0; 4]);
    let sag = start.y - car.specification().ride_height();
    assert!(sag.abs() < 0.05, "it stands {sag} m off its ride height");
}

#[test]
fn accelerates_and_brakes() {
    let (mut world, mut car) = parked();
    let time = accelerate(&mut world, &mut car, 10.0);
    println!("0 to 10 m/s in {time:.2} s");
    // A quick small car accelerates from 0 to 36 km/h in 2 to 4 s.
    assert!((1.5..4.0).contains(&time), "0 to 10 m/s in {time} s");
    accelerate(&mut world, &mut car, 15.0);
    let (start, entry) = (world.root(&car).0, speed(&world, &car));
    let mut stopped = None;
    world.run(&mut car, 6.0, &BRAKE, |world, car| {
        if stopped.is_none() && speed(world, car) < 0.1 {
            stopped = Some((world.root(car).0 - start).length());
        }
    });
    let distance = stopped.expect("six seconds of braking stop a car") * (15.0 / entry).powi(2);
    println!("15 m/s to 0 in {distance:.1} m");
    // 0.9 g on dry asphalt takes 12.7 m, 1.05 g would take 11 m and 0.46 g 25 m.
    assert!((11.0..25.0).contains(&distance), "from 15 m/s it brakes within {distance} m");
    let creep = (world.root(&car).0 - start).length() - stopped.unwrap_or(0.0);
    assert!(creep.abs() < 0.3, "stopped, it creeps by {creep} m with the brake held");
}

#[test]
fn reverses() {
    let (mut world, mut car) = parked();
    world.run(&mut car, 4.0, &[0.0, -1.0, 0.0, 0.0], |_, _| {});
    let back = -speed(&world, &car);
    let limit = car.specification().reverse_speed;
    println!("in reverse at {back:.2} m/s");
    assert!(back > 0.7 * limit && back < 1.2 * limit, "in reverse at {back} m/s, limit {limit} m/s");
}

#[test]
fn yaw_follows_the_steering() {
    for (target, side) in [(5.0, 1.0), (5.0, -1.0), (12.0, 1.0), (12.0, -1.0)] {
        let (mut world, mut car) = parked();
        accelerate(&mut world, &mut car, target);
        let before = heading_of(world.root(&car).1 * Vec3::NEG_Z);
        let mut upright = 1.0f32;
        world.run(&mut car, 1.0, &[0.6 * side, 0.2, 0.0, 0.0], |world, car| upright = upright.min(up(world, car)));
        let turned = wrap_angle(heading_of(world.root(&car).1 * Vec3::NEG_Z) - before);
        let rate = world.bodies[car.parts()[0]].angvel().y;
        let observed = observe(&mut world, &mut car, "yaw_rate")[0];
        println!("steer {side:+} at {target} m/s: turned {turned:+.2} rad in 1 s, yaw rate {rate:+.2} rad/s");
        assert!(side * rate > 0.1, "steer {side:+} at {target} m/s: yaw rate {rate} rad/s");
        assert!(side * turned > 0.1, "steer {side:+} at {target} m/s: turned by {turned} rad");
        assert!((observed - rate).abs() < 1e-4, "observed yaw rate {observed} rad/s, actual {rate} rad/s");
        assert!(upright > 0.9, "steer {side:+} at {target} m/s tips it over, up {upright}");
    }
}

#[test]
fn a_flipped_car_gets_back_on_its_wheels() {
    for (name, rotation) in [
        ("roof", Quat::from_rotation_z(std::f32::consts::PI)),
        ("left side", Quat::from_rotation_z(std::f32::consts::FRAC_PI_2)),
        ("right side", Quat::from_rotation_z(-std::f32::consts::FRAC_PI_2)),
        ("roof, turned", Quat::from_rotation_y(2.0) * Quat::from_rotation_z(3.0)),
    ] {
        let (mut world, mut car) = parked();
        let chassis = &mut world.bodies[car.parts()[0]];
        chassis.set_translation(Vec3::new(20.0, 1.0, -10.0), true);
        chassis.set_rotation(rotation, true);
        world.physics().refresh();
        assert!(car.is_down(&world.physics()), "{name}: flipped, it counts as down");
        let (mut time, mut upright_at) = (0.0, f32::NAN);
        world.run(&mut car, 5.0, &COAST, |world, car| {
            time += DT;
            if up(world, car) < 0.9 {
                upright_at = f32::NAN;
            } else if upright_at.is_nan() {
                upright_at = time;
            }
        });
        println!("{name}: on its wheels after {upright_at:.2} s");
        assert!(upright_at < 5.0, "{name}: up {} after 5 s", up(&world, &car));
        assert!(!car.is_down(&world.physics()), "{name}: it counts as down after 5 s");
        assert_eq!(observe(&mut world, &mut car, "wheel_contact"), [1.0; 4], "{name}: wheels on the ground");
        let (place, _) = world.root(&car);
        let moved = Vec3::new(place.x - 20.0, 0.0, place.z + 10.0).length();
        assert!(moved < 3.0, "{name}: it was placed {moved} m away");
        accelerate(&mut world, &mut car, 5.0);
    }
}

#[test]
fn observations_and_actions_are_within_bounds() {
    for name in builtin_names() {
        let scene = find(name).expect("a shipped scene");
        if &*scene.blueprint.spaces().agent != "vehicle" {
            continue;
        }
        let mut app = headless_app(1);
        let world = app.world_mut();
        let spawned = spawn_arena(world, &scene, 1, Driver::Remote);
        let agent = spawned.agents[0];
        let Spaces { observation: observation_layout, action: action_layout, .. } =
            world.get::<Spaces>(agent).expect("an agent").clone();
        let names = observation_layout.names();
        let mut rng = episode_rng(11, 11);
        for t in 0..2000 {
            if t % 8 == 0 {
                let mut action = world.get_mut::<Action>(agent).expect("an agent");
                // Also beyond the bounds: a driver's action is clamped.
                for (value, (low, high)) in action.0.iter_mut().zip(action_layout.bounds()) {
                    *value = low + (1.4 * rng.random::<f32>() - 0.2) * (high - low);
                }
                // More throttle than brake, so that the car moves.
                action.0[2] *= if rng.random::<f32>() < 0.3 { 1.0 } else { 0.0 };
            }
            tick(world);
            let observation = &world.get::<Observation>(agent).expect("an agent").0;
            for ((value, (low, high)), field) in observation.iter().zip(observation_layout.bounds()).zip(&names) {
                assert!((low..=high).contains(value), "{name}, tick {t}: {field} is {value}, not {low}..{high}");
            }
            let action = &world.get::<Action>(agent).expect("an agent").0;
            for (value, (low, high)) in action.iter().zip(action_layout.bounds()) {
                assert!((low..=high).contains(value), "{name}, tick {t}: an action of {value}, not {low}..{high}");
            }
            let score = world.get::<Score>(agent).expect("an agent");
            assert!(score.reward.is_finite(), "{name}, tick {t}: reward {}", score.reward);
            if score.end.is_some() && t % 500 == 0 {
                begin_episode(world, spawned.arena, t as u64);
            }
        }
    }
}
