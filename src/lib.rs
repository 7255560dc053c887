//! Imitation learning and reinforcement learning for characters in [Bevy](https://bevy.org) games.
//!
//! A physics world ([Rapier](https://rapier.rs)) runs as ECS systems at a fixed rate. Keyboard and scripted operators drive
//! its agents and record demonstrations; learners ([Burn](https://burn.dev)) train policies from them; a policy drives the
//! agents of the same world. The program `apprentice` is described in the repository's `README.md`; this page is for games
//! and tools that use the library.
//!
//! # Add an agent to a Bevy app
//!
//! A [`Scene`](scenes::Scene) describes a world: agents, task, objects, what differs between episodes.
//! [`scenes::find`] returns a built-in scene or reads a RON file; [`scenes::Scene::new`] takes a
//! [`Blueprint`](scenes::Blueprint) of your own. [`scenes::spawn_arena`] adds one world of it, and [`sim::tick`] is the
//! system that advances all worlds by one tick:
//!
//! ```
//! use apprentice::prelude::*;
//! use bevy::prelude::*;
//! use bevy::time::TimeUpdateStrategy;
//!
//! fn spawn_car(world: &mut World) -> Result {
//!     let slalom = find("slalom")?;
//!     let Spawned { arena, agents } = spawn_arena(world, &slalom, 1, Driver::Scripted);
//!     if let Some(operator) = slalom.blueprint.operator(Skill::Steady) {
//!         world.entity_mut(agents[0]).insert(ScriptedOperator(operator));
//!     }
//!     begin_episode(world, arena, 42); // the episode's seed
//!     Ok(())
//! }
//!
//! let mut app = App::new();
//! app.add_plugins((MinimalPlugins, SandboxPlugins::default()))
//!     .insert_resource(Time::<Fixed>::from_seconds(1.0 / 30.0)) // the length of a tick
//!     .insert_resource(TimeUpdateStrategy::FixedTimesteps(1)) // a tick in each update; leave it out for real time
//!     .add_systems(Startup, spawn_car)
//!     .add_systems(FixedUpdate, tick);
//! for _ in 0..31 {
//!     app.update(); // no time has passed in the first one
//! }
//!
//! let world = app.world_mut();
//! let (observation, score) = world.query::<(&Observation, &Score)>().single(world)?;
//! assert_eq!(score.ticks, 30);
//! println!("speed {} m/s, return {}", observation.0[0], score.episode_return());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/own_agent.rs` builds an agent from nothing: body, layouts, keys, task and scripted operator.
//! `examples/own_task.rs` gives the built-in car another task.
//!
//! # Train without a window
//!
//! ```no_run
//! use std::path::Path;
//! use std::sync::atomic::AtomicBool;
//!
//! use apprentice::prelude::*;
//!
//! let slalom = find("slalom")?;
//! let demos = Path::new("demos/slalom");
//! record(&slalom, Skill::Steady, recording_seeds(1).take(20), demos, &AtomicBool::new(false), |_| {})?;
//!
//! let data = TrainingData::from_dataset(&Dataset::open(demos)?)?;
//! let config = defaults("bc").changed(None, &["training.steps=5000".to_owned()])?;
//! let run = train_on_dataset(&config, &data, &RunOptions::new("runs/slalom"), &mut ())?;
//!
//! let policy = Player::Policy(Box::new(Policy::load(&run.policy_dir)?));
//! let result = evaluate(&slalom, policy, &evaluation_seeds(1, 100), 0, |_| {})?;
//! println!("success rate on 100 unseen seeds: {:.0} %", 100.0 * result.success_rate);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`learn::learners`] lists all learners; a learner that acts in a scene, such as `ppo`, is trained by its
//! [`LearnerSpec::train`](learn::LearnerSpec::train). [`rollout::VecEnv`] steps many worlds behind flat buffers, for a
//! training loop of your own. `examples/own_learner.rs` implements a learner and adds it to the registry with
//! [`learn::register`]; called from your own `main`, `apprentice::cli::run` is the whole command line with it.
//!
//! # Run a trained policy
//!
//! A policy folder is what a game ships. The game needs [`SandboxPlugins`](rollout::SandboxPlugins) and no learner:
//!
//! ```no_run
//! use apprentice::prelude::*;
//! use bevy::prelude::*;
//!
//! fn spawn_driven_cars(world: &mut World) -> Result {
//!     let slalom = find("slalom")?;
//!     let policy = Policy::load("policies/slalom".as_ref())?.for_agent(&slalom.blueprint.spaces(), &slalom.name)?;
//!     let index = world.resource_mut::<Policies>().add(policy);
//!     for agent in spawn_arena(world, &slalom, 8, Driver::Policy).agents {
//!         world.entity_mut(agent).insert(index); // all eight are inferred in one batch
//!     }
//!     Ok(())
//! }
//!
//! App::new()
//!     .add_plugins((MinimalPlugins, SandboxPlugins::default())) // `DefaultPlugins` with a window
//!     .insert_resource(Time::<Fixed>::from_seconds(1.0 / 30.0))
//!     .add_systems(Startup, spawn_driven_cars)
//!     .add_systems(FixedUpdate, tick)
//!     .run();
//! ```
//!
//! `examples/run_policy.rs` is such a game, with episodes and their success.
//!
//! # Plugins
//!
//! | plugins | add |
//! |---|---|
//! | [`rollout::SandboxPlugins`] | simulation, agents, tasks, keys and operators, recording, replay, policies; the app calls [`sim::tick`] |
//! | [`live::SessionPlugins`] | these, and the session: a clock, recording, takeover, training in the background |
//! | `ui::DesktopPlugins` | these, and camera, meshes and panels, for Bevy's `DefaultPlugins` |
//!
//! Each part is a plugin, too, such as [`policies::PolicyDriverPlugin`] and [`live::LivePlugin`]; a plugin group can disable
//! a part. `ui::run_app` opens the whole app.
//!
//! # Cargo features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `cli` | yes | the program, and the modules `cli` and `bench` |
//! | `desktop` | yes | the window: `ui` |
//! | `gpu` | yes | training through wgpu |
//!
//! A game that only runs policies depends on `apprentice` with `default-features = false`: neither command line, window nor
//! wgpu is then compiled.

pub mod agents;
#[cfg(feature = "cli")]
pub mod bench;
#[cfg(feature = "cli")]
pub mod cli;
pub mod demos;
mod keys;
pub mod learn;
pub mod live;
pub mod policies;
pub mod prelude;
pub mod rollout;
pub mod scenes;
pub mod sim;
pub mod spaces;
pub mod storage;
pub mod study;
pub mod tasks;
pub mod teleop;
pub mod tune;
#[cfg(feature = "desktop")]
pub mod ui;
pub mod world;

/// The code of `README.md` as doctests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct ReadmeDoctests;
