//! What a comparison found, as a table.

use std::fmt::Write as _;

use serde::Serialize;

use super::Numbers;

/// Mean and range of a number over training seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The mean.
    pub mean: f64,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
    /// Of how many.
    pub count: usize,
}

impl Summary {
    /// Of these values; NaN without any.
    pub fn of(values: &[f64]) -> Self {
        Self {
            mean: values.iter().sum::<f64>() / values.len() as f64,
            least: values.iter().copied().fold(f64::NAN, f64::min),
            greatest: values.iter().copied().fold(f64::NAN, f64::max),
            count: values.len(),
        }
    }

    /// As percentages: the mean, and the range where there is one; a dash where nothing is known.
    fn percent(&self) -> String {
        if self.count == 0 {
            return "–".into();
        }
        let [mean, least, greatest] = [self.mean, self.least, self.greatest].map(|x| 100.0 * x);
        if self.count > 1 { format!("{mean:.0} % ({least:.0} to {greatest:.0})") } else { format!("{mean:.0} %") }
    }
}

/// A method's numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The method.
    pub label: String,
    /// One for each column.
    pub values: Vec<Summary>,
}

impl Row {
    /// Of a method's numbers by column and seed.
    pub fn across(label: &str, columns: &[Vec<f64>]) -> Self {
        Self { label: label.into(), values: columns.iter().map(|cells| Summary::of(cells)).collect() }
    }

    /// Of some of the numbers of a method's cells, which need not have them.
    pub fn of(label: &str, cells: &[Numbers], keys: &[&str]) -> Self {
        let summary =
            |key: &&str| Summary::of(&cells.iter().filter_map(|cell| cell.get(*key).copied()).collect::<Vec<_>>());
        Self { label: label.into(), values: keys.iter().map(summary).collect() }
    }
}

/// What a comparison found. All values are shares, 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Its name.
    pub name: String,
    /// How it was made, in a sentence or two.
    pub about: String,
    /// What stands above the columns.
    pub columns: Vec<String>,
    /// The methods.
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
