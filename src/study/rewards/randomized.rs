//! Grip and mass that differ in every episode, learned with and without.

use super::acted::rewarded;
use crate::learn::LearnerKind;
use crate::scenes::{Scene, find};
use crate::sim::{ConditionRanges, Span};
use crate::study::{Laboratory, Numbers, Report, Row, StudyError};

/// The scene whose conditions are ranges.
const SCENE: &str = "slippery";
/// Where policies are judged. The scene's own ranges are wider: at their ends lie few episodes, for which a policy that drives
/// as fast as it pays would leave the road.
const GRIP: Span = Span::Range(0.6, 1.4);
const MASS: Span = Span::Range(0.7, 1.8);
/// Episodes by which a run's best policy is chosen: twenty hardly meet the ends of the ranges.
const JUDGED: usize = 100;
/// Half a minute, about a lap: who looks eleven seconds ahead, as ppo does by itself, comes to hurry where it is slippery, until
/// it leaves the road.
const DISCOUNT: f32 = 0.999;

/// The least, the middle and the greatest of both ranges: nine worlds, each of which stays as it is.
fn worlds() -> Vec<ConditionRanges> {
    let three = |span: Span| {
        let (low, high) = span.ends();
        [low, f32::midpoint(low, high), high].map(Span::Constant)
    };
    let one = |grip: Span| three(MASS).map(|mass| ConditionRanges { grip, mass, ..ConditionRanges::default() });
    three(GRIP).into_iter().flat_map(one).collect()
}

pub(super) fn run(laboratory: &Laboratory<'_>) -> Result<Report, StudyError> {
    let scene = find(SCENE)?;
    let ranges = scene.conditions();
    let methods = [("without", scene.under(ConditionRanges::default())), ("with", scene.clone())];
    let cells = laboratory.with_each_seed(&methods, |(label, learned), seed| {
        let name = format!("{label}-{seed}");
        laboratory.cell(&name, || {
            let mut config = laboratory.sized(&LearnerKind::Ppo.defaults(), seed);
            (config.ppo.judged, config.ppo.discount) = (laboratory.few(JUDGED), DISCOUNT);
            let policy = rewarded(laboratory, laboratory.run(&name), &config, learned, &mut ())?;
            let success = |world: &Scene| -> Result<f64, StudyError> {
                Ok(laboratory.judge(policy.clone(), world)?.success_rate)
            };
            let all: Vec<f64> =
                worlds().into_iter().map(|world| success(&scene.under(world))).collect::<Result<_, _>>()?;
            Ok(Numbers::from([
                ("own".into(), success(&scene.under(ConditionRanges::default()))?),
                ("mean".into(), all.iter().sum::<f64>() / all.len() as f64),
                ("least".into(), all.iter().copied().fold(1.0, f64::min)),
            ]))
        })
    })?;
    let rows = methods
        .iter()
        .zip(&cells)
        .map(|((label, _), cells)| Row::of(&format!("{label} ranges"), cells, &["own", "mean", "least"]));
    let told = |span: Span| format!("{} to {}", span.ends().0, span.ends().1);
    Ok(Report {
        name: "randomized".into(),
        about: format!(
            "ppo from chance on {SCENE}, {} updates with a discount of {DISCOUNT}, whose best policy {} episodes choose: in a \
             world whose grip and mass stay what they are, and in one where each episode draws them (grip {}, mass {} of the \
             car's own). Success where they stay, in the mean over nine worlds with the least, middle and greatest of grip {} \
             and mass {}, and in the worst of these.",
            laboratory.sized(&LearnerKind::Ppo.defaults(), 0).training.steps,
            laboratory.few(JUDGED),
            told(ranges.grip),
            told(ranges.mass),
            told(GRIP),
            told(MASS),
        ),
        columns: ["own grip and mass", "nine worlds", "the worst of them"].map(String::from).to_vec(),
        rows: rows.collect(),
    })
}
