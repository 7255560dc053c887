//! The reference of all settings, in Markdown: `docs/settings.md` is this text.

use std::fmt::Write as _;

use super::core::config::LearnerSpec;
use super::core::requirements::Need;
use super::core::section::{self, AnySection, SettingDoc};
use super::registry::learners;
use super::{TrainConfig, TrainError};

/// Every learner with its inputs and sections, every section with its settings (documentation, default, range), and the
/// defaults that differ from learner to learner.
///
/// # Errors
/// A default that TOML cannot hold.
pub fn settings_reference() -> Result<String, TrainError> {
    let all: Vec<TrainConfig> = learners().into_iter().map(TrainConfig::defaults).collect();
    let mut out = String::from(
        "# Settings\n\nGenerated from the documentation of the settings in the source. `apprentice train NAME \
         --print-config` prints those of one learner as TOML, with its own defaults; edit the text and give it back with \
         `--config`, or set single keys with `--set KEY=VALUE`.\n\n## Learners\n\n",
    );
    out.push_str(
        "| `apprentice train` | what it learns | `--dataset` | `--scene` | sections |\n|---|---|---|---|---|\n",
    );
    for config in &all {
        learner_row(&mut out, config);
    }
    let mut known: Vec<Box<dyn AnySection>> = Vec::new();
    for section in all.iter().flat_map(TrainConfig::all_sections) {
        // The sections of one name differ in their settings, such as `reward` of ppo and of gail.
        let settings = section::setting_docs(section);
        let same = |other: &dyn AnySection| other.name() == section.name() && section::setting_docs(other) == settings;
        if !known.iter().any(|other| same(other.as_ref())) {
            known.push(section.boxed());
        }
    }
    for section in &known {
        section_table(&mut out, section.as_ref(), &all);
    }
    Ok(out)
}

fn learner_row(out: &mut String, config: &TrainConfig) {
    let spec: &dyn LearnerSpec = config.spec();
    let needs = spec.requirements();
    let word = |need: Need| match need {
        Need::No => "-",
        Need::Optional => "optional",
        Need::Required => "required",
    };
    let dataset = if needs.dataset == Need::No { needs.episodes } else { needs.dataset };
    let sections: Vec<String> = config.all_sections().iter().map(|s| format!("`{}`", s.name())).collect();
    let (name, about) = (spec.name(), spec.about());
    let _ =
        writeln!(out, "| `{name}` | {about} | {} | {} | {} |", word(dataset), word(needs.scene), sections.join(", "));
}

/// The learners whose configuration has a section with these settings.
fn users<'a>(section: &dyn AnySection, all: &'a [TrainConfig]) -> Vec<&'a TrainConfig> {
    let settings = section::setting_docs(section);
    let has = |config: &&TrainConfig| {
        config.all_sections().iter().any(|s| s.name() == section.name() && section::setting_docs(*s) == settings)
    };
    all.iter().filter(has).collect()
}

fn section_table(out: &mut String, section: &dyn AnySection, all: &[TrainConfig]) {
    let users = users(section, all);
    let readers: Vec<&str> = users.iter().map(|config| config.spec().name()).collect();
    let readers = if users.len() == all.len() { "all learners".to_owned() } else { readers.join(", ") };
    let name = section.name();
    let about = section::section_description(section);
    let _ = writeln!(out, "\n## `[{name}]`\n\n{about} Read by {readers}.\n");
    out.push_str("| setting | default | range | |\n|---|---|---|---|\n");
    for doc in section::setting_docs(section) {
        let default = default_cell(&doc, name, &users);
        let description = doc.description.split_whitespace().collect::<Vec<_>>().join(" ");
        let choices: Vec<String> = doc
            .choices
            .iter()
            .map(|(choice, about)| {
                format!("<br>`{choice}`: {}", about.split_whitespace().collect::<Vec<_>>().join(" "))
            })
            .collect();
        let range = if doc.choices.is_empty() { doc.range.as_str() } else { "" };
        let text = format!("{description}{}", choices.concat()).replace('|', "\\|");
        let _ = writeln!(out, "| `{name}.{}` | {default} | {range} | {text} |", doc.key);
    }
}

/// The default of most learners, then those that differ with their learners.
fn default_cell(doc: &SettingDoc, section: &str, users: &[&TrainConfig]) -> String {
    let mut values: Vec<(String, Vec<&str>)> = Vec::new();
    for config in users {
        let Some(found) = config.all_sections().into_iter().find(|s| s.name() == section) else { continue };
        let text = found.to_text().unwrap_or_default();
        let lines = section::keyed_lines(&text, section);
        let value =
            lines.iter().find(|(key, _)| key.as_deref() == Some(&doc.key)).and_then(|(_, line)| line.split_once(" = "));
        let value = value.map_or(String::new(), |(_, value)| value.to_owned());
        match values.iter_mut().find(|(known, _)| *known == value) {
            Some((_, learners)) => learners.push(config.spec().name()),
            None => values.push((value, vec![config.spec().name()])),
        }
    }
    if doc.key == "learner" {
        return "the learner".to_owned();
    }
    let Some(most) = values.iter().map(|(_, learners)| learners.len()).max() else { return String::new() };
    // Equal counts: the first learner's.
    let common = values.iter().position(|(_, learners)| learners.len() == most).unwrap_or(0);
    let (value, _) = values.remove(common);
    let others: Vec<String> =
        values.iter().map(|(value, learners)| format!("<br>`{value}`: {}", learners.join(", "))).collect();
    format!("`{value}`{}", others.concat())
}
