//! What a command prints, and how it ends.

use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

/// Where a command's result goes.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// One JSON object on stdout instead of text.
    pub json: bool,
}

impl Output {
    /// Print a line for people.
    pub fn line(&self, text: impl Display) {
        if !self.json {
            print(text);
        }
    }

    /// Print the machine-readable result.
    pub fn object(&self, value: &Value) {
        if self.json {
            print(value);
        }
    }

    /// A progress bar on stderr, hidden where stderr is no terminal.
    pub fn bar(&self, length: u64, what: &'static str) -> ProgressBar {
        let bar = ProgressBar::new(length);
        if let Ok(style) = ProgressStyle::with_template("{msg:12} [{wide_bar}] {pos}/{len} {per_sec}, {eta} left") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what);
        bar
    }
}

/// Print a line on stdout. Where nobody reads any more, or the disk is full, the program ends with exit code 1.
fn print(text: impl Display) {
    if let Err(error) = writeln!(std::io::stdout(), "{text}") {
        if error.kind() != ErrorKind::BrokenPipe {
            eprintln!("error: cannot write the result: {error}");
        }
        std::process::exit(1);
    }
}

/// Why a command did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// It was asked for something that does not exist or does not fit: exit code 2.
    BadUse(anyhow::Error),
    /// It ran and failed: exit code 1.
    Failed(anyhow::Error),
    /// It ran and failed, and has said so itself: exit code 1.
    Reported,
}

impl Failure {
    /// Asked for wrongly.
    pub fn bad_use(error: impl Into<anyhow::Error>) -> Self {
        Self::BadUse(error.into())
    }

    /// Failed.
    pub fn failed(error: impl Into<anyhow::Error>) -> Self {
        Self::Failed(error.into())
    }

    /// Print the object of a bad use whose message somebody else prints.
    pub fn object_only(text: &str) {
        print(json!({ "error": text.trim(), "exit_code": 2 }));
    }

    /// Print the error and give the exit code.
    pub fn report(&self, output: &Output) -> ExitCode {
        let (error, code) = match self {
            Self::BadUse(error) => (error, 2),
            Self::Failed(error) => (error, 1),
            Self::Reported => return ExitCode::from(1),
        };
        let text = full_text(error);
        output.object(&json!({ "error": text, "exit_code": code }));
        eprintln!("error: {text}");
        ExitCode::from(code)
    }
}

/// An error with its causes, each said once: many of ours name their cause themselves.
fn full_text(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// An interrupted command: what is done stays, the rest is left.
pub fn interrupted(remedy: impl Display) -> Failure {
    Failure::Failed(anyhow::anyhow!("interrupted; {remedy}"))
}

/// An interrupted command that has printed its result already.
pub fn interrupted_with_result(remedy: impl Display) -> Failure {
    eprintln!("interrupted; {remedy}");
    Failure::Reported
}
