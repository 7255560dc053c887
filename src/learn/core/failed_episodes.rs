//! Failed demonstrations, which are not imitated where there are enough successful ones.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::learn::{Progress, TrainingData};

/// Successful demonstrations of a scene that are enough to leave its failed ones out. Three is the fewest with which one
/// can be held out for validation and a policy still learns from more than one.
const ENOUGH: usize = 3;

/// `data` without the failed episodes of each scene that has at least three successful ones; the others keep them. All
/// episodes with `include_failed`, which is the value of the setting with the name `setting`, and where it is not known
/// which succeeded. Reports what it does.
pub fn leave_out_failed<'a>(
    data: &'a TrainingData,
    (include_failed, setting): (bool, &str),
    progress: &mut dyn Progress,
) -> Cow<'a, TrainingData> {
    let mut successes = BTreeMap::<&str, usize>::new();
    for info in &data.episode_info {
        *successes.entry(&info.scene).or_default() += usize::from(info.success);
    }
    let failed: Vec<usize> =
        data.episode_info.iter().enumerate().filter(|(_, info)| !info.success).map(|(episode, _)| episode).collect();
    if include_failed || failed.is_empty() {
        return Cow::Borrowed(data);
    }
    let is_enough = |episode: &usize| successes[data.episode_info[*episode].scene.as_str()] >= ENOUGH;
    let (left_out, kept): (Vec<usize>, Vec<usize>) = failed.into_iter().partition(is_enough);
    let total = data.episode_info.len();
    if !kept.is_empty() {
        progress.message(&format!(
            "{} of {total} demonstrations failed and are imitated all the same: their scene has fewer than {ENOUGH} \
             successful ones",
            kept.len()
        ));
    }
    if left_out.is_empty() {
        return Cow::Borrowed(data);
    }
    progress.message(&format!(
        "{} of {total} demonstrations failed and are left out; {setting}=true includes them",
        left_out.len()
    ));
    let remaining = (0..total).filter(|episode| left_out.binary_search(episode).is_err());
    Cow::Owned(TrainingData { left_out: left_out.clone(), ..data.select_episodes(remaining) })
}
