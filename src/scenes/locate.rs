//! Position of a value in a RON text.

use crate::world::Step;

/// Line and column (from 1) of the value at `path`, or of the deepest part of the path that exists.
pub(super) fn position_of(text: &str, path: &[Step]) -> (usize, usize) {
    let bytes: Vec<char> = text.chars().collect();
    let mut at = 0;
    for step in path {
        let Some(inside) = enter(&bytes, at) else { break };
        let found = match step {
            Step::Key(key) => find_key(&bytes, inside, key),
            Step::Text(key) => find_key(&bytes, inside, &format!("\"{key}\"")),
            Step::Index(n) => find_element(&bytes, inside, *n),
        };
        match found {
            Some(next) => at = next,
            None => break,
        }
    }
    line_and_column(&bytes, skip_space(&bytes, at))
}

/// Line and column (from 1) of an index.
pub(super) fn line_and_column(text: &[char], at: usize) -> (usize, usize) {
    let line = text[..at].iter().filter(|c| **c == '\n').count() + 1;
    let column = at - text[..at].iter().rposition(|c| *c == '\n').map_or(0, |i| i + 1) + 1;
    (line, column)
}

fn skip_space(text: &[char], mut at: usize) -> usize {
    loop {
        while at < text.len() && text[at].is_whitespace() {
            at += 1;
        }
        if text[at..].starts_with(&['/', '/']) || text[at..].starts_with(&['#']) {
            while at < text.len() && text[at] != '\n' {
                at += 1;
            }
        } else {
            return at.min(text.len().saturating_sub(1));
        }
    }
}

/// The position after the next opening bracket.
fn enter(text: &[char], at: usize) -> Option<usize> {
    let mut at = skip_space(text, at);
    while at < text.len() && !"([{".contains(text[at]) {
        if ",)]}".contains(text[at]) {
            return None;
        }
        at += 1;
    }
    (at < text.len()).then_some(at + 1)
}

/// Visit the elements of the bracketed list that starts at `inside`: call `visit` with index and start position of each
/// until it returns a position.
fn walk(text: &[char], inside: usize, mut visit: impl FnMut(usize, usize) -> Option<usize>) -> Option<usize> {
    let (mut at, mut depth, mut index) = (inside, 0usize, 0usize);
    let mut start = Some(skip_space(text, at));
    while at < text.len() {
        if let Some(s) = start.take()
            && let Some(found) = visit(index, s)
        {
            return Some(found);
        }
        match text[at] {
            '"' => {
                at += 1;
                while at < text.len() && text[at] != '"' {
                    at += if text[at] == '\\' { 2 } else { 1 };
                }
            }
            '/' if text[at..].starts_with(&['/', '/']) => {
                while at < text.len() && text[at] != '\n' {
                    at += 1;
                }
            }
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                if depth == 0 {
                    return None;
                }
                depth -= 1;
            }
            ',' if depth == 0 => {
                index += 1;
                start = Some(skip_space(text, at + 1));
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn find_key(text: &[char], inside: usize, key: &str) -> Option<usize> {
    let key: Vec<char> = key.chars().collect();
    walk(text, inside, |_, start| {
        let rest = text.get(start..)?;
        if !rest.starts_with(&key) {
            return None;
        }
        let after = skip_space(text, start + key.len());
        (text.get(after) == Some(&':')).then(|| skip_space(text, after + 1))
    })
}

fn find_element(text: &[char], inside: usize, n: usize) -> Option<usize> {
    walk(text, inside, |index, start| (index == n).then_some(start))
}
