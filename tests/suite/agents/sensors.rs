//! Sensors that scenes add: the depth camera and the colored posts of a relay.

use apprentice::rollout::{Player, VecEnv, VecEnvOptions, demonstrate, evaluate, evaluation_seeds};
use apprentice::scenes::{Scene, find, parse};
use apprentice::teleop::Skill;

fn courtyard_with_camera(camera: &str) -> Scene {
    let text = find("courtyard").unwrap().text.replacen("agent:", &format!("camera: {camera},\n    agent:"), 1);
    parse("courtyard", "camera.ron", &text).unwrap()
}

/// A wall 4 m ahead of the start.
fn wall() -> Scene {
    let text = "(title: \"wall\", agent: Humanoid(), time_limit: 20.0,
        camera: (width: 16, height: 9, field_of_view: 80.0, reach: 8.0, above: 0.0, down: 0.0),
        objects: [(kind: Obstacle, shape: Box(40.0, 10.0, 1.0), at: (0.0, -4.5))],
        goal: (at: (0.0, 3.0)), task: Reach(radius: 0.5), terms: {})";
    parse("wall", "wall.ron", text).unwrap()
}

#[test]
fn a_depth_image_measures_distances() {
    let scene = wall();
    let layout = scene.blueprint.spaces().observation;
    let field = layout.fields.last().unwrap();
    assert_eq!((field.name.as_str(), field.image, field.size), ("depth", Some((9, 16)), 144));
    let mut env = VecEnv::new(&scene, VecEnvOptions::default());
    let observation = env.reset(&[1]).to_vec();
    let image = &observation[layout.range("depth").unwrap()];
    for column in 0..16 {
        // The middle row is horizontal. A ray at an angle hits the wall at a larger distance.
        let angle = (7.5 - column as f32) * 80.0f32.to_radians() / 16.0;
        let expected = 4.0 / bevy::math::ops::cos(angle);
        let measured = image[4 * 16 + column];
        assert!((measured - expected).abs() < 0.15, "column {column}: {measured} m instead of {expected} m");
    }
    // Pixels that point down hit the ground, 0.9 m below, before the wall.
    assert!(image[8 * 16 + 8] < 4.0 && image[8] > 4.0, "below {}, above {}", image[8 * 16 + 8], image[8]);
}

#[test]
fn a_camera_does_not_change_the_simulation() {
    let [plain, with] = [find("courtyard").unwrap(), courtyard_with_camera("()")];
    let seeds = evaluation_seeds(4, 3);
    let [a, b] = [plain, with].map(|scene| {
        let mut results = evaluate(&scene, Player::Operator(Skill::Steady), &seeds, 1, |_| {}).unwrap().results;
        // The fingerprint includes the observations, and so the camera's image.
        results.iter_mut().for_each(|result| result.fingerprint = 0);
        results
    });
    assert_eq!(a, b);
}

#[test]
fn invalid_camera_and_relay_settings_are_rejected() {
    let text = find("courtyard").unwrap().text;
    for (camera, what) in
        [("(width: 4)", "width"), ("(field_of_view: 400.0)", "field_of_view"), ("(reach: 0.0)", "reach")]
    {
        let text = text.replacen("agent:", &format!("camera: {camera},\n    agent:"), 1);
        let error = parse("c", "c.ron", &text).unwrap_err().to_string();
        assert!(error.contains(what) && error.contains("c.ron:4"), "{error}");
    }
    let relay = find("relay").unwrap().text;
    let error = parse("r", "r.ron", &relay.replace("visits: 4", "visits: 4, order: [0, 0, 1, 2]")).unwrap_err();
    assert!(error.to_string().contains("4 different posts"), "{error}");
}

#[test]
fn a_relay_follows_its_order_and_names_it() {
    let scene = find("relay").unwrap();
    let text = scene.text.replace("spread: 0.5)", "spread: 0.5, order: [3, 0, 5, 1])");
    let scene = parse("relay", "relay.ron", &text).unwrap();
    let episode = demonstrate(&scene, Skill::Steady, 6).unwrap();
    assert_eq!(episode.header.task, "visit yellow, red, black, green");
    assert!(episode.succeeded());
    let range = episode.header.observation.range("post_visited").unwrap();
    let size = episode.header.observation.size();
    let mut order = Vec::new();
    for row in episode.observations.chunks_exact(size) {
        for post in 0..6 {
            if row[range.start + post] > 0.5 && !order.contains(&post) {
                order.push(post);
            }
        }
    }
    // The last visit ends the episode before its observation.
    assert_eq!(order, [3, 0, 5]);
}

#[test]
fn orders_and_layouts_differ_from_episode_to_episode() {
    let scene = find("relay").unwrap();
    let tasks: std::collections::BTreeSet<String> =
        (0..8).map(|seed| demonstrate(&scene, Skill::Steady, 2 * seed).unwrap().header.task).collect();
    assert!(tasks.len() > 5, "{tasks:?}");
}

#[test]
fn the_wrong_post_ends_a_relay() {
    // No operator visits the posts in a wrong order. A walker in widening circles reaches some post, and five of six
    // posts are wrong.
    let scene = find("relay").unwrap();
    let mut env = VecEnv::new(&scene, VecEnvOptions { arenas: 12, ..VecEnvOptions::default() });
    env.reset(&(0..12).collect::<Vec<u64>>());
    let mut action = vec![0.0; env.rows() * env.action_size()];
    let mut ends = Vec::new();
    for tick in 0..450 {
        for row in action.chunks_exact_mut(env.action_size()) {
            // Forward, in widening circles.
            row[0] = 1.0;
            row[2] = 0.35 / (1.0 + tick as f32 / 200.0);
        }
        env.step(&action);
        for row in 0..12 {
            if env.last_step().terminated[row] {
                ends.push(format!("{:?}", env.finished(row).end));
            }
        }
    }
    assert!(ends.iter().any(|end| end.contains("wrong post")), "{ends:?}");
}
