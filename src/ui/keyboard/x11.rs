//! The keyboard of an X server: what is printed on the keys, and which of them are down.

use bevy::input::keyboard::KeyCode;
use x11rb::connection::Connection;
use x11rb::protocol::xkb::{ConnectionExt as _, ID};
use x11rb::protocol::xproto::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

use crate::live::KeyboardLayout;

/// A connection to the X server.
pub struct Keyboard {
    connection: RustConnection,
}

impl Keyboard {
    /// Connect to the server of `DISPLAY`.
    pub fn connect() -> Option<Self> {
        let (connection, _) = x11rb::connect(None).ok()?;
        // Without the extension the first group of every key counts.
        let _ = connection.xkb_use_extension(1, 0).ok()?.reply();
        Some(Self { connection })
    }

    /// The characters that the keys type without a modifier.
    pub fn layout(&self) -> Option<KeyboardLayout> {
        let setup = self.connection.setup();
        let (first, count) = (setup.min_keycode, setup.max_keycode - setup.min_keycode + 1);
        let mapping = self.connection.get_keyboard_mapping(first, count).ok()?.reply().ok()?;
        let columns = usize::from(mapping.keysyms_per_keycode);
        let group = self.group().unwrap_or(0);
        let printed = KEYS.iter().filter_map(|(code, key)| {
            let row = usize::from((code + EVDEV_OFFSET).checked_sub(first)?) * columns;
            let keysyms = mapping.keysyms.get(row..row + columns)?;
            // Two columns for each group: without and with Shift. A key without this group has the first one.
            let of_group = keysyms.get(2 * group).copied().filter(|keysym| *keysym != 0);
            Some((*key, character(of_group.or_else(|| keysyms.first().copied())?)?))
        });
        Some(KeyboardLayout::new(printed))
    }

    /// The keys that are down.
    pub fn held(&self) -> Option<Vec<KeyCode>> {
        let down = self.connection.query_keymap().ok()?.reply().ok()?.keys;
        let is_down = |code: u8| down[usize::from(code / 8)] & (1 << (code % 8)) != 0;
        Some(KEYS.iter().filter(|(code, _)| is_down(code + EVDEV_OFFSET)).map(|(_, key)| *key).collect())
    }

    /// The active layout of several that the person switches between.
    fn group(&self) -> Option<usize> {
        let device = u16::from(ID::USE_CORE_KBD);
        let state = self.connection.xkb_get_state(device).ok()?.reply().ok()?;
        Some(usize::from(u8::from(state.group)))
    }
}

/// The character of a keysym: those of Latin-1 are their own code, other characters are Unicode with an offset.
fn character(keysym: u32) -> Option<char> {
    let character = match keysym {
        0x20..=0x7e | 0xa0..=0xff => char::from_u32(keysym),
        0x0100_0100..=0x0110_ffff => char::from_u32(keysym - 0x0100_0000),
        // Dead keys: accents that wait for a letter.
        0xfe50 => Some('`'),
        0xfe51 => Some('´'),
        0xfe52 => Some('^'),
        0xfe53 => Some('~'),
        0xfe57 => Some('¨'),
        _ => None,
    }?;
    (!character.is_whitespace() && !character.is_control())
        .then(|| character.to_lowercase().next().unwrap_or(character))
}

/// X key codes are the kernel's plus 8.
const EVDEV_OFFSET: u8 = 8;

/// The kernel's codes of the keys that type a character or drive an agent.
const KEYS: [(u8, KeyCode); 58] = [
    (2, KeyCode::Digit1),
    (3, KeyCode::Digit2),
    (4, KeyCode::Digit3),
    (5, KeyCode::Digit4),
    (6, KeyCode::Digit5),
    (7, KeyCode::Digit6),
    (8, KeyCode::Digit7),
    (9, KeyCode::Digit8),
    (10, KeyCode::Digit9),
    (11, KeyCode::Digit0),
    (12, KeyCode::Minus),
    (13, KeyCode::Equal),
    (16, KeyCode::KeyQ),
    (17, KeyCode::KeyW),
    (18, KeyCode::KeyE),
    (19, KeyCode::KeyR),
    (20, KeyCode::KeyT),
    (21, KeyCode::KeyY),
    (22, KeyCode::KeyU),
    (23, KeyCode::KeyI),
    (24, KeyCode::KeyO),
    (25, KeyCode::KeyP),
    (26, KeyCode::BracketLeft),
    (27, KeyCode::BracketRight),
    (29, KeyCode::ControlLeft),
    (30, KeyCode::KeyA),
    (31, KeyCode::KeyS),
    (32, KeyCode::KeyD),
    (33, KeyCode::KeyF),
    (34, KeyCode::KeyG),
    (35, KeyCode::KeyH),
    (36, KeyCode::KeyJ),
    (37, KeyCode::KeyK),
    (38, KeyCode::KeyL),
    (39, KeyCode::Semicolon),
    (40, KeyCode::Quote),
    (41, KeyCode::Backquote),
    (42, KeyCode::ShiftLeft),
    (43, KeyCode::Backslash),
    (44, KeyCode::KeyZ),
    (45, KeyCode::KeyX),
    (46, KeyCode::KeyC),
    (47, KeyCode::KeyV),
    (48, KeyCode::KeyB),
    (49, KeyCode::KeyN),
    (50, KeyCode::KeyM),
    (51, KeyCode::Comma),
    (52, KeyCode::Period),
    (53, KeyCode::Slash),
    (54, KeyCode::ShiftRight),
    (56, KeyCode::AltLeft),
    (57, KeyCode::Space),
    (97, KeyCode::ControlRight),
    (100, KeyCode::AltRight),
    (103, KeyCode::ArrowUp),
    (105, KeyCode::ArrowLeft),
    (106, KeyCode::ArrowRight),
    (108, KeyCode::ArrowDown),
];
