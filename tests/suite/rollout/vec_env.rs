//! The vectorized environment: results are identical to those of a single arena and of the app's loop, final observations
//! are returned, and rows map to agents.

use apprentice::agents::{Action, Agent, Driver, Observation};
use apprentice::rollout::{Player, RandomActions, VecEnv, VecEnvOptions, headless_app};
use apprentice::scenes::{Scene, find, parse, spawn_arena};
use apprentice::sim::{
    ActSystems, Arena, PhysicsSets, SimAct, SimRng, begin_episode, episode_rng, split_seed, state_hash, tick,
};
use apprentice::tasks::{EpisodeEnd, Score};
use apprentice::teleop::Skill;
use bevy::ecs::prelude::*;
use rand::RngExt;

/// One agent's row after a step, with floats as bits.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    observation: Vec<u32>,
    reward: u32,
    terminated: bool,
    truncated: bool,
    active: bool,
    /// The final observation, where the episode has ended.
    final_observation: Option<Vec<u32>>,
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

fn row_of(env: &VecEnv, row: usize) -> Row {
    let step = env.last_step();
    let at = row * env.observation_size()..(row + 1) * env.observation_size();
    let ended = step.terminated[row] || step.truncated[row];
    Row {
        observation: bits(&step.observations[at.clone()]),
        reward: step.rewards[row].to_bits(),
        terminated: step.terminated[row],
        truncated: step.truncated[row],
        active: step.active[row],
        final_observation: ended.then(|| bits(&step.final_observations[at])),
    }
}

fn observation(env: &VecEnv, row: usize) -> Vec<u32> {
    row_of(env, row).observation
}

/// A shipped scene whose episodes last at most `seconds`.
fn short(name: &str, seconds: &str) -> Scene {
    let text = match name {
        "slalom" => include_str!("../../../scenes/slalom.ron"),
        _ => include_str!("../../../scenes/courtyard.ron"),
    };
    let text = text.replace("time_limit: 40.0", &format!("time_limit: {seconds}"));
    parse(name, "short.ron", &text).expect("a scene")
}

fn environment(scene: &Scene, arenas: usize, agents: usize, threads: usize) -> VecEnv {
    VecEnv::new(scene, VecEnvOptions { arenas, agents, threads })
}

/// A random action of one agent; a car always accelerates, so that it leaves the start.
fn random_action(scene: &Scene, rng: &mut SimRng) -> Vec<f32> {
    let spaces = scene.blueprint.spaces();
    let mut action: Vec<f32> =
        spaces.action.bounds().map(|(low, high)| low + rng.random::<f32>() * (high - low)).collect();
    if &*spaces.agent == "vehicle" {
        let throttle = 0.5 + 0.5 * action[1].abs();
        action[1..].copy_from_slice(&[throttle, 0.0, 0.0]);
    }
    action
}

/// The car's action straight ahead at full throttle.
const FULL_THROTTLE: [f32; 4] = [0.0, 1.0, 0.0, 0.0];

/// Simulate one arena per seed; returns per arena the row of every step.
fn run(scene: &Scene, seeds: &[u64], threads: usize, ticks: usize) -> Vec<Vec<Row>> {
    let mut env = environment(scene, seeds.len(), 1, threads);
    env.reset(seeds);
    let mut rngs: Vec<SimRng> = seeds.iter().map(|seed| episode_rng(*seed, 9)).collect();
    let mut out: Vec<Vec<Row>> = (0..seeds.len()).map(|arena| vec![row_of(&env, arena)]).collect();
    for _ in 0..ticks {
        let actions: Vec<f32> = rngs.iter_mut().flat_map(|rng| random_action(scene, rng)).collect();
        env.step(&actions);
        for (arena, rows) in out.iter_mut().enumerate() {
            rows.push(row_of(&env, arena));
        }
    }
    out
}

/// Reports the first difference instead of printing all rows.
fn assert_same(actual: &[Row], expected: &[Row], what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    let first = actual.iter().zip(expected).position(|(a, b)| a != b);
    assert_eq!(first, None, "{what}: rows differ from this step on");
}

#[test]
fn results_do_not_depend_on_the_number_of_arenas_and_threads() {
    let seeds: Vec<u64> = (0..8).map(|i| 100 + i).collect();
    for name in ["slalom", "courtyard"] {
        let scene = short(name, "4.0");
        let one = run(&scene, &seeds, 1, 300);
        let two = run(&scene, &seeds, 2, 300);
        for (arena, seed) in seeds.iter().enumerate() {
            assert_same(&two[arena], &one[arena], &format!("{name}: arena {arena} on two threads"));
            let alone = run(&scene, &[*seed], 1, 300);
            assert_same(&alone[0], &one[arena], &format!("{name}: arena {arena} alone"));
            let ends = one[arena].iter().filter(|row| row.final_observation.is_some()).count();
            assert!(ends >= 2, "{name}: arena {arena} is reset at least twice, not {ends} times");
        }
        assert_ne!(one[0], one[1], "{name}: each seed has its own episode");
    }
}

/// The states and observations that the app's loop has seen, and its next action.
#[derive(Resource, Default)]
struct Remote {
    action: Vec<f32>,
    seen: Vec<(u64, Vec<u32>)>,
}

/// A driver as in the app: it decides inside the tick, between sensing and physics.
fn decide(
    mut remote: ResMut<Remote>,
    mut arenas: Query<(&Arena, PhysicsSets)>,
    mut agents: Query<(&Agent, &Observation, &mut Action)>,
) {
    for (agent, observation, mut action) in &mut agents {
        let (arena, mut sets) = arenas.get_mut(agent.arena).expect("the agent's arena");
        let hash = state_hash(&sets.physics(), arena);
        remote.seen.push((hash, bits(&observation.0)));
        action.0.copy_from_slice(&remote.action);
    }
}

/// The app's loop with one arena.
struct AppLoop {
    app: bevy::app::App,
    arena: Entity,
    agent: Entity,
}

impl AppLoop {
    fn new(scene: &Scene, seed: u64) -> Self {
        let mut app = headless_app(1);
        app.init_resource::<Remote>().add_systems(SimAct, decide.in_set(ActSystems::Decide));
        let spawned = spawn_arena(app.world_mut(), scene, 1, Driver::Remote);
        let mut app_loop = Self { app, arena: spawned.arena, agent: spawned.agents[0] };
        app_loop.reset(seed);
        app_loop
    }

    fn reset(&mut self, seed: u64) {
        begin_episode(self.app.world_mut(), self.arena, seed);
    }

    /// State hash and observation before the tick, and the score after it.
    fn tick(&mut self, action: &[f32]) -> ((u64, Vec<u32>), Score) {
        let world = self.app.world_mut();
        world.resource_mut::<Remote>().action = action.to_vec();
        tick(world);
        let seen = world.resource_mut::<Remote>().seen.pop().expect("one decision a tick");
        (seen, world.get::<Score>(self.agent).expect("a score").clone())
    }
}

fn hash(env: &mut VecEnv, arena: usize) -> u64 {
    let entity = env.arena_entity(arena);
    let world = env.world_mut();
    let mut arenas = world.query::<(&Arena, PhysicsSets)>();
    let (arena, mut sets) = arenas.get_mut(world, entity).expect("the arena");
    state_hash(&sets.physics(), arena)
}

#[test]
fn results_equal_those_of_the_app_loop() {
    for name in ["slalom", "courtyard"] {
        let scene = short(name, "4.0");
        let mut env = environment(&scene, 3, 1, 2);
        env.reset(&[5, 6, 7]);
        let mut app_loop = AppLoop::new(&scene, 6);
        let mut rng = episode_rng(1, 9);
        let mut ends = 0;
        for step in 0..300 {
            let action = random_action(&scene, &mut rng);
            let (seen, score) = app_loop.tick(&action);
            assert_eq!(seen, (hash(&mut env, 1), observation(&env, 1)), "{name}: before step {step}");
            let actions: Vec<f32> = (0..3).flat_map(|_| action.clone()).collect();
            let actual = env.step(&actions);
            assert_eq!(actual.rewards[1].to_bits(), score.reward.to_bits(), "{name}: reward of step {step}");
            assert_eq!(actual.truncated[1], score.end == Some(EpisodeEnd::TimeLimit), "{name}: step {step}");
            assert_eq!(actual.terminated[1] || actual.truncated[1], score.end.is_some(), "{name}: step {step}");
            if score.end.is_some() {
                ends += 1;
                let finished = env.finished(1);
                assert_eq!((finished.end, finished.ticks), (score.end, score.ticks));
                assert_eq!(bits(&finished.terms), bits(&score.totals));
                app_loop.reset(split_seed(6, ends));
            }
        }
        assert!(ends >= 2, "{name}: {ends} ends");
    }
}

#[test]
fn the_final_observation_is_that_of_the_end_state() {
    for (name, action) in
        [("slalom", &FULL_THROTTLE[..]), ("slalom", &[0.0; 4]), ("courtyard", &[0.5, 0.0, 0.2, 0.0, 0.0])]
    {
        let scene = short(name, "4.0");
        let mut env = environment(&scene, 1, 1, 1);
        env.reset(&[11]);
        let mut app_loop = AppLoop::new(&scene, 11);
        let ticks = (1..).find(|_| {
            app_loop.tick(action);
            let step = env.step(action);
            step.terminated[0] || step.truncated[0]
        });
        // The app loop does not reset automatically: its next tick senses the end state.
        let ((_, end), _) = app_loop.tick(action);
        let row = row_of(&env, 0);
        assert_eq!(row.final_observation, Some(end), "{name}");
        let mut fresh = environment(&scene, 1, 1, 1);
        fresh.reset(&[split_seed(11, 1)]);
        assert_eq!(row.observation, observation(&fresh, 0), "{name}: the next episode's start");
        let finished = env.finished(0);
        assert_eq!((finished.seed, Some(finished.ticks)), (11, ticks), "{name}");
        assert_eq!(finished.terms.len(), scene.blueprint.terms().len());
        let failed = action == FULL_THROTTLE;
        assert_eq!((row.terminated, row.truncated), (failed, !failed), "{name}");
        assert_eq!(matches!(finished.end, Some(EpisodeEnd::Failure(_))), failed, "{name}: {:?}", finished.end);
        assert!(failed || finished.ticks == scene.tick_limit(), "{name}: {}", finished.ticks);
    }
}

#[test]
fn an_arena_is_reset_when_its_last_agent_is_done() {
    let scene = short("slalom", "6.0");
    for threads in [1, 2] {
        let mut env = environment(&scene, 2, 3, threads);
        env.reset(&[1, 2]);
        assert_eq!((env.rows(), env.arenas(), env.agents_per_arena()), (6, 2, 3));
        assert_eq!(env.last_step().active, [true; 6]);
        // The first car of the second arena drives into the cones; all others do not move.
        let mut actions = [0.0; 24];
        actions[12..16].copy_from_slice(&FULL_THROTTLE);
        let mut ended = None;
        for step in 1..=scene.tick_limit() {
            env.step(&actions);
            let rows: Vec<Row> = (0..6).map(|row| row_of(&env, row)).collect();
            for (row, actual) in rows.iter().enumerate() {
                let inactive = row == 3 && ended.is_some();
                assert_eq!(actual.active, !inactive, "row {row} at step {step}");
                if inactive {
                    assert_eq!(actual.reward, 0.0f32.to_bits());
                    assert!(!actual.terminated && !actual.truncated);
                } else {
                    let at_limit = step == scene.tick_limit();
                    assert_eq!(actual.truncated, at_limit && row != 3, "row {row} at step {step}");
                }
            }
            if rows[3].terminated {
                assert!(ended.is_none(), "an episode ends once");
                ended = Some(step);
                assert_eq!((env.seed(0), env.seed(1)), (1, 2), "the arena continues for the others");
            }
        }
        let ended = ended.expect("the first car hits a cone");
        assert!(ended < scene.tick_limit());
        assert_eq!(env.finished(3).ticks, ended);
        assert_eq!((env.seed(0), env.seed(1)), (split_seed(1, 1), split_seed(2, 1)));
        let mut fresh = environment(&scene, 2, 3, threads);
        fresh.reset(&[split_seed(1, 1), split_seed(2, 1)]);
        assert_eq!(bits(env.last_step().observations), bits(fresh.last_step().observations));
        env.step(&[0.0; 24]);
        assert_eq!(env.last_step().active, [true; 6], "all agents are active in the new episode");
    }
}

#[test]
fn rows_are_in_the_order_of_arenas_and_agents() {
    let scene = find("slalom").expect("a scene");
    let mut env = environment(&scene, 3, 2, 2);
    env.reset(&[1, 2, 3]);
    // Each car has a different throttle, so that swapped rows are detected.
    let actions: Vec<f32> = (0..6).flat_map(|row| [0.0, 0.15 * row as f32, 0.0, 0.0]).collect();
    for _ in 0..20 {
        env.step(&actions);
    }
    for row in 0..6 {
        let entity = env.arena_entity(row / 2);
        let actual = observation(&env, row);
        let world = env.world_mut();
        let mut agents = world.query::<(&Agent, &Observation, &Action)>();
        let (_, expected, action) = agents
            .iter(world)
            .find(|(agent, ..)| agent.arena == entity && agent.slot == row % 2)
            .expect("an agent for each row");
        assert_eq!(actual, bits(&expected.0), "row {row}");
        assert_eq!(action.0[1], 0.15 * row as f32, "row {row}");
    }
}

#[test]
fn the_action_of_a_done_agent_is_ignored() {
    let scene = short("slalom", "6.0");
    let mut env = environment(&scene, 1, 2, 1);
    env.reset(&[2]);
    let mut both = [0.0; 8];
    both[..4].copy_from_slice(&FULL_THROTTLE);
    while !env.step(&both).terminated[0] {}
    let mut after = |env: &mut VecEnv, action: [f32; 4]| -> Vec<u64> {
        both[..4].copy_from_slice(&action);
        let advance = |_| {
            env.step(&both);
            hash(env, 0)
        };
        (0..10).map(advance).collect()
    };
    let first = after(&mut env, FULL_THROTTLE);
    let mut again = environment(&scene, 1, 2, 1);
    again.reset(&[2]);
    let mut both = [0.0; 8];
    both[..4].copy_from_slice(&FULL_THROTTLE);
    while !again.step(&both).terminated[0] {}
    assert_eq!(first, after(&mut again, [1.0, -1.0, 1.0, 1.0]), "its action is ignored");
}

#[test]
fn a_done_agent_is_not_driven_by_its_operator() {
    let scene = find("slalom").expect("a scene");
    let options = VecEnvOptions { arenas: 1, agents: 3, threads: 1 };
    let mut env = VecEnv::with_player(&scene, options, Player::Operator(Skill::Sloppy)).expect("an operator");
    env.reset(&[4]);
    let mut waited = 0;
    for _ in 0..scene.tick_limit() {
        let waiting = env.last_step().waiting.to_vec();
        env.step_driven();
        for (row, waiting) in waiting.into_iter().enumerate() {
            let agent = env.agent_entity(row);
            let world = env.world_mut();
            let driver = *world.get::<Driver>(agent).expect("a driver");
            if waiting && env.episodes_begun(0) == 1 {
                let action = env.world_mut().get::<Action>(agent).expect("an action");
                assert!(action.0.iter().all(|a| *a == 0.0), "{:?}", action.0);
                waited += 1;
            }
            if !env.last_step().waiting[row] {
                assert_eq!(driver, Driver::Scripted);
            }
        }
        if env.episodes_begun(0) > 1 {
            break;
        }
    }
    assert!(waited > 10, "an agent has waited {waited} ticks for the others");
    assert_eq!(env.last_step().waiting, [false; 3], "all are driven again");
}

#[test]
fn the_next_seed_is_set_for_one_episode() {
    let scene = short("slalom", "1.0");
    let mut env = environment(&scene, 2, 1, 1);
    env.reset(&[1, 2]);
    env.set_next_seed(0, 77);
    let episode = |env: &mut VecEnv| {
        for _ in 0..scene.tick_limit() {
            env.step(&[0.0; 8]);
        }
    };
    assert_eq!((env.seed(0), env.seed(1)), (1, 2));
    episode(&mut env);
    assert_eq!((env.seed(0), env.seed(1)), (77, split_seed(2, 1)));
    assert_eq!((env.finished(0).seed, env.finished(1).seed), (1, 2));
    let mut fresh = environment(&scene, 1, 1, 1);
    fresh.reset(&[77]);
    assert_eq!(observation(&env, 0), observation(&fresh, 0));
    episode(&mut env);
    assert_eq!((env.seed(0), env.seed(1)), (split_seed(1, 2), split_seed(2, 2)));
    assert_eq!(env.finished(0).seed, 77);
    env.set_next_seed(1, 78);
    env.reset(&[3, 4]);
    episode(&mut env);
    assert_eq!((env.seed(0), env.seed(1)), (split_seed(3, 1), split_seed(4, 1)), "a reset discards the next seed");
}

#[test]
fn a_retired_arena_is_inactive_and_does_not_affect_the_others() {
    let scene = short("slalom", "2.0");
    for threads in [1, 2] {
        let (mut env, mut reference) = (environment(&scene, 3, 1, threads), environment(&scene, 3, 1, threads));
        env.reset(&[1, 2, 3]);
        reference.reset(&[1, 2, 3]);
        let mut rng = episode_rng(1, 9);
        for step in 1..=3 * scene.tick_limit() {
            let actions: Vec<f32> = (0..3).flat_map(|_| random_action(&scene, &mut rng)).collect();
            env.step(&actions);
            reference.step(&actions);
            for row in [0, 2] {
                assert_eq!(row_of(&env, row), row_of(&reference, row), "row {row} at step {step}");
            }
            let row = row_of(&env, 1);
            if step > scene.tick_limit() {
                assert!(!row.active && !row.terminated && !row.truncated, "step {step}");
                assert_eq!(row.reward, 0.0f32.to_bits(), "step {step}");
                assert_eq!(env.seed(1), split_seed(2, 1), "no further episode begins");
            }
            if step == scene.tick_limit() {
                // As an evaluation does: in the step in which the episode ends.
                assert!(row.truncated);
                env.retire(1);
                env.retire(1);
            }
        }
        env.reset(&[4, 5, 6]);
        assert_eq!(env.last_step().active, [true, false, true], "a reset does not restore a retired arena");
        env.step(&[0.0; 12]);
        assert_eq!(env.last_step().active, [true, false, true]);
    }
}

#[test]
fn a_reset_during_an_episode_equals_a_fresh_environment() {
    let scene = short("courtyard", "3.0");
    let (mut used, mut fresh) = (environment(&scene, 2, 1, 1), environment(&scene, 2, 1, 1));
    used.reset(&[1, 2]);
    for _ in 0..50 {
        used.step(&[1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0]);
    }
    assert_eq!(bits(used.reset(&[8, 9])), bits(fresh.reset(&[8, 9])));
    for step in 0..200 {
        let actions = [0.8, 0.0, -0.3, 0.0, 0.0, -0.5, 0.2, 0.0, 0.0, 0.0];
        used.step(&actions);
        fresh.step(&actions);
        for row in 0..2 {
            assert_eq!(row_of(&used, row), row_of(&fresh, row), "row {row} at step {step}");
        }
    }
}

#[test]
fn actions_out_of_bounds_are_clamped() {
    let scene = find("slalom").expect("a scene");
    let (mut clamped, mut exact) = (environment(&scene, 1, 1, 1), environment(&scene, 1, 1, 1));
    clamped.reset(&[1]);
    exact.reset(&[1]);
    for step in 0..60 {
        clamped.step(&[f32::NAN, 9.0, -3.0, f32::NEG_INFINITY]);
        exact.step(&FULL_THROTTLE);
        assert_eq!(row_of(&clamped, 0), row_of(&exact, 0), "step {step}");
        assert!(clamped.last_step().observations.iter().all(|x| x.is_finite()));
    }
}

#[test]
fn random_actions_depend_on_the_episodes_seed_alone() {
    let scene = short("slalom", "1.0");
    let mut env = environment(&scene, 2, 1, 1);
    let mut random = RandomActions::new(&env);
    env.reset(&[1, 2]);
    let mut episodes: Vec<Vec<u32>> = Vec::new();
    for _ in 0..2 {
        // The same seed gives the same episode.
        env.set_next_seed(0, 1);
        let mut actions = Vec::new();
        for _ in 0..scene.tick_limit() {
            let next = random.next(&env);
            actions.extend(bits(&next[..env.action_size()]));
            env.step(next);
        }
        episodes.push(actions);
    }
    assert_eq!(env.seed(0), 1);
    assert_eq!(episodes[0], episodes[1]);
    let mut other = environment(&scene, 1, 1, 1);
    other.reset(&[1]);
    assert_eq!(bits(RandomActions::new(&other).next(&other)), episodes[0][..4], "independent of the other arenas");
}

#[test]
#[should_panic(expected = "one action for each row")]
fn too_few_actions_are_rejected() {
    let mut env = environment(&find("slalom").expect("a scene"), 2, 1, 1);
    env.reset(&[1, 2]);
    env.step(&[0.0; 4]);
}

#[test]
#[should_panic(expected = "one seed for each arena")]
fn too_many_seeds_are_rejected() {
    environment(&find("slalom").expect("a scene"), 2, 1, 1).reset(&[1, 2, 3]);
}

#[test]
#[should_panic(expected = "is reset before its first step")]
fn a_step_before_the_first_reset_is_rejected() {
    environment(&find("slalom").expect("a scene"), 2, 1, 1).step(&[0.0; 8]);
}

#[test]
#[should_panic(expected = "at least one arena")]
fn zero_arenas_are_rejected() {
    environment(&find("slalom").expect("a scene"), 0, 1, 1);
}

#[test]
#[should_panic(expected = "at least one agent")]
fn zero_agents_are_rejected() {
    environment(&find("slalom").expect("a scene"), 1, 0, 1);
}
