//! The person's keyboard: what is printed on the keys, and which commands they have.

use std::collections::HashMap;

use bevy::input::keyboard::{Key, KeyCode, KeyboardInput};

use super::commands::{COMMANDS, Command};

/// What is printed on the keys: the person's keyboard layout. Keys that drive the agent are meant by their position, as
/// W A S D are one hand's; commands are meant by the letter on the key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyboardLayout {
    /// The character that a key types without a modifier, where it differs from a US keyboard or was observed.
    printed: HashMap<KeyCode, char>,
}

impl KeyboardLayout {
    /// A layout in which these keys type these characters; the others are those of a US keyboard.
    pub fn new(printed: impl IntoIterator<Item = (KeyCode, char)>) -> Self {
        Self { printed: printed.into_iter().collect() }
    }

    /// Learn from a key event. `modified`: Shift, AltGr or another modifier is down, so that the character is not the one
    /// that the key has by itself. Returns whether the key types another character than was known: the person has changed
    /// the layout.
    pub fn observe(&mut self, event: &KeyboardInput, modified: bool) -> bool {
        match &event.logical_key {
            Key::Character(text) if !modified => single(text).is_some_and(|character| {
                let known = self.character(event.key_code);
                self.printed.insert(event.key_code, character);
                known != Some(character)
            }),
            _ => false,
        }
    }

    /// The character that a key types; `None` for keys such as Shift or F1.
    pub fn character(&self, key: KeyCode) -> Option<char> {
        self.printed.get(&key).copied().or_else(|| us_character(key))
    }

    /// The characters that differ from a US keyboard or were observed, with their capitals.
    pub fn characters(&self) -> impl Iterator<Item = char> {
        self.printed.values().flat_map(|character| character.to_uppercase().chain([*character]))
    }

    /// The key as it is printed on the keyboard.
    pub fn name(&self, key: KeyCode) -> String {
        if let Some(character) = self.character(key) {
            return character.to_uppercase().collect();
        }
        match key {
            KeyCode::ArrowUp => "Up".to_owned(),
            KeyCode::ArrowDown => "Down".to_owned(),
            KeyCode::ArrowLeft => "Left".to_owned(),
            KeyCode::ArrowRight => "Right".to_owned(),
            KeyCode::ShiftLeft | KeyCode::ShiftRight => "Shift".to_owned(),
            KeyCode::ControlLeft | KeyCode::ControlRight => "Ctrl".to_owned(),
            KeyCode::Escape => "Esc".to_owned(),
            _ => format!("{key:?}"),
        }
    }

    /// The key of a command, as it is printed: the letter, or the function key where the letter is on a key that drives the
    /// agent or on none.
    pub fn name_of(&self, command: Command, driving: &[KeyCode]) -> String {
        let keys = COMMANDS.iter().find(|keys| keys.command == command);
        let by_letter = LETTER_KEYS
            .iter()
            .filter(|(key, _)| !driving.contains(key))
            .find(|(key, _)| self.character(*key).and_then(|character| by_character(*key, character)) == Some(command));
        match (by_letter, keys) {
            (Some((key, _)), _) => self.name(*key),
            (None, Some(keys)) => self.name(keys.key),
            (None, None) => String::new(),
        }
    }
}

/// The command of a key event. Keys that drive the agent, `driving`, have none.
pub fn command_of(key: KeyCode, logical: &Key, driving: &[KeyCode]) -> Option<Command> {
    if driving.contains(&key) {
        return None;
    }
    match logical {
        Key::Character(text) => by_character(key, single(text)?),
        Key::Enter => Some(Command::Keep),
        Key::Backspace => Some(Command::Discard),
        Key::Tab => Some(Command::Scenes),
        Key::Escape => Some(Command::Close),
        _ => by_position(key),
    }
}

/// The command of a key that types `character`. A keyboard of another script has the letters where a US keyboard has them.
fn by_character(key: KeyCode, character: char) -> Option<Command> {
    if !character.is_ascii() {
        return by_position(key);
    }
    COMMANDS.iter().find(|keys| keys.letter == Some(character)).map(|keys| keys.command)
}

fn by_position(key: KeyCode) -> Option<Command> {
    let named = COMMANDS.iter().find(|keys| keys.key == key).map(|keys| keys.command);
    match key {
        KeyCode::NumpadEnter => Some(Command::Keep),
        KeyCode::Pause => Some(Command::Pause),
        _ => named.or_else(|| {
            let letter = us_character(key)?;
            COMMANDS.iter().find(|keys| keys.letter == Some(letter)).map(|keys| keys.command)
        }),
    }
}

/// The digit that a key types or has on a US keyboard, 1 to 9.
pub fn digit_of(key: KeyCode, logical: &Key) -> Option<usize> {
    let typed = match logical {
        Key::Character(text) => single(text).filter(char::is_ascii_digit),
        _ => None,
    };
    let digit = typed.or_else(|| us_character(key).filter(char::is_ascii_digit))?;
    digit.to_digit(10).filter(|n| *n > 0).map(|n| n as usize)
}

/// The only character of a text, in lower case.
fn single(text: &str) -> Option<char> {
    let mut characters = text.chars().flat_map(char::to_lowercase);
    characters.next().filter(|_| characters.next().is_none())
}

fn us_character(key: KeyCode) -> Option<char> {
    LETTER_KEYS.iter().find(|(k, _)| *k == key).map(|(_, character)| *character)
}

/// The keys that type a character, with those of a US keyboard.
const LETTER_KEYS: [(KeyCode, char); 47] = [
    (KeyCode::KeyA, 'a'),
    (KeyCode::KeyB, 'b'),
    (KeyCode::KeyC, 'c'),
    (KeyCode::KeyD, 'd'),
    (KeyCode::KeyE, 'e'),
    (KeyCode::KeyF, 'f'),
    (KeyCode::KeyG, 'g'),
    (KeyCode::KeyH, 'h'),
    (KeyCode::KeyI, 'i'),
    (KeyCode::KeyJ, 'j'),
    (KeyCode::KeyK, 'k'),
    (KeyCode::KeyL, 'l'),
    (KeyCode::KeyM, 'm'),
    (KeyCode::KeyN, 'n'),
    (KeyCode::KeyO, 'o'),
    (KeyCode::KeyP, 'p'),
    (KeyCode::KeyQ, 'q'),
    (KeyCode::KeyR, 'r'),
    (KeyCode::KeyS, 's'),
    (KeyCode::KeyT, 't'),
    (KeyCode::KeyU, 'u'),
    (KeyCode::KeyV, 'v'),
    (KeyCode::KeyW, 'w'),
    (KeyCode::KeyX, 'x'),
    (KeyCode::KeyY, 'y'),
    (KeyCode::KeyZ, 'z'),
    (KeyCode::Digit1, '1'),
    (KeyCode::Digit2, '2'),
    (KeyCode::Digit3, '3'),
    (KeyCode::Digit4, '4'),
    (KeyCode::Digit5, '5'),
    (KeyCode::Digit6, '6'),
    (KeyCode::Digit7, '7'),
    (KeyCode::Digit8, '8'),
    (KeyCode::Digit9, '9'),
    (KeyCode::Digit0, '0'),
    (KeyCode::Minus, '-'),
    (KeyCode::Equal, '='),
    (KeyCode::BracketLeft, '['),
    (KeyCode::BracketRight, ']'),
    (KeyCode::Backslash, '\\'),
    (KeyCode::Semicolon, ';'),
    (KeyCode::Quote, '\''),
    (KeyCode::Backquote, '`'),
    (KeyCode::Comma, ','),
    (KeyCode::Period, '.'),
    (KeyCode::Slash, '/'),
];
