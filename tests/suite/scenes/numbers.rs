//! No field of a scene file takes a number that is not finite, or one that no simulation can hold; names of files fit.

use std::ops::Range;

use apprentice::agents::vehicle::VehicleSpecification;
use apprentice::scenes::{SceneError, builtin_names, find, load_file, parse};

/// The numbers of a scene's text that are in no comment and no string.
fn numbers(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let code = line.split("//").next().unwrap_or(line);
        let mut in_string = false;
        let mut begin = None;
        for (at, c) in code.char_indices().chain([(code.len(), ' ')]) {
            in_string ^= c == '"';
            let part = !in_string && (c.is_ascii_digit() || c == '.' || c == '-');
            match (begin, part) {
                (None, true) => begin = Some(at),
                (Some(from), false) => {
                    found.push(start + from..start + at);
                    begin = None;
                }
                _ => {}
            }
        }
        start += line.len();
    }
    found
}

#[test]
fn every_number_of_every_scene_must_be_finite_and_in_range() {
    for name in builtin_names() {
        let text = find(name).expect("a scene").text;
        let numbers = numbers(&text);
        assert!(numbers.len() > 10, "{name}");
        for place in numbers {
            for bad in ["NaN", "inf", "-inf", "1e39", "-1e39", "1e30", "-1e30"] {
                let changed = format!("{}{bad}{}", &text[..place.start], &text[place.end..]);
                let before = &text[..place.start];
                match parse(name, "mine.ron", &changed) {
                    Err(SceneError::Invalid { line, .. }) => {
                        let expected = before.matches('\n').count() + 1;
                        // What contains the number, such as a curriculum stage, may begin in an earlier line.
                        assert!(line <= expected, "{name}: line {line} instead of {expected} for {bad} in\n{changed}");
                    }
                    other => panic!("{name}: {bad} at {:?}: {other:?} in\n{changed}", &text[place]),
                }
            }
        }
    }
}

#[test]
fn every_parameter_of_a_car_is_in_range() {
    let text = find("slalom").expect("a scene").text;
    let car = serde_json::to_value(VehicleSpecification::default()).expect("JSON");
    let fields: Vec<&String> = car.as_object().expect("fields").keys().collect();
    assert!(fields.len() > 20, "{fields:?}");
    for field in fields {
        let valid = text.replace("Vehicle()", &format!("Vehicle(car: ({field}: {}))", car[field]));
        parse("mine", "mine.ron", &valid).unwrap_or_else(|error| panic!("{field}: {error}"));
        for bad in ["NaN", "inf", "1e30", "-1e30"] {
            let changed = text.replace("Vehicle()", &format!("Vehicle(car: ({field}: {bad}))"));
            assert!(matches!(parse("mine", "mine.ron", &changed), Err(SceneError::Invalid { .. })), "{field}: {bad}");
        }
    }
}

#[test]
fn text_and_comments_may_say_anything() {
    let text = find("slalom").expect("a scene").text;
    let title = text.lines().find(|line| line.contains("title:")).expect("a title");
    for free in [
        "/* inf /* NaN */ 1e99 */ title: \"inf \\\" NaN, 1e39\",",
        "title: r#\"inf \"NaN\" 1e39\"#, // -inf",
        "title: r\"NaN\",",
    ] {
        parse("mine", "mine.ron", &text.replace(title, free)).unwrap_or_else(|error| panic!("{free}: {error}"));
        let bad = text.replace(title, free).replace("time_limit: 40.0", "time_limit: inf");
        let error = parse("mine", "mine.ron", &bad).unwrap_err().to_string();
        assert!(error.contains("inf is not a finite number"), "{free}: {error}");
    }
}

#[test]
fn a_name_that_no_recording_could_have_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let text = find("slalom").expect("a scene").text;
    for (name, valid) in [("a".repeat(100), true), ("a".repeat(101), false), ("a\u{1b}[2Jb".to_owned(), false)] {
        let path = dir.path().join(format!("{name}.ron"));
        std::fs::write(&path, &text).unwrap();
        let loaded = load_file(&path);
        assert_eq!(loaded.is_ok(), valid, "{name:?}");
        assert!(valid || matches!(loaded, Err(SceneError::Name { .. })), "{name:?}");
    }
}
