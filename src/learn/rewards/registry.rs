//! The learners that infer a reward, by name.

use super::airl::AIRL;
use super::amp::AMP;
use super::apprenticeship::APPRENTICESHIP;
use super::gail::GAIL;
use super::maxent::MAXENT_IRL;
use super::spec::RewardLearner;
use super::vail::VAIL;
use crate::learn::{LearnerSpec, TrainError};

/// The learners that infer a reward; a stored reward finds its learner here again.
static LEARNERS: [&RewardLearner; 6] = [&GAIL, &VAIL, &AIRL, &AMP, &MAXENT_IRL, &APPRENTICESHIP];

/// The learners that infer a reward, for the registry.
pub(in crate::learn) fn learners() -> impl Iterator<Item = &'static dyn LearnerSpec> {
    LEARNERS.iter().map(|learner| *learner as &'static dyn LearnerSpec)
}

/// The learner of a name that infers a reward.
///
/// # Errors
/// There is none.
pub(super) fn find_reward_learner(name: &str) -> Result<&'static RewardLearner, TrainError> {
    LEARNERS.iter().copied().find(|learner| learner.name == name).ok_or_else(|| TrainError::Config {
        origin: "the learned reward".into(),
        message: format!("the learner {name} infers no reward"),
    })
}
