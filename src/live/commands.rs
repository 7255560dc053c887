//! The commands of the session and their keys.

use bevy::input::keyboard::KeyCode;

/// What a key of the session does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Begin or end a recorded episode.
    Record,
    /// Keep the recorded episode; in a list, choose.
    Keep,
    /// Discard the recorded episode.
    Discard,
    /// Choose another folder for what is saved.
    Folder,
    /// Train, or stop training.
    Train,
    /// Let the policy drive, or take over.
    Policy,
    /// Begin a new episode.
    NewEpisode,
    /// Open or close the list of scenes.
    Scenes,
    /// Switch the camera.
    Camera,
    /// Pause or resume.
    Pause,
    /// Run one tick.
    StepOnce,
    /// Half speed.
    Slower,
    /// Double speed.
    Faster,
    /// Real time.
    RealTime,
    /// Hide or show the panels.
    Panels,
    /// Open or close the help.
    Help,
    /// Close what is open.
    Close,
}

/// The keys of a command.
#[derive(Clone, Copy, Debug)]
pub struct CommandKeys {
    /// The command.
    pub command: Command,
    /// The character that types it, in lower case.
    pub letter: Option<char>,
    /// The key that has it on every keyboard.
    pub key: KeyCode,
    /// What it does, for the help.
    pub help: &'static str,
}

const fn keys(command: Command, letter: Option<char>, key: KeyCode, help: &'static str) -> CommandKeys {
    CommandKeys { command, letter, key, help }
}

/// The keys of all commands, in the order of the help. Every command has a function key or another key that is the same on
/// every keyboard: on some keyboards a letter is on a key that drives the agent, and driving has precedence.
pub const COMMANDS: [CommandKeys; 17] = [
    keys(Command::Record, Some('r'), KeyCode::F2, "record an episode; again: end it"),
    keys(Command::Keep, None, KeyCode::Enter, "keep the recorded episode"),
    keys(Command::Discard, None, KeyCode::Backspace, "discard the recorded episode"),
    keys(Command::Folder, Some('f'), KeyCode::Insert, "save into another folder"),
    keys(Command::Train, Some('t'), KeyCode::F3, "train on the dataset; again: stop training"),
    keys(Command::Policy, Some('p'), KeyCode::F4, "let the policy drive; again: take over"),
    keys(Command::NewEpisode, Some('n'), KeyCode::F10, "new episode"),
    keys(Command::Scenes, None, KeyCode::Tab, "choose a scene (arrows and Enter, or 1-9)"),
    keys(Command::Camera, Some('v'), KeyCode::F11, "camera: follow or free (mouse wheel: distance)"),
    keys(Command::Pause, None, KeyCode::F5, "pause or resume"),
    keys(Command::StepOnce, Some('.'), KeyCode::F6, "pause, and run one tick"),
    keys(Command::Slower, Some('['), KeyCode::F7, "half speed"),
    keys(Command::Faster, Some(']'), KeyCode::F8, "double speed"),
    keys(Command::RealTime, Some('\\'), KeyCode::F9, "real time"),
    keys(Command::Panels, Some('`'), KeyCode::F12, "hide or show the panels"),
    keys(Command::Help, Some('h'), KeyCode::F1, "this help"),
    keys(Command::Close, None, KeyCode::Escape, "close the help, the list of scenes or the training panel"),
];
