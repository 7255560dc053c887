//! `apprentice dataset repair`

use std::path::Path;

use serde_json::json;

use crate::cli::{Failure, Output};
use crate::demos::{self, DatasetError};

/// What an error says of a file, without its remedy.
fn damage(error: &DatasetError) -> String {
    let text = error.to_string();
    text.rsplit_once("; ").map_or(text.clone(), |(damage, _)| damage.to_owned())
}

pub fn repair(dir: &Path, output: &Output) -> Result<(), Failure> {
    let report = demos::repair(dir).map_err(Failure::failed)?;
    let name = dir.display();
    if report.is_whole() {
        output.line(format_args!("{name}: nothing is damaged; {} episodes, {} ticks", report.kept, report.ticks));
    } else {
        output.line(format_args!(
            "{name}: {} episodes are lost; {} episodes, {} ticks are kept, numbered from 0",
            report.lost.len(),
            report.kept,
            report.ticks
        ));
    }
    for (episode, error) in &report.lost {
        output.line(format_args!("  lost: episode {episode}: {}", damage(error)));
    }
    for error in &report.rebuilt {
        output.line(format_args!("  written anew: {}", damage(error)));
    }
    if let Some(remains) = &report.remains {
        output.line(format_args!("what is left of the damaged files is in {}", remains.display()));
    }
    if report.unverified {
        output.line(format_args!(
            "the hashes of some data files were lost; `apprentice dataset check {name}` verifies them by a replay"
        ));
    }
    output.object(&json!({
        "dataset": dir,
        "damaged": !report.is_whole(),
        "total_episodes": report.kept,
        "total_ticks": report.ticks,
        "lost": report.lost.iter()
            .map(|(episode, error)| json!({ "episode_index": episode, "error": damage(error) }))
            .collect::<Vec<_>>(),
        "rebuilt": report.rebuilt.iter().map(damage).collect::<Vec<_>>(),
        "unverified": report.unverified,
        "remains": report.remains,
    }));
    Ok(())
}
