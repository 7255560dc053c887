//! Lookup of built-in scenes and scene files.

use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use super::blueprint::{Scene, SceneError};
use super::finite::first_not_finite;
use super::locate::position_of;
use super::specification::SceneSpecification;
use super::validate::validate;

/// Built-in scenes: name and text.
const BUILTIN: [(&str, &str); 14] = [
    ("circuit", include_str!("../../scenes/circuit.ron")),
    ("slalom", include_str!("../../scenes/slalom.ron")),
    ("parking", include_str!("../../scenes/parking.ron")),
    ("traffic", include_str!("../../scenes/traffic.ron")),
    ("courtyard", include_str!("../../scenes/courtyard.ron")),
    ("crates", include_str!("../../scenes/crates.ron")),
    ("fork", include_str!("../../scenes/fork.ron")),
    ("relay", include_str!("../../scenes/relay.ron")),
    ("hairpins", include_str!("../../scenes/hairpins.ron")),
    ("truck", include_str!("../../scenes/truck.ron")),
    ("slippery", include_str!("../../scenes/slippery.ron")),
    ("tag", include_str!("../../scenes/tag.ron")),
    ("playground", include_str!("../../scenes/playground.ron")),
    ("stepping", include_str!("../../scenes/stepping.ron")),
];

/// Longest name of a scene file, bytes without the extension: files and folders of its recordings and runs begin with it, and
/// a file system takes 255 in all.
const MAX_NAME_LENGTH: usize = 100;

/// Names of the built-in scenes.
pub fn builtin_names() -> impl Iterator<Item = &'static str> {
    BUILTIN.iter().map(|(name, _)| *name)
}

/// The built-in scene of this name, if there is one. Unlike [`find`], it opens no file: for names that come from a dataset or
/// a policy.
pub fn find_built_in(name: &str) -> Option<Scene> {
    BUILTIN.iter().any(|(built_in, _)| *built_in == name).then(|| find(name).ok()).flatten()
}

/// The longest name of a scene that is part of a file's name as it is, bytes. File systems allow 255 for the whole.
const LONGEST_NAME: usize = 100;

/// What a scene's name becomes as the name of a file or folder. A name that is no plain one, such as `../x`, is changed, and
/// the hash of the name appended, so that different names stay different.
pub fn file_name(name: &str) -> String {
    let is_plain = |c: char| !c.is_control() && !matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
    let trimmed = name.trim_matches(['.', ' ']);
    if !name.is_empty() && name.len() <= LONGEST_NAME && trimmed == name && name.chars().all(is_plain) {
        return name.to_owned();
    }
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(40).collect();
    format!("{plain}-{:016x}", xxh3_64(name.as_bytes()))
}

/// A built-in scene by name, or a scene file by path (anything that ends in `.ron` or names a file).
///
/// # Errors
/// [`SceneError`] when there is no scene of that name, or the file cannot be read or is not a valid scene.
pub fn find(name: &str) -> Result<Scene, SceneError> {
    if let Some((name, text)) = BUILTIN.iter().find(|(builtin, _)| *builtin == name) {
        return parse(name, &format!("scenes/{name}.ron"), text);
    }
    let path = Path::new(name);
    if path.extension().is_some_and(|e| e == "ron") || path.is_file() {
        return load_file(path);
    }
    let nearest = builtin_names()
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .min()
        .filter(|(distance, known)| *distance <= known.len() / 2)
        .map(|(_, known)| known.to_owned());
    Err(SceneError::Unknown { name: name.to_owned(), nearest, known: builtin_names().map(str::to_owned).collect() })
}

/// Load a scene file. The scene's name is that of the file without its extension.
///
/// # Errors
/// [`SceneError`] when the file cannot be read or is not a valid scene, or its name is too long or is not text.
pub fn load_file(path: &Path) -> Result<Scene, SceneError> {
    let text = std::fs::read_to_string(path).map_err(|source| SceneError::Read { path: path.to_owned(), source })?;
    let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
    if name.is_empty() || name.len() > MAX_NAME_LENGTH || name.chars().any(char::is_control) {
        return Err(SceneError::Name { path: path.to_owned() });
    }
    parse(&name, &path.display().to_string(), &text)
}

/// Parse a scene from its RON text. `file` is the file name for error messages.
///
/// # Errors
/// [`SceneError::Invalid`] with the position of the first error.
pub fn parse(name: &str, file: &str, text: &str) -> Result<Scene, SceneError> {
    let specification: SceneSpecification = ron::Options::default()
        .with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME)
        .from_str(text)
        .map_err(|error| SceneError::Invalid {
            file: file.to_owned(),
            line: error.span.start.line,
            column: error.span.start.col,
            message: error.code.to_string(),
        })?;
    if let Some((number, line, column)) = first_not_finite(text) {
        let message = format!("{number} is not a finite number; give one");
        return Err(SceneError::Invalid { file: file.to_owned(), line, column, message });
    }
    if let Some(violation) = validate(&specification).into_iter().next() {
        let (line, column) = position_of(text, &violation.path);
        return Err(SceneError::Invalid { file: file.to_owned(), line, column, message: violation.message });
    }
    Ok(Scene::new(name, text, specification))
}
