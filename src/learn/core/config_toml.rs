//! A configuration from TOML, from `key=value`, and back.

use std::path::Path;

use toml::{Table, Value};

use super::config::{LearnerSpec, TrainConfig};
use super::overrides::{self, KeyError};
use super::section::{AnySection, Section};
use crate::learn::TrainError;

impl TrainConfig {
    /// The defaults of a learner, then a file, then `key=value` overrides with dotted keys
    /// (`optimizer.learning_rate=3e-4`), checked.
    ///
    /// # Errors
    /// The file cannot be read, a key is unknown (the nearest is named), or a value has the wrong type or is out of
    /// range.
    pub fn load(spec: &'static dyn LearnerSpec, file: Option<&Path>, overrides: &[String]) -> Result<Self, TrainError> {
        Self::defaults(spec).changed(file, overrides)
    }

    /// This configuration with the values of a file, then of `key=value` overrides, checked.
    ///
    /// # Errors
    /// As [`TrainConfig::load`].
    pub fn changed(self, file: Option<&Path>, overrides: &[String]) -> Result<Self, TrainError> {
        let mut config = match file {
            None => self,
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(TrainError::io("read", path))?;
                self.with_toml(&text, &path.display().to_string())?
            }
        };
        overrides.iter().try_for_each(|text| config.set(text))?;
        config.check("the training configuration")?;
        Ok(config)
    }

    /// This configuration with the values of a TOML text; keys that it lacks keep theirs. Does not check ranges.
    ///
    /// # Errors
    /// A syntax error, an unknown key, a value of the wrong type, or the configuration of another learner; `origin` is
    /// named in the message.
    pub fn with_toml(&self, text: &str, origin: &str) -> Result<Self, TrainError> {
        let fail = |message: String| TrainError::Config { origin: origin.into(), message };
        let mut table: Table = toml::from_str(text).map_err(|error| fail(error.to_string()))?;
        if let Some(Value::Table(training)) = table.get_mut("training")
            && let Some(Value::String(learner)) = training.get("learner").cloned()
            && learner != self.spec.name()
        {
            if !self.spec.accepts_config_of(&learner) {
                return Err(fail(self.other_learner(&learner)));
            }
            training.remove("learner");
        }
        let all = self.to_table();
        let mut merged = all.clone();
        overrides::merge(&mut merged, &all, &table).map_err(|error| fail(self.key_error(error)))?;
        self.with_table(merged).map_err(|(section, message)| {
            // The text of one section by itself names the line of a value of the wrong type.
            let line =
                overrides::line_of_section(text, &section).map_or(String::new(), |line| format!("line {line}, "));
            fail(format!("{line}[{section}]: {message}"))
        })
    }

    /// Set one key from `key=value`. The value is TOML; anything else is a string. Does not check ranges.
    ///
    /// # Errors
    /// No `=`, an unknown key, or a value of the wrong type.
    pub fn set(&mut self, assignment: &str) -> Result<(), TrainError> {
        let fail = |message: String| TrainError::Config { origin: format!("override {assignment:?}"), message };
        let mut table = self.to_table();
        let (key, text, old) = overrides::apply(&mut table, assignment).map_err(|error| fail(self.key_error(error)))?;
        if key == "training.learner" && text.trim_matches(['"', '\'']) != self.spec.name() {
            return Err(fail(self.other_learner(&text)));
        }
        let old = old.map_or(String::new(), |old| format!("; it is {old} now"));
        *self =
            self.with_table(table).map_err(|(_, message)| fail(format!("{key} cannot be {text} ({message}){old}")))?;
        Ok(())
    }

    fn other_learner(&self, learner: &str) -> String {
        format!(
            "the settings are those of `train {learner}`, not of `train {}`; use that command, or leave training.learner out",
            self.spec.name()
        )
    }

    fn key_error(&self, error: KeyError) -> String {
        match error {
            KeyError::Unknown { key, nearest } => {
                let name = self.spec.name();
                let section = key.split('.').next().unwrap_or_default();
                let similar = |own: &dyn AnySection| strsim::jaro_winkler(own.name(), section) > 0.9;
                let other = key.contains('.') && !self.all_sections().into_iter().any(similar);
                match (other, nearest) {
                    (true, Some(meant)) => format!("train {name} does not read {section}.*; did you mean {meant}?"),
                    (true, None) => format!("train {name} does not read {section}.*; leave {key} out"),
                    (false, Some(meant)) => format!("there is no key {key}; did you mean {meant}?"),
                    (false, None) => {
                        format!("there is no key {key}; `apprentice train {name} --print-config` prints all keys")
                    }
                }
            }
            KeyError::Syntax => "it must be key=value, such as training.steps=2000".into(),
        }
    }

    /// The same learner with the values of `table`; the section and the message where one does not fit.
    fn with_table(&self, mut table: Table) -> Result<Self, (String, String)> {
        fn take<T: Section>(table: &mut Table) -> Result<T, (String, String)> {
            let value = table.remove(T::NAME).unwrap_or_else(|| Value::Table(Table::new()));
            value.try_into().map_err(|error: toml::de::Error| (T::NAME.to_owned(), error.to_string().trim().to_owned()))
        }
        let mut config = Self {
            spec: self.spec,
            network: take(&mut table)?,
            head: take(&mut table)?,
            optimizer: take(&mut table)?,
            init: take(&mut table)?,
            sections: self.sections.clone(),
            training: take(&mut table)?,
        };
        for section in &mut config.sections {
            let Some(Value::Table(values)) = table.remove(section.name()) else { continue };
            *section = section
                .with_values(values)
                .map_err(|error| (section.name().to_owned(), error.to_string().trim().to_owned()))?;
        }
        Ok(config)
    }

    /// Every key with its value, as TOML.
    ///
    /// # Errors
    /// A number that TOML cannot hold.
    pub fn to_toml(&self) -> Result<String, TrainError> {
        let texts: Result<Vec<String>, _> = self.all_sections().into_iter().map(AnySection::to_text).collect();
        texts
            .map(|texts| texts.join("\n"))
            .map_err(|e| TrainError::Config { origin: "the training configuration".into(), message: e.to_string() })
    }

    /// The dotted keys in which two configurations differ, with both values.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        overrides::differences(&self.to_table(), &other.to_table())
    }
}
