//! The learners by name. A built-in learner is one module and one line here; another crate adds its own with [`register`].

use std::sync::{PoisonError, RwLock};

use super::core::config::LearnerSpec;
use super::interactive::bco::Bco;
use super::interactive::dagger::Dagger;
use super::reinforcement::dqn::DqnLearner;
use super::reinforcement::ppo::PpoLearner;
use super::reinforcement::reinforce::Reinforce;
use super::self_play::SelfPlayLearner;
use super::supervised::act::Act;
use super::supervised::bc::Bc;
use super::supervised::behavior_prediction::BehaviorPrediction;
use super::supervised::diffusion::Diffusion;
use super::supervised::feature_matching::FeatureMatching;
use super::supervised::gan::GanLearner;
use super::supervised::one_shot::OneShot;
use super::supervised::vae::Vae;
use super::{TrainConfig, TrainError, rewards};

/// The built-in learners, in the order of `apprentice train --help`; those that infer a reward are listed in
/// `rewards/registry.rs`.
static BUILT_IN: [&dyn LearnerSpec; 14] = [
    &Bc,
    &BehaviorPrediction,
    &Vae,
    &Diffusion,
    &Act,
    &GanLearner,
    &FeatureMatching,
    &OneShot,
    &Dagger,
    &Bco,
    &PpoLearner,
    &Reinforce,
    &DqnLearner,
    &SelfPlayLearner,
];

static REGISTERED: RwLock<Vec<&'static dyn LearnerSpec>> = RwLock::new(Vec::new());

/// Add a learner of another crate; `apprentice train NAME` and [`find_learner`] then know it.
///
/// # Panics
/// A learner of that name exists.
pub fn register(learner: &'static dyn LearnerSpec) {
    let name = learner.name();
    assert!(learners().iter().all(|known| known.name() != name), "there is already a learner {name}");
    REGISTERED.write().unwrap_or_else(PoisonError::into_inner).push(learner);
}

/// All learners.
pub fn learners() -> Vec<&'static dyn LearnerSpec> {
    let registered = REGISTERED.read().unwrap_or_else(PoisonError::into_inner);
    BUILT_IN.iter().copied().chain(rewards::registry::learners()).chain(registered.iter().copied()).collect()
}

/// The learner of a name, such as `ppo`.
///
/// # Errors
/// There is none; the message lists the names.
pub fn find_learner(name: &str) -> Result<&'static dyn LearnerSpec, TrainError> {
    let all = learners();
    all.iter().copied().find(|learner| learner.name() == name).ok_or_else(|| TrainError::Config {
        origin: format!("learner {name}"),
        message: format!("there is none; there are {}", all.iter().map(|l| l.name()).collect::<Vec<_>>().join(", ")),
    })
}

/// The default configuration of a learner that is known to exist, such as `defaults("ppo")`.
///
/// # Panics
/// There is no such learner.
pub fn defaults(name: &str) -> TrainConfig {
    match find_learner(name) {
        Ok(learner) => TrainConfig::defaults(learner),
        Err(error) => panic!("{error}"),
    }
}
