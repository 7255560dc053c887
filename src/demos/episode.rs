//! One recorded episode in memory: what it starts from and what happened at each tick.

use serde::{Deserialize, Serialize};

use super::error::DatasetError;
use crate::spaces::{Layout, LayoutDifference};

/// Everything about an episode that is fixed before its first tick.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpisodeHeader {
    /// The scene's name.
    pub scene: String,
    /// Hash of `scene_text`, made by whoever loads scenes; names the stored text.
    pub scene_hash: u64,
    /// The scene's RON text as it was run.
    pub scene_text: String,
    /// Seed of the episode's perturbation.
    pub seed: u64,
    /// The kind of agent, such as `vehicle`.
    pub agent: String,
    /// Who drove: a person's name, or a scripted operator's.
    pub operator: String,
    /// The task's text.
    pub task: String,
    /// Seconds from one tick to the next; `1 / control_dt` is a whole number.
    pub control_dt: f32,
    /// What each number of an observation means.
    pub observation: Layout,
    /// What each number of an action means.
    pub action: Layout,
    /// Names of the reward's terms.
    pub terms: Vec<String>,
    /// Its place among those who act in the arena.
    pub slot: usize,
    /// Numbers in the actions of all others together.
    pub others: usize,
    /// The arena's start snapshot.
    pub snapshot: Vec<u8>,
}

/// One tick, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tick<'a> {
    /// What the agent sensed, `[observation size]`.
    pub observation: &'a [f32],
    /// What its driver decided, `[action size]`.
    pub action: &'a [f32],
    /// What everybody else in the arena decided, by their places, `[header.others]`: the episode cannot be run again
    /// without.
    pub others: &'a [f32],
    /// The reward of the action.
    pub reward: f32,
    /// The reward's parts, `[terms]`.
    pub terms: &'a [f32],
    /// The episode ends with this tick.
    pub done: bool,
    /// The task is fulfilled after this tick.
    pub success: bool,
    /// A person took over from a policy at this tick.
    pub intervention: bool,
    /// Hash of the physics state before the action.
    pub state_hash: u64,
}

/// A recorded episode: its header and one entry a tick in each array.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    /// What it starts from.
    pub header: EpisodeHeader,
    /// `[ticks * observation size]`, tick by tick.
    pub observations: Vec<f32>,
    /// `[ticks * action size]`, tick by tick.
    pub actions: Vec<f32>,
    /// `[ticks * header.others]`, tick by tick.
    pub others: Vec<f32>,
    /// `[ticks]`.
    pub rewards: Vec<f32>,
    /// `[ticks * terms]`, tick by tick.
    pub terms: Vec<f32>,
    /// `[ticks]`.
    pub dones: Vec<bool>,
    /// `[ticks]`.
    pub successes: Vec<bool>,
    /// `[ticks]`.
    pub interventions: Vec<bool>,
    /// `[ticks]`.
    pub state_hashes: Vec<u64>,
}

impl Episode {
    /// An episode without ticks.
    pub fn new(header: EpisodeHeader) -> Self {
        Self {
            header,
            observations: Vec::new(),
            actions: Vec::new(),
            others: Vec::new(),
            rewards: Vec::new(),
            terms: Vec::new(),
            dones: Vec::new(),
            successes: Vec::new(),
            interventions: Vec::new(),
            state_hashes: Vec::new(),
        }
    }

    /// Add a tick.
    ///
    /// # Errors
    /// [`DatasetError::TickSize`] when the tick has other sizes than the header's layouts and terms; the episode is
    /// left as it was.
    pub fn push(&mut self, tick: Tick<'_>) -> Result<(), DatasetError> {
        tick.check_sizes(&self.header)?;
        self.observations.extend_from_slice(tick.observation);
        self.actions.extend_from_slice(tick.action);
        self.others.extend_from_slice(tick.others);
        self.rewards.push(tick.reward);
        self.terms.extend_from_slice(tick.terms);
        self.dones.push(tick.done);
        self.successes.push(tick.success);
        self.interventions.push(tick.intervention);
        self.state_hashes.push(tick.state_hash);
        Ok(())
    }

    /// How many ticks it has.
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
            others: row(&self.others, self.header.others)?,
            terms: row(&self.terms, self.header.terms.len())?,
            done: *self.dones.get(index)?,
            success: *self.successes.get(index)?,
            intervention: *self.interventions.get(index)?,
            state_hash: *self.state_hashes.get(index)?,
        })
    }

    /// What was seen, as the fields of `layout` alone, `[ticks, layout size]`.
    ///
    /// # Errors
    /// The fields that the episode lacks or has otherwise.
    pub fn seen_as(&self, layout: &Layout) -> Result<Vec<f32>, Vec<LayoutDifference>> {
        let own = &self.header.observation;
        let columns = own.columns_of(layout)?;
        let rows = self.observations.chunks_exact(own.size());
        Ok(rows.flat_map(|row| columns.iter().map(|column| row[*column])).collect())
    }

    /// How many act in its arena. Those whose actions nobody recorded are not counted.
    pub fn players(&self) -> usize {
        1 + self.header.others / self.header.action.size().max(1)
    }

    /// Whether the task was fulfilled at any tick.
    pub fn succeeded(&self) -> bool {
        self.successes.contains(&true)
    }

    /// The sum of the rewards.
    pub fn total_reward(&self) -> f64 {
        self.rewards.iter().map(|r| f64::from(*r)).sum()
    }

    /// Check that the episode can be played again.
    ///
    /// # Errors
    /// [`DatasetError::NoActions`] when only what was seen was recorded.
    pub fn check_actions(&self) -> Result<(), DatasetError> {
        if self.header.action.fields.is_empty() { Err(DatasetError::NoActions) } else { Ok(()) }
    }

    /// Check that the episode can be stored.
    ///
    /// # Errors
    /// - [`DatasetError::Header`] when the header is not valid (see [`EpisodeHeader::validate`]).
    /// - [`DatasetError::Episode`] when it has no ticks, or an array has not one entry a tick.
    /// - [`DatasetError::NotFinite`] when a number is NaN or infinite; names the first tick, column and field.
    pub fn validate(&self) -> Result<(), DatasetError> {
        self.header.validate()?;
        let ticks = self.len();
        if ticks == 0 {
            return Err(DatasetError::Episode { cause: "it has no ticks".to_owned() });
        }
        for (what, found, wanted) in [
            ("observation numbers", self.observations.len(), ticks * self.header.observation.size()),
            ("action numbers", self.actions.len(), ticks * self.header.action.size()),
            ("numbers of the others' actions", self.others.len(), ticks * self.header.others),
            ("reward terms", self.terms.len(), ticks * self.header.terms.len()),
            ("done flags", self.dones.len(), ticks),
            ("success flags", self.successes.len(), ticks),
            ("intervention flags", self.interventions.len(), ticks),
            ("state hashes", self.state_hashes.len(), ticks),
        ] {
            if found != wanted {
                let cause = format!("it has {found} {what} where {ticks} ticks need {wanted}");
                return Err(DatasetError::Episode { cause });
            }
        }
        let groups = [
            ("observation.state", &self.observations, self.header.observation.size()),
            ("action", &self.actions, self.header.action.size()),
            ("the others' actions", &self.others, self.header.others),
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
        for (what, wanted, found) in [
            ("the observation", header.observation.size(), self.observation.len()),
            ("the action", header.action.size(), self.action.len()),
            ("the others' actions", header.others, self.others.len()),
            ("the reward's terms", header.terms.len(), self.terms.len()),
        ] {
            if wanted != found {
                return Err(DatasetError::TickSize { what, wanted, found });
            }
        }
        Ok(())
    }
}

/// Largest vector accepted, in numbers: far above any agent, and small enough that a damaged file cannot ask for more
/// memory than the machine has.
const LARGEST_LAYOUT: usize = 1 << 20;

impl EpisodeHeader {
    /// Check that a dataset can hold episodes of this header.
    ///
    /// # Errors
    /// [`DatasetError::Header`] when a layout has no fields, an empty or repeated field, bounds that are not finite
    /// and in order, or more than 2^20 numbers; when a term's name is empty, repeated or contains `/` or a control
    /// character; when the others' actions are not of the size of the agent's, or leave no place to it; when `1 / control_dt` is not a whole number of ticks a second between 1 and 10,000; when agent or
    /// task is empty.
    pub fn validate(&self) -> Result<(), DatasetError> {
        let header = |cause: String| DatasetError::Header { cause };
        check_layout(&self.observation).map_err(header)?;
        check_action(&self.action).map_err(header)?;
        check_terms(&self.terms).map_err(header)?;
        ticks_per_second(self.control_dt).map_err(header)?;
        let size = self.action.size().max(1);
        if self.others > LARGEST_LAYOUT || !self.others.is_multiple_of(size) || self.slot > self.others / size {
            return Err(header(format!(
                "{} numbers of others' actions, {size} each, do not leave place {} to the agent",
                self.others, self.slot
            )));
        }
        if self.agent.is_empty() || self.task.is_empty() {
            return Err(header("agent and task need a name".to_owned()));
        }
        Ok(())
    }
}

/// [`Layout::new`]'s conditions for a layout that came from a file, plus a limit on its size.
pub(super) fn check_layout(layout: &Layout) -> Result<(), String> {
    let name = &layout.name;
    let mut total = 0usize;
    let mut seen = std::collections::HashSet::new();
    for field in &layout.fields {
        if field.size == 0 {
            return Err(format!("{name}: field {} is empty", field.name));
        }
        if !(field.low.is_finite() && field.high.is_finite() && field.low < field.high) {
            return Err(format!("{name}: field {} has bounds {}..{}", field.name, field.low, field.high));
        }
        if !seen.insert(&field.name) {
            return Err(format!("{name}: field {} appears twice", field.name));
        }
        total = total.saturating_add(field.size);
    }
    match total {
        0 => Err(format!("{name}: has no fields")),
        1..=LARGEST_LAYOUT => Ok(()),
        _ => Err(format!("{name}: has {total} numbers, more than {LARGEST_LAYOUT}")),
    }
}

/// The same for actions, which may be missing: then only what was seen is recorded.
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

/// The rate that belongs to `control_dt`. LeRobot counts in whole frames a second, so another rate would shift every
/// timestamp.
pub(super) fn ticks_per_second(control_dt: f32) -> Result<u32, String> {
    let rate = 1.0 / f64::from(control_dt);
    let whole = rate.round();
    // One part in 10^5 is above the rounding of an f32 and moves a 1-minute episode's end by less than a tick.
    if (1.0..=10_000.0).contains(&whole) && (rate - whole).abs() <= whole * 1e-5 {
        Ok(whole as u32)
    } else {
        Err(format!("control_dt {control_dt} s is not a whole number of ticks a second"))
    }
}
