//! Quantization of actions to key presses: a key is fully down or up.

use bevy::ecs::prelude::*;

use crate::agents::{Action, Agent, Spaces};
use crate::sim::Arena;
use crate::spaces::key_levels;

/// Quantizes an agent's actions to key presses: each component becomes its lower bound, its upper bound or 0, and is
/// held for a fixed number of ticks. The quantization error is accumulated and compensated by later presses
/// (sigma-delta modulation), so that the mean action over time is the driver's.
#[derive(Component, Clone, Debug)]
pub struct KeyQuantizer {
    /// Ticks for which a quantized action is held.
    hold_ticks: u64,
    /// The driver's action before quantization.
    target: Vec<f32>,
    /// Accumulated quantization error of each component, in units of the action times decisions.
    error: Vec<f32>,
    /// The quantized action.
    quantized: Vec<f32>,
}

impl KeyQuantizer {
    /// A quantizer that holds each quantized action for `hold_ticks` ticks.
    ///
    /// # Panics
    /// When `hold_ticks` is 0.
    pub fn new(hold_ticks: usize) -> Self {
        assert!(hold_ticks > 0, "a quantized action must be held for at least one tick");
        Self { hold_ticks: hold_ticks as u64, target: Vec::new(), error: Vec::new(), quantized: Vec::new() }
    }
}

/// Restore the action before quantization, from which the driver's rate limiting continues.
pub(super) fn restore_unquantized_actions(
    arenas: Query<&Arena>,
    mut agents: Query<(&Agent, &mut KeyQuantizer, &mut Action)>,
) {
    for (agent, mut quantizer, mut action) in &mut agents {
        let Ok(arena) = arenas.get(agent.arena) else { continue };
        if arena.tick == 0 || quantizer.target.len() != action.0.len() {
            quantizer.target.clone_from(&action.0);
            quantizer.error = vec![0.0; action.0.len()];
            quantizer.quantized.clear();
        }
        action.0.copy_from_slice(&quantizer.target);
    }
}

/// Replace the drivers' actions by quantized ones.
pub(super) fn quantize_actions(
    arenas: Query<&Arena>,
    mut agents: Query<(&Agent, &Spaces, &mut KeyQuantizer, &mut Action)>,
) {
    for (agent, spaces, mut quantizer, mut action) in &mut agents {
        let Ok(arena) = arenas.get(agent.arena) else { continue };
        let KeyQuantizer { hold_ticks, target, error, quantized } = &mut *quantizer;
        target.copy_from_slice(&action.0);
        spaces.action.clamp(target);
        if arena.tick.is_multiple_of(*hold_ticks) || quantized.is_empty() {
            let nearest_level = |((target, error), bounds): ((&f32, &f32), (f32, f32))| {
                let compensated = target + error;
                let by_distance = |a: &f32, b: &f32| (a - compensated).abs().total_cmp(&(b - compensated).abs());
                key_levels(bounds).into_iter().min_by(by_distance).unwrap_or(compensated)
            };
            *quantized = target.iter().zip(&*error).zip(spaces.action.bounds()).map(nearest_level).collect();
        }
        for (((error, target), quantized), (low, high)) in
            error.iter_mut().zip(&*target).zip(&*quantized).zip(spaces.action.bounds())
        {
            // The limit prevents windup while no level can follow the target for a long time.
            let limit = 0.5 * (high - low);
            *error = (*error + (target - quantized) / *hold_ticks as f32).clamp(-limit, limit);
        }
        action.0.copy_from_slice(quantized);
    }
}
