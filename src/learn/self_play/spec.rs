//! `self-play` in the registry.

use serde_json::json;

use super::{Games, SelfPlayConfig, train_self_play};
use crate::learn::core::section::AnySection;
use crate::learn::reinforcement::PpoConfig;
use crate::learn::reinforcement::ppo::spec::{REQUIREMENTS, set_ppo_defaults};
use crate::learn::{Curve, LearnerSpec, Progress, Requirements, TrainConfig, TrainError, TrainJob, TrainReport};

/// `apprentice train self-play`
pub struct SelfPlayLearner;

impl LearnerSpec for SelfPlayLearner {
    fn name(&self) -> &'static str {
        "self-play"
    }

    fn about(&self) -> &'static str {
        "Self-play of the two sides of a game, each against a pool of the other's snapshots"
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "apprentice train self-play --scene tag --run runs/tag",
            "apprentice train self-play --scene playground --run runs/playground --set training.steps=300",
            "apprentice train self-play --scene tag --run runs/tag --resume",
            "apprentice eval --scene tag --policy runs/tag/last/runner --side runner --opponent runs/tag/last/chaser",
            "apprentice eval --scene tag --policy runs/tag/last/chaser --opponent runs/tag/last/pool/runner-000",
        ]
    }

    fn requirements(&self) -> Requirements {
        Requirements { reward: false, two_sided: true, ..REQUIREMENTS }
    }

    fn sections(&self) -> Vec<Box<dyn AnySection>> {
        vec![Box::new(PpoConfig::default()), Box::new(SelfPlayConfig::default())]
    }

    fn set_defaults(&self, config: &mut TrainConfig) {
        set_ppo_defaults(config);
        // The distance between the two is a dense reward. With a longer effective horizon it takes a hundred updates until the
        // chaser begins to chase.
        config.get_mut::<PpoConfig>().gamma = 0.99;
    }

    fn curve(&self) -> Option<Curve> {
        Some(Curve::Ratings)
    }

    fn train(&self, mut job: TrainJob, progress: &mut dyn Progress) -> Result<TrainReport, TrainError> {
        let scene = job.take_scene()?;
        let summary = train_self_play(&job.config, &scene, 0, &job.options, progress)?;
        let games = Games::load(&job.options.dir)?;
        let last = job.options.dir.join("last");
        report_ratings(&games, progress);
        for side in &games.sides {
            progress.message(&format!("{side}: {}", last.join(side).display()));
        }
        let numbers = json!({
            "sides": games.sides,
            "policies": games.sides.clone().map(|side| last.join(side)),
            "updates": games.updates,
            "ratings": games.ratings(),
        });
        let headline =
            if games.won.is_empty() { "no rating game was played yet" } else { "rated by games of all snapshots" };
        Ok(TrainReport::new(summary, headline, numbers))
    }
}

/// Report the rating of each snapshot as a table.
fn report_ratings(games: &Games, progress: &mut dyn Progress) {
    if games.won.is_empty() {
        return;
    }
    let [first, second] = &games.sides;
    progress.message("Elo rating of each snapshot, and its win rate against all snapshots of the other side");
    progress.message(&format!("  {:>7}  {first:>16}  {second:>16}", "updates"));
    let [first_ratings, second_ratings] = games.ratings();
    for (player, ratings) in first_ratings.into_iter().zip(second_ratings).enumerate() {
        let cell = |side: usize, rating: f64| {
            let shares = games.win_rates(side, player);
            let mean = 100.0 * shares.iter().sum::<f64>() / shares.len() as f64;
            format!("{rating:.0} ({mean:.0} %)")
        };
        let (first, second) = (cell(0, ratings.0), cell(1, ratings.1));
        progress.message(&format!("  {:>7}  {first:>16}  {second:>16}", games.updates[player]));
    }
}
