//! The actions that a rollout passes to its environment: those of agents without a driver of their own.

use super::exploration_noise::Explorer;
use super::random::RandomActions;
use super::vec_env::VecEnv;

/// Actions of random players and of an explorer.
pub(super) struct RemoteActions {
    /// Per agent of an arena: whether its actions are random.
    is_random: Vec<bool>,
    random: Option<RandomActions>,
    /// The explorer, which acts for agent `side` of each arena.
    explorer: Option<Explorer>,
    side: usize,
    /// `[rows, action size]`.
    actions: Vec<f32>,
    /// `[arenas, observation size]`.
    observations: Vec<f32>,
}

impl RemoteActions {
    /// Actions for `env`. `is_random` states for each of its players whether it is random; `explorer` acts for agent `side`
    /// of each arena.
    pub fn new(env: &VecEnv, is_random: &[bool], side: usize, explorer: Option<Explorer>) -> Self {
        let agents = 0..env.agents_per_arena();
        let is_random: Vec<bool> = agents.map(|agent| is_random[agent.min(is_random.len() - 1)]).collect();
        let random = is_random.contains(&true).then(|| RandomActions::new(env));
        let actions = vec![0.0; env.rows() * env.action_size()];
        Self { is_random, random, explorer, side, actions, observations: Vec::new() }
    }

    /// Begin the episode with index `index` in `arena`. Returns whether exploration noise is added in it.
    pub fn begin_episode(&mut self, env: &VecEnv, arena: usize, index: usize) -> bool {
        let Some(explorer) = &mut self.explorer else { return false };
        explorer.begin_episode(arena, index, env.seed(arena));
        explorer.explores(arena)
    }

    /// Actions for the next step, `[rows, action size]`; `None` when every agent has a driver or is neutral.
    pub fn next(&mut self, env: &VecEnv) -> Option<&[f32]> {
        if self.random.is_none() && self.explorer.is_none() {
            return None;
        }
        let (agents, act_dim, obs_dim) = (env.agents_per_arena(), env.action_size(), env.observation_size());
        if let Some(random) = &mut self.random {
            let rows = self.actions.chunks_exact_mut(act_dim).zip(random.next(env).chunks_exact(act_dim));
            for ((action, drawn), is_random) in rows.zip(self.is_random.iter().cycle()) {
                if *is_random {
                    action.copy_from_slice(drawn);
                }
            }
        }
        if let Some(explorer) = &mut self.explorer {
            self.observations.clear();
            for observation in env.last_step().observations.chunks_exact(obs_dim).skip(self.side).step_by(agents) {
                self.observations.extend_from_slice(observation);
            }
            let actions = explorer.act(&self.observations).chunks_exact(act_dim);
            for (row, action) in self.actions.chunks_exact_mut(act_dim).skip(self.side).step_by(agents).zip(actions) {
                row.copy_from_slice(action);
            }
        }
        Some(&self.actions)
    }
}
