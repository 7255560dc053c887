//! A configuration as TOML with the documentation of each setting.

use std::fmt::Write as _;

use super::config::TrainConfig;
use super::section;
use crate::learn::TrainError;

impl TrainConfig {
    /// As [`TrainConfig::to_toml`], with the documentation and the range of each key as comments.
    ///
    /// # Errors
    /// A number that TOML cannot hold.
    pub fn to_documented_toml(&self) -> Result<String, TrainError> {
        let mut out = format!("# Settings of `apprentice train {}`.\n", self.spec().name());
        for section in self.all_sections() {
            let text = section
                .to_text()
                .map_err(|e| TrainError::Config { origin: section.name().into(), message: e.to_string() })?;
            let docs = section::setting_docs(section);
            out.push('\n');
            comment(&mut out, &section::section_description(section));
            for (key, line) in section::keyed_lines(&text, section.name()) {
                if let Some(doc) = key.and_then(|key| docs.iter().find(|doc| doc.key == key)) {
                    out.push('\n');
                    comment(&mut out, &doc.description);
                    for (name, about) in &doc.choices {
                        comment(&mut out, &format!("- {name}: {about}"));
                    }
                    if doc.choices.is_empty() && !doc.range.is_empty() {
                        comment(&mut out, &format!("Range: {}.", doc.range));
                    }
                }
                let _ = writeln!(out, "{line}");
            }
        }
        Ok(out)
    }
}

/// Append a text as comment lines of at most 100 characters.
fn comment(out: &mut String, text: &str) {
    for paragraph in text.split("\n\n") {
        let mut line = String::from("#");
        for word in paragraph.split_whitespace() {
            if line.len() + 1 + word.len() > 100 {
                let _ = writeln!(out, "{line}");
                line = String::from("#");
            }
            line.push(' ');
            line.push_str(word);
        }
        if line.len() > 1 {
            let _ = writeln!(out, "{line}");
        }
    }
}
