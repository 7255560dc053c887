//! Collects the values of a scene file that are not allowed, with their places in the file.

/// Greatest absolute coordinate, m: beyond it, the resolution of 32-bit floats is worse than 0.1 mm.
pub const MAX_COORDINATE: f32 = 2000.0;

/// One step of a path into a RON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A field or map key.
    Key(&'static str),
    /// A map key that is a string.
    Text(String),
    /// An element of a list or tuple.
    Index(usize),
}

/// A value that is not allowed: its path in the file and an error message.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// Path of the value from the root of the file.
    pub path: Vec<Step>,
    /// What is wrong and what is allowed.
    pub message: String,
}

/// Collects violations; the first one is reported, with file, line and column of its path.
#[derive(Debug, Default)]
pub struct Checker {
    violations: Vec<Violation>,
}

impl Checker {
    /// Report the value at `path`.
    pub fn report(&mut self, path: &[Step], message: String) {
        self.violations.push(Violation { path: path.to_vec(), message });
    }

    /// Report the number at `path`, unless it is between `low` and `high`. `what` is its name with its unit.
    pub fn number(&mut self, path: &[Step], value: f32, low: f32, high: f32, what: &str) {
        if !(value >= low && value <= high) {
            self.report(path, format!("{what} is {value}; it must be between {low} and {high}"));
        }
    }

    /// Report the task's parameter `name`, unless it is between `low` and `high`. `what` is its name with its unit.
    pub fn parameter(&mut self, name: &'static str, value: f32, low: f32, high: f32, what: &str) {
        self.number(&[Step::Key("task"), Step::Key(name)], value, low, high, what);
    }

    /// Report the task, unless the part `what` of the scene, which it needs, is present.
    pub fn needs(&mut self, present: bool, what: &str) {
        if !present {
            self.report(&[Step::Key("task")], format!("this task needs `{what}`, which the scene lacks"));
        }
    }

    /// Whether nothing was reported.
    pub fn is_empty(&self) -> bool {
        self.violations.is_empty()
    }

    /// The violations, in the order in which they were reported.
    pub fn into_violations(self) -> Vec<Violation> {
        self.violations
    }
}
