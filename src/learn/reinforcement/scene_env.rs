//! The arenas of a scene as a vectorized environment.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::{CurriculumProgress, EpisodeResult, VecEnvironment};
use crate::learn::EvalResult;
use crate::policies::{Policy, PolicyConfig, PolicyError};
use crate::rollout::{Player, Step, VecEnv, VecEnvOptions, evaluate, recording_seeds};
use crate::scenes::{CurriculumStage, Scene};
use crate::sim::split_seed;
use crate::tasks::EpisodeEnd;

/// Stream of the run's seed for the evaluation episodes.
const EVAL_STREAM: u64 = 3000;

/// Episodes over which the success rate of a curriculum stage is computed.
const STAGE_WINDOW: usize = 100;

/// The arenas of a scene, with one agent each, or with one agent of each side. Its seeds are even, as those of recordings
/// are. If the scene has a curriculum, its stages come before the scene's own task.
pub struct SceneEnv {
    env: VecEnv,
    options: VecEnvOptions,
    /// The last stage: the task itself.
    scene: Scene,
    /// The stages before it.
    stages: Vec<CurriculumStage<Scene>>,
    /// Number of completed stages.
    completed: usize,
    /// Success of the latest episodes of the current stage, at most [`STAGE_WINDOW`].
    successes: VecDeque<bool>,
    seed: u64,
    /// Number of seeds used since the reset.
    seeds_used: u64,
    /// Seed of each arena's next episode.
    next_seeds: Vec<u64>,
    /// Actions in each arena since its episode started.
    actions: Vec<Vec<f32>>,
}

/// The state of all environments as the actions that led to it. Simulating them again gives the same state, bit for bit.
#[derive(Serialize, Deserialize)]
struct Saved {
    completed: usize,
    successes: VecDeque<bool>,
    seed: u64,
    seeds_used: u64,
    next_seeds: Vec<u64>,
    /// Seed and actions of each arena's running episode.
    running: Vec<(u64, Vec<f32>)>,
}

impl SceneEnv {
    /// Arenas of `scene`.
    ///
    /// # Panics
    /// `options.agents` is not 1.
    pub fn new(scene: &Scene, options: VecEnvOptions) -> Self {
        assert_eq!(options.agents, 1, "an arena of one agent");
        let stages = scene.curriculum();
        let env = VecEnv::new(stages.first().map_or(scene, |stage| &stage.scene), options);
        let actions = vec![Vec::new(); env.arenas()];
        let next_seeds = vec![0; env.arenas()];
        Self {
            env,
            options,
            scene: scene.clone(),
            stages,
            completed: 0,
            successes: VecDeque::new(),
            seed: 0,
            seeds_used: 0,
            next_seeds,
            actions,
        }
    }

    /// Build the arenas of the stage that follows `completed` others.
    fn build_stage(&mut self, completed: usize) {
        self.completed = completed;
        let scene = self.stages.get(completed).map_or(&self.scene, |stage| &stage.scene);
        self.env = VecEnv::new(scene, self.options);
    }

    fn reset_all(&mut self) {
        let seeds: Vec<u64> = (0..self.env.arenas()).map(|_| self.fresh_seed()).collect();
        self.env.reset(&seeds);
        (0..self.env.arenas()).for_each(|arena| self.episode_started(arena));
    }

    fn fresh_seed(&mut self) -> u64 {
        self.seeds_used += 1;
        split_seed(self.seed, self.seeds_used) & !1
    }

    /// Clear the actions of an arena whose episode has just started, and set the seed of its next episode.
    fn episode_started(&mut self, arena: usize) {
        self.actions[arena].clear();
        self.next_seeds[arena] = self.fresh_seed();
        self.env.set_next_seed(arena, self.next_seeds[arena]);
    }

    /// Size of the actions of all agents of an arena.
    fn arena_act_dim(&self) -> usize {
        self.env.agents_per_arena() * self.env.action_size()
    }

    /// Record the actions of a step and the success of the episodes that ended with it.
    fn record_step(&mut self, actions: &[f32]) {
        let size = self.arena_act_dim();
        for arena in 0..self.actions.len() {
            let step = self.env.last_step();
            // Opponents end their episodes together; the success of the first side counts for the curriculum.
            let row = arena * self.env.agents_per_arena();
            if step.terminated[row] || step.truncated[row] {
                self.successes.push_back(self.env.finished(row).end == Some(EpisodeEnd::Success));
                if self.successes.len() > STAGE_WINDOW {
                    self.successes.pop_front();
                }
                self.episode_started(arena);
            } else {
                self.actions[arena].extend_from_slice(&actions[arena * size..(arena + 1) * size]);
            }
        }
    }
}

impl VecEnvironment for SceneEnv {
    fn policy_config(&self) -> PolicyConfig {
        let blueprint = &self.env.scene().blueprint;
        let spaces = blueprint.spaces();
        let (network, head) = Default::default();
        let (observation, action) = ((*spaces.observation).clone(), (*spaces.action).clone());
        PolicyConfig::new(&*spaces.agent, blueprint.control_dt(), observation, action, network, head)
    }

    fn name(&self) -> String {
        self.scene.name.clone()
    }

    fn fingerprint(&self) -> u64 {
        let conditions = self.scene.conditions.map_or(0, |under| xxh3_64(format!("{under:?}").as_bytes()));
        self.scene.hash() ^ self.scene.horizon.unwrap_or(0) ^ conditions
    }

    fn num_envs(&self) -> usize {
        self.env.rows()
    }

    fn reset(&mut self, seed: u64) {
        if self.completed > 0 {
            self.build_stage(0);
        }
        self.successes.clear();
        (self.seed, self.seeds_used) = (seed, 0);
        self.reset_all();
    }

    fn step(&mut self, actions: &[f32]) {
        self.env.step(actions);
        self.record_step(actions);
    }

    fn last_step(&self) -> Step<'_> {
        self.env.last_step()
    }

    fn episode_result(&self, env: usize) -> EpisodeResult {
        let finished = self.env.finished(env);
        EpisodeResult { episode_return: finished.episode_return(), success: finished.end == Some(EpisodeEnd::Success) }
    }

    fn describe_invalid_reward(&self, env: usize) -> String {
        let finished = self.env.finished(env);
        let arena = env / self.env.agents_per_arena();
        let in_finished = finished.terms.iter().position(|term| !term.is_finite()).map(|term| (finished.seed, term));
        let in_running = || self.env.score(env)?.terms.iter().position(|term| !term.is_finite());
        let (seed, term) = in_finished.or_else(|| in_running().map(|term| (self.env.seed(arena), term))).unzip();
        let names = self.env.scene().blueprint.terms();
        let term = term.and_then(|term| names.get(term)).map_or("the reward", |(name, _)| name);
        format!("{term} in the episode of seed {}", seed.unwrap_or_else(|| self.env.seed(arena)))
    }

    fn advance_curriculum(&mut self) -> bool {
        let Some(stage) = self.stages.get(self.completed) else { return false };
        let successes = self.successes.iter().filter(|success| **success).count() as f32;
        if self.successes.len() < STAGE_WINDOW || successes < stage.success_threshold * STAGE_WINDOW as f32 {
            return false;
        }
        self.successes.clear();
        self.build_stage(self.completed + 1);
        self.reset_all();
        true
    }

    fn curriculum_progress(&self) -> CurriculumProgress {
        CurriculumProgress { stage: self.completed + 1, n_stages: self.stages.len() + 1 }
    }

    fn save(&self) -> Vec<u8> {
        let running =
            self.actions.iter().enumerate().map(|(arena, actions)| (self.env.seed(arena), actions.clone())).collect();
        let saved = Saved {
            completed: self.completed,
            successes: self.successes.clone(),
            seed: self.seed,
            seeds_used: self.seeds_used,
            next_seeds: self.next_seeds.clone(),
            running,
        };
        postcard::to_allocvec(&saved).unwrap_or_default()
    }

    fn load(&mut self, bytes: &[u8]) -> bool {
        let size = self.arena_act_dim();
        let Ok(saved) = postcard::from_bytes::<Saved>(bytes) else { return false };
        if [saved.running.len(), saved.next_seeds.len()] != [self.env.arenas(); 2]
            || saved.running.iter().any(|(_, actions)| actions.len() % size != 0)
            || saved.completed > self.stages.len()
        {
            return false;
        }
        self.build_stage(saved.completed);
        self.successes = saved.successes;
        let seeds: Vec<u64> = saved.running.iter().map(|(seed, _)| *seed).collect();
        let longest = saved.running.iter().map(|(_, actions)| actions.len() / size).max().unwrap_or(0);
        self.env.reset(&seeds);
        let mut step_actions = vec![0.0; self.env.arenas() * size];
        for tick in 0..longest {
            for (arena, (seed, actions)) in saved.running.iter().enumerate() {
                // All arenas reach their state at the same tick, so shorter episodes start later.
                let start = longest - actions.len() / size;
                let action = &mut step_actions[arena * size..(arena + 1) * size];
                match tick.checked_sub(start) {
                    Some(episode_tick) => {
                        action.copy_from_slice(&actions[episode_tick * size..(episode_tick + 1) * size]);
                    }
                    None => action.fill(0.0),
                }
                if tick + 1 == start {
                    self.env.restart(arena, *seed);
                }
            }
            self.env.step(&step_actions);
        }
        self.seed = saved.seed;
        self.seeds_used = saved.seeds_used;
        self.next_seeds = saved.next_seeds;
        for (arena, seed) in self.next_seeds.iter().enumerate() {
            self.env.set_next_seed(arena, *seed);
        }
        self.actions = saved.running.into_iter().map(|(_, actions)| actions).collect();
        true
    }

    fn evaluate(&mut self, policy: &Policy, n_episodes: usize, seed: u64) -> Result<Option<EvalResult>, PolicyError> {
        let seeds: Vec<u64> = recording_seeds(split_seed(seed, EVAL_STREAM)).take(n_episodes).collect();
        let player = Player::Policy(Box::new(policy.clone()));
        let evaluation = evaluate(&self.scene, player, &seeds, self.env.threads(), |_| {})?;
        Ok(Some(EvalResult {
            mean_reward: evaluation.return_mean as f32,
            success_rate: evaluation.success_rate as f32,
        }))
    }
}
