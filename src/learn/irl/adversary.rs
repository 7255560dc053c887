//! A reward that tells what demonstrators did from what the agent does, learned against the agent.

use std::path::Path;

use burn::optim::GradientsParams;
use burn::tensor::Device;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::judge::Judge;
use super::model::{Description, Visitor, WEIGHTS_FILE};
use super::moves::{Likelihood, Moves};
use crate::learn::optimizer::Adam;
use crate::learn::random::{Purpose, below, generator};
use crate::learn::rl::{Acted, InferredReward};
use crate::learn::run_dir::{not_whole, read_state, write_state};
use crate::learn::sums::{finite, number};
use crate::learn::weights::Fresh;
use crate::learn::{OptimizerConfig, Schedule, TrainError, UpdateStep};
use crate::policies::artifact::{StoredTensors, write_tensors};
use crate::policies::{Chance, filled};

/// What the run's folder lacks to go on.
const STATE_FILE: &str = "reward.bin";
/// Its optimiser's moments.
const OPTIMIZER_FILE: &str = "reward_optimizer.safetensors";
/// How fast the weight of the bottleneck follows (the dual ascent of Peng et al. 2019, equation 9).
const PRESSURE_RATE: f32 = 0.01;
/// Moves that a core judges at once.
const PIECE: usize = 1024;

/// What is more than weights and optimiser.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct State {
    steps: u64,
    /// Weight of the bottleneck.
    pressure: f32,
    /// Earlier moves of the agent.
    replay: Moves,
    /// Moves ever put there.
    put: u64,
}

/// A reward learned against the agent, by any judge.
struct Learned<J: Judge> {
    description: Description,
    judge: J,
    optimizer: Adam,
    settings: OptimizerConfig,
    shown: Moves,
    state: State,
    /// Updates of the whole run.
    updates: u64,
    device: Device,
}

/// Makes a learner of whichever judge it is given.
pub(super) struct Begin<'a> {
    pub description: &'a Description,
    pub shown: Moves,
    pub seed: u64,
    pub updates: u64,
    pub device: &'a Device,
}

impl Visitor for Begin<'_> {
    type Out = Box<dyn InferredReward>;

    fn visit<J: Judge>(self, judge: J) -> Result<Self::Out, TrainError> {
        let judge = filled(judge, &mut Fresh(generator(self.seed, Purpose::Weights, 2)), self.device)?;
        let settings = OptimizerConfig {
            learning_rate: self.description.reward.learning_rate,
            // Two that learn against each other come to rest only as they slow down.
            schedule: Schedule::Cosine,
            final_factor: 0.05,
            warmup_steps: 0,
            weight_decay: 0.0,
            ..OptimizerConfig::default()
        };
        Ok(Box::new(Learned {
            description: self.description.clone(),
            judge,
            optimizer: Adam::new(settings.clone()),
            settings,
            shown: self.shown,
            state: State::default(),
            updates: self.updates,
            device: self.device.clone(),
        }))
    }
}

impl<J: Judge> Learned<J> {
    /// Learn from one batch: how much of it was told apart, and what passed the bottleneck.
    fn learn(&mut self, acted: &Moves, likelihood: Option<Likelihood<'_>>, step: UpdateStep, index: u64) -> [f32; 3] {
        let mut chance = generator(step.seed, Purpose::Reward, step.index * self.description.reward.batches + index);
        let mut draw = |moves: &Moves, count: usize| -> Vec<usize> {
            (0..count).map(|_| below(&mut chance, moves.rows())).collect()
        };
        let size = self.description.reward.batch_size;
        let shown = draw(&self.shown, size);
        let earlier = if self.state.replay.rows() > 0 { size / 2 } else { 0 };
        let newest = draw(acted, size - earlier);
        let earlier = draw(&self.state.replay, earlier);
        let batch =
            |moves: &Moves, rows: &[usize]| moves.batch(rows, &self.description.scales, likelihood, &self.device);
        let shown = batch(&self.shown, &shown);
        let mut acted = batch(acted, &newest);
        if !earlier.is_empty() {
            acted = acted.followed_by(batch(&self.state.replay, &earlier));
        }
        let noise = Chance::Shared(&mut chance).normal(2 * size, self.description.reward.latent, &self.device);
        let lost = self.judge.loss(&shown, &acted, &self.description.reward, noise);
        let squares = lost.shown.clone().square().mean() + lost.acted.clone().square().mean();
        let mut loss = lost.loss + squares.mul_scalar(0.5 * self.description.reward.logit);
        let mut passed = 0.0;
        if let Some(nats) = lost.passed {
            passed = number(nats.clone().inner());
            loss = loss + nats.mul_scalar(self.state.pressure);
            let excess = passed - self.description.reward.bottleneck;
            self.state.pressure = (self.state.pressure + PRESSURE_RATE * excess).max(0.0);
        }
        let right = lost.shown.greater_elem(0.0).float().mean() + lost.acted.lower_elem(0.0).float().mean();
        let told = number(right.inner()) / 2.0;
        let grads = GradientsParams::from_grads(loss.backward(), &self.judge);
        let rate = self.settings.learning_rate_at(step.index, self.updates);
        let (judge, _) = self.optimizer.step(self.judge.clone(), grads, rate);
        self.judge = judge;
        self.state.steps += 1;
        [number(loss.inner()), told, passed]
    }

    /// What moves are worth.
    fn rewards(&self, acted: &Moves, likelihood: Option<Likelihood<'_>>) -> Vec<f32> {
        let rows: Vec<usize> = (0..acted.rows()).collect();
        let device = Device::flex();
        let batches: Vec<_> = rows
            .chunks(PIECE)
            .map(|rows| (self.judge.clone().valid(), acted.batch(rows, &self.description.scales, likelihood, &device)))
            .collect();
        let pieces: Vec<Vec<f32>> = batches
            .into_par_iter()
            .with_max_len(1)
            .map(|(judge, batch)| judge.reward(&batch).into_data().iter::<f32>().collect())
            .collect();
        pieces.concat()
    }
}

impl<J: Judge> InferredReward for Learned<J> {
    fn judge(
        &mut self,
        acted: &Acted<'_>,
        step: UpdateStep,
    ) -> Result<(Vec<f32>, Vec<(&'static str, f32)>), TrainError> {
        let actions = if self.shown.narrow > 0 { acted.actions.to_vec() } else { Vec::new() };
        let moves = Moves {
            wide: self.shown.wide,
            narrow: self.shown.narrow,
            states: acted.observations.to_vec(),
            actions,
            next: acted.next.to_vec(),
        };
        let likelihood = J::LIKELY.then_some(acted.likelihood);
        let mut sums = [0.0; 3];
        for index in 0..self.description.reward.batches {
            let numbers = self.learn(&moves, likelihood, step, index);
            sums.iter_mut().zip(numbers).for_each(|(sum, x)| *sum += x);
        }
        if self.description.reward.replay > 0 {
            let State { replay, put, .. } = &mut self.state;
            replay.put_all(&moves, self.description.reward.replay, put);
        }
        let inferred = self.rewards(&moves, likelihood);
        let mean = inferred.iter().sum::<f32>() / inferred.len().max(1) as f32;
        let share = self.description.reward.task;
        let rewards =
            inferred.iter().zip(acted.rewards).map(|(own, task)| (1.0 - share) * own + share * task).collect();
        let [loss, told, passed] = sums.map(|sum| sum / self.description.reward.batches.max(1) as f32);
        let mut numbers = vec![("reward/loss", finite(loss, step.index, "reward/loss")?), ("reward/told_apart", told)];
        if J::NARROW {
            numbers.push(("reward/passed", passed));
        }
        numbers.push(("reward/mean", finite(mean, step.index, "reward/mean")?));
        Ok((rewards, numbers))
    }

    fn save(&self, dir: &Path) -> Result<(), TrainError> {
        self.description.write(dir)?;
        write_tensors(&dir.join(WEIGHTS_FILE), &self.judge)?;
        self.optimizer.save(&dir.join(OPTIMIZER_FILE))?;
        write_state(dir, STATE_FILE, &self.state)
    }

    fn load(&mut self, dir: &Path) -> Result<(), TrainError> {
        self.state = read_state(dir, STATE_FILE)?;
        if !self.state.replay.fits(&self.shown) {
            return Err(not_whole(dir, STATE_FILE, "is of another reward"));
        }
        let mut stored = StoredTensors::read(&dir.join(WEIGHTS_FILE))?;
        self.judge = filled(self.judge.clone(), &mut stored, &self.device)?;
        stored.finish()?;
        Ok(self.optimizer.load(&dir.join(OPTIMIZER_FILE), &self.judge, self.state.steps)?)
    }
}
