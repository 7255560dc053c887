//! Scene files: the shipped ones are valid, others are refused with position, finding and what is allowed.

use apprentice::scenes::{SceneError, builtin_names, find, parse};
use proptest::prelude::*;

const SLALOM: &str = include_str!("../../scenes/slalom.ron");
const CRATES: &str = include_str!("../../scenes/crates.ron");

fn refusal(text: &str) -> (usize, usize, String) {
    match parse("mine", "mine.ron", text) {
        Err(SceneError::Invalid { line, column, message, .. }) => (line, column, message),
        Ok(_) => panic!("accepted:\n{text}"),
        Err(error) => panic!("another error: {error}"),
    }
}

/// Line and column of `needle` in `text`.
fn position(text: &str, needle: &str) -> (usize, usize) {
    let at = text.find(needle).expect("the needle");
    let line = text[..at].matches('\n').count() + 1;
    (line, at - text[..at].rfind('\n').map_or(0, |i| i + 1) + 1)
}

#[test]
fn the_shipped_scenes_are_valid() {
    for name in builtin_names() {
        let scene = find(name).expect("a shipped scene");
        assert!(!scene.title().is_empty(), "{name} has a title");
        assert!(scene.blueprint.terms().iter().any(|(_, weight)| *weight != 0.0), "{name} rewards something");
    }
}

#[test]
fn an_unknown_name_gets_the_nearest() {
    let error = find("circiut").expect_err("a typing error").to_string();
    assert!(error.contains("did you mean `circuit`"), "{error}");
}

#[test]
fn an_unknown_field_is_named_with_its_place() {
    let text = SLALOM.replace("time_limit: 40.0", "time_limits: 40.0");
    let (line, _, message) = refusal(&text);
    assert_eq!(line, position(&text, "time_limits").0);
    assert!(message.contains("time_limits") && message.contains("time_limit"), "{message}");
}

#[test]
fn an_unknown_term_says_which_there_are() {
    let text = SLALOM.replace("\"gates\": 1.0", "\"gaits\": 1.0");
    let (line, column, message) = refusal(&text);
    assert_eq!((line, column), position(&text, "1.0, \"contact\""), "{message}");
    assert!(message.contains("gaits") && message.contains("progress, gates, contact, finish"), "{message}");
}

#[test]
fn impossible_numbers_are_refused_where_they_stand() {
    let text = CRATES.replace("mass: 25.0", "mass: -7.5");
    let (line, column, message) = refusal(&text);
    assert_eq!((line, column), position(&text, "-7.5"), "{message}");
    assert!(message.contains("-7.5") && message.contains("allowed"), "{message}");
    let text = SLALOM.replace("time_limit: 40.0", "time_limit: 0.0");
    let (line, column, _) = refusal(&text);
    assert_eq!((line, column), position(&text, "0.0,\n    ground"));
}

#[test]
fn what_would_never_end_is_refused() {
    let object = CRATES.split_once("objects: [").and_then(|(_, rest)| rest.split_once("],")).expect("objects").0;
    let many = CRATES.replace(object, &object.repeat(1000));
    assert!(refusal(&many).2.contains("number of objects is 1000"));
    let circuit = include_str!("../../scenes/circuit.ron").replace("(22.0, -36.0)", "(1e6, 0.0)");
    assert!(refusal(&circuit).2.contains("1000000"));
    assert!(refusal(&SLALOM.replace("cruise: 9.0", "cruise: 0.0")).2.contains("cruise"));
    assert!(refusal(&SLALOM.replace("\"progress\": 0.1", "\"progress\": 1e38")).2.contains("weight"));
}

#[test]
fn a_task_without_what_it_needs_is_refused() {
    let gates = SLALOM.lines().find(|l| l.contains("gates: (")).expect("the gates");
    let (.., message) = refusal(&SLALOM.replace(gates, ""));
    assert!(message.contains("needs `gates`"), "{message}");
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(cut in 0usize..SLALOM.len(), junk in "[\\(\\)\\[\\]\\{\\}:,\"a-z0-9 \\n/.-]{0,12}") {
        let cut = (0..=cut).rev().find(|i| SLALOM.is_char_boundary(*i)).unwrap_or(0);
        let text = format!("{}{junk}{}", &SLALOM[..cut], &SLALOM[cut..]);
        if let Err(SceneError::Invalid { line, column, .. }) = parse("mine", "mine.ron", &text) {
            prop_assert!(line >= 1 && column >= 1);
            prop_assert!(line <= text.matches('\n').count() + 1);
        }
    }
}
