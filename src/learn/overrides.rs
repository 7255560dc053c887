//! Dotted keys of a [`TrainConfig`]: setting, comparing, and naming the nearest one to a typing error.

use toml::{Table, Value};

use super::{TrainConfig, TrainError};

/// `config` with what a file's text says otherwise.
///
/// # Errors
/// A syntax error, an unknown key, or a value of the wrong type.
pub fn from_toml(config: &TrainConfig, text: &str, origin: &str) -> Result<TrainConfig, TrainError> {
    let fail = |message: String| TrainError::Config { origin: origin.into(), message };
    let table: Table = toml::from_str(text).map_err(|e| fail(e.to_string()))?;
    let known = flat(config);
    for (key, _) in flatten(&table) {
        if !known.iter().any(|(k, _)| *k == key) {
            return Err(fail(unknown(&key, &known)));
        }
    }
    // Read once by itself, which names the line of a value of the wrong type.
    toml::from_str::<TrainConfig>(text).map_err(|e| fail(e.to_string()))?;
    let mut all = Table::try_from(config).map_err(|e| fail(e.to_string()))?;
    merge(&mut all, table);
    Value::Table(all).try_into().map_err(|e: toml::de::Error| fail(e.message().into()))
}

/// Put `new`'s values in the place of `old`'s.
fn merge(old: &mut Table, new: Table) {
    for (key, value) in new {
        match (old.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => merge(old, new),
            (_, value) => {
                old.insert(key, value);
            }
        }
    }
}

/// `config` with one `key=value` applied.
///
/// # Errors
/// No `=`, an unknown key, or a value of the wrong type.
pub fn apply(config: &TrainConfig, assignment: &str) -> Result<TrainConfig, TrainError> {
    let fail = |message: String| TrainError::Config { origin: format!("override {assignment:?}"), message };
    let Some((key, text)) = assignment.split_once('=') else {
        return Err(fail("it must be key=value, such as training.steps=2000".into()));
    };
    let (key, text) = (key.trim(), text.trim());
    let known = flat(config);
    let Some((_, old)) = known.iter().find(|(k, _)| k == key) else {
        return Err(fail(unknown(key, &known)));
    };
    let parsed = toml::from_str::<Table>(&format!("value = {text}")).ok().and_then(|mut t| t.remove("value"));
    let new = match (parsed, old) {
        (Some(Value::Integer(whole)), Value::Float(_)) => Value::Float(whole as f64),
        (Some(value), Value::String(_)) if !value.is_str() => Value::String(text.into()),
        (Some(value), Value::Array(_)) if !value.is_array() => Value::Array(vec![value]),
        (None, Value::Array(_)) => Value::Array(words(text)),
        (Some(value), _) => value,
        (None, _) => Value::String(text.into()),
    };
    let mut table = Table::try_from(config).map_err(|e| fail(e.to_string()))?;
    let mut path: Vec<&str> = key.split('.').collect();
    let Some(last) = path.pop() else { return Err(fail(unknown(key, &known))) };
    let mut at = &mut table;
    for part in path {
        let Some(Value::Table(next)) = at.get_mut(part) else { return Err(fail(unknown(key, &known))) };
        at = next;
    }
    at.insert(last.into(), new);
    Value::Table(table)
        .try_into()
        .map_err(|e: toml::de::Error| fail(format!("{key} cannot be {text} ({}); it is {old} now", e.message())))
}

/// A list of names without quotes, in brackets or not.
fn words(text: &str) -> Vec<Value> {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let names = inner.split(',').map(|name| name.trim().trim_matches(['"', '\'']));
    names.filter(|name| !name.is_empty()).map(|name| Value::String(name.into())).collect()
}

/// The dotted keys in which two configurations differ, with both values.
pub fn differences(a: &TrainConfig, b: &TrainConfig) -> Vec<String> {
    flat(a)
        .into_iter()
        .zip(flat(b))
        .filter(|((_, x), (_, y))| x != y)
        .map(|((key, x), (_, y))| format!("{key} is {x}, was {y}"))
        .collect()
}

/// A key's value as text; empty for an unknown key.
pub fn value(config: &TrainConfig, key: &str) -> String {
    flat(config).into_iter().find(|(k, _)| k == key).map(|(_, v)| v.to_string()).unwrap_or_default()
}

fn unknown(key: &str, known: &[(String, Value)]) -> String {
    // A key without its table, such as `steps`, is nearest to the one that ends in it.
    let score = |k: &str| {
        let last = k.rsplit('.').next().unwrap_or(k);
        strsim::jaro_winkler(k, key).max(strsim::jaro_winkler(last, key.rsplit('.').next().unwrap_or(key)))
            + 0.01 * strsim::jaro_winkler(k, key)
    };
    let nearest = known.iter().map(|(k, _)| k.as_str()).max_by(|a, b| score(a).total_cmp(&score(b)));
    format!("there is no key {key}; did you mean {}?", nearest.unwrap_or_default())
}

fn flat(config: &TrainConfig) -> Vec<(String, Value)> {
    Table::try_from(config).map(|table| flatten(&table)).unwrap_or_default()
}

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
