//! The rules of `docs/architecture.md` that the sources themselves can show: allowed imports, no circles of imports, sizes of
//! files and functions, and words.

mod graph;
mod imports;
mod source;

use std::collections::BTreeSet;

use graph::Graph;
use imports::Imports;
use source::{Source, functions, markdown_code, strip, words};

/// A folder or file, and what it may import.
type Rule = (&'static str, &'static [&'static str]);

/// The folders of `src/`, and the folders that their files may import.
const MAY_IMPORT: &[Rule] = &[
    ("storage", &[]),
    ("spaces", &[]),
    ("sim", &[]),
    ("keys", &["sim"]),
    ("agents", &["spaces", "sim", "keys"]),
    ("teleop", &["spaces", "sim", "keys", "agents"]),
    ("world", &["agents", "sim"]),
    ("tasks", &["spaces", "sim", "agents", "teleop", "world"]),
    ("scenes", &["spaces", "sim", "agents", "teleop", "world", "tasks"]),
    ("demos", &["storage", "spaces", "sim", "agents", "tasks", "scenes"]),
    ("policies", &["storage", "spaces", "sim", "agents"]),
    ("rollout", &["spaces", "sim", "agents", "tasks", "teleop", "scenes", "demos", "policies"]),
    ("learn", &["storage", "spaces", "sim", "agents", "tasks", "teleop", "scenes", "demos", "policies", "rollout"]),
    (
        "live",
        &["storage", "spaces", "sim", "agents", "tasks", "teleop", "scenes", "demos", "policies", "rollout", "learn"],
    ),
    ("bench", &["sim", "spaces", "teleop", "scenes", "demos", "policies", "rollout", "learn", "live"]),
    ("study", &["storage", "sim", "world", "teleop", "scenes", "demos", "policies", "rollout", "learn", "live"]),
    ("tune", &["storage", "policies", "learn"]),
    ("ui", &["spaces", "sim", "agents", "tasks", "teleop", "scenes", "demos", "policies", "rollout", "learn", "live"]),
    (
        "prelude",
        &[
            "spaces", "sim", "agents", "tasks", "teleop", "scenes", "demos", "policies", "rollout", "learn", "live",
            "ui",
        ],
    ),
    (
        "cli",
        &[
            "storage", "spaces", "sim", "agents", "tasks", "teleop", "scenes", "demos", "policies", "rollout", "learn",
            "live", "bench", "study", "tune", "ui",
        ],
    ),
];

/// The folders and files of `src/learn`, and those of them that they may import.
const LEARN: &[Rule] = &[
    ("core", &[]),
    ("supervised", &["core"]),
    ("interactive", &["core", "supervised"]),
    ("reinforcement", &["core"]),
    ("rewards", &["core", "reinforcement"]),
    ("self_play", &["core", "reinforcement"]),
    ("registry", &["core", "supervised", "interactive", "reinforcement", "rewards", "self_play"]),
    ("reference", &["core", "registry"]),
];

/// What commands may import of `src/cli`: not each other.
const SHARED: &[&str] = &["exit", "stop", "load", "overrides", "plot", "progress", "recovery", "sides", "evaluation"];

/// The folders and files of `src/cli`, and those of them that they may import.
const CLI: &[Rule] = &[
    ("exit_code", &[]),
    ("exit", &["exit_code"]),
    ("stop", &["exit"]),
    ("load", &["exit"]),
    ("overrides", &["exit"]),
    ("plot", &["exit"]),
    ("progress", &["exit", "plot"]),
    ("recovery", &["exit"]),
    ("sides", &["exit", "load"]),
    ("evaluation", &["exit", "sides"]),
    ("bench", SHARED),
    ("dataset", SHARED),
    ("eval", SHARED),
    ("play", SHARED),
    ("policy", SHARED),
    ("quickstart", SHARED),
    ("record", SHARED),
    ("reward", SHARED),
    ("scenes", SHARED),
    ("study", SHARED),
    ("train", SHARED),
    ("tune", SHARED),
];

/// The most lines of a file in `src`, of a file in the other folders, of `src/main.rs`, and of a function in
/// [`SHORT_FUNCTIONS`].
const MAX_LINES: usize = 450;
const MAX_LINES_ELSEWHERE: usize = 600;
const MAX_LINES_OF_MAIN: usize = 60;
const MAX_LINES_OF_FUNCTION: usize = 80;
/// The folders whose functions are counted.
const SHORT_FUNCTIONS: [&str; 2] = ["src/learn", "src/cli"];

/// Names for which the field has another word; see "Style" in `docs/architecture.md`.
const NOT_THE_FIELDS_WORDS: [&str; 15] = [
    "judge", "judged", "told", "tell", "chance", "shown", "wide", "narrow", "stay", "trying", "strayed", "Whims",
    "Deal", "Lesson", "Student",
];
/// British spellings. They are put together here so that this file has none.
const BRITISH: [&str; 2] = [concat!("behavi", "our"), concat!("col", "our")];

/// The rule of `name`.
fn allowed(rules: &[Rule], name: &str) -> Option<&'static [&'static str]> {
    rules.iter().find(|(part, _)| *part == name).map(|(_, allowed)| *allowed)
}

/// Assert that there are no violations.
fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

#[test]
fn every_import_is_allowed() {
    let graph = Graph::of_this_crate();
    let mut wrong = Vec::new();
    for module in graph.modules() {
        let Some(folder) = module.first() else { continue };
        let Some(allowed) = allowed(MAY_IMPORT, folder) else {
            wrong.push(format!("{folder} is not in the table"));
            continue;
        };
        let others = graph.folders(module).into_iter().filter(|name| name != folder);
        let forbidden = others.filter(|name| !allowed.contains(&name.as_str()));
        wrong.extend(forbidden.map(|name| format!("{} imports {name}", graph.path(module))));
    }
    assert_none("imports that the design does not allow", &wrong);
}

/// The imports between the parts of a folder of `src/` that its table does not have.
fn forbidden_inside(graph: &Graph, folder: &str, rules: &[Rule]) -> Vec<String> {
    let mut wrong = Vec::new();
    for module in graph.modules().filter(|module| module.len() > 1 && module[0] == folder) {
        let Some(allowed) = allowed(rules, &module[1]) else {
            wrong.push(format!("{folder}/{} is not in the table", module[1]));
            continue;
        };
        for target in graph.dependencies(module).iter().filter(|target| target[..1] == module[..1]) {
            // The folder's own `mod.rs` is above all of its parts.
            let part = target.get(1).map_or("mod.rs", String::as_str);
            if part != module[1] && !allowed.contains(&part) {
                wrong.push(format!("{} imports {}", graph.path(module), graph.path(target)));
            }
        }
    }
    wrong
}

#[test]
fn every_import_inside_learn_and_cli_is_allowed() {
    let graph = Graph::of_this_crate();
    let found = [forbidden_inside(&graph, "learn", LEARN), forbidden_inside(&graph, "cli", CLI)].concat();
    assert_none("imports that the layers do not allow", &found);
}

#[test]
fn no_files_import_each_other() {
    assert_none("circles of imports", &Graph::of_this_crate().circles());
}

#[test]
fn every_module_is_a_file() {
    let graph = Graph::of_this_crate();
    let mut found = Vec::new();
    for module in graph.modules() {
        let inline = graph.imports(module).inline_modules.iter();
        found.extend(inline.map(|name| format!("{} has the module {name}", graph.path(module))));
    }
    assert_none("modules without a file of their own, other than tests", &found);
}

#[test]
fn files_and_functions_are_short() {
    let mut long = Vec::new();
    for folder in ["src", "tests", "examples", "benches"] {
        for source in Source::all(folder, &["rs"]) {
            let limit = match (folder, source.path.as_str()) {
                (_, "src/main.rs") => MAX_LINES_OF_MAIN,
                ("src", _) => MAX_LINES,
                _ => MAX_LINES_ELSEWHERE,
            };
            let lines = source.text.lines().count();
            if lines > limit {
                long.push(format!("{} has {lines} lines, at most {limit} are allowed", source.path));
            }
        }
    }
    for source in SHORT_FUNCTIONS.iter().flat_map(|folder| Source::all(folder, &["rs"])) {
        let functions = functions(&source.code()).into_iter();
        let too_long = functions.filter(|(_, lines)| *lines > MAX_LINES_OF_FUNCTION);
        long.extend(too_long.map(|(name, lines)| format!("{}: {name} has {lines} lines", source.path)));
    }
    assert_none("files and functions that are too long", &long);
}

#[test]
fn names_are_the_fields_words() {
    let mut found = Vec::new();
    let mut check = |source: &Source, code: &str| {
        let words = words(code);
        let forbidden = NOT_THE_FIELDS_WORDS.iter().filter(|word| words.contains(**word));
        found.extend(forbidden.map(|word| format!("{}: {word}", source.path)));
    };
    for source in ["src", "tests", "examples", "benches"].iter().flat_map(|folder| Source::all(folder, &["rs"])) {
        check(&source, &source.code());
    }
    for source in ["README.md", "docs"].iter().flat_map(|name| Source::all(name, &["md"])) {
        check(&source, &markdown_code(&source.text));
    }
    assert_none("names that are not the field's", &found);
}

#[test]
fn spelling_is_american() {
    let mut found = Vec::new();
    for name in ["src", "tests", "examples", "benches", "scenes", "docs", "README.md", "CHANGELOG.md"] {
        for source in Source::all(name, &["rs", "ron", "md", "sh", "py", "toml"]) {
            let text = source.text.to_lowercase();
            let british = BRITISH.iter().filter(|word| text.contains(**word));
            found.extend(british.map(|word| format!("{}: {word}", source.path)));
        }
    }
    assert_none("British spellings", &found);
}

#[test]
fn comments_literals_and_tests_are_no_code() {
    let text = r###"
        //! use crate::ui;
        fn f<'a>(c: &'a char) { /* crate::ui /* :: */ */ g("crate::ui \" {", '"', '\'', r#"x " y"#, b"{"); }
        #[cfg(test)]
        mod tests { fn long() { "}" } }
        fn h() {}
    "###;
    let code = strip(text);
    assert_eq!(code.lines().count(), text.lines().count());
    let found: BTreeSet<String> = ["fn", "f", "a", "c", "char", "g", "b", "h"].map(str::to_owned).into();
    assert_eq!(words(&code), found);
    let lines = strip("fn first(\n) -> [u8; 2] {\n  a\n}\ntrait T { fn second(); fn third() {} }");
    assert_eq!(functions(&lines), [("first".to_owned(), 4), ("third".to_owned(), 1)]);
    assert_eq!(words(&markdown_code("told `a` stay `b`\n```sh\nc # tell\n```\nwide")).len(), 3);
}

#[test]
fn imports_in_trees_are_found() {
    let code = "pub(crate) use a::{self, b::{c as d, e}, f::*};\npub(in crate::g) fn h() -> impl I + use<> { crate::j::k::<L>::m() }";
    let imports = Imports::parse(code);
    let found: Vec<String> =
        imports.uses.iter().map(|import| format!("{} as {}", import.path.join("::"), import.name)).collect();
    assert_eq!(found, ["a as a", "a::b::c as d", "a::b::e as e", "a::f as *"]);
    assert!(imports.uses.iter().all(|import| import.public));
    assert_eq!(imports.paths, [["crate", "j", "k"]]);
    assert!(imports.words.contains("L") && !imports.words.contains("g"));
}

/// The circles of a crate of these files.
fn circles(files: &[(&str, &str)]) -> Vec<String> {
    Graph::new(files.iter().map(|(path, code)| ((*path).to_owned(), (*code).to_owned()))).circles()
}

#[test]
fn circles_are_found_through_re_exports() {
    let lib = ("lib.rs", "pub mod a;");
    let re_exports = ("a/mod.rs", "mod b; mod c; pub use b::B; pub use c::C;");
    let b = ("a/b.rs", "use super::C; use std::fmt; pub struct B(C);");
    // `super::B` is what `b.rs` defines.
    assert_eq!(
        circles(&[lib, re_exports, b, ("a/c.rs", "pub struct C; fn f() { crate::a::B::new() }")]),
        ["a/b.rs imports a/c.rs", "a/c.rs imports a/b.rs"]
    );
    assert!(circles(&[lib, re_exports, b, ("a/c.rs", "pub struct C;")]).is_empty());
    // A `mod.rs` that uses what it declares is a file like any other.
    let code = ("a/mod.rs", "mod b; pub struct C; fn f() { b::g() }");
    assert_eq!(circles(&[lib, code, b]), ["a/mod.rs imports a/b.rs", "a/b.rs imports a/mod.rs"]);
    // An imported folder is what is used of it.
    let inside = ("a/d.rs", "use super::super::a; fn f() -> a::C { a::e::g() }");
    assert_eq!(
        circles(&[lib, re_exports, b, ("a/c.rs", "use super::d; pub struct C;"), inside]),
        ["a/c.rs imports a/d.rs", "a/d.rs imports a/c.rs"]
    );
}
