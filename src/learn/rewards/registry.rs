//! The learners that infer a reward, by name.

use super::airl::AirlLearner;
use super::amp::AmpLearner;
use super::apprenticeship::ApprenticeshipLearner;
use super::gail::GailLearner;
use super::maxent::MaxEntLearner;
use super::spec::RewardLearner;
use super::vail::VailLearner;
use crate::learn::{LearnerSpec, TrainError};

/// The learners that infer a reward; a stored reward finds its learner here again.
static LEARNERS: [&dyn RewardLearner; 6] =
    [&GailLearner, &VailLearner, &AirlLearner, &AmpLearner, &MaxEntLearner, &ApprenticeshipLearner];

/// The learners that infer a reward, for the registry.
pub(in crate::learn) fn learners() -> impl Iterator<Item = &'static dyn LearnerSpec> {
    LEARNERS.iter().map(|learner| *learner as &'static dyn LearnerSpec)
}

/// The learner of a name that infers a reward.
///
/// # Errors
/// There is none.
pub(super) fn find_reward_learner(name: &str) -> Result<&'static dyn RewardLearner, TrainError> {
    LEARNERS.iter().copied().find(|learner| learner.name() == name).ok_or_else(|| TrainError::Config {
        origin: "the learned reward".into(),
        message: format!("the learner {name} infers no reward"),
    })
}
