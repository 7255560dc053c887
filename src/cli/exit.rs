//! Output and exit codes of commands.

use std::fmt::Display;
use std::io::{ErrorKind, Write};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

/// The format of a command's result.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// Print one JSON object on stdout instead of text.
    pub json: bool,
}

impl Output {
    /// Print a line of text, unless the output is JSON.
    pub fn line(&self, text: impl Display) {
        if !self.json {
            print(text);
        }
    }

    /// Print the result as JSON, if the output is JSON.
    pub fn object(&self, value: &Value) {
        if self.json {
            print(value);
        }
    }

    /// A progress bar on stderr; hidden if stderr is not a terminal.
    pub fn bar(&self, length: u64, label: &'static str) -> ProgressBar {
        let bar = ProgressBar::new(length);
        if let Ok(style) = ProgressStyle::with_template("{msg:12} [{wide_bar}] {pos}/{len} {per_sec}, {eta} left") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(label);
        bar
    }
}

/// Print a line on stdout. If that fails (the pipe is closed, the disk is full), exit with code 1.
fn print(text: impl Display) {
    if let Err(error) = writeln!(std::io::stdout(), "{text}") {
        if error.kind() != ErrorKind::BrokenPipe {
            eprintln!("error: cannot write the result: {error}");
        }
        std::process::exit(1);
    }
}

/// The error of a command.
#[derive(Debug)]
pub enum Failure {
    /// A usage error: arguments that are invalid or do not fit together. Exit code 2.
    Usage(anyhow::Error),
    /// A runtime error. Exit code 1.
    Failed(anyhow::Error),
    /// A runtime error that the command has printed itself. Exit code 1.
    Reported,
}

impl Failure {
    /// A usage error.
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self::Usage(error.into())
    }

    /// A runtime error.
    pub fn failed(error: impl Into<anyhow::Error>) -> Self {
        Self::Failed(error.into())
    }

    /// Print the JSON object of a usage error; clap prints the message itself.
    pub fn object_only(text: &str) {
        print(json!({ "error": text.trim(), "exit_code": 2 }));
    }

    /// Print the error and return the exit code.
    pub fn report(&self, output: &Output) -> u8 {
        let (error, code) = match self {
            Self::Usage(error) => (error, 2),
            Self::Failed(error) => (error, 1),
            Self::Reported => return 1,
        };
        let text = full_text(error);
        output.object(&json!({ "error": text, "exit_code": code }));
        eprintln!("error: {text}");
        code
    }
}

/// An error with its causes. A cause that the text contains already is left out.
fn full_text(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// The error of an interrupted command. `remedy` is how to continue.
pub fn interrupted(remedy: impl Display) -> Failure {
    Failure::Failed(anyhow::anyhow!("interrupted; {remedy}"))
}

/// The error of an interrupted command that has printed its result. `remedy` is how to continue.
pub fn interrupted_with_result(remedy: impl Display) -> Failure {
    eprintln!("interrupted; {remedy}");
    Failure::Reported
}
