//! The arenas of a scene as an environment.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::Environment;
use crate::policies::{Policy, PolicyConfig, PolicyError};
use crate::rollout::{Player, Step, VecEnv, VecEnvOptions, evaluate, recording_seeds};
use crate::scenes::Scene;
use crate::sim::split_seed;
use crate::tasks::End;

/// Stream of a run's seed that the judged episodes are drawn from.
const JUDGED: u64 = 3000;

/// Episodes by whose success a lesson is judged.
const JUDGED_BY: usize = 100;

/// The arenas of a scene, each with one agent, or with one of each side. Its seeds are even, as those of recordings are.
/// Where the scene has lessons, they come first.
pub struct Arenas {
    env: VecEnv,
    options: VecEnvOptions,
    /// What is learned.
    scene: Scene,
    /// What is learned first.
    lessons: Vec<(f32, Scene)>,
    /// Lessons that are over.
    over: usize,
    /// Whether the newest episodes of this lesson succeeded.
    newest: VecDeque<bool>,
    seed: u64,
    /// Seeds given out.
    begun: u64,
    /// The seed of each arena's next episode.
    next: Vec<u64>,
    /// What was done in each arena since its episode began.
    done: Vec<Vec<f32>>,
}

/// Where the arenas are: what led there. Simulating it again leads to the same numbers, bit for bit.
#[derive(Serialize, Deserialize)]
struct Saved {
    over: usize,
    newest: VecDeque<bool>,
    seed: u64,
    begun: u64,
    next: Vec<u64>,
    /// The seed and the actions of each arena's running episode.
    running: Vec<(u64, Vec<f32>)>,
}

impl Arenas {
    /// Arenas of `scene`.
    ///
    /// # Panics
    /// When they are to have more than one agent each.
    pub fn new(scene: &Scene, options: VecEnvOptions) -> Self {
        assert_eq!(options.agents, 1, "an arena of one agent");
        let lessons = scene.lessons();
        let env = VecEnv::new(lessons.first().map_or(scene, |(_, lesson)| lesson), options);
        let done = vec![Vec::new(); env.arenas()];
        let next = vec![0; env.arenas()];
        let (over, newest) = (0, VecDeque::new());
        Self { env, options, scene: scene.clone(), lessons, over, newest, seed: 0, begun: 0, next, done }
    }

    /// Build the arenas of the lesson that comes after `over` others.
    fn build(&mut self, over: usize) {
        self.over = over;
        let scene = self.lessons.get(over).map_or(&self.scene, |(_, lesson)| lesson);
        self.env = VecEnv::new(scene, self.options);
    }

    fn begin_all(&mut self) {
        let seeds: Vec<u64> = (0..self.env.arenas()).map(|_| self.fresh_seed()).collect();
        self.env.reset(&seeds);
        (0..self.env.arenas()).for_each(|arena| self.begun(arena));
    }

    fn fresh_seed(&mut self) -> u64 {
        self.begun += 1;
        split_seed(self.seed, self.begun) & !1
    }

    /// An arena has begun an episode: nothing is done in it yet, and the next one gets its seed.
    fn begun(&mut self, arena: usize) {
        self.done[arena].clear();
        self.next[arena] = self.fresh_seed();
        self.env.set_next_seed(arena, self.next[arena]);
    }

    /// Numbers in the actions of all agents of an arena.
    fn arena_size(&self) -> usize {
        self.env.agents_per_arena() * self.env.action_size()
    }

    /// Note what was done, and give the arenas in which an episode ended their next seeds.
    fn advanced(&mut self, actions: &[f32]) {
        let size = self.arena_size();
        for arena in 0..self.done.len() {
            let step = self.env.last_step();
            // Those who play against each other end together, and lessons go by the first of them.
            let row = arena * self.env.agents_per_arena();
            if step.terminated[row] || step.truncated[row] {
                self.newest.push_back(self.env.finished(row).end == Some(End::Success));
                if self.newest.len() > JUDGED_BY {
                    self.newest.pop_front();
                }
                self.begun(arena);
            } else {
                self.done[arena].extend_from_slice(&actions[arena * size..(arena + 1) * size]);
            }
        }
    }
}

impl Environment for Arenas {
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
        let under = self.scene.conditions.map_or(0, |under| xxh3_64(format!("{under:?}").as_bytes()));
        self.scene.hash() ^ self.scene.horizon.unwrap_or(0) ^ under
    }

    fn rows(&self) -> usize {
        self.env.rows()
    }

    fn begin(&mut self, seed: u64) {
        if self.over > 0 {
            self.build(0);
        }
        self.newest.clear();
        (self.seed, self.begun) = (seed, 0);
        self.begin_all();
    }

    fn step(&mut self, actions: &[f32]) {
        self.env.step(actions);
        self.advanced(actions);
    }

    fn last(&self) -> Step<'_> {
        self.env.last_step()
    }

    fn outcome(&self, row: usize) -> (f32, bool) {
        let finished = self.env.finished(row);
        (finished.total(), finished.end == Some(End::Success))
    }

    fn fault(&self, row: usize) -> String {
        let finished = self.env.finished(row);
        let arena = row / self.env.agents_per_arena();
        let whole = finished.terms.iter().position(|term| !term.is_finite()).map(|at| (finished.seed, at));
        let running = || self.env.score(row)?.terms.iter().position(|term| !term.is_finite());
        let (seed, term) = whole.or_else(|| running().map(|at| (self.env.seed(arena), at))).unzip();
        let names = self.env.scene().blueprint.terms();
        let term = term.and_then(|at| names.get(at)).map_or("the reward", |(name, _)| name);
        format!("{term} in the episode of seed {}", seed.unwrap_or_else(|| self.env.seed(arena)))
    }

    fn advance(&mut self) -> bool {
        let Some((until, _)) = self.lessons.get(self.over) else { return false };
        let done = self.newest.iter().filter(|success| **success).count() as f32;
        if self.newest.len() < JUDGED_BY || done < until * JUDGED_BY as f32 {
            return false;
        }
        self.newest.clear();
        self.build(self.over + 1);
        self.begin_all();
        true
    }

    fn lesson(&self) -> (usize, usize) {
        (self.over + 1, self.lessons.len() + 1)
    }

    fn save(&self) -> Vec<u8> {
        let running = self.done.iter().enumerate().map(|(arena, done)| (self.env.seed(arena), done.clone())).collect();
        let saved = Saved {
            over: self.over,
            newest: self.newest.clone(),
            seed: self.seed,
            begun: self.begun,
            next: self.next.clone(),
            running,
        };
        postcard::to_allocvec(&saved).unwrap_or_default()
    }

    fn load(&mut self, bytes: &[u8]) -> bool {
        let size = self.arena_size();
        let Ok(saved) = postcard::from_bytes::<Saved>(bytes) else { return false };
        if [saved.running.len(), saved.next.len()] != [self.env.arenas(); 2]
            || saved.running.iter().any(|(_, done)| done.len() % size != 0)
            || saved.over > self.lessons.len()
        {
            return false;
        }
        self.build(saved.over);
        self.newest = saved.newest;
        let seeds: Vec<u64> = saved.running.iter().map(|(seed, _)| *seed).collect();
        let longest = saved.running.iter().map(|(_, done)| done.len() / size).max().unwrap_or(0);
        self.env.reset(&seeds);
        let mut actions = vec![0.0; self.env.arenas() * size];
        for tick in 0..longest {
            for (arena, (seed, done)) in saved.running.iter().enumerate() {
                // All come to their ends together, so that shorter ones begin later.
                let begins = longest - done.len() / size;
                let action = &mut actions[arena * size..(arena + 1) * size];
                match tick.checked_sub(begins) {
                    Some(own) => action.copy_from_slice(&done[own * size..(own + 1) * size]),
                    None => action.fill(0.0),
                }
                if tick + 1 == begins {
                    self.env.restart(arena, *seed);
                }
            }
            self.env.step(&actions);
        }
        self.seed = saved.seed;
        self.begun = saved.begun;
        self.next = saved.next;
        for (arena, seed) in self.next.iter().enumerate() {
            self.env.set_next_seed(arena, *seed);
        }
        self.done = saved.running.into_iter().map(|(_, done)| done).collect();
        true
    }

    fn judge(&mut self, policy: &Policy, episodes: usize, seed: u64) -> Result<Option<(f32, f32)>, PolicyError> {
        let seeds: Vec<u64> = recording_seeds(split_seed(seed, JUDGED)).take(episodes).collect();
        let player = Player::Policy(Box::new(policy.clone()));
        let judged = evaluate(&self.scene, player, &seeds, self.env.threads(), |_| {})?;
        Ok(Some((judged.return_mean as f32, judged.success_rate as f32)))
    }
}
