//! Scene files: the built-in ones are valid; invalid ones are rejected with position, cause and what is allowed.

use apprentice::scenes::{SceneError, builtin_names, find, parse};
use proptest::prelude::*;

const SLALOM: &str = include_str!("../../../scenes/slalom.ron");
const CRATES: &str = include_str!("../../../scenes/crates.ron");

fn rejection(text: &str) -> (usize, usize, String) {
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
fn the_built_in_scenes_are_valid() {
    for name in builtin_names() {
        let scene = find(name).expect("a built-in scene");
        assert!(!scene.title().is_empty(), "{name} has a title");
        assert!(scene.blueprint.terms().iter().any(|(_, weight)| *weight != 0.0), "{name} has a reward term");
    }
}

#[test]
fn an_unknown_name_suggests_the_most_similar() {
    let error = find("circiut").expect_err("a typing error").to_string();
    assert!(error.contains("did you mean `circuit`"), "{error}");
}

#[test]
fn an_unknown_field_is_rejected_with_its_position() {
    let text = SLALOM.replace("time_limit: 40.0", "time_limits: 40.0");
    let (line, _, message) = rejection(&text);
    assert_eq!(line, position(&text, "time_limits").0);
    assert!(message.contains("time_limits") && message.contains("time_limit"), "{message}");
}

#[test]
fn an_unknown_reward_term_lists_the_known_ones() {
    let text = SLALOM.replace("\"gates\": 1.0", "\"gaits\": 1.0");
    let (line, column, message) = rejection(&text);
    assert_eq!((line, column), position(&text, "1.0, \"contact\""), "{message}");
    assert!(message.contains("gaits") && message.contains("progress, gates, contact, finish"), "{message}");
}

#[test]
fn numbers_out_of_range_are_rejected_with_their_position() {
    let text = CRATES.replace("mass: 25.0", "mass: -7.5");
    let (line, column, message) = rejection(&text);
    assert_eq!((line, column), position(&text, "-7.5"), "{message}");
    assert!(message.contains("-7.5") && message.contains("must be between"), "{message}");
    let text = SLALOM.replace("time_limit: 40.0", "time_limit: 0.0");
    let (line, column, _) = rejection(&text);
    assert_eq!((line, column), position(&text, "0.0,\n    ground"));
}

#[test]
fn sizes_that_cannot_be_simulated_are_rejected() {
    let object = CRATES.split_once("objects: [").and_then(|(_, rest)| rest.split_once("],")).expect("objects").0;
    let many = CRATES.replace(object, &object.repeat(1000));
    assert!(rejection(&many).2.contains("number of objects is 1000"));
    let circuit = include_str!("../../../scenes/circuit.ron").replace("(22.0, -36.0)", "(1e6, 0.0)");
    assert!(rejection(&circuit).2.contains("1000000"));
    assert!(rejection(&SLALOM.replace("cruise: 9.0", "cruise: 0.0")).2.contains("cruise"));
    assert!(rejection(&SLALOM.replace("\"progress\": 0.1", "\"progress\": 1e38")).2.contains("weight"));
}

#[test]
fn a_task_without_its_layout_is_rejected() {
    let gates = SLALOM.lines().find(|l| l.contains("gates: (")).expect("the gates");
    let (.., message) = rejection(&SLALOM.replace(gates, ""));
    assert!(message.contains("needs `gates`"), "{message}");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(cut in 0usize..SLALOM.len(), junk in "[\\(\\)\\[\\]\\{\\}:,\"a-z0-9 \\n/.-]{0,12}") {
        let cut = (0..=cut).rev().find(|i| SLALOM.is_char_boundary(*i)).unwrap_or(0);
        let text = format!("{}{junk}{}", &SLALOM[..cut], &SLALOM[cut..]);
        if let Err(SceneError::Invalid { line, column, .. }) = parse("mine", "mine.ron", &text) {
            prop_assert!(line >= 1 && column >= 1);
            prop_assert!(line <= text.matches('\n').count() + 1);
        }
    }
}
