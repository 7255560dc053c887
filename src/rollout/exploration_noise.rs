//! Exploration noise on the actions of a policy.

use rand::RngExt;

use super::players::Player;
use crate::policies::{Policy, PolicyError, PolicyState};
use crate::scenes::Scene;
use crate::sim::{SimRng, episode_rng};

/// Stream of the episode's generator that exploration draws from.
const EXPLORE_STREAM: u64 = 4;
/// Probability per tick that a noise value is drawn anew: it is held for about half a second, long enough for a steered
/// wheel to have a visible effect.
const RESAMPLE_PROBABILITY: f32 = 0.07;

/// Noise that is added to actions. Each value is held for about half a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExplorationNoise {
    /// Largest noise, as a fraction of the action's range.
    pub scale: f32,
    /// Noise is added in every `interval`-th episode, beginning with the first: 1 adds it in all of them.
    pub interval: usize,
}

/// Noise values of one arena: piecewise constant, each held for a random time.
struct HeldNoise {
    rng: SimRng,
    /// `[action size]`, -1 to 1.
    values: Vec<f32>,
}

impl HeldNoise {
    fn new(seed: u64, act_dim: usize) -> Self {
        Self { rng: episode_rng(seed, EXPLORE_STREAM), values: vec![0.0; act_dim] }
    }

    /// The noise of the next tick. Three of four new values are 0.
    fn next(&mut self) -> &[f32] {
        for held in &mut self.values {
            let [resample, idle, value] = [(); 3].map(|()| self.rng.random::<f32>());
            if resample < RESAMPLE_PROBABILITY {
                *held = if idle < 0.75 { 0.0 } else { 2.0 * value - 1.0 };
            }
        }
        &self.values
    }
}

/// A player with exploration noise, for one agent of each arena.
pub(super) struct Explorer {
    /// The policy; `None`: noise is added to the neutral action.
    policy: Option<Policy>,
    noise: ExplorationNoise,
    bounds: Vec<(f32, f32)>,
    /// Per arena: state of the policy.
    states: Vec<PolicyState>,
    /// Per arena: the noise values.
    held: Vec<HeldNoise>,
    /// Per arena: whether noise is added in the running episode.
    explored: Vec<bool>,
    /// `[arenas, action size]`.
    actions: Vec<f32>,
}

impl Explorer {
    /// `player` with noise in `arenas` arenas.
    ///
    /// # Errors
    /// [`PolicyError`] when its policy does not fit the scene's agent.
    ///
    /// # Panics
    /// When `player` is neither a policy nor [`Player::Neutral`].
    pub fn new(scene: &Scene, player: Player, noise: ExplorationNoise, arenas: usize) -> Result<Self, PolicyError> {
        let spaces = scene.blueprint.spaces();
        let policy = match player {
            Player::Policy(policy) => Some(policy.for_agent(&spaces, &scene.name)?),
            Player::Neutral => None,
            Player::Operator(_) | Player::Random => panic!("exploration noise needs a policy or the neutral player"),
        };
        let act_dim = spaces.action.size();
        Ok(Self {
            policy,
            noise,
            bounds: spaces.action.bounds().collect(),
            states: (0..arenas).map(|_| PolicyState::default()).collect(),
            held: (0..arenas).map(|_| HeldNoise::new(0, act_dim)).collect(),
            explored: vec![false; arenas],
            actions: vec![0.0; arenas * act_dim],
        })
    }

    /// Begin the episode with index `index` and seed `seed` in `arena`.
    pub fn begin_episode(&mut self, arena: usize, index: usize, seed: u64) {
        self.held[arena] = HeldNoise::new(seed, self.bounds.len());
        self.states[arena] = PolicyState::new(seed);
        self.explored[arena] = index.is_multiple_of(self.noise.interval);
    }

    /// Whether noise is added in the running episode of `arena`.
    pub fn explores(&self, arena: usize) -> bool {
        self.explored[arena]
    }

    /// The actions at `observations` `[arenas, observation size]`, `[arenas, action size]`.
    pub fn act(&mut self, observations: &[f32]) -> &[f32] {
        let Self { policy, noise, bounds, states, held, explored, actions } = self;
        match policy {
            Some(policy) => policy.act(observations, states, actions),
            None => actions
                .iter_mut()
                .zip(bounds.iter().cycle())
                .for_each(|(a, (low, high))| *a = 0.0f32.clamp(*low, *high)),
        }
        for ((action, held), explored) in actions.chunks_exact_mut(bounds.len()).zip(held).zip(explored) {
            let scale = noise.scale * f32::from(u8::from(*explored));
            for ((a, value), (low, high)) in action.iter_mut().zip(held.next()).zip(&*bounds) {
                *a = (*a + value * scale * (high - low)).clamp(*low, *high);
            }
        }
        &self.actions
    }
}
