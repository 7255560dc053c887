//! Evaluation runs one episode per seed, independent of the other seeds.

use apprentice::agents::Driver;
use apprentice::rollout::{Player, evaluate, evaluation_seeds, headless_app, wilson_interval};
use apprentice::scenes::{find, parse, spawn_arena};
use apprentice::sim::{begin_episode, tick};
use apprentice::tasks::Score;
use apprentice::teleop::{ScriptedOperator, Skill};

/// More than there are parallel arenas, so that arenas continue with further seeds.
const SEEDS: usize = 21;

#[test]
fn every_seed_is_evaluated_once_as_in_the_app_loop() {
    let scene = find("slalom").expect("a scene");
    let seeds = evaluation_seeds(3, SEEDS);
    let mut progress = Vec::new();
    let result =
        evaluate(&scene, Player::Operator(Skill::Sloppy), &seeds, 0, |done| progress.push(done)).expect("an operator");
    assert_eq!(progress, (1..=SEEDS).collect::<Vec<_>>());
    assert_eq!(result.results.iter().map(|r| r.seed).collect::<Vec<_>>(), seeds);
    let mut app = headless_app(1);
    let world = app.world_mut();
    let spawned = spawn_arena(world, &scene, 1, Driver::Scripted);
    let operator = scene.blueprint.operator(Skill::Sloppy).expect("an operator");
    world.entity_mut(spawned.agents[0]).insert(ScriptedOperator(operator));
    for episode in &result.results {
        begin_episode(world, spawned.arena, episode.seed);
        let score = loop {
            tick(world);
            let score = world.get::<Score>(spawned.agents[0]).expect("a score");
            if score.end.is_some() {
                break score;
            }
        };
        assert_eq!((episode.ticks, episode.success), (score.ticks, score.succeeded()), "seed {}", episode.seed);
        assert_eq!(episode.episode_return, f64::from(score.episode_return()), "seed {}", episode.seed);
    }
}

#[test]
fn the_interval_is_that_of_the_distinct_episodes() {
    let seeds = evaluation_seeds(0, 40);
    let fixed = |name: &str, spread: &[&str]| {
        let text = spread.iter().fold(find(name).expect("a scene").text, |text, part| text.replace(part, "(0.0, 0.0)"));
        let text = text.replace("turn: 15.0", "turn: 0.0").replace("turn: 5.0", "turn: 0.0");
        let text = text.replace("spread: 0.6", "spread: 0.0").replace("time_limit: ", "time_limit: 4.0, // ");
        parse(name, "fixed.ron", &text).expect("a scene")
    };
    // The same start in every episode, and a player that does the same in each.
    let scene = fixed("fork", &["(0.0, 1.0)", "(2.0, 1.0)"]);
    let same = evaluate(&scene, Player::Neutral, &seeds, 0, |_| {}).expect("neutral fits");
    assert_eq!((same.episodes, same.distinct_episodes), (40, 1));
    assert_eq!(same.success_ci95, wilson_interval(0, 1));
    assert!(same.repetition().is_some_and(|text| text.contains("all 40 episodes are the same")));
    // The slalom begins on either side of the first cone.
    let two = fixed("slalom", &["(1.0, 1.0)", "(1.5, 1.0)"]);
    let two = evaluate(&two, Player::Neutral, &seeds, 0, |_| {}).expect("neutral fits");
    assert_eq!((two.distinct_episodes, two.success_ci95), (2, wilson_interval(0, 2)));
    assert!(two.repetition().is_some_and(|text| text.contains("only 2 of 40 episodes differ")));
    let slalom = find("slalom").expect("a scene");
    let different = evaluate(&slalom, Player::Neutral, &seeds, 0, |_| {}).expect("it fits");
    assert_eq!(different.distinct_episodes, 40);
    assert_eq!(different.repetition(), None);
    // Random actions differ from the same start on.
    let random = evaluate(&scene, Player::Random, &seeds, 0, |_| {}).expect("random fits");
    assert_eq!(random.distinct_episodes, 40);
}

#[test]
fn a_seeds_result_does_not_depend_on_other_seeds() {
    let scene = find("slalom").expect("a scene");
    let seeds = evaluation_seeds(3, SEEDS);
    let all = evaluate(&scene, Player::Random, &seeds, 2, |_| {}).expect("random fits");
    for i in [0, SEEDS - 1] {
        let alone = evaluate(&scene, Player::Random, &seeds[i..=i], 1, |_| {}).expect("random fits");
        assert_eq!(alone.results, all.results[i..=i], "seed {i}");
    }
    assert_eq!(evaluate(&scene, Player::Random, &[], 0, |_| {}).expect("nothing to do").episodes, 0);
}
