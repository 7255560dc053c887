//! The results of a comparison, as a table.

use std::fmt::Write as _;

use serde::Serialize;

use super::CellMetrics;

/// Mean and range of a metric over training seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The mean.
    pub mean: f64,
    /// The minimum.
    pub min: f64,
    /// The maximum.
    pub max: f64,
    /// The number of values.
    pub count: usize,
}

impl Summary {
    /// The summary of `values`; NaN where there are none.
    pub fn from_values(values: &[f64]) -> Self {
        Self {
            mean: values.iter().sum::<f64>() / values.len() as f64,
            min: values.iter().copied().fold(f64::NAN, f64::min),
            max: values.iter().copied().fold(f64::NAN, f64::max),
            count: values.len(),
        }
    }

    /// As percentages: the mean, and the range of several values; a dash where there are none.
    fn percent(&self) -> String {
        if self.count == 0 {
            return "–".into();
        }
        let [mean, min, max] = [self.mean, self.min, self.max].map(|x| 100.0 * x);
        if self.count > 1 { format!("{mean:.0} % ({min:.0} to {max:.0})") } else { format!("{mean:.0} %") }
    }
}

/// The results of one method.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The method's name.
    pub label: String,
    /// One per column.
    pub values: Vec<Summary>,
}

impl Row {
    /// From a method's values by column and seed.
    pub fn from_values(label: &str, columns: &[Vec<f64>]) -> Self {
        Self { label: label.into(), values: columns.iter().map(|cells| Summary::from_values(cells)).collect() }
    }

    /// From the cells of a method, one per seed: one column per key. A cell may lack a key.
    pub fn from_cells(label: &str, cells: &[CellMetrics], keys: &[&str]) -> Self {
        let summary = |key: &&str| {
            Summary::from_values(&cells.iter().filter_map(|cell| cell.get(*key).copied()).collect::<Vec<_>>())
        };
        Self { label: label.into(), values: keys.iter().map(summary).collect() }
    }
}

/// The results of a comparison. All values are fractions, 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The comparison's name.
    pub name: String,
    /// A description of the experiment and its metrics.
    pub about: String,
    /// Column headers.
    pub columns: Vec<String>,
    /// One row per method.
    pub rows: Vec<Row>,
}

impl Report {
    /// As a section of Markdown.
    pub fn markdown(&self) -> String {
        let mut out = format!("## {}\n\n{}\n\n| |", self.name, self.about);
        self.columns.iter().for_each(|column| {
            let _ = write!(out, " {column} |");
        });
        out.push_str("\n|---|");
        out.push_str(&"---|".repeat(self.columns.len()));
        for row in &self.rows {
            let _ = write!(out, "\n| {} |", row.label);
            row.values.iter().for_each(|value| {
                let _ = write!(out, " {} |", value.percent());
            });
        }
        out.push('\n');
        out
    }
}
