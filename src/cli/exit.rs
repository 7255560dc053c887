//! Output and exit codes of commands.

use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::sync::OnceLock;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::exit_code::{FAILURE, USAGE, exit_code};

/// The first error of stdout.
static OUTPUT_ERROR: OnceLock<std::io::Error> = OnceLock::new();

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

/// Print a line on stdout. When stdout takes nothing (a closed pipe, a full disk), the work goes on, so that no training or
/// recording is lost, and [`check_output`] reports it at the end.
fn print(text: impl Display) {
    if OUTPUT_ERROR.get().is_some() {
        return;
    }
    let mut stdout = std::io::stdout();
    if let Err(error) = writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        // The first error stays.
        let _ = OUTPUT_ERROR.set(error);
    }
}

/// Print a line on stderr. When stderr takes nothing, there is no one to report it to.
pub fn print_error(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// The exit code of a command with the code `code`: a failure if its result could not be printed.
pub fn check_output(code: u8) -> u8 {
    match OUTPUT_ERROR.get() {
        None => code,
        Some(error) => {
            if error.kind() != ErrorKind::BrokenPipe {
                print_error(format_args!("error: cannot write the result: {error}"));
            }
            code.max(FAILURE)
        }
    }
}

/// The error of a command. An error type of this crate has an exit code of its own, the same in every command; `Usage` and
/// `Failed` decide for other errors.
#[derive(Debug)]
pub enum Failure {
    /// A usage error: arguments that are invalid, name what is not there, or do not fit together. Exit code 2.
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
        print(json!({ "error": text.trim(), "exit_code": USAGE }));
    }

    /// Print the error and return the exit code.
    pub fn report(&self, output: &Output) -> u8 {
        let (error, code) = match self {
            Self::Usage(error) => (error, USAGE),
            Self::Failed(error) => (error, FAILURE),
            Self::Reported => return FAILURE,
        };
        let code = error.chain().find_map(exit_code).unwrap_or(code);
        let text = full_text(error);
        output.object(&json!({ "error": text, "exit_code": code }));
        print_error(format_args!("error: {text}"));
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
    print_error(format_args!("interrupted; {remedy}"));
    Failure::Reported
}
