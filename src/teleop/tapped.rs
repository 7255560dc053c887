//! Driving by keys that are down or up, with nothing between.

use bevy::ecs::prelude::*;

use crate::agents::{Action, Agent, Spaces};
use crate::sim::Arena;
use crate::spaces::press_levels;

/// What a driver wishes for becomes keys, each held for some ticks: every number of the action is at one of its bounds or at
/// 0. What a press is too much or too little is made up for by the next ones, as by who taps a key.
#[derive(Component, Clone, Debug)]
pub struct Tapped {
    /// Ticks that keys are held.
    held: u64,
    /// What the driver would do.
    wished: Vec<f32>,
    /// How much more than was done it wished for, in decisions.
    owed: Vec<f32>,
    pressed: Vec<f32>,
}

impl Tapped {
    /// Keys that are held for `held` ticks.
    ///
    /// # Panics
    /// When `held` is 0.
    pub fn new(held: usize) -> Self {
        assert!(held > 0, "keys are held for at least a tick");
        Self { held: held as u64, wished: Vec::new(), owed: Vec::new(), pressed: Vec::new() }
    }
}

/// Let drivers go on from what they wished for, which their hands are at.
pub(super) fn recall_wishes(arenas: Query<&Arena>, mut agents: Query<(&Agent, &mut Tapped, &mut Action)>) {
    for (agent, mut tapped, mut action) in &mut agents {
        let Ok(arena) = arenas.get(agent.arena) else { continue };
        if arena.tick == 0 || tapped.wished.len() != action.0.len() {
            tapped.wished.clone_from(&action.0);
            tapped.owed = vec![0.0; action.0.len()];
            tapped.pressed.clear();
        }
        action.0.copy_from_slice(&tapped.wished);
    }
}

/// Press keys that come to what drivers wish for.
pub(super) fn tap_wishes(arenas: Query<&Arena>, mut agents: Query<(&Agent, &Spaces, &mut Tapped, &mut Action)>) {
    for (agent, spaces, mut tapped, mut action) in &mut agents {
        let Ok(arena) = arenas.get(agent.arena) else { continue };
        let Tapped { held, wished, owed, pressed } = &mut *tapped;
        wished.copy_from_slice(&action.0);
        spaces.action.clamp(wished);
        if arena.tick.is_multiple_of(*held) || pressed.is_empty() {
            let near = |((wished, owed), bounds): ((&f32, &f32), (f32, f32))| {
                let wanted = wished + owed;
                let nearer = |a: &f32, b: &f32| (a - wanted).abs().total_cmp(&(b - wanted).abs());
                press_levels(bounds).into_iter().min_by(nearer).unwrap_or(wanted)
            };
            *pressed = wished.iter().zip(&*owed).zip(spaces.action.bounds()).map(near).collect();
        }
        for (((owed, wished), pressed), (low, high)) in
            owed.iter_mut().zip(&*wished).zip(&*pressed).zip(spaces.action.bounds())
        {
            // Who is kept from it for long, by an order that fits no press, is not to make up for all of it.
            let most = 0.5 * (high - low);
            *owed = (*owed + (wished - pressed) / *held as f32).clamp(-most, most);
        }
        action.0.copy_from_slice(pressed);
    }
}
