//! `apprentice dataset info`

use std::path::PathBuf;

use serde_json::json;

use crate::cli::{Failure, Output};
use crate::demos::Dataset;
use crate::learn::{TrainingData, rate_quality};

pub fn info(dir: &PathBuf, output: &Output) -> Result<(), Failure> {
    let dataset = Dataset::open(dir).map_err(Failure::failed)?;
    let rows = dataset.summaries();
    let successes = rows.iter().filter(|r| r.success).count();
    let seconds = dataset.total_ticks() as f32 * dataset.control_dt();
    output.line(format_args!(
        "{}: {} episodes of a {}, {} ticks ({seconds:.0} s), {successes} successful",
        dir.display(),
        dataset.len(),
        dataset.agent(),
        dataset.total_ticks()
    ));
    output.line(format_args!(
        "observation dimension {}, action dimension {}, reward terms {}",
        dataset.observation().size(),
        dataset.action().size(),
        dataset.terms().join(", ")
    ));
    let qualities = rate_quality(&TrainingData::from_dataset(&dataset).map_err(Failure::failed)?);
    output.line(
        "episode  scene        operator  length  success  return  interventions  action rate  divergence  novelty  quality  seed",
    );
    for (r, q) in rows.iter().zip(&qualities) {
        output.line(format_args!(
            "{:>7}  {:<11}  {:<8}  {:>4.1} s  {:<7}  {:>6.2}  {:>13}  {:>11.2}  {:>10.2}  {:>7.2}  {:>7.2}  {}",
            r.episode,
            r.scene,
            r.operator,
            r.length as f32 * dataset.control_dt(),
            if r.success { "yes" } else { "no" },
            r.total_reward,
            r.interventions,
            q.action_rate,
            q.action_divergence,
            q.state_novelty,
            q.score,
            r.seed
        ));
    }
    let episodes: Vec<_> = rows
        .iter()
        .zip(&qualities)
        .map(|(r, q)| {
            json!({
                "episode_index": r.episode, "scene": r.scene, "operator": r.operator, "length": r.length,
                "success": r.success, "return": r.total_reward, "interventions": r.interventions, "seed": r.seed,
                "quality": q,
            })
        })
        .collect();
    output.object(&json!({
        "dataset": dir,
        "agent": dataset.agent(),
        "total_episodes": dataset.len(),
        "total_ticks": dataset.total_ticks(),
        "successes": successes,
        "episodes": episodes,
    }));
    Ok(())
}
