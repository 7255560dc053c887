//! Sides and opponents in two-player scenes, from command line arguments.

use std::path::Path;

use anyhow::anyhow;

use super::exit::Failure;
use super::load::load_policy;
use crate::learn::self_play::learner_name;
use crate::policies::Policy;
use crate::rollout::Player;
use crate::scenes::Scene;
use crate::teleop::Skill;

/// Index of the side called `name`; without a name, the first side.
///
/// # Errors
/// When the scene has no sides, or none of that name.
pub fn side_of(scene: &Scene, name: Option<&str>) -> Result<usize, Failure> {
    let sides = scene.blueprint.sides();
    if sides.is_empty() {
        return Err(Failure::usage(anyhow!(
            "{} is not a two-player scene; leave --side and --opponent out, or choose the scene tag or playground",
            scene.name
        )));
    }
    let Some(name) = name else { return Ok(0) };
    sides.iter().position(|side| *side == name).ok_or_else(|| {
        Failure::usage(anyhow!("{} has no side `{name}`; there are {}", scene.name, sides.join(" and ")))
    })
}

/// The side that is evaluated or recorded, and its opponent.
pub struct Matchup {
    /// Index of the side; 0 in a scene without sides.
    pub side: usize,
    /// The other side's player, in a two-player scene.
    opponent: Option<Player>,
}

/// Refuse a policy of self-play that was trained for the other side.
pub fn check_side(policy: &Policy, scene: &Scene, side: usize, path: &Path) -> Result<(), Failure> {
    let learner = &policy.config().provenance.learner;
    let sides = scene.blueprint.sides();
    let other = sides.iter().enumerate().find(|(at, name)| *at != side && *learner == learner_name(name));
    match other {
        Some((_, other)) => Err(Failure::usage(anyhow!(
            "{} was trained as the {other}, not as the {}; the policies of a `train self-play` run are in last/{} and last/{}",
            path.display(),
            sides[side],
            sides[0],
            sides[1]
        ))),
        None => Ok(()),
    }
}

impl Matchup {
    /// A single player, in a scene without sides.
    pub fn single_player() -> Self {
        Self { side: 0, opponent: None }
    }

    /// The side called `side` (default: the first) against `opponent`: an operator, `random` or a policy folder (default: the
    /// steady operator).
    pub fn new(scene: &Scene, side: Option<&str>, opponent: Option<&str>) -> Result<Self, Failure> {
        if scene.blueprint.sides().is_empty() && side.is_none() && opponent.is_none() {
            return Ok(Self::single_player());
        }
        let side = side_of(scene, side)?;
        let opponent = match opponent {
            None => Player::Operator(Skill::Steady),
            Some("random") => Player::Random,
            Some(name) => match name.parse() {
                Ok(skill) => Player::Operator(skill),
                Err(_) if !Path::new(name).exists() => {
                    return Err(Failure::usage(anyhow!(
                        "--opponent {name}: it is neither a policy folder nor one of steady, hasty, sloppy and random"
                    )));
                }
                Err(_) => {
                    let policy = load_policy(Path::new(name))?;
                    check_side(&policy, scene, 1 - side, Path::new(name))?;
                    Player::Policy(Box::new(policy))
                }
            },
        };
        Ok(Self { side, opponent: Some(opponent) })
    }

    /// The players of all sides, in the scene's order; `player` plays the matchup's side.
    pub fn players(&self, player: Player) -> Vec<Player> {
        match self.opponent.clone() {
            None => vec![player],
            Some(opponent) if self.side == 0 => vec![player, opponent],
            Some(opponent) => vec![opponent, player],
        }
    }

    /// Whether the opponent takes random actions.
    pub fn has_random_opponent(&self) -> bool {
        matches!(self.opponent, Some(Player::Random))
    }
}
