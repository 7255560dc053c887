//! A vectorised environment: its numbers are those of one arena alone and of the window's loop, an episode's end shows
//! its last observation, and every row belongs to the agent that it should.

use apprentice::agents::{Action, Agent, Driver, Observation};
use apprentice::rollout::{Player, RandomActions, VecEnv, VecEnvOptions, headless_app};
use apprentice::scenes::{Scene, find, parse, spawn_arena};
use apprentice::sim::{
    ActSystems, Arena, PhysicsSets, SimAct, SimRng, begin_episode, episode_rng, split_seed, state_hash, tick,
};
use apprentice::tasks::{End, Score};
use apprentice::teleop::Skill;
use bevy::ecs::prelude::*;
use rand::RngExt;

/// What one agent's row holds after a step, numbers as bits.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    observation: Vec<u32>,
    reward: u32,
    terminated: bool,
    truncated: bool,
    active: bool,
    /// The final observation, where the episode has ended.
    last: Option<Vec<u32>>,
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
        last: ended.then(|| bits(&step.final_observations[at])),
    }
}

fn observation(env: &VecEnv, row: usize) -> Vec<u32> {
    row_of(env, row).observation
}

/// A shipped scene whose episodes last at most `seconds`.
fn short(name: &str, seconds: &str) -> Scene {
    let text = match name {
        "slalom" => include_str!("../../scenes/slalom.ron"),
        _ => include_str!("../../scenes/courtyard.ron"),
    };
    let text = text.replace("time_limit: 40.0", &format!("time_limit: {seconds}"));
    parse(name, "short.ron", &text).expect("a scene")
}

fn environment(scene: &Scene, arenas: usize, agents: usize, threads: usize) -> VecEnv {
    VecEnv::new(scene, VecEnvOptions { arenas, agents, threads })
}

/// One agent's action: anything within bounds, a car with its foot on the gas so that it gets somewhere.
fn wild(scene: &Scene, rng: &mut SimRng) -> Vec<f32> {
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
const GO: [f32; 4] = [0.0, 1.0, 0.0, 0.0];

/// Run one arena for each seed; for each, every step's row.
fn run(scene: &Scene, seeds: &[u64], threads: usize, ticks: usize) -> Vec<Vec<Row>> {
    let mut env = environment(scene, seeds.len(), 1, threads);
    env.reset(seeds);
    let mut rngs: Vec<SimRng> = seeds.iter().map(|seed| episode_rng(*seed, 9)).collect();
    let mut out: Vec<Vec<Row>> = (0..seeds.len()).map(|arena| vec![row_of(&env, arena)]).collect();
    for _ in 0..ticks {
        let actions: Vec<f32> = rngs.iter_mut().flat_map(|rng| wild(scene, rng)).collect();
        env.step(&actions);
        for (arena, rows) in out.iter_mut().enumerate() {
            rows.push(row_of(&env, arena));
        }
    }
    out
}

/// Fails with the first difference instead of all rows.
fn assert_same(found: &[Row], wanted: &[Row], what: &str) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    let first = found.iter().zip(wanted).position(|(a, b)| a != b);
    assert_eq!(first, None, "{what}: rows differ from this step on");
}

#[test]
fn arenas_and_threads_do_not_show() {
    let seeds: Vec<u64> = (0..8).map(|i| 100 + i).collect();
    for name in ["slalom", "courtyard"] {
        let scene = short(name, "4.0");
        let one = run(&scene, &seeds, 1, 300);
        let two = run(&scene, &seeds, 2, 300);
        for (arena, seed) in seeds.iter().enumerate() {
            assert_same(&two[arena], &one[arena], &format!("{name}: arena {arena} on two threads"));
            let alone = run(&scene, &[*seed], 1, 300);
            assert_same(&alone[0], &one[arena], &format!("{name}: arena {arena} alone"));
            let ends = one[arena].iter().filter(|row| row.last.is_some()).count();
            assert!(ends >= 2, "{name}: arena {arena} begins anew, with {ends} ends");
        }
        assert_ne!(one[0], one[1], "{name}: each seed has its own episode");
    }
}

/// What the window's loop saw at each tick, and what it does next.
#[derive(Resource, Default)]
struct Remote {
    action: Vec<f32>,
    seen: Vec<(u64, Vec<u32>)>,
}

/// Decides as the window's drivers do: inside the tick, between sensing and physics.
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

/// The loop that the window uses, with one arena.
struct Plain {
    app: bevy::app::App,
    arena: Entity,
    agent: Entity,
}

impl Plain {
    fn new(scene: &Scene, seed: u64) -> Self {
        let mut app = headless_app(1);
        app.init_resource::<Remote>().add_systems(SimAct, decide.in_set(ActSystems::Decide));
        let spawned = spawn_arena(app.world_mut(), scene, 1, Driver::Remote);
        let mut plain = Self { app, arena: spawned.arena, agent: spawned.agents[0] };
        plain.reset(seed);
        plain
    }

    fn reset(&mut self, seed: u64) {
        begin_episode(self.app.world_mut(), self.arena, seed);
    }

    /// State hash and observation at the tick's beginning, and the score after it.
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
fn the_numbers_are_those_of_the_windows_loop() {
    for name in ["slalom", "courtyard"] {
        let scene = short(name, "4.0");
        let mut env = environment(&scene, 3, 1, 2);
        env.reset(&[5, 6, 7]);
        let mut plain = Plain::new(&scene, 6);
        let mut rng = episode_rng(1, 9);
        let mut ends = 0;
        for step in 0..300 {
            let action = wild(&scene, &mut rng);
            let (seen, score) = plain.tick(&action);
            assert_eq!(seen, (hash(&mut env, 1), observation(&env, 1)), "{name}: before step {step}");
            let actions: Vec<f32> = (0..3).flat_map(|_| action.clone()).collect();
            let found = env.step(&actions);
            assert_eq!(found.rewards[1].to_bits(), score.reward.to_bits(), "{name}: reward of step {step}");
            assert_eq!(found.truncated[1], score.end == Some(End::TimeUp), "{name}: step {step}");
            assert_eq!(found.terminated[1] || found.truncated[1], score.end.is_some(), "{name}: step {step}");
            if score.end.is_some() {
                ends += 1;
                let finished = env.finished(1);
                assert_eq!((finished.end, finished.ticks), (score.end, score.ticks));
                assert_eq!(bits(&finished.terms), bits(&score.totals));
                plain.reset(split_seed(6, ends));
            }
        }
        assert!(ends >= 2, "{name}: {ends} ends");
    }
}

#[test]
fn the_last_observation_is_that_of_the_end() {
    for (name, action) in [("slalom", &GO[..]), ("slalom", &[0.0; 4]), ("courtyard", &[0.5, 0.0, 0.2, 0.0, 0.0])] {
        let scene = short(name, "4.0");
        let mut env = environment(&scene, 1, 1, 1);
        env.reset(&[11]);
        let mut plain = Plain::new(&scene, 11);
        let ticks = (1..).find(|_| {
            plain.tick(action);
            let step = env.step(action);
            step.terminated[0] || step.truncated[0]
        });
        // The plain loop does not begin anew: its next tick senses the state that the episode ended in.
        let ((_, end), _) = plain.tick(action);
        let row = row_of(&env, 0);
        assert_eq!(row.last, Some(end), "{name}");
        let mut fresh = environment(&scene, 1, 1, 1);
        fresh.reset(&[split_seed(11, 1)]);
        assert_eq!(row.observation, observation(&fresh, 0), "{name}: the next episode's start");
        let finished = env.finished(0);
        assert_eq!((finished.seed, Some(finished.ticks)), (11, ticks), "{name}");
        assert_eq!(finished.terms.len(), scene.blueprint.terms().len());
        let failed = action == GO;
        assert_eq!((row.terminated, row.truncated), (failed, !failed), "{name}");
        assert_eq!(matches!(finished.end, Some(End::Failure(_))), failed, "{name}: {:?}", finished.end);
        assert!(failed || finished.ticks == scene.tick_limit(), "{name}: {}", finished.ticks);
    }
}

#[test]
fn an_arena_waits_for_the_last_of_its_agents() {
    let scene = short("slalom", "6.0");
    for threads in [1, 2] {
        let mut env = environment(&scene, 2, 3, threads);
        env.reset(&[1, 2]);
        assert_eq!((env.rows(), env.arenas(), env.agents_per_arena()), (6, 2, 3));
        assert_eq!(env.last_step().active, [true; 6]);
        // The second arena's first car drives into the cones; all others stand.
        let mut actions = [0.0; 24];
        actions[12..16].copy_from_slice(&GO);
        let mut ended = None;
        for step in 1..=scene.tick_limit() {
            env.step(&actions);
            let rows: Vec<Row> = (0..6).map(|row| row_of(&env, row)).collect();
            for (row, found) in rows.iter().enumerate() {
                let gone = row == 3 && ended.is_some();
                assert_eq!(found.active, !gone, "row {row} at step {step}");
                if gone {
                    assert_eq!(found.reward, 0.0f32.to_bits());
                    assert!(!found.terminated && !found.truncated);
                } else {
                    let over = step == scene.tick_limit();
                    assert_eq!(found.truncated, over && row != 3, "row {row} at step {step}");
                }
            }
            if rows[3].terminated {
                assert!(ended.is_none(), "an episode ends once");
                ended = Some(step);
                assert_eq!((env.seed(0), env.seed(1)), (1, 2), "the arena goes on for the others");
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
        assert_eq!(env.last_step().active, [true; 6], "in the new episode all act");
    }
}

#[test]
fn rows_are_in_the_order_of_arenas_and_agents() {
    let scene = find("slalom").expect("a scene");
    let mut env = environment(&scene, 3, 2, 2);
    env.reset(&[1, 2, 3]);
    // Each car has its own throttle: a wrong row would drive another car.
    let actions: Vec<f32> = (0..6).flat_map(|row| [0.0, 0.15 * row as f32, 0.0, 0.0]).collect();
    for _ in 0..20 {
        env.step(&actions);
    }
    for row in 0..6 {
        let entity = env.arena_entity(row / 2);
        let found = observation(&env, row);
        let world = env.world_mut();
        let mut agents = world.query::<(&Agent, &Observation, &Action)>();
        let (_, own, action) = agents
            .iter(world)
            .find(|(agent, ..)| agent.arena == entity && agent.slot == row % 2)
            .expect("an agent for each row");
        assert_eq!(found, bits(&own.0), "row {row}");
        assert_eq!(action.0[1], 0.15 * row as f32, "row {row}");
    }
}

#[test]
fn an_agent_that_has_ended_does_nothing() {
    let scene = short("slalom", "6.0");
    let mut env = environment(&scene, 1, 2, 1);
    env.reset(&[2]);
    let mut both = [0.0; 8];
    both[..4].copy_from_slice(&GO);
    while !env.step(&both).terminated[0] {}
    let mut after = |env: &mut VecEnv, action: [f32; 4]| -> Vec<u64> {
        both[..4].copy_from_slice(&action);
        let go_on = |_| {
            env.step(&both);
            hash(env, 0)
        };
        (0..10).map(go_on).collect()
    };
    let first = after(&mut env, GO);
    let mut again = environment(&scene, 1, 2, 1);
    again.reset(&[2]);
    let mut both = [0.0; 8];
    both[..4].copy_from_slice(&GO);
    while !again.step(&both).terminated[0] {}
    assert_eq!(first, after(&mut again, [1.0, -1.0, 1.0, 1.0]), "its action is not used");
}

#[test]
fn an_agent_that_has_ended_is_not_driven_on_by_its_operator() {
    let scene = find("slalom").expect("a scene");
    let options = VecEnvOptions { arenas: 1, agents: 3, threads: 1 };
    let mut env = VecEnv::played(&scene, options, Player::Operator(Skill::Sloppy)).expect("an operator");
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
fn the_next_seed_can_be_named_once() {
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
    assert_eq!((env.seed(0), env.seed(1)), (split_seed(3, 1), split_seed(4, 1)), "a reset forgets the named seed");
}

#[test]
fn a_retired_arena_is_silent_and_the_others_do_not_notice() {
    let scene = short("slalom", "2.0");
    for threads in [1, 2] {
        let (mut env, mut whole) = (environment(&scene, 3, 1, threads), environment(&scene, 3, 1, threads));
        env.reset(&[1, 2, 3]);
        whole.reset(&[1, 2, 3]);
        let mut rng = episode_rng(1, 9);
        for step in 1..=3 * scene.tick_limit() {
            let actions: Vec<f32> = (0..3).flat_map(|_| wild(&scene, &mut rng)).collect();
            env.step(&actions);
            whole.step(&actions);
            for row in [0, 2] {
                assert_eq!(row_of(&env, row), row_of(&whole, row), "row {row} at step {step}");
            }
            let row = row_of(&env, 1);
            if step > scene.tick_limit() {
                assert!(!row.active && !row.terminated && !row.truncated, "step {step}");
                assert_eq!(row.reward, 0.0f32.to_bits(), "step {step}");
                assert_eq!(env.seed(1), split_seed(2, 1), "no further episode begins");
            }
            if step == scene.tick_limit() {
                // As an evaluation does: in the very step in which the episode ends.
                assert!(row.truncated);
                env.retire(1);
                env.retire(1);
            }
        }
        env.reset(&[4, 5, 6]);
        assert_eq!(env.last_step().active, [true, false, true], "a reset brings no retired arena back");
        env.step(&[0.0; 12]);
        assert_eq!(env.last_step().active, [true, false, true]);
    }
}

#[test]
fn a_reset_in_the_middle_is_a_fresh_start() {
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
    let (mut wide, mut exact) = (environment(&scene, 1, 1, 1), environment(&scene, 1, 1, 1));
    wide.reset(&[1]);
    exact.reset(&[1]);
    for step in 0..60 {
        wide.step(&[f32::NAN, 9.0, -3.0, f32::NEG_INFINITY]);
        exact.step(&GO);
        assert_eq!(row_of(&wide, 0), row_of(&exact, 0), "step {step}");
        assert!(wide.last_step().observations.iter().all(|x| x.is_finite()));
    }
}

#[test]
fn random_actions_come_from_the_episodes_seed_alone() {
    let scene = short("slalom", "1.0");
    let mut env = environment(&scene, 2, 1, 1);
    let mut random = RandomActions::new(&env);
    env.reset(&[1, 2]);
    let mut episodes: Vec<Vec<u32>> = Vec::new();
    for _ in 0..2 {
        // The same seed again is the same episode again.
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
    assert_eq!(bits(RandomActions::new(&other).next(&other)), episodes[0][..4], "whatever arenas are beside it");
}

#[test]
#[should_panic(expected = "one action for each row")]
fn too_few_actions_are_refused() {
    let mut env = environment(&find("slalom").expect("a scene"), 2, 1, 1);
    env.reset(&[1, 2]);
    env.step(&[0.0; 4]);
}

#[test]
#[should_panic(expected = "one seed for each arena")]
fn too_many_seeds_are_refused() {
    environment(&find("slalom").expect("a scene"), 2, 1, 1).reset(&[1, 2, 3]);
}

#[test]
#[should_panic(expected = "is reset before its first step")]
fn a_step_before_the_first_reset_is_refused() {
    environment(&find("slalom").expect("a scene"), 2, 1, 1).step(&[0.0; 8]);
}

#[test]
#[should_panic(expected = "at least one arena")]
fn no_arenas_are_refused() {
    environment(&find("slalom").expect("a scene"), 0, 1, 1);
}

#[test]
#[should_panic(expected = "at least one agent")]
fn no_agents_are_refused() {
    environment(&find("slalom").expect("a scene"), 1, 0, 1);
}
