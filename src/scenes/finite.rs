//! Numbers of a RON text that are not finite.

use super::locate::line_and_column;

/// How RON writes numbers that are not finite.
const NOT_FINITE: [&str; 6] = ["inf", "inff32", "inff64", "NaN", "NaNf32", "NaNf64"];

/// The first number of `text` that is not finite as a 32-bit float: its text, and its line and column, from 1. No field of a
/// scene may hold one, of whatever task, agent or part of the world it is.
pub(super) fn first_not_finite(text: &str) -> Option<(String, usize, usize)> {
    let chars: Vec<char> = text.chars().collect();
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '+' | '-');
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        if rest.starts_with(&['/', '/']) {
            at += rest.iter().position(|c| *c == '\n').unwrap_or(rest.len());
        } else if rest.starts_with(&['/', '*']) {
            at = end_of_comment(&chars, at);
        } else if let Some(end) = end_of_raw_string(rest) {
            at += end;
        } else if rest[0] == '"' {
            at = end_of_string(&chars, at);
        } else if is_word(rest[0]) {
            let word: String = rest.iter().copied().take_while(|c| is_word(*c)).collect();
            if is_not_finite(&word) {
                let (line, column) = line_and_column(&chars, at);
                return Some((word, line, column));
            }
            at += word.chars().count();
        } else {
            at += 1;
        }
    }
    None
}

/// Whether a word is a number, and not finite as a 32-bit float.
fn is_not_finite(word: &str) -> bool {
    let unsigned = word.trim_start_matches(['+', '-']);
    if NOT_FINITE.contains(&unsigned) {
        return true;
    }
    let digits = unsigned.replace('_', "");
    let number = digits.trim_end_matches("f32").trim_end_matches("f64");
    number.starts_with(|c: char| c.is_ascii_digit() || c == '.') && number.parse::<f32>().is_ok_and(|x| x.is_infinite())
}

/// The index after the string that begins at `at`.
fn end_of_string(chars: &[char], mut at: usize) -> usize {
    at += 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The length of the raw string, such as `r#"a "b""#`, that `text` begins with; `None` where it begins with none.
fn end_of_raw_string(text: &[char]) -> Option<usize> {
    let hashes = text.strip_prefix(&['r'])?.iter().take_while(|c| **c == '#').count();
    let content = text.get(1 + hashes..)?.strip_prefix(&['"'])?;
    let closing: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let end = content.windows(closing.len()).position(|window| window == closing);
    Some(2 + hashes + end.map_or(content.len(), |end| end + closing.len()))
}

/// The index after the block comment that begins at `at`; RON nests them.
fn end_of_comment(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        let step = if rest.starts_with(&['/', '*']) {
            depth += 1;
            2
        } else if rest.starts_with(&['*', '/']) {
            depth -= 1;
            2
        } else {
            1
        };
        at += step;
        if depth == 0 {
            break;
        }
    }
    at
}
