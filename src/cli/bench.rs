//! `apprentice bench`

use anyhow::anyhow;
use clap::Args;
use serde_json::json;

use super::exit::{interrupted_with_result, print_error};
use super::{Failure, Output, stop};
use crate::bench::{BenchError, GROUPS, Group, Measurement, Options};

#[derive(Args, Debug)]
#[command(
    after_help = "Names: arenas, overhead, reset, scaling, crowd, lateness, inference, training, ppo, data, checkpoint, program

Examples:
  apprentice bench
  apprentice bench arenas overhead --seconds 10
  apprentice bench inference training --json > results.json"
)]
pub struct BenchArguments {
    /// Names of the benchmarks to run [default: all]
    names: Vec<String>,
    /// Duration of each benchmark's timed loops, s, without setup. All benchmarks together take about a minute per second of
    /// this value
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

pub fn run(arguments: &BenchArguments, output: &Output) -> Result<(), Failure> {
    if !(arguments.seconds.is_finite() && (0.01..=3600.0).contains(&arguments.seconds)) {
        return Err(Failure::usage(anyhow!("--seconds is {}; give 0.01 to 3600", arguments.seconds)));
    }
    let groups = selected_groups(&arguments.names)?;
    let options = Options { seconds: arguments.seconds, stop: stop::on_interrupt() };
    let mut measurements = Vec::new();
    let mut failed = None;
    for group in groups {
        output.line(format!("{}: {}", group.name, group.about));
        match group.measure(&options) {
            Ok(results) => {
                results.iter().for_each(|m| output.line(row(m)));
                measurements.extend(results);
            }
            Err(error) => {
                failed = Some((group.name, error));
                break;
            }
        }
    }
    if output.json {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let error = failed.as_ref().map(|(group, error)| format!("{group}: {error}"));
        output.object(&json!({
            "cores": cores,
            "adapters": crate::learn::adapters(),
            "measurements": measurements,
            "error": error,
        }));
    }
    match failed {
        None => Ok(()),
        Some((_, BenchError::Stopped)) => Err(interrupted_with_result("the measurements so far are printed above")),
        Some((group, error)) => {
            print_error(format_args!("error: {group}: {error}"));
            Err(Failure::Reported)
        }
    }
}

fn selected_groups(names: &[String]) -> Result<Vec<&'static Group>, Failure> {
    if names.is_empty() {
        return Ok(GROUPS.iter().collect());
    }
    names
        .iter()
        .map(|name| {
            GROUPS.iter().find(|g| g.name == name).ok_or_else(|| {
                let known: Vec<&str> = GROUPS.iter().map(|g| g.name).collect();
                Failure::usage(anyhow!("there is no benchmark `{name}`; there are {}", known.join(", ")))
            })
        })
        .collect()
}

/// A measurement as a row of the table.
fn row(m: &Measurement) -> String {
    let reference = m.reference.map_or(String::new(), |reference| {
        let ratio = m.ratio.map_or(String::new(), |r| format!("{r:.2} of "));
        format!("{ratio}{} ({})", format_value(reference), m.reference_name)
    });
    format!("  {:<34} {:>12} {:<24} {reference}", m.name, format_value(m.value), m.unit).trim_end().to_owned()
}

/// Format with four significant digits and thousands separators.
fn format_value(value: f64) -> String {
    let digits = if value.abs() >= 1000.0 || value == 0.0 {
        0
    } else {
        (3 - value.abs().log10().floor() as i32).clamp(0, 6) as usize
    };
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(w, r)| (w, Some(r)));
    let mut out = String::new();
    for (i, c) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) && c.is_ascii_digit() && !out.ends_with('-') {
            out.push(',');
        }
        out.push(c);
    }
    rest.map_or(out.clone(), |rest| format!("{out}.{rest}"))
}
