//! Dotted keys of a configuration: setting, comparing, and finding the nearest one to a typing error.

use toml::{Table, Value};

use super::synonyms::meant;

/// Keys that are less similar than this, from 0 to 1, are not suggested.
const MIN_SIMILARITY: f64 = 0.85;

/// Why a key cannot be set.
#[derive(Debug, PartialEq, Eq)]
pub enum KeyError {
    /// There is no such key.
    Unknown {
        /// The key as given.
        key: String,
        /// The key that is meant, or an option of the command line, as far as known.
        nearest: Option<String>,
    },
    /// There is no `=`.
    Syntax,
}

/// The table of a section for settings that only a network or head from another crate knows; it checks them itself.
const OPEN_TABLE: &str = "extra";
/// The sections with such a table.
const OPEN_SECTIONS: [&str; 2] = ["network", "head"];

/// Whether a dotted key is in an open table, such as `head.extra.delta`.
fn is_open(key: &str) -> bool {
    let parts: Vec<&str> = key.split('.').collect();
    matches!(parts[..], [section, OPEN_TABLE, _] if OPEN_SECTIONS.contains(&section))
}

/// Replace the values of `into` by those of `new`; every key of `new` must be in `known` or in an open table.
///
/// # Errors
/// Any other key.
pub fn merge(into: &mut Table, known: &Table, new: &Table) -> Result<(), KeyError> {
    let empty = |value: &Value| value.as_table().is_some_and(Table::is_empty);
    if let Some((table, _)) = new.iter().find(|(key, value)| empty(value) && !known.contains_key(*key)) {
        return Err(unknown(&format!("{table}.*"), &flatten(known)));
    }
    let known = flatten(known);
    for (key, value) in flatten(new) {
        if !known.iter().any(|(k, _)| *k == key) && !is_open(&key) {
            return Err(unknown(&key, &known));
        }
        insert(into, &key, value);
    }
    Ok(())
}

/// Apply `key=value` to a table; returns the key, the text of the value, and the old value, if it had one.
///
/// # Errors
/// No `=`, or an unknown key.
pub fn apply(table: &mut Table, assignment: &str) -> Result<(String, String, Option<Value>), KeyError> {
    let Some((key, text)) = assignment.split_once('=') else { return Err(KeyError::Syntax) };
    let (key, text) = (key.trim(), text.trim());
    let known = flatten(table);
    let old = known.iter().find(|(k, _)| k == key).map(|(_, value)| value);
    if old.is_none() && !is_open(key) {
        return Err(unknown(key, &known));
    }
    let parsed = toml::from_str::<Table>(&format!("value = {text}")).ok().and_then(|mut t| t.remove("value"));
    let new = match (parsed, old) {
        (Some(Value::Integer(whole)), Some(Value::Float(_))) => Value::Float(whole as f64),
        (Some(value), Some(Value::String(_))) if !value.is_str() => Value::String(text.into()),
        (Some(value), Some(Value::Array(_))) if !value.is_array() => Value::Array(vec![value]),
        (None, Some(Value::Array(_))) => Value::Array(words(text)),
        (Some(value), _) => value,
        (None, _) => Value::String(text.into()),
    };
    insert(table, key, new);
    Ok((key.to_owned(), text.to_owned(), old.cloned()))
}

/// Set a dotted key whose tables exist, or the open one may be missing.
fn insert(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
        }
        Some((first, rest)) => {
            if first == OPEN_TABLE && !table.contains_key(first) {
                table.insert(first.to_owned(), Value::Table(Table::new()));
            }
            if let Some(Value::Table(inner)) = table.get_mut(first) {
                insert(inner, rest, value);
            }
        }
    }
}

/// A list of names without quotes, in brackets or not.
fn words(text: &str) -> Vec<Value> {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let names = inner.split(',').map(|name| name.trim().trim_matches(['"', '\'']));
    names.filter(|name| !name.is_empty()).map(|name| Value::String(name.into())).collect()
}

/// The dotted keys in which two configurations differ, with both values.
pub fn differences(a: &Table, b: &Table) -> Vec<String> {
    let others = flatten(b);
    let other = |key: &str| others.iter().find(|(k, _)| k == key).map(|(_, value)| value);
    flatten(a)
        .into_iter()
        .filter_map(|(key, value)| match other(&key) {
            Some(was) if *was == value => None,
            Some(was) => Some(format!("{key} is {value}, was {was}")),
            None => Some(format!("{key} is {value}, was not set")),
        })
        .collect()
}

/// The line (from 1) at which a TOML text opens the table `section`.
pub fn line_of_section(text: &str, section: &str) -> Option<usize> {
    text.lines().position(|line| line.trim() == format!("[{section}]")).map(|index| index + 1)
}

fn unknown(key: &str, known: &[(String, Value)]) -> KeyError {
    let keys = || known.iter().map(|(k, _)| k.as_str());
    // The words after the tables are compared, so that `stepz` is near to `training.steps`, and `training.zeal` is not.
    let last = |k: &str| k.rsplit('.').next().map_or(String::new(), str::to_owned);
    let score = |k: &str| strsim::jaro_winkler(&last(k), &last(key)) + 0.01 * strsim::jaro_winkler(k, key);
    let similar = || keys().filter(|k| score(k) >= MIN_SIMILARITY).max_by(|a, b| score(a).total_cmp(&score(b)));
    let nearest = meant(key, keys()).or_else(similar).map(str::to_owned);
    KeyError::Unknown { key: key.to_owned(), nearest }
}

/// Every value with its dotted key.
fn flatten(table: &Table) -> Vec<(String, Value)> {
    let mut out = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) => {
                out.extend(flatten(inner).into_iter().map(|(k, v)| (format!("{key}.{k}"), v)));
            }
            value => out.push((key.clone(), value.clone())),
        }
    }
    out
}
