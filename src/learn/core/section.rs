//! Sections of a run's configuration: plain structs whose documentation, defaults and ranges are read from their JSON
//! schema, so that `--print-config`, the reference in `docs/` and the range check have one source.

use std::any::Any;
use std::fmt::Debug;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use toml::{Table, Value};

/// One table of `config.toml`, such as `[ppo]`.
///
/// Documentation and ranges come from the struct itself: doc comments, and `#[schemars(range(..))]`, which is checked. An
/// open bound is written `#[schemars(extend("exclusiveMinimum" = 0))]`.
pub trait Section:
    Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static
{
    /// Name of the table.
    const NAME: &'static str;

    /// Check what a range cannot express, such as one setting against another.
    ///
    /// # Errors
    /// The key, what is wrong with it, and what it may be.
    fn check_relations(&self) -> Result<(), String> {
        Ok(())
    }
}

/// A [`Section`] of any type.
pub trait AnySection: Debug + Send + Sync {
    /// Name of the table.
    fn name(&self) -> &'static str;
    /// Its values.
    fn to_toml(&self) -> Result<Table, toml::ser::Error>;
    /// The same section with these values.
    fn with_values(&self, values: Table) -> Result<Box<dyn AnySection>, toml::de::Error>;
    /// As text: `key = value` lines in the order of the struct, nested tables last.
    fn to_text(&self) -> Result<String, toml::ser::Error>;
    /// Documentation, defaults and ranges, as a JSON schema without references.
    fn schema(&self) -> Schema;
    /// See [`Section::check_relations`].
    fn check_relations(&self) -> Result<(), String>;
    /// A copy.
    fn boxed(&self) -> Box<dyn AnySection>;
    /// For a downcast.
    fn as_any(&self) -> &dyn Any;
    /// For a downcast.
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<T: Section> AnySection for T {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn to_toml(&self) -> Result<Table, toml::ser::Error> {
        Table::try_from(self)
    }

    fn with_values(&self, values: Table) -> Result<Box<dyn AnySection>, toml::de::Error> {
        Value::Table(values).try_into::<T>().map(|section| Box::new(section) as Box<dyn AnySection>)
    }

    fn to_text(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(&std::collections::BTreeMap::from([(T::NAME, self)]))
    }

    fn schema(&self) -> Schema {
        let settings = SchemaSettings::default().with(|settings| settings.inline_subschemas = true);
        settings.into_generator().into_root_schema_for::<T>()
    }

    fn check_relations(&self) -> Result<(), String> {
        Section::check_relations(self)
    }

    fn boxed(&self) -> Box<dyn AnySection> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

impl Clone for Box<dyn AnySection> {
    fn clone(&self) -> Self {
        self.as_ref().boxed()
    }
}

/// One setting, as documented.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingDoc {
    /// Dotted key without the section's name, such as `n_envs` or `replay.alpha`.
    pub key: String,
    /// What it is: the doc comment of the field.
    pub description: String,
    /// What it may be, such as `within 0 and 1` or `mlp, lstm, gru or transformer`; empty for any value of the type.
    pub range: String,
    /// Allowed names with their documentation, for a setting that is one of several.
    pub choices: Vec<(String, String)>,
}

/// The documentation of a section itself.
pub fn section_description(section: &dyn AnySection) -> String {
    description(section.schema().as_value())
}

/// Every setting of a section, in the order of the struct.
pub fn setting_docs(section: &dyn AnySection) -> Vec<SettingDoc> {
    let schema = section.schema();
    let text = section.to_text().unwrap_or_default();
    let mut docs = Vec::new();
    for (key, _) in keyed_lines(&text, section.name()).into_iter().filter_map(|(key, line)| Some((key?, line))) {
        let Some(found) = find(schema.as_value(), &key) else { continue };
        docs.push(SettingDoc { range: range(found), choices: choices(found), description: description(found), key });
    }
    docs
}

/// The lines of a section's text, each with the dotted key (without the section's name) that it assigns.
pub fn keyed_lines<'a>(text: &'a str, section: &str) -> Vec<(Option<String>, &'a str)> {
    let mut prefix = String::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        if let Some(table) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            prefix =
                table.strip_prefix(section).map(|rest| rest.trim_start_matches('.')).unwrap_or_default().to_owned();
            if !prefix.is_empty() {
                prefix.push('.');
            }
            lines.push((None, line));
        } else {
            let key = line.split_once(" = ").map(|(key, _)| format!("{prefix}{key}"));
            lines.push((key, line));
        }
    }
    lines
}

/// Check every value of a section against its schema.
///
/// # Errors
/// The first value that is out of range, with its dotted key and what it may be.
pub fn check(section: &dyn AnySection) -> Result<(), String> {
    let values = section.to_toml().map_err(|error| error.to_string())?;
    check_table(section.name(), &values, section.schema().as_value())?;
    section.check_relations()
}

fn check_table(name: &str, values: &Table, schema: &Json) -> Result<(), String> {
    for (key, value) in values {
        let Some(schema) = find(schema, key) else { continue };
        let key = format!("{name}.{key}");
        match value {
            Value::Table(inner) => check_table(&key, inner, schema)?,
            value if !allowed(value, schema) => return Err(format!("{key} is {value}; it must be {}", range(schema))),
            _ => {}
        }
    }
    Ok(())
}

/// Whether a value is within the bounds of its schema. An infinite number or one that is not a number never is.
fn allowed(value: &Value, schema: &Json) -> bool {
    let bound = |name: &str| schema.get(name).and_then(Json::as_f64);
    let number = match value {
        Value::Integer(number) => *number as f64,
        Value::Float(number) => *number,
        Value::Array(items) => {
            return bound("minItems").is_none_or(|least| items.len() as f64 >= least)
                && bound("maxItems").is_none_or(|most| items.len() as f64 <= most)
                && schema.get("items").is_none_or(|schema| items.iter().all(|item| allowed(item, schema)));
        }
        _ => return true,
    };
    number.is_finite()
        && bound("minimum").is_none_or(|least| number >= least)
        && bound("maximum").is_none_or(|most| number <= most)
        && bound("exclusiveMinimum").is_none_or(|least| number > least)
        && bound("exclusiveMaximum").is_none_or(|most| number < most)
}

/// The schema of a dotted key within a section's schema.
fn find<'a>(schema: &'a Json, key: &str) -> Option<&'a Json> {
    key.split('.').try_fold(schema, |schema, part| schema.get("properties")?.get(part))
}

fn description(schema: &Json) -> String {
    schema.get("description").and_then(Json::as_str).unwrap_or_default().to_owned()
}

/// The allowed names of an enumeration, with their documentation.
fn choices(schema: &Json) -> Vec<(String, String)> {
    let alternatives = schema.get("oneOf").and_then(Json::as_array).into_iter().flatten();
    let mut found = Vec::new();
    for alternative in alternatives {
        if let Some(name) = alternative.get("const").and_then(Json::as_str) {
            found.push((name.to_owned(), description(alternative)));
        }
        let names = alternative.get("enum").and_then(Json::as_array).into_iter().flatten();
        found.extend(names.filter_map(Json::as_str).map(|name| (name.to_owned(), String::new())));
    }
    let names = schema.get("enum").and_then(Json::as_array).into_iter().flatten();
    found.extend(names.filter_map(Json::as_str).map(|name| (name.to_owned(), String::new())));
    found
}

/// What a value may be, in words.
fn range(schema: &Json) -> String {
    let names: Vec<String> = choices(schema).into_iter().map(|(name, _)| name).collect();
    if let Some((last, rest)) = names.split_last() {
        return if rest.is_empty() { last.clone() } else { format!("{} or {last}", rest.join(", ")) };
    }
    if let Some(items) = schema.get("items") {
        let each = range(items);
        let each = if each.is_empty() { each } else { format!(", each {each}") };
        return match (schema.get("minItems").and_then(Json::as_u64), each.is_empty()) {
            (None | Some(0), true) => String::new(),
            (None | Some(0), false) => format!("a list{each}"),
            (Some(least), _) => format!("a list of {least} or more{each}"),
        };
    }
    let bound = |name: &str| schema.get(name).and_then(Json::as_f64);
    let low = bound("minimum").map(|x| (format!("at least {x}"), x, true));
    let low = low.or_else(|| bound("exclusiveMinimum").map(|x| (format!("above {x}"), x, false)));
    let high = bound("maximum").map(|x| (format!("at most {x}"), x, true));
    let high = high.or_else(|| bound("exclusiveMaximum").map(|x| (format!("below {x}"), x, false)));
    match (low, high) {
        (Some((_, low, true)), Some((_, high, true))) => format!("within {low} and {high}"),
        (Some((low, ..)), Some((high, ..))) => format!("{low} and {high}"),
        (Some((bound, ..)), None) | (None, Some((bound, ..))) => bound,
        (None, None) => String::new(),
    }
}
