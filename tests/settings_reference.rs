//! `docs/settings.md` is generated from the documentation of the settings. A test program of its own: the suite registers
//! learners, networks and heads, which the page would list.

use std::path::Path;

use apprentice::learn::settings_reference;

/// What stands after this line is written by hand.
const END: &str = "<!-- generated above -->";

/// `UPDATE_DOCS=1 cargo test --release --test settings_reference` writes the page anew.
#[test]
fn the_page_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/settings.md");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let by_hand = text.split_once(END).map_or("", |(_, rest)| rest);
    let expected = format!("{}\n{END}{by_hand}", settings_reference().unwrap());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let now = std::fs::read_to_string(&path).unwrap();
    assert!(now == expected, "docs/settings.md is stale: run this test with UPDATE_DOCS=1");
}

/// Every setting has documentation.
#[test]
fn no_setting_is_undocumented() {
    for learner in apprentice::learn::learners() {
        let config = apprentice::learn::TrainConfig::defaults(learner);
        for section in config.all_sections() {
            assert!(
                !apprentice::learn::section_description(section).is_empty(),
                "[{}] has no documentation",
                section.name()
            );
            for doc in apprentice::learn::setting_docs(section) {
                assert!(!doc.description.is_empty(), "{}.{} has no documentation", section.name(), doc.key);
            }
        }
    }
}
