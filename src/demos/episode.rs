//! One recorded episode in memory: its header and the data of each tick.

use serde::{Deserialize, Serialize};

use super::error::DatasetError;
use crate::spaces::{Layout, LayoutDifference};

/// The data of an episode that is fixed before its first tick.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpisodeHeader {
    /// The scene's name.
    pub scene: String,
    /// Hash of the scene, computed by the scene loader; the file of the stored text is named after it.
    pub scene_hash: u64,
    /// The RON text of the scene at the time of recording.
    pub scene_text: String,
    /// Seed of the episode's perturbation.
    pub seed: u64,
    /// The kind of agent, such as `vehicle`.
    pub agent: String,
    /// The operator: the name of the human, of the scripted operator or of the policy that drove.
    pub operator: String,
    /// The task as text, as in LeRobot.
    pub task: String,
    /// The control timestep: seconds between two ticks. `1 / control_dt` is a whole number.
    pub control_dt: f32,
    /// The observation layout.
    pub observation: Layout,
    /// The action layout; without fields in an episode of observations only.
    pub action: Layout,
    /// Names of the reward terms.
    pub terms: Vec<String>,
    /// Index of the agent among the recorded agents of the arena, in the order of their slots.
    pub agent_index: usize,
    /// Total action dimension of the other recorded agents of the arena; 0 in a single-agent episode.
    pub other_act_dim: usize,
    /// The arena's start snapshot. A replay does not read it: it begins in the state that the scene, the seed and `lead_in`
    /// give, since the physics engine trusts a snapshot, whoever made it.
    pub snapshot: Vec<u8>,
    /// The actions of all recorded agents of the arena, in the order of their slots, of the ticks before the first one, `[ticks,
    /// act_dim + other_act_dim]`. Empty where the episode begins at the arena's reset.
    pub lead_in: Vec<f32>,
}

/// One tick, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tick<'a> {
    /// The observation, `[obs_dim]`.
    pub observation: &'a [f32],
    /// The action of the agent's driver, `[act_dim]`.
    pub action: &'a [f32],
    /// The actions of the other agents of the arena in the order of their slots, `[other_act_dim]`. Replay needs them.
    pub other_actions: &'a [f32],
    /// The reward of the action.
    pub reward: f32,
    /// The weighted reward terms, `[terms]`.
    pub terms: &'a [f32],
    /// Whether the episode ends with this tick.
    pub done: bool,
    /// Whether the task has succeeded after this tick.
    pub success: bool,
    /// Whether a human had taken over from a policy at this tick.
    pub intervention: bool,
    /// Hash of the physics state before the action.
    pub state_hash: u64,
}

/// A recorded episode: its header and, in each array, one row per tick (row-major).
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    /// The data that is fixed before the first tick.
    pub header: EpisodeHeader,
    /// `[ticks * obs_dim]`.
    pub observations: Vec<f32>,
    /// `[ticks * act_dim]`.
    pub actions: Vec<f32>,
    /// `[ticks * header.other_act_dim]`.
    pub other_actions: Vec<f32>,
    /// `[ticks]`.
    pub rewards: Vec<f32>,
    /// `[ticks * terms]`.
    pub terms: Vec<f32>,
    /// `[ticks]`.
    pub dones: Vec<bool>,
    /// `[ticks]`.
    pub successes: Vec<bool>,
    /// `[ticks]`.
    pub interventions: Vec<bool>,
    /// `[ticks]`.
    pub state_hashes: Vec<u64>,
    /// The first tick before which ticks are missing, because the journal that it was recovered from was damaged. From there
    /// on, a replay cannot have the recorded states.
    pub first_gap: Option<usize>,
}

impl Episode {
    /// An episode without ticks.
    pub fn new(header: EpisodeHeader) -> Self {
        Self {
            header,
            observations: Vec::new(),
            actions: Vec::new(),
            other_actions: Vec::new(),
            rewards: Vec::new(),
            terms: Vec::new(),
            dones: Vec::new(),
            successes: Vec::new(),
            interventions: Vec::new(),
            state_hashes: Vec::new(),
            first_gap: None,
        }
    }

    /// Append a tick.
    ///
    /// # Errors
    /// [`DatasetError::TickSize`] when the sizes of the tick differ from those in the header; the episode is then
    /// unchanged.
    pub fn push(&mut self, tick: Tick<'_>) -> Result<(), DatasetError> {
        tick.check_sizes(&self.header)?;
        self.observations.extend_from_slice(tick.observation);
        self.actions.extend_from_slice(tick.action);
        self.other_actions.extend_from_slice(tick.other_actions);
        self.rewards.push(tick.reward);
        self.terms.extend_from_slice(tick.terms);
        self.dones.push(tick.done);
        self.successes.push(tick.success);
        self.interventions.push(tick.intervention);
        self.state_hashes.push(tick.state_hash);
        Ok(())
    }

    /// The number of ticks.
    pub fn len(&self) -> usize {
        self.rewards.len()
    }

    /// Whether it has no ticks.
    pub fn is_empty(&self) -> bool {
        self.rewards.is_empty()
    }

    /// Tick `index`, or `None` past the end.
    pub fn tick(&self, index: usize) -> Option<Tick<'_>> {
        let row = |values, size: usize| <[f32]>::get(values, index * size..(index + 1) * size);
        Some(Tick {
            reward: *self.rewards.get(index)?,
            observation: row(&self.observations, self.header.observation.size())?,
            action: row(&self.actions, self.header.action.size())?,
            other_actions: row(&self.other_actions, self.header.other_act_dim)?,
            terms: row(&self.terms, self.header.terms.len())?,
            done: *self.dones.get(index)?,
            success: *self.successes.get(index)?,
            intervention: *self.interventions.get(index)?,
            state_hash: *self.state_hashes.get(index)?,
        })
    }

    /// The given ticks, as an episode of the same recording. The actions of the ticks before them lead in to its start; its
    /// start snapshot stays that of the whole episode.
    #[must_use]
    pub fn slice(&self, ticks: std::ops::Range<usize>) -> Self {
        let mut part = Self::new(self.header.clone());
        let rows = |values: &[f32], size: usize| values[ticks.start * size..ticks.end * size].to_vec();
        part.header.lead_in.extend((0..ticks.start).flat_map(|tick| self.all_actions(tick)));
        part.observations = rows(&self.observations, self.header.observation.size());
        part.actions = rows(&self.actions, self.header.action.size());
        part.other_actions = rows(&self.other_actions, self.header.other_act_dim);
        part.terms = rows(&self.terms, self.header.terms.len());
        part.rewards = rows(&self.rewards, 1);
        part.dones = self.dones[ticks.clone()].to_vec();
        part.successes = self.successes[ticks.clone()].to_vec();
        part.interventions = self.interventions[ticks.clone()].to_vec();
        part.state_hashes = self.state_hashes[ticks.clone()].to_vec();
        part.first_gap = self.first_gap.filter(|gap| *gap < ticks.end).map(|gap| gap.saturating_sub(ticks.start));
        part
    }

    /// The actions of all recorded agents at `tick`, in the order of their slots, `[act_dim + other_act_dim]`.
    fn all_actions(&self, tick: usize) -> Vec<f32> {
        let (act_dim, other_act_dim) = (self.header.action.size(), self.header.other_act_dim);
        let mut row = self.other_actions[tick * other_act_dim..(tick + 1) * other_act_dim].to_vec();
        let own = self.header.agent_index * act_dim;
        row.splice(own..own, self.actions[tick * act_dim..(tick + 1) * act_dim].iter().copied());
        row
    }

    /// The observations, reduced to the fields of `layout`, `[ticks, layout size]`.
    ///
    /// # Errors
    /// The fields of `layout` that are missing from the episode's layout or differ from it.
    pub fn observations_as(&self, layout: &Layout) -> Result<Vec<f32>, Vec<LayoutDifference>> {
        let recorded = &self.header.observation;
        let columns = recorded.columns_of(layout)?;
        let rows = self.observations.chunks_exact(recorded.size());
        Ok(rows.flat_map(|row| columns.iter().map(|column| row[*column])).collect())
    }

    /// The number of agents in its arena whose actions were recorded.
    pub fn n_agents(&self) -> usize {
        1 + self.header.other_act_dim / self.header.action.size().max(1)
    }

    /// Whether the task had succeeded at any tick.
    pub fn succeeded(&self) -> bool {
        self.successes.contains(&true)
    }

    /// The episode's return: the sum of its rewards, without discount.
    pub fn total_reward(&self) -> f64 {
        self.rewards.iter().map(|r| f64::from(*r)).sum()
    }

    /// Check that the episode can be replayed.
    ///
    /// # Errors
    /// [`DatasetError::NoActions`] when only observations were recorded.
    pub fn check_actions(&self) -> Result<(), DatasetError> {
        if self.header.action.fields.is_empty() { Err(DatasetError::NoActions) } else { Ok(()) }
    }

    /// Check that the episode can be stored.
    ///
    /// # Errors
    /// - [`DatasetError::Header`] when the header is not valid (see [`EpisodeHeader::validate`]).
    /// - [`DatasetError::Episode`] when it has no ticks, or an array does not have one row per tick.
    /// - [`DatasetError::NotFinite`] when a value is NaN or infinite; names the first such tick, column and field.
    pub fn validate(&self) -> Result<(), DatasetError> {
        self.header.validate()?;
        let ticks = self.len();
        if ticks == 0 {
            return Err(DatasetError::Episode { cause: "it has no ticks".to_owned() });
        }
        for (what, found, expected) in [
            ("observation values", self.observations.len(), ticks * self.header.observation.size()),
            ("action values", self.actions.len(), ticks * self.header.action.size()),
            ("values of the other agents' actions", self.other_actions.len(), ticks * self.header.other_act_dim),
            ("reward term values", self.terms.len(), ticks * self.header.terms.len()),
            ("done flags", self.dones.len(), ticks),
            ("success flags", self.successes.len(), ticks),
            ("intervention flags", self.interventions.len(), ticks),
            ("state hashes", self.state_hashes.len(), ticks),
        ] {
            if found != expected {
                let cause = format!("it has {found} {what}, but {ticks} ticks need {expected}");
                return Err(DatasetError::Episode { cause });
            }
        }
        let groups = [
            ("observation.state", &self.observations, self.header.observation.size()),
            ("action", &self.actions, self.header.action.size()),
            ("the other agents' actions", &self.other_actions, self.header.other_act_dim),
            ("next.reward", &self.rewards, 1),
            ("reward", &self.terms, self.header.terms.len()),
        ];
        let first = |(column, values, size): (&'static str, &Vec<f32>, usize)| {
            values.iter().position(|v| !v.is_finite()).map(|at| (at / size, column, at % size, values[at]))
        };
        match groups.into_iter().filter_map(first).min_by_key(|(tick, ..)| *tick) {
            None => Ok(()),
            Some((tick, column, at, value)) => {
                let field = match column {
                    "observation.state" => format!("{column} {}", self.header.observation.names()[at]),
                    "action" => format!("{column} {}", self.header.action.names()[at]),
                    "reward" => format!("reward.{}", self.header.terms[at]),
                    _ => column.to_owned(),
                };
                Err(DatasetError::NotFinite { tick, field, value })
            }
        }
    }
}

impl Tick<'_> {
    pub(super) fn check_sizes(&self, header: &EpisodeHeader) -> Result<(), DatasetError> {
        for (what, expected, found) in [
            ("the observation", header.observation.size(), self.observation.len()),
            ("the action", header.action.size(), self.action.len()),
            ("the other agents' actions", header.other_act_dim, self.other_actions.len()),
            ("the reward terms", header.terms.len(), self.terms.len()),
        ] {
            if expected != found {
                return Err(DatasetError::TickSize { what, expected, found });
            }
        }
        Ok(())
    }
}

/// Largest accepted dimension of a layout: far above any agent's, and small enough that a damaged file cannot request
/// more memory than the machine has.
const LARGEST_LAYOUT: usize = 1 << 20;

impl EpisodeHeader {
    /// Check that a dataset can hold episodes with this header.
    ///
    /// # Errors
    /// [`DatasetError::Header`] when
    /// - the observation layout has no fields, or a layout has an empty or repeated field, bounds that are not finite
    ///   and in order, or a dimension above 2^20;
    /// - the name of a reward term is empty, repeated or contains `/` or a control character;
    /// - `other_act_dim` is not a multiple of the agent's action dimension, or `agent_index` is out of range;
    /// - `lead_in` is not a whole number of ticks, or has a value that is not finite;
    /// - `1 / control_dt` is not a whole number of ticks per second between 1 and 10,000;
    /// - `agent` or `task` is empty.
    pub fn validate(&self) -> Result<(), DatasetError> {
        let header = |cause: String| DatasetError::Header { cause };
        check_layout(&self.observation).map_err(header)?;
        check_action(&self.action).map_err(header)?;
        check_terms(&self.terms).map_err(header)?;
        ticks_per_second(self.control_dt).map_err(header)?;
        let (act_dim, other_act_dim) = (self.action.size().max(1), self.other_act_dim);
        let other_agents = other_act_dim / act_dim;
        if other_act_dim > LARGEST_LAYOUT || !other_act_dim.is_multiple_of(act_dim) || self.agent_index > other_agents {
            return Err(header(format!(
                "agent_index {} and other_act_dim {other_act_dim} are not possible with action dimension {act_dim}",
                self.agent_index
            )));
        }
        let width = self.action.size() + other_act_dim;
        if !self.lead_in.is_empty() && (width == 0 || !self.lead_in.len().is_multiple_of(width)) {
            return Err(header(format!("lead_in has {} actions, not a multiple of {width}", self.lead_in.len())));
        }
        if self.lead_in.iter().any(|action| !action.is_finite()) {
            return Err(header("lead_in has a value that is not finite".to_owned()));
        }
        if self.agent.is_empty() || self.task.is_empty() {
            return Err(header("the name of the agent or the task text is empty".to_owned()));
        }
        Ok(())
    }
}

/// Check a layout read from a file: the conditions of [`Layout::new`], plus a limit on its dimension.
pub(super) fn check_layout(layout: &Layout) -> Result<(), String> {
    let name = &layout.name;
    let mut total = 0usize;
    let mut names = std::collections::HashSet::new();
    for field in &layout.fields {
        if field.size == 0 {
            return Err(format!("{name}: field {} is empty", field.name));
        }
        if !(field.low.is_finite() && field.high.is_finite() && field.low < field.high) {
            return Err(format!("{name}: field {} has bounds {}..{}", field.name, field.low, field.high));
        }
        if !names.insert(&field.name) {
            return Err(format!("{name}: field {} appears twice", field.name));
        }
        total = total.saturating_add(field.size);
    }
    match total {
        0 => Err(format!("{name}: has no fields")),
        1..=LARGEST_LAYOUT => Ok(()),
        _ => Err(format!("{name}: has dimension {total}, more than {LARGEST_LAYOUT}")),
    }
}

/// Check an action layout, which may have no fields: then only observations are recorded.
pub(super) fn check_action(layout: &Layout) -> Result<(), String> {
    if layout.fields.is_empty() { Ok(()) } else { check_layout(layout) }
}

pub(super) fn check_terms(terms: &[String]) -> Result<(), String> {
    for (i, term) in terms.iter().enumerate() {
        if term.is_empty() || term.contains('/') || term.chars().any(char::is_control) {
            return Err(format!("the reward term {term:?} is empty or has a '/' or control character in its name"));
        }
        if terms[..i].contains(term) {
            return Err(format!("the reward term {term} appears twice"));
        }
    }
    Ok(())
}

/// The control rate `1 / control_dt`, in ticks per second. LeRobot's `fps` is a whole number, so a fractional rate would
/// shift every timestamp.
pub(super) fn ticks_per_second(control_dt: f32) -> Result<u32, String> {
    let rate = 1.0 / f64::from(control_dt);
    let whole = rate.round();
    // One part in 10^5 is above the rounding of an f32 and moves a 1-minute episode's end by less than a tick.
    if (1.0..=10_000.0).contains(&whole) && (rate - whole).abs() <= whole * 1e-5 {
        Ok(whole as u32)
    } else {
        Err(format!("1 / control_dt is not a whole number of ticks per second (control_dt is {control_dt} s)"))
    }
}
