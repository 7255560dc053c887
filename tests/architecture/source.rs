//! Source files, and their text as code: without comments, string literals and test modules.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A text file of the package.
pub struct Source {
    /// Its path in the package, with `/`.
    pub path: String,
    /// The text.
    pub text: String,
}

impl Source {
    /// The files with one of the extensions in a folder of the package and its subfolders, sorted by path. `name` may also be
    /// a file.
    pub fn all(name: &str, extensions: &[&str]) -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = Vec::new();
        collect(&root.join(name), extensions, &mut files);
        assert!(!files.is_empty(), "{name} has no files");
        files.sort();
        let source = |file: PathBuf| {
            let path = file.strip_prefix(root).expect("a file of the package");
            let names: Vec<_> = path.iter().map(|name| name.to_string_lossy()).collect();
            Self { path: names.join("/"), text: fs::read_to_string(&file).expect("a text file") }
        };
        files.into_iter().map(source).collect()
    }

    /// The Rust text without what is not code, see [`strip`].
    pub fn code(&self) -> String {
        strip(&self.text)
    }
}

fn collect(path: &Path, extensions: &[&str], out: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder of the package").flatten() {
            collect(&entry.path(), extensions, out);
        }
    } else if path.extension().is_some_and(|e| extensions.iter().any(|known| e == *known)) {
        out.push(path.to_owned());
    }
}

/// A part of Rust code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// An identifier, a keyword or a number.
    Word(String),
    /// `::`
    Colons,
    /// Any other character that is not white space.
    Sign(char),
}

/// The tokens of stripped code.
pub fn tokens(code: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        if is_word(c) {
            let mut word = String::from(c);
            while let Some(c) = chars.next_if(|c| is_word(*c)) {
                word.push(c);
            }
            out.push(Token::Word(word));
        } else if c == ':' && chars.next_if_eq(&':').is_some() {
            out.push(Token::Colons);
        } else if !c.is_whitespace() {
            out.push(Token::Sign(c));
        }
    }
    out
}

/// All words of stripped code.
pub fn words(code: &str) -> BTreeSet<String> {
    let word = |token| if let Token::Word(word) = token { Some(word) } else { None };
    tokens(code).into_iter().filter_map(word).collect()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// `text` with spaces in place of comments, literals of strings and characters, and modules with `#[cfg(test)]`. Lines stay
/// where they are.
pub fn strip(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at).unwrap_or(at);
        code.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
        at = end;
        // What follows a literal may be another one.
        if at < chars.len() && literal_end(&chars, at).is_none() {
            code.push(chars[at]);
            at += 1;
        }
    }
    without_test_modules(&code)
}

/// The end of the comment or literal that begins at `at`, if one does.
fn literal_end(chars: &[char], at: usize) -> Option<usize> {
    let starts = |from: usize, text: &str| text.chars().enumerate().all(|(i, c)| chars.get(from + i) == Some(&c));
    let find = |from: usize, text: &str| (from..chars.len()).find(|i| starts(*i, text));
    if starts(at, "//") {
        return Some(find(at, "\n").unwrap_or(chars.len()));
    }
    if starts(at, "/*") {
        let (mut depth, mut end) = (1, at + 2);
        while depth > 0 && end < chars.len() {
            let step = if starts(end, "/*") { 1 } else { -i32::from(starts(end, "*/")) };
            depth += step;
            end += if step == 0 { 1 } else { 2 };
        }
        return Some(end);
    }
    match chars[at] {
        'r' if at == 0 || !is_word(chars[at - 1]) || matches!(chars[at - 1], 'b' | 'c') => {
            let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
            let open = at + 1 + hashes;
            let close = format!("\"{}", "#".repeat(hashes));
            starts(open, "\"").then(|| find(open + 1, &close).map_or(chars.len(), |end| end + close.len()))
        }
        '"' => {
            let mut end = at + 1;
            while end < chars.len() && chars[end] != '"' {
                end += if chars[end] == '\\' { 2 } else { 1 };
            }
            Some((end + 1).min(chars.len()))
        }
        '\'' if starts(at + 1, "\\") => find(at + 3, "'").map(|end| end + 1),
        // Otherwise it is a lifetime.
        '\'' if starts(at + 2, "'") && !starts(at + 1, "'") => Some(at + 3),
        _ => None,
    }
}

fn without_test_modules(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let is_module = after[MARK.len()..].trim_start().starts_with("mod ");
        let end = after.find('{').filter(|_| is_module).map_or(MARK.len(), |open| open + block_length(&after[open..]));
        out.extend(after[..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &after[end..];
    }
    out.push_str(rest);
    out
}

/// The length in bytes of the block in braces that `code` begins with.
fn block_length(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + c.len_utf8();
        }
    }
    code.len()
}

/// The names of the functions with a body in stripped code, and their numbers of lines.
pub fn functions(code: &str) -> Vec<(String, usize)> {
    let mut out = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if code[..at].chars().next_back().is_some_and(is_word) {
            continue;
        }
        let name: String = code[at + 3..].trim_start().chars().take_while(|c| is_word(*c)).collect();
        if let Some(body) = body_start(&code[at..]).filter(|_| !name.is_empty()) {
            let end = at + body + block_length(&code[at + body..]);
            out.push((name, code[at..end].lines().count()));
        }
    }
    out
}

/// Where the body of the function that `code` begins with starts; `None` for a declaration without one.
fn body_start(code: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' if depth == 0 => return Some(at),
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The code of a Markdown text: the blocks in fences, without comments, and the spans in backticks.
pub fn markdown_code(text: &str) -> String {
    let mut out = String::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            out.push_str(line.split("# ").next().unwrap_or_default());
        } else {
            line.split('`').skip(1).step_by(2).for_each(|span| {
                out.push_str(span);
                out.push(' ');
            });
        }
        out.push('\n');
    }
    out
}
