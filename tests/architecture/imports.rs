//! The names that a source file imports, and the paths that it writes out.

use std::collections::BTreeSet;

use super::source::{Token, tokens};

/// A path, such as `crate::sim::tick`, by its segments.
pub type Path = Vec<String>;

/// One name of a `use` item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Whether it is a re-export: `pub use`, `pub(crate) use`, ...
    pub public: bool,
    /// The imported path, without a final `*` or `self`.
    pub path: Path,
    /// The name in this file; `*` for all names of the path.
    pub name: String,
}

/// What a file imports and mentions.
#[derive(Debug, Default)]
pub struct Imports {
    /// The names of its `use` items.
    pub uses: Vec<Import>,
    /// The paths of two or more segments in the rest of its code.
    pub paths: Vec<Path>,
    /// All words in the rest of its code.
    pub words: BTreeSet<String>,
    /// The modules with a body in this file.
    pub inline_modules: Vec<String>,
}

impl Imports {
    /// Read stripped code.
    pub fn parse(code: &str) -> Self {
        let tokens = tokens(code);
        let mut found = Self::default();
        let (mut at, mut public) = (0, false);
        while at < tokens.len() {
            let next = tokens.get(at + 1);
            match &tokens[at] {
                Token::Word(word) if word == "pub" => {
                    public = true;
                    at += 1;
                    if next == Some(&Token::Sign('(')) {
                        // `pub(in crate::learn)` is no import.
                        at = end(&tokens, at, ')') + 1;
                    }
                    continue;
                }
                // `use<'a>` is a bound.
                Token::Word(word) if word == "use" && next != Some(&Token::Sign('<')) => {
                    let close = end(&tokens, at, ';');
                    found.tree(public, &[], &tokens[at + 1..close]);
                    at = close;
                }
                Token::Word(word) if word == "mod" => {
                    if let (Some(Token::Word(name)), Some(Token::Sign('{'))) = (next, tokens.get(at + 2)) {
                        found.inline_modules.push(name.clone());
                    }
                    at += 1;
                }
                Token::Word(_) => at = found.path(&tokens, at),
                _ => {}
            }
            public = false;
            at += 1;
        }
        found
    }

    /// Add the names of a tree of a `use` item, such as `a::{b, c::d as e}`, below `prefix`.
    fn tree(&mut self, public: bool, prefix: &[String], tokens: &[Token]) {
        let mut path = prefix.to_vec();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                Token::Word(word) if word == "as" => {
                    let Some(Token::Word(name)) = tokens.get(at + 1) else { return };
                    return self.uses.push(Import { public, path, name: name.clone() });
                }
                Token::Word(word) if word == "self" && !path.is_empty() => {}
                Token::Word(word) => path.push(word.clone()),
                Token::Sign('*') => return self.uses.push(Import { public, path, name: "*".to_owned() }),
                Token::Sign('{') => {
                    let inner = &tokens[at + 1..tokens.len() - 1];
                    return split(inner).into_iter().for_each(|tree| self.tree(public, &path, tree));
                }
                Token::Colons | Token::Sign(_) => {}
            }
        }
        if let Some(name) = path.last().cloned().filter(|_| !tokens.is_empty()) {
            self.uses.push(Import { public, path, name });
        }
    }

    /// Add the path that begins at `at`; returns the index of its last token.
    fn path(&mut self, tokens: &[Token], at: usize) -> usize {
        let mut path = Path::new();
        let mut last = at;
        while let Some(Token::Word(word)) = tokens.get(last) {
            path.push(word.clone());
            if tokens.get(last + 1) != Some(&Token::Colons) || !matches!(tokens.get(last + 2), Some(Token::Word(_))) {
                break;
            }
            last += 2;
        }
        self.words.extend(path.iter().cloned());
        // `<T>::name` and `::name` are no paths of modules.
        if path.len() > 1 && (at == 0 || tokens[at - 1] != Token::Colons) {
            self.paths.push(path);
        }
        last
    }
}

/// The index of the first `sign` from `at` on.
fn end(tokens: &[Token], at: usize, sign: char) -> usize {
    let rest = &tokens[at..];
    at + rest.iter().position(|token| *token == Token::Sign(sign)).unwrap_or(rest.len() - 1)
}

/// The trees in the braces of a `use` item.
fn split(tokens: &[Token]) -> Vec<&[Token]> {
    let mut depth = 0;
    tokens
        .split(|token| {
            match token {
                Token::Sign('{') => depth += 1,
                Token::Sign('}') => depth -= 1,
                _ => {}
            }
            depth == 0 && *token == Token::Sign(',')
        })
        .collect()
}
