//! The result of a training run, for a person and as JSON.

use std::path::Path;

use serde_json::{Value, json};

use crate::cli::exit::interrupted_with_result;
use crate::cli::{Failure, Output};
use crate::learn::{DeviceChoice, Outcome, TrainReport};

/// Print the result. An interrupted run is a failure, with the remedy.
pub fn print(report: &TrainReport, run: &Path, device: DeviceChoice, output: &Output) -> Result<(), Failure> {
    let summary = &report.summary;
    let ended = match summary.outcome {
        Outcome::Finished => "finished",
        Outcome::StoppedEarly => "no further improvement",
        Outcome::Interrupted => "interrupted",
    };
    let (steps, seconds) = (summary.steps, summary.seconds);
    output.line(format_args!("{ended} after {steps} steps ({seconds:.0} s); {}", report.headline));
    // An interrupted run may have none yet.
    if summary.policy_dir.exists() {
        output.line(format_args!("policy: {}", summary.policy_dir.display()));
    }
    let mut object = json!({
        "run": run,
        "policy": summary.policy_dir,
        "outcome": format!("{:?}", summary.outcome),
        "steps": steps,
        "seconds": seconds,
        "device": device.to_string(),
    });
    if let Value::Object(object) = &mut object {
        object.extend(report.numbers.clone());
    }
    output.object(&object);
    if summary.outcome == Outcome::Interrupted {
        return Err(interrupted_with_result("resume with --resume"));
    }
    Ok(())
}
