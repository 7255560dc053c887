//! Mirror transforms of observations and actions: left and right are exchanged.

use apprentice::agents::humanoid::JOINTS;
use apprentice::agents::mirrors;
use apprentice::rollout::{VecEnv, VecEnvOptions};
use apprentice::scenes::{builtin_names, find, parse};
use apprentice::spaces::{Field, Layout};
use bevy::math::ops;

const JOINTS_SCENE: &str = "(
    title: \"joints\", agent: Humanoid(control: Joints), time_limit: 20.0, ground: (half_size: 30.0, friction: 0.9),
    objects: [(kind: Obstacle, shape: Cylinder(0.5, 2.2), at: (2.0, -3.0))],
    start: (at: (0.0, 0.0)), goal: (at: (-3.0, -9.0)), task: Reach(radius: 0.6), terms: {})";

#[test]
fn a_mirrored_car_in_a_mirrored_scene_has_mirrored_observations() {
    // A bend to the left with a post on its right side, and the mirror image of this scene.
    let scene = |sign: f32| {
        let text = format!(
            "(title: \"mirror\", agent: Vehicle(), time_limit: 20.0,
              course: (points: [(0.0, 0.0), (0.0, -20.0), ({}, -40.0), ({}, -55.0)], closed: false, half_width: 6.0),
              objects: [(kind: Obstacle, shape: Cylinder(0.5, 1.2), at: ({}, -18.0))],
              start: (at: (0.0, -3.0)), task: Lap(laps: 1.0), terms: {{}})",
            -4.0 * sign,
            -14.0 * sign,
            3.0 * sign
        );
        parse("mirror", "mirror.ron", &text).unwrap()
    };
    let [left, right] = [1.0, -1.0].map(scene);
    let spaces = left.blueprint.spaces();
    let (observation, action) = mirrors("vehicle", &spaces.observation, &spaces.action).unwrap();
    let mut worlds = [left, right].map(|scene| VecEnv::new(&scene, VecEnvOptions::default()));
    let mut observed = worlds.each_mut().map(|world| world.reset(&[0]).to_vec());
    let names = spaces.observation.names();
    for tick in 0..90 {
        let image = observation.apply(&observed[0]);
        for ((name, a), b) in names.iter().zip(&image).zip(&observed[1]) {
            // At a post's edge, a ray may hit on one side and miss on the other.
            let tolerance = if name.starts_with("ray") { 0.5 } else { 0.05 };
            assert!((a - b).abs() < tolerance, "tick {tick}: {name} is {b}, mirrored {a}");
        }
        let steer = if tick < 40 { 0.2 } else { -0.5 };
        let actions = [steer, 0.8, 0.0, 0.0];
        let mirrored = action.apply(&actions);
        observed = [worlds[0].step(&actions).observations.to_vec(), worlds[1].step(&mirrored).observations.to_vec()];
    }
    assert!(observed[0][spaces.observation.range("yaw_rate").unwrap().start].abs() > 0.05, "the car turns");
}

#[test]
fn mirroring_twice_is_the_identity() {
    let joints = parse("joints", "joints.ron", JOINTS_SCENE).unwrap();
    for scene in builtin_names().map(|name| find(name).unwrap()).chain([joints]) {
        let spaces = scene.blueprint.spaces();
        let (observation, action) = mirrors(&spaces.agent, &spaces.observation, &spaces.action).unwrap();
        for (mirror, layout) in [(observation, &spaces.observation), (action, &spaces.action)] {
            let row: Vec<f32> = (0..layout.size()).map(|i| i as f32 + 0.5).collect();
            assert_eq!(mirror.apply(&mirror.apply(&row)), row, "{}", scene.name);
        }
    }
}

#[test]
fn a_field_without_a_rule_is_named_in_the_error() {
    let layout = |name: &str| Layout::new("test", vec![Field::new(name, 1, "1", -1.0, 1.0)]);
    assert_eq!(mirrors("vehicle", &layout("mood"), &layout("steer")).unwrap_err(), "mood");
    // The field of the mirrored joint is missing.
    assert_eq!(mirrors("humanoid", &layout("height"), &layout("left_knee")).unwrap_err(), "left_knee");
}

#[test]
fn a_mirrored_humanoid_in_a_mirrored_scene_has_mirrored_observations() {
    let scene = |sign: f32| {
        let text = JOINTS_SCENE.replace("at: (2.0, -3.0)", &format!("at: ({}, -3.0)", 2.0 * sign));
        let text = text.replace("at: (-3.0, -9.0)", &format!("at: ({}, -9.0)", -3.0 * sign));
        parse("mirror", "mirror.ron", &text).unwrap()
    };
    let [left, right] = [1.0, -1.0].map(scene);
    let spaces = left.blueprint.spaces();
    let (observation, action) = mirrors("humanoid", &spaces.observation, &spaces.action).unwrap();
    let mut worlds = [left, right].map(|scene| VecEnv::new(&scene, VecEnvOptions::default()));
    let mut observed = worlds.each_mut().map(|world| world.reset(&[0]).to_vec());
    let names = spaces.observation.names();
    // One arm abducted, head and chest turned, one knee bent: the body begins to fall to one side.
    let mut pose = vec![0.0; spaces.action.size()];
    for (joint, angle) in
        [("left_shoulder_abduction", 0.8), ("neck_turn", 0.5), ("thorax_twist", 0.5), ("left_knee", 0.6)]
    {
        pose[spaces.action.range(joint).unwrap().start] = angle;
    }
    let mirrored = action.apply(&pose);
    for tick in 0..30 {
        let image = observation.apply(&observed[0]);
        let mut rays_at_edges = 0;
        for ((name, a), b) in names.iter().zip(&image).zip(&observed[1]) {
            // The gait phase begins with the left foot in both scenes, and contacts are solved sequentially.
            let tolerance = match name.split('.').next().unwrap_or_default() {
                "phase" => continue,
                "range" => {
                    rays_at_edges += usize::from((a - b).abs() > 0.5);
                    continue;
                }
                "spin" | "goal" => 0.5,
                "joint_speed" => 2.0,
                _ => 0.1,
            };
            assert!((a - b).abs() < tolerance, "tick {tick}: {name} is {b}, mirrored {a}");
        }
        assert!(rays_at_edges <= 2, "tick {tick}: {rays_at_edges} rays");
        observed = [worlds[0].step(&pose).observations.to_vec(), worlds[1].step(&mirrored).observations.to_vec()];
    }
    let joints = spaces.observation.range("joint_angle").unwrap();
    let (a, b) = (&observed[0][joints.clone()], &observed[1][joints]);
    assert!(a.iter().zip(b).any(|(a, b)| (a - b).abs() > 0.3), "the scenes differ");
}

#[test]
fn a_mirrored_stride_is_shifted_by_half_a_stride() {
    let scene = find("courtyard").unwrap();
    let spaces = scene.blueprint.spaces();
    let (observation, _) = mirrors("humanoid", &spaces.observation, &spaces.action).unwrap();
    let mut world = VecEnv::new(&scene, VecEnvOptions::default());
    let mut row = world.reset(&[3]).to_vec();
    let index = |name: &str| spaces.observation.range(name).unwrap().start;
    let (phase, contact, joints) = (index("phase"), index("contact"), index("joint_angle"));
    let knee = joints + JOINTS.iter().position(|joint| *joint == "left_knee").unwrap();
    // For each eighth of the stride: number of ticks, and sums of the left foot's contact and the left knee's angle,
    // for the observations and the mirrored observations.
    let mut sums = [[[0.0f32; 3]; 8]; 2];
    for tick in 0..260 {
        if tick > 80 {
            for (sums, row) in sums.iter_mut().zip([row.clone(), observation.apply(&row)]) {
                let eighth = (ops::atan2(row[phase], row[phase + 1]) / std::f32::consts::TAU + 1.0).fract() * 8.0;
                let sums = &mut sums[eighth as usize % 8];
                for (sum, value) in sums.iter_mut().zip([1.0, row[contact], row[knee]]) {
                    *sum += value;
                }
            }
        }
        row = world.step(&[0.6, 0.0, 0.0, 0.0, 0.0]).observations.to_vec();
    }
    let (mut min_contact, mut max_contact) = (1.0f32, 0.0f32);
    for (original, mirrored) in sums[0].iter().zip(&sums[1]) {
        let [original, mirrored] = [original, mirrored].map(|sum| [sum[1] / sum[0], sum[2] / sum[0]]);
        (min_contact, max_contact) = (min_contact.min(original[0]), max_contact.max(original[0]));
        assert!((original[0] - mirrored[0]).abs() < 0.25 && (original[1] - mirrored[1]).abs() < 0.15, "{sums:?}");
    }
    assert!(min_contact < 0.2 && max_contact > 0.8, "it walks: {sums:?}");
}
