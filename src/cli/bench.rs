//! `apprentice bench`

use anyhow::anyhow;
use clap::Args;
use serde_json::json;

use super::{Failure, Output};
use crate::bench::{GROUPS, Group, Measurement, Options};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  apprentice bench
  apprentice bench arenas overhead --seconds 10
  apprentice bench inference training --json > figures.json")]
pub struct BenchArguments {
    /// What to measure; without names, everything that takes no build
    names: Vec<String>,
    /// Time that each group's timed parts take, s
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

pub fn run(arguments: &BenchArguments, output: &Output) -> Result<(), Failure> {
    if !(arguments.seconds.is_finite() && (0.01..=3600.0).contains(&arguments.seconds)) {
        return Err(Failure::bad_use(anyhow!("--seconds is {}; give 0.01 to 3600", arguments.seconds)));
    }
    let groups = chosen(&arguments.names)?;
    let options = Options { seconds: arguments.seconds };
    let mut measurements = Vec::new();
    for group in groups {
        output.line(format!("{}: {}", group.name, group.about));
        let found = group.measure(&options).map_err(Failure::failed)?;
        found.iter().for_each(|m| output.line(line(m)));
        measurements.extend(found);
    }
    if output.json {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        output.object(&json!({ "cores": cores, "adapters": crate::learn::adapters(), "measurements": measurements }));
    }
    Ok(())
}

fn chosen(names: &[String]) -> Result<Vec<&'static Group>, Failure> {
    if names.is_empty() {
        return Ok(GROUPS.iter().collect());
    }
    names
        .iter()
        .map(|name| {
            GROUPS.iter().find(|g| g.name == name).ok_or_else(|| {
                let known: Vec<&str> = GROUPS.iter().map(|g| g.name).collect();
                Failure::bad_use(anyhow!("there is no benchmark `{name}`; there are {}", known.join(", ")))
            })
        })
        .collect()
}

/// A measurement as a line of the table.
fn line(m: &Measurement) -> String {
    let limit = m.limit.map_or(String::new(), |limit| {
        let ratio = m.ratio.map_or(String::new(), |r| format!("{r:.2} of "));
        format!("{ratio}{} ({})", figure(limit), m.against)
    });
    format!("  {:<34} {:>12} {:<24} {limit}", m.name, figure(m.value), m.unit).trim_end().to_owned()
}

/// Four digits that count, thousands apart.
fn figure(value: f64) -> String {
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
