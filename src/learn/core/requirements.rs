//! The inputs of a learner, and what the plot of its runs shows.

/// Whether a learner takes an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Need {
    /// It does not read it.
    #[default]
    No,
    /// It works with it and without it.
    Optional,
    /// It cannot train without it.
    Required,
}

/// The inputs of a learner; `apprentice train NAME` has an option for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    /// `--dataset`: demonstrations, as training data.
    pub dataset: Need,
    /// `--dataset`, as whole episodes with their rewards, in the scene that is trained in.
    pub episodes: Need,
    /// `--scene`: a scene to act in. `Optional`: without it, the scene of the demonstrations.
    pub scene: Need,
    /// `--earlier`: demonstrations that must not be forgotten.
    pub earlier: bool,
    /// `--reward`: a learned reward instead of the task's.
    pub reward: bool,
    /// `--expert`: a scripted expert that labels observations.
    pub expert: bool,
    /// `--device`: trains on a GPU, too.
    pub gpu: bool,
    /// `--init-from`: takes over the head of any policy, whatever its kind.
    pub any_head: bool,
    /// `--scene`: a game of two sides; the other learners act in scenes for one agent.
    pub two_sided: bool,
}

/// Inputs that imply other defaults.
#[derive(Clone, Copy, Debug, Default)]
pub struct GivenInputs<'a> {
    /// `--reward`: the folder of the run that learned the reward.
    pub reward: Option<&'a str>,
    /// Whether `--dataset` is given.
    pub demonstrations: bool,
}

/// What a run's plot shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// Training and validation loss.
    Loss,
    /// Return while exploring, and of evaluation episodes.
    Return,
    /// Elo ratings and cross-play of the players of self-play.
    Ratings,
}
