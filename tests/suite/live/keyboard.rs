//! The keyboard: driving keys by position, commands by letter, caps as printed, and what is held when the focus returns.

use apprentice::agents::Driver;
use apprentice::live::{COMMANDS, Command, KeyboardLayout, KeyboardState, Request, command_of, digit_of};
use apprentice::scenes::find;
use bevy::input::ButtonState;
use bevy::input::keyboard::{Key, KeyCode};
use proptest::prelude::*;

use crate::testing::live::{Live, STEER, THROTTLE};

/// The three rows of letters of a US keyboard.
const ROWS: [KeyCode; 31] = [
    KeyCode::KeyQ,
    KeyCode::KeyW,
    KeyCode::KeyE,
    KeyCode::KeyR,
    KeyCode::KeyT,
    KeyCode::KeyY,
    KeyCode::KeyU,
    KeyCode::KeyI,
    KeyCode::KeyO,
    KeyCode::KeyP,
    KeyCode::BracketLeft,
    KeyCode::KeyA,
    KeyCode::KeyS,
    KeyCode::KeyD,
    KeyCode::KeyF,
    KeyCode::KeyG,
    KeyCode::KeyH,
    KeyCode::KeyJ,
    KeyCode::KeyK,
    KeyCode::KeyL,
    KeyCode::Semicolon,
    KeyCode::KeyZ,
    KeyCode::KeyX,
    KeyCode::KeyC,
    KeyCode::KeyV,
    KeyCode::KeyB,
    KeyCode::KeyN,
    KeyCode::KeyM,
    KeyCode::Comma,
    KeyCode::Period,
    KeyCode::Slash,
];

/// What the same keys print elsewhere.
const LAYOUTS: [(&str, &str); 6] = [
    ("us", "qwertyuiop[asdfghjkl;zxcvbnm,./"),
    ("german", "qwertzuiopüasdfghjklöyxcvbnm,.-"),
    ("french", "azertyuiop^qsdfghjklmwxcvbn,;:!"),
    ("dvorak", "',.pyfgcrl/aoeuidhtns;qjkxbmwvz"),
    ("colemak", "qwfpgjluy;[arstdhneiozxcvbkm,./"),
    ("russian", "йцукенгшщзхфывапролджячсмитьбю."),
];

fn layout(printed: &str) -> KeyboardLayout {
    KeyboardLayout::new(ROWS.into_iter().zip(printed.chars()))
}

fn character(c: char) -> Key {
    Key::Character(c.to_string().into())
}

/// The driving keys of a scene's agent.
fn driving_keys(scene: &str) -> Vec<KeyCode> {
    let bindings = find(scene).expect("a shipped scene").blueprint.bindings();
    bindings.bindings.into_iter().flat_map(|binding| binding.keys).collect()
}

/// The event of a key: its position and what the layout prints on it.
fn command(layout: &KeyboardLayout, key: KeyCode, driving: &[KeyCode]) -> Option<Command> {
    let logical = match key {
        KeyCode::Enter => Key::Enter,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Tab => Key::Tab,
        KeyCode::Escape => Key::Escape,
        KeyCode::F1 => Key::F1,
        _ => layout.character(key).map_or(Key::F35, character),
    };
    command_of(key, &logical, driving)
}

#[test]
fn every_command_has_a_key_on_every_keyboard_and_the_caps_name_it() {
    for (name, printed) in LAYOUTS {
        let layout = layout(printed);
        for scene in ["circuit", "courtyard"] {
            let driving = driving_keys(scene);
            for keys in COMMANDS {
                let cap = layout.name_of(keys.command, &driving);
                let position = ROWS.into_iter().find(|key| layout.name(*key) == cap && !driving.contains(key));
                let pressed = position.unwrap_or(keys.key);
                let found = command(&layout, pressed, &driving);
                assert_eq!(found, Some(keys.command), "{name}, {scene}: {cap} at {pressed:?}");
            }
            for key in &driving {
                assert_eq!(command(&layout, *key, &driving), None, "{name}, {scene}: {key:?} drives");
            }
        }
    }
}

#[test]
fn commands_go_by_the_letter_and_driving_keys_by_their_place() {
    let car = driving_keys("circuit");
    // Dvorak prints r where a US keyboard has o, and p where it has r.
    assert_eq!(command_of(KeyCode::KeyO, &character('r'), &car), Some(Command::Record));
    assert_eq!(command_of(KeyCode::KeyR, &character('p'), &car), Some(Command::Policy));
    assert_eq!(command_of(KeyCode::KeyR, &character('R'), &car), Some(Command::Record), "with Shift");
    // Another script has the letters at the same places.
    assert_eq!(command_of(KeyCode::KeyR, &character('к'), &car), Some(Command::Record));
    // Colemak prints r on the brake: the function key records, and the caps say so.
    let colemak = layout(LAYOUTS[4].1);
    assert_eq!(command_of(KeyCode::KeyS, &character('r'), &car), None);
    assert_eq!(colemak.name_of(Command::Record, &car), "F2");
    assert_eq!(command_of(KeyCode::F2, &Key::F2, &car), Some(Command::Record));
    let french = layout(LAYOUTS[2].1);
    assert_eq!([KeyCode::KeyW, KeyCode::KeyA].map(|key| french.name(key)), ["Z", "Q"], "caps of the driving keys");
    assert_eq!(layout(LAYOUTS[3].1).name_of(Command::Record, &car), "R");
    // Digits of a French keyboard need Shift; their keys count as they are.
    assert_eq!(digit_of(KeyCode::Digit2, &character('é')), Some(2));
    assert_eq!(digit_of(KeyCode::Numpad7, &character('7')), Some(7));
    assert_eq!(digit_of(KeyCode::KeyQ, &character('q')), None);
}

proptest! {
    /// No key has two meanings, and none panics, whatever a layout prints on it.
    #[test]
    fn a_driving_key_is_never_a_command(place in 0..ROWS.len(), printed in any::<char>()) {
        let driving = driving_keys("courtyard");
        let found = command_of(ROWS[place], &character(printed), &driving);
        prop_assert!(found.is_none() || !driving.contains(&ROWS[place]));
        prop_assert!(!KeyboardLayout::new([(ROWS[place], printed)]).name(ROWS[place]).is_empty());
    }
}

#[test]
fn what_is_held_is_taken_anew_when_the_focus_returns() {
    let mut live = Live::open();
    live.ticks(2);
    // Pressed, lost and released elsewhere, all within one frame.
    live.key(KeyCode::KeyW, ButtonState::Pressed);
    live.world().write_message(KeyboardState::default());
    live.ticks(30);
    assert_eq!(live.action()[THROTTLE], 0.0, "nothing is held");
    // Held before, released elsewhere; another key is held at the return.
    live.key(KeyCode::KeyW, ButtonState::Pressed);
    live.ticks(20);
    assert_eq!(live.action()[THROTTLE], 1.0);
    live.world().write_message(KeyboardState(vec![KeyCode::KeyA]));
    live.ticks(30);
    assert_eq!(live.action()[THROTTLE], 0.0);
    assert_eq!(live.action()[STEER], 1.0, "the key that is down at the return steers");
    live.key(KeyCode::KeyA, ButtonState::Released);
    live.ticks(30);
    assert_eq!(live.action()[STEER], 0.0);
}

#[test]
fn keys_that_are_held_at_a_take_over_drive_at_once_and_before_it_the_session_says_who_drives() {
    let mut live = Live::open();
    for _ in 0..2 {
        live.record(30);
        live.request(Request::KeepEpisode);
    }
    live.train();
    live.request(Request::TogglePolicy);
    live.ticks(3);
    live.key(KeyCode::KeyV, ButtonState::Pressed);
    live.tick();
    assert!(live.notice().1.contains("the policy drives"), "another key says nothing: {:?}", live.notice());
    live.key(KeyCode::KeyS, ButtonState::Pressed);
    live.tick();
    assert_eq!(live.notice(), (false, "you do not drive; P takes over"));
    live.request(Request::TogglePolicy);
    assert_eq!(live.driver(), Driver::Human);
    live.ticks(30);
    assert!(live.action()[THROTTLE] < 0.0 || live.action()[2] > 0.5, "the brake is held: {:?}", live.action());
}
