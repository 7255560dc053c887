//! `apprentice dataset replay`

use std::path::Path;

use anyhow::Context;
use serde_json::json;

use super::changed::warn_of_change;
use crate::cli::load::{read_episode, scene_of};
use crate::cli::{Failure, Output};
use crate::rollout::resimulate;

pub fn replay(dir: &Path, number: usize, output: &Output) -> Result<(), Failure> {
    let episode = read_episode(dir, number)?;
    let scene = scene_of(&episode).map_err(Failure::failed)?;
    warn_of_change(&episode);
    let track = resimulate(&scene, &episode).with_context(|| format!("episode {number}")).map_err(Failure::failed)?;
    let first = track.first_divergence;
    output.line(format_args!(
        "episode {number}: {} ticks of {} by {}, {}",
        episode.len(),
        episode.header.scene,
        episode.header.operator,
        first.map_or("no divergence".to_owned(), |t| format!("diverges at tick {t}"))
    ));
    output.object(&json!({
        "episode_index": number,
        "length": episode.len(),
        "diverged_ticks": track.divergences,
        "first_divergence": first,
        "success": episode.succeeded(),
        "return": episode.total_reward(),
    }));
    if first.is_some() { Err(Failure::Reported) } else { Ok(()) }
}
