//! Which files of `src/` import from which.

use std::collections::{BTreeMap, BTreeSet};

use super::imports::{Imports, Path};
use super::source::Source;

/// A chain of re-exports longer than this ends where it is.
const MAX_RE_EXPORTS: usize = 16;

/// A module that has a file: its path below `crate`.
pub type Module = Vec<String>;

/// The file of a module.
struct File {
    /// Its path in `src/`.
    path: String,
    imports: Imports,
}

/// The modules of a crate with their files.
pub struct Graph {
    files: BTreeMap<Module, File>,
}

impl Graph {
    /// The graph of files, given by their paths in `src/` and their stripped code.
    pub fn new(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let file = |(path, code): (String, String)| (module_of(&path), File { imports: Imports::parse(&code), path });
        Self { files: files.into_iter().map(file).collect() }
    }

    /// The graph of this crate. The program's `main.rs` uses the crate as another crate does, and is not part of it.
    pub fn of_this_crate() -> Self {
        let sources = Source::all("src", &["rs"]).into_iter();
        let files = sources.map(|source| (source.path["src/".len()..].to_owned(), source.code()));
        Self::new(files.filter(|(path, _)| path != "main.rs"))
    }

    /// All modules.
    pub fn modules(&self) -> impl Iterator<Item = &Module> {
        self.files.keys()
    }

    /// The path in `src/` of a module's file.
    pub fn path(&self, module: &Module) -> &str {
        &self.files[module].path
    }

    /// What a module's file imports.
    pub fn imports(&self, module: &Module) -> &Imports {
        &self.files[module].imports
    }

    /// The path below `crate` that `path` is in a module; `None` where it belongs to another crate.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Path> {
        let mut base = module.clone();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => (base, rest) = (Module::new(), &path[1..]),
            "self" => rest = &path[1..],
            "super" => {
                while let Some((_, after)) = rest.split_first().filter(|(first, _)| *first == "super") {
                    base.pop();
                    rest = after;
                }
            }
            name => {
                base.push(name.to_owned());
                let is_child = self.files.contains_key(&base);
                base.pop();
                if !is_child {
                    return None;
                }
            }
        }
        base.extend_from_slice(rest);
        Some(base)
    }

    /// The module whose file defines what is at `path` below `crate`. Imports and re-exports are followed. `None` where
    /// another crate defines it.
    fn resolve(&self, path: &[String], re_exports: usize) -> Option<Module> {
        let mut module = Module::new();
        for (at, name) in path.iter().enumerate() {
            let import = self.imports(&module).uses.iter().find(|import| import.name == *name);
            let is_last = at + 1 == path.len();
            module.push(name.clone());
            if self.files.contains_key(&module) && !(is_last && import.is_some()) {
                continue;
            }
            module.pop();
            return match import.filter(|_| re_exports < MAX_RE_EXPORTS) {
                Some(import) => {
                    let mut target = self.absolute(&module, &import.path)?;
                    target.extend_from_slice(&path[at + 1..]);
                    self.resolve(&target, re_exports + 1)
                }
                None => Some(module),
            };
        }
        Some(module)
    }

    /// The paths below `crate` that a module's file mentions. A re-export counts only where the file itself uses the name,
    /// and an imported folder only by the paths that go through it.
    fn mentions(&self, module: &Module) -> Vec<Path> {
        let imports = self.imports(module);
        let mut mentions = Vec::new();
        let mut folders = BTreeMap::new();
        for import in &imports.uses {
            let Some(path) = self.absolute(module, &import.path) else { continue };
            if import.public && !imports.words.contains(&import.name) {
                continue;
            }
            let is_folder = self.files.get(&path).is_some_and(|file| file.path.ends_with("mod.rs"));
            if is_folder && self.resolve(&path, 0).as_ref() == Some(&path) {
                folders.insert(import.name.clone(), path);
            } else {
                mentions.push(path);
            }
        }
        for path in &imports.paths {
            match folders.get(&path[0]) {
                Some(folder) => mentions.push([folder.as_slice(), &path[1..]].concat()),
                None => mentions.extend(self.absolute(module, path)),
            }
        }
        mentions
    }

    /// The modules that a module's file depends on, other than itself.
    pub fn dependencies(&self, module: &Module) -> BTreeSet<Module> {
        let targets = self.mentions(module).into_iter().filter_map(|path| self.resolve(&path, 0));
        targets.filter(|target| target != module).collect()
    }

    /// The names below `crate` that the paths in a module's file begin with.
    pub fn folders(&self, module: &Module) -> BTreeSet<String> {
        let imports = self.imports(module);
        let paths = imports.uses.iter().map(|import| &import.path).chain(&imports.paths);
        paths.filter_map(|path| self.absolute(module, path)?.into_iter().next()).collect()
    }

    /// All groups of files that import each other, directly or through others: each line has a file and those that it
    /// imports from its group.
    pub fn circles(&self) -> Vec<String> {
        let direct: BTreeMap<&Module, BTreeSet<Module>> =
            self.modules().map(|module| (module, self.dependencies(module))).collect();
        let reachable: BTreeMap<&Module, BTreeSet<Module>> =
            direct.keys().map(|module| (*module, reachable(&direct, module))).collect();
        let mut out = Vec::new();
        for (module, reached) in &reachable {
            let in_circle = |other: &&Module| reached.contains(*other) && reachable[*other].contains(*module);
            let names: Vec<&str> = direct[*module].iter().filter(in_circle).map(|other| self.path(other)).collect();
            if !names.is_empty() {
                out.push(format!("{} imports {}", self.path(module), names.join(", ")));
            }
        }
        out
    }
}

/// The modules that can be reached from a module.
fn reachable(direct: &BTreeMap<&Module, BTreeSet<Module>>, module: &Module) -> BTreeSet<Module> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&Module> = vec![module];
    while let Some(module) = open.pop() {
        for next in &direct[module] {
            if found.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    found
}

/// The module of a file in `src/`.
fn module_of(path: &str) -> Module {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let mut module: Module = path.split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod") || module == ["lib"] {
        module.pop();
    }
    module
}
