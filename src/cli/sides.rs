//! Who plays against whom, by names.

use std::path::Path;

use anyhow::anyhow;

use super::Failure;
use super::eval::load_policy;
use crate::learn::self_play::learner_of;
use crate::policies::Policy;
use crate::rollout::Player;
use crate::scenes::Scene;
use crate::teleop::Skill;

/// The side of that name of a scene that is to have sides; the first without a name.
pub fn side_of(scene: &Scene, named: Option<&str>) -> Result<usize, Failure> {
    let sides = scene.blueprint.sides();
    if sides.is_empty() {
        return Err(Failure::bad_use(anyhow!(
            "{} has no sides; leave --side and --opponent out, or use them with tag or playground",
            scene.name
        )));
    }
    let Some(named) = named else { return Ok(0) };
    sides.iter().position(|side| *side == named).ok_or_else(|| {
        Failure::bad_use(anyhow!("{} has no side `{named}`; there are {}", scene.name, sides.join(" and ")))
    })
}

/// Who plays against whom.
pub struct Match {
    /// The side that it is about.
    pub side: usize,
    /// The other, in a scene with sides.
    opponent: Option<Player>,
}

/// Refuse a policy of self-play that learned the other side.
pub fn plays(policy: &Policy, scene: &Scene, side: usize, path: &Path) -> Result<(), Failure> {
    let learner = &policy.config().provenance.learner;
    let sides = scene.blueprint.sides();
    let other = sides.iter().enumerate().find(|(at, name)| *at != side && *learner == learner_of(name));
    match other {
        Some((_, other)) => Err(Failure::bad_use(anyhow!(
            "{} plays the {other}, not the {}; a run of train self-play has its policies in last/{} and last/{}",
            path.display(),
            sides[side],
            sides[0],
            sides[1]
        ))),
        None => Ok(()),
    }
}

impl Match {
    /// In a scene without sides.
    pub fn alone() -> Self {
        Self { side: 0, opponent: None }
    }

    /// The side of that name, the first without one, against the opponent of that name, the steady operator without one.
    pub fn of(scene: &Scene, side: Option<&str>, opponent: Option<&str>) -> Result<Self, Failure> {
        if scene.blueprint.sides().is_empty() && side.is_none() && opponent.is_none() {
            return Ok(Self::alone());
        }
        let side = side_of(scene, side)?;
        let opponent = match opponent {
            None => Player::Operator(Skill::Steady),
            Some("random") => Player::Random,
            Some(name) => match name.parse() {
                Ok(skill) => Player::Operator(skill),
                Err(_) if !Path::new(name).exists() => {
                    return Err(Failure::bad_use(anyhow!(
                        "--opponent {name} is neither a folder nor one of steady, hasty, sloppy and random"
                    )));
                }
                Err(_) => {
                    let policy = load_policy(Path::new(name))?;
                    plays(&policy, scene, 1 - side, Path::new(name))?;
                    Player::Policy(Box::new(policy))
                }
            },
        };
        Ok(Self { side, opponent: Some(opponent) })
    }

    /// Everybody's players, the first side's first.
    pub fn players(&self, own: Player) -> Vec<Player> {
        match self.opponent.clone() {
            None => vec![own],
            Some(other) if self.side == 0 => vec![own, other],
            Some(other) => vec![other, own],
        }
    }

    /// Whether the opponent acts by chance.
    pub fn is_random(&self) -> bool {
        matches!(self.opponent, Some(Player::Random))
    }
}
