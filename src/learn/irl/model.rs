//! An inferred reward as a thing of its own: stored, loaded, shown, applied.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::RewardConfig;
use super::airl::Airl;
use super::amp::Amp;
use super::apprenticeship::{features, names};
use super::gail::Gail;
use super::judge::Judge;
use super::maxent::MaxEnt;
use super::moves::{Batch, Moves, Scales};
use super::vail::Vail;
use crate::learn::rl::{Acted, InferredReward};
use crate::learn::run_dir::{read_state, write_state};
use crate::learn::{LearnerKind, TrainError, UpdateStep};
use crate::policies::artifact::StoredTensors;
use crate::policies::filled;
use crate::spaces::{Layout, Normalizer};

/// What a reward is of.
const DESCRIPTION_FILE: &str = "reward.json";
/// The weights of the network that judges.
pub(super) const WEIGHTS_FILE: &str = "reward.safetensors";
/// What is beside the policy that learns from it.
const STATE_FILE: &str = "reward.bin";
/// Moves that are judged at once.
const PIECE: usize = 1024;

/// What it takes to build a reward again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Description {
    pub learner: LearnerKind,
    pub discount: f32,
    pub observation: Layout,
    pub action: Layout,
    pub scales: Scales,
    /// `apprenticeship`: the weight of each feature.
    pub weights: Vec<f64>,
    pub reward: RewardConfig,
}

impl Description {
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, dir: &Path) -> Result<(), TrainError> {
        let path = dir.join(DESCRIPTION_FILE);
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        std::fs::write(&path, text).map_err(TrainError::io("write", &path))
    }

    /// # Errors
    /// The file cannot be read, or holds something else.
    pub fn read(dir: &Path) -> Result<Self, TrainError> {
        let path = dir.join(DESCRIPTION_FILE);
        let text = std::fs::read(&path).map_err(TrainError::io("read", &path))?;
        serde_json::from_slice(&text).map_err(|e| TrainError::Data {
            origin: path.display().to_string(),
            message: format!("it does not describe a reward ({e})"),
        })
    }
}

impl Description {
    /// Whether everything in it fits together; `path` is named where it does not.
    fn check(&self, path: &Path) -> Result<(), TrainError> {
        let (wide, narrow) = (self.observation.size(), self.action.size());
        let features = if self.learner == LearnerKind::Apprenticeship { 2 * wide } else { 0 };
        let whole = |normalizer: &Normalizer, size: usize| {
            let usable = |x: &f32| x.is_finite();
            normalizer.mean.len() == size
                && normalizer.std.len() == size
                && normalizer.mean.iter().all(usable)
                && normalizer.std.iter().all(|x| x.is_finite() && *x > 0.0)
        };
        let fits = whole(&self.scales.states, wide)
            && [0, narrow].iter().any(|size| whole(&self.scales.actions, *size))
            && self.scales.hidden.iter().all(|at| *at < wide)
            && self.weights.len() == features
            && self.weights.iter().all(|weight| weight.abs() <= 1.0)
            && !self.reward.hidden.is_empty();
        if fits {
            return Ok(());
        }
        let message = "it does not fit together; copy the newest folder of checkpoints/ to last/, or train anew".into();
        Err(TrainError::Data { origin: path.display().to_string(), message })
    }
}

/// Does something with whichever judge it is.
pub(super) trait Visitor {
    type Out;

    /// # Errors
    /// What the visitor meets.
    fn visit<J: Judge>(self, judge: J) -> Result<Self::Out, TrainError>;
}

/// Hand the judge that `of` describes, not yet trained, to `visitor`.
///
/// # Errors
/// A learner that has none, or what the visitor meets.
pub(super) fn with_judge<V: Visitor>(of: &Description, device: &Device, visitor: V) -> Result<V::Out, TrainError> {
    let (wide, narrow, config) = (of.observation.size(), of.action.size(), &of.reward);
    match of.learner {
        LearnerKind::Gail => visitor.visit(Gail::new((wide, narrow), config, device)),
        LearnerKind::Vail => visitor.visit(Vail::new((wide, narrow), config, device)),
        LearnerKind::Airl => visitor.visit(Airl::new(wide, of.discount, config, device)),
        LearnerKind::Amp => visitor.visit(Amp::new(wide, config, device)),
        LearnerKind::MaxentIrl => visitor.visit(MaxEnt::new(wide, config, device)),
        kind => Err(TrainError::Config {
            origin: "training.learner".into(),
            message: format!("{} has no network that infers a reward", kind.name()),
        }),
    }
}

/// Says what moves are worth.
trait Worth: Send {
    fn worth(&self, moves: &Batch) -> Vec<f32>;
}

impl<J: Judge> Worth for J {
    fn worth(&self, moves: &Batch) -> Vec<f32> {
        Judge::worth(self, moves).into_data().iter::<f32>().collect()
    }
}

/// Loads the weights of whichever judge it is given.
struct Load<'a>(&'a Path);

impl Visitor for Load<'_> {
    type Out = Box<dyn Worth>;

    fn visit<J: Judge>(self, judge: J) -> Result<Self::Out, TrainError> {
        let mut stored = StoredTensors::read(&self.0.join(WEIGHTS_FILE))?;
        let judge = filled(judge, &mut stored, &Device::flex())?;
        stored.finish()?;
        Ok(Box::new(judge))
    }
}

/// A reward that was inferred from demonstrations, and changes no more.
pub struct RewardModel {
    description: Description,
    judge: Option<Box<dyn Worth>>,
    /// Share of the task's own reward, where it is learned from.
    task: f32,
    /// What the first ticks of who learns from it were worth in the mean, from where it counts then: far above or below
    /// zero, rewards hide from the critic what makes one of them better (Naik et al. 2024, arXiv:2405.09999).
    level: Option<f32>,
}

impl RewardModel {
    /// What says what it is.
    pub(in crate::learn) const FILES: [&'static str; 2] = [DESCRIPTION_FILE, WEIGHTS_FILE];

    /// Where the reward of a run, or of one of its checkpoints, stands.
    pub(in crate::learn) fn dir(path: &Path) -> Option<PathBuf> {
        [path.to_path_buf(), path.join("last")].into_iter().find(|dir| dir.join(DESCRIPTION_FILE).is_file())
    }

    /// The reward in the folder of a run, or of one of its checkpoints.
    ///
    /// # Errors
    /// There is none, or it is damaged.
    pub fn load(path: &Path) -> Result<Self, TrainError> {
        if !path.exists() {
            let message = "there is no such folder; give that of a run that inferred a reward".into();
            return Err(TrainError::Config { origin: path.display().to_string(), message });
        }
        let Some(dir) = &Self::dir(path) else {
            return Err(TrainError::Config {
                origin: path.display().to_string(),
                message: "it holds no inferred reward; give the folder of a run of train gail, vail, airl, amp, \
                          maxent-irl or apprenticeship"
                    .into(),
            });
        };
        let description = Description::read(dir)?;
        description.check(&dir.join(DESCRIPTION_FILE))?;
        let judge = if description.learner == LearnerKind::Apprenticeship {
            None
        } else {
            Some(with_judge(&description, &Device::flex(), Load(dir))?)
        };
        Ok(Self { description, judge, task: 0.0, level: None })
    }

    /// The same, with a share of the task's own reward where it is learned from.
    #[must_use]
    pub fn sharing(self, task: f32) -> Self {
        Self { task, ..self }
    }

    /// Whether what is done counts, not only what it leads to.
    pub fn judges_actions(&self) -> bool {
        matches!(self.description.learner, LearnerKind::Gail | LearnerKind::Vail)
    }

    /// Who inferred it.
    pub fn learner(&self) -> LearnerKind {
        self.description.learner
    }

    /// What is observed where it applies.
    pub fn observation(&self) -> &Layout {
        &self.description.observation
    }

    /// What is done where it applies.
    pub fn action(&self) -> &Layout {
        &self.description.action
    }

    /// The weight of each feature, where it is a sum of weighted features.
    pub fn weights(&self) -> Vec<(String, f64)> {
        names(&self.description.observation).into_iter().zip(self.description.weights.iter().copied()).collect()
    }

    /// What each tick is worth that led from `states` `[n, observation size]` by `actions` `[n, action size]`, which may be
    /// left out where they do not count, to `next` `[n, observation size]`, in the layouts' units.
    pub fn worth(&self, states: &[f32], actions: &[f32], next: &[f32]) -> Vec<f32> {
        let scales = &self.description.scales;
        let (wide, narrow) = (scales.states.size(), scales.actions.size());
        let Some(judge) = &self.judge else {
            return features(&self.description.scales, next)
                .chunks_exact(2 * wide)
                .map(|row| row.iter().zip(&self.description.weights).map(|(x, w)| (f64::from(*x) * w) as f32).sum())
                .collect();
        };
        let rows = next.len() / wide;
        let actions = if self.judges_actions() { actions.to_vec() } else { vec![0.0; rows * narrow] };
        let moves = Moves { wide, narrow, states: states.to_vec(), actions, next: next.to_vec() };
        let rows: Vec<usize> = (0..moves.rows()).collect();
        rows.chunks(PIECE)
            .flat_map(|rows| judge.worth(&moves.batch(rows, &self.description.scales, None, &Device::flex())))
            .collect()
    }
}

impl InferredReward for RewardModel {
    fn judge(
        &mut self,
        acted: &Acted<'_>,
        _step: UpdateStep,
    ) -> Result<(Vec<f32>, Vec<(&'static str, f32)>), TrainError> {
        let inferred = self.worth(acted.observations, acted.actions, acted.next);
        let mean = inferred.iter().sum::<f32>() / inferred.len().max(1) as f32;
        let level = *self.level.get_or_insert(mean);
        let both = inferred.iter().zip(acted.rewards);
        let rewards = both.map(|(own, task)| (1.0 - self.task) * (own - level) + self.task * task).collect();
        Ok((rewards, vec![("reward/mean", mean)]))
    }

    fn save(&self, dir: &Path) -> Result<(), TrainError> {
        write_state(dir, STATE_FILE, &self.level)
    }

    fn load(&mut self, dir: &Path) -> Result<(), TrainError> {
        self.level = read_state(dir, STATE_FILE)?;
        Ok(())
    }
}
