//! The size of a vectorized environment.

/// The size of a [`VecEnv`](super::VecEnv).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VecEnvOptions {
    /// Arenas, each an isolated physics world.
    pub arenas: usize,
    /// Agents in each arena, which share its world. They start 9 m (humanoids 1.6 m) apart. On a course that is too short
    /// for that, cars are spaced evenly along it; agents that still do not fit overlap. Ignored in a scene with sides,
    /// which has one agent per side.
    pub agents: usize,
    /// Threads that step arenas; 0 means one per core. Results do not depend on it.
    pub threads: usize,
}

impl Default for VecEnvOptions {
    fn default() -> Self {
        Self { arenas: 1, agents: 1, threads: 0 }
    }
}
