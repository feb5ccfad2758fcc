//! The rules of this repository that no compiler knows: which way imports point, what the core may not name,
//! how long files and functions may get.
//!
//! There is no list of exceptions. A rule that stands in the way of better code is changed here, for everyone.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a source file that cannot be read fails the test")]

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// The most lines of a file, tests included.
const FILE_LINES: usize = 400;
/// The most lines of a function, from its signature to its closing brace.
const FUNCTION_LINES: usize = 60;

/// Which of our modules a module may import, from the core outwards. What is not here may import nothing of ours.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("ledger", &[]),
    ("clock", &["ledger"]),
    ("metrics", &["ledger"]),
    ("wire", &["ledger"]),
    ("store", &["ledger"]),
    ("access", &["ledger", "wire", "clock"]),
    ("log", &["ledger", "store"]),
    ("book", &["ledger", "wire", "store", "log", "clock", "metrics"]),
    ("query", &["ledger", "wire", "store", "book", "clock", "metrics"]),
    ("config", &["ledger", "wire", "store", "log", "book"]),
    ("http", &["ledger", "wire", "log", "book", "query", "notify", "access", "clock", "metrics", "config"]),
    ("nats", &["ledger", "wire", "log", "book", "query", "clock", "metrics", "config"]),
    ("notify", &["ledger", "wire", "store", "log", "book", "query", "clock", "metrics", "config"]),
    (
        "daemon",
        &[
            "ledger", "wire", "store", "log", "book", "query", "http", "nats", "notify", "access", "clock",
            "metrics", "config",
        ],
    ),
    (
        "cli",
        &[
            "ledger", "wire", "store", "log", "book", "query", "http", "nats", "notify", "access", "clock",
            "metrics", "config", "daemon",
        ],
    ),
];

/// Crates and names that belong to some files alone: the name, where it may stand, and why.
const AT_HOME: &[(&str, &[&str], &str)] = &[
    ("bincode", &["src/store/codec.rs"], "it is unmaintained: one file, behind our own versioned frame"),
    (
        "async_nats",
        &["src/nats/", "src/nats.rs", "src/log/jetstream", "src/cli/"],
        "only the NATS faces know NATS",
    ),
    ("rustix", &["src/access/folder.rs"], "handles of folders stand in one place"),
    ("tokio_rustls", &["src/http/tls.rs", "src/http/listener.rs"], "TLS of HTTP stands in one place"),
    ("routing", &["src/http/routes.rs"], "no route is there without what a request to it needs"),
    ("axum", &["src/http/", "src/http.rs"], "only the HTTP face knows axum"),
    ("lettre", &["src/notify/reports/", "src/wire/mail.rs"], "only reports are mailed"),
    ("todo", &[], "finish it, or leave it out and say so in an issue"),
    ("unimplemented", &[], "finish it, or leave it out and say so in an issue"),
];

/// What the ledger may not name, and what to do instead.
const NOT_IN_LEDGER: &[(&str, &str)] = &[
    ("tokio", "the core is not async: return an effect"),
    ("futures_util", "the core is not async: return an effect"),
    ("async", "the core is not async: return an effect"),
    ("rand", "the core has no chance in it: derive it from the entry"),
    ("rand_chacha", "the core has no chance in it: derive it from the entry"),
    ("SystemTime", "the core knows no clock: take the entry's time"),
    ("Instant", "the core knows no clock: take the entry's time"),
    ("f32", "the core has no floats: use integers of a smaller unit"),
    ("f64", "the core has no floats: use integers of a smaller unit"),
];

/// Modules of the standard library that the ledger may not reach into.
const NOT_OF_STD: &[&str] = &["env", "fs", "io", "net", "process", "thread"];

/// Hash tables have an order of their own, which must never reach a result; here alone it cannot.
const HASH_TABLES: (&[&str], &str) = (&["HashMap", "HashSet"], "src/ledger/ids.rs");

/// A Rust file of ours.
struct Source {
    /// Relative to the repository, with forward slashes.
    path: String,
    text: String,
    syntax: syn::File,
}

impl Source {
    /// The top-level module the file belongs to; `None` for the roots `lib.rs` and `main.rs`.
    fn module(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        let name = inside.split('/').next()?.trim_end_matches(".rs");
        (!matches!(name, "lib" | "main")).then_some(name)
    }

    fn at(&self, span: Span, what: &str) -> String {
        format!("{}:{}: {what}", self.path, span.start().line)
    }
}

fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join(folder), &mut files);
    files.sort();
    files.into_iter().map(|file| source(root, &file)).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    // Not every folder is there from the first day (benches/).
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn source(root: &Path, file: &Path) -> Source {
    let text = fs::read_to_string(file).unwrap();
    let path = file.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
    let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    Source { path, text, syntax }
}

/// Every identifier of a file with its place, those inside macro calls too; comments and strings have none.
fn identifiers(text: &str) -> Vec<(String, Span)> {
    let mut found = Vec::new();
    let mut open: Vec<TokenStream> = vec![text.parse().unwrap()];
    while let Some(tokens) = open.pop() {
        for token in tokens {
            match token {
                TokenTree::Ident(name) => found.push((name.to_string(), name.span())),
                TokenTree::Group(group) => open.push(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
    found
}

/// Collects the modules of a crate that a file names: `crate::x::…` anywhere, and the groups of `use crate::{x, y}`.
struct Imports {
    of_crate: &'static str,
    found: Vec<(String, Span)>,
}

impl Imports {
    fn of(of_crate: &'static str, source: &Source) -> Vec<(String, Span)> {
        let mut imports = Imports { of_crate, found: Vec::new() };
        imports.visit_file(&source.syntax);
        imports.found
    }

    fn first_of_tree(&mut self, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => self.found.push((path.ident.to_string(), path.ident.span())),
            syn::UseTree::Name(name) => self.found.push((name.ident.to_string(), name.ident.span())),
            syn::UseTree::Rename(rename) => self.found.push((rename.ident.to_string(), rename.ident.span())),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.first_of_tree(item)),
            syn::UseTree::Glob(glob) => self.found.push(("*".to_owned(), glob.span())),
        }
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_use_tree(&mut self, tree: &'ast syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) if path.ident == self.of_crate => self.first_of_tree(&path.tree),
            _ => visit::visit_use_tree(self, tree),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let mut segments = path.segments.iter();
        if segments.next().is_some_and(|first| first.ident == self.of_crate)
            && let Some(module) = segments.next()
        {
            self.found.push((module.ident.to_string(), module.ident.span()));
        }
        visit::visit_path(self, path);
    }
}

/// Collects functions that are too long.
#[derive(Default)]
struct LongFunctions(Vec<(Span, usize)>);

impl LongFunctions {
    fn measure(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let lines = block.span().end().line - signature.span().start().line + 1;
        if lines > FUNCTION_LINES {
            self.0.push((signature.ident.span(), lines));
        }
    }
}

impl<'ast> Visit<'ast> for LongFunctions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.measure(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

fn wrong_imports(source: &Source) -> Vec<String> {
    let Some(module) = source.module() else { return Vec::new() };
    let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == module) else {
        return vec![format!(
            "{}:1: give the module {module:?} its line in MAY_IMPORT (tests/tidy.rs)",
            source.path
        )];
    };
    let wrong = |name: &str| name != module && !allowed.contains(&name);
    Imports::of("crate", source)
        .into_iter()
        .filter(|(name, _)| wrong(name))
        .map(|(name, span)| {
            let remedy = format!(
                "{module} may not import {name} (only {allowed:?}): move what is shared towards the ledger, or pass it \
                 in as an argument"
            );
            source.at(span, &remedy)
        })
        .collect()
}

fn strayed_names(source: &Source) -> Vec<String> {
    let mut strayed = Vec::new();
    for (name, span) in identifiers(&source.text) {
        for (guarded, homes, why) in AT_HOME {
            if name == *guarded && !homes.iter().any(|home| source.path.starts_with(home)) {
                strayed.push(source.at(span, &format!("{name} may be named in {homes:?} alone: {why}")));
            }
        }
    }
    strayed
}

fn impurities(source: &Source) -> Vec<String> {
    if source.module() != Some("ledger") {
        return Vec::new();
    }
    let (tables, home) = HASH_TABLES;
    let std = Imports::of("std", source).into_iter().filter(|(name, _)| NOT_OF_STD.contains(&name.as_str()));
    let mut impure: Vec<String> = std
        .map(|(name, span)| source.at(span, &format!("the core has no use of std::{name}: return an effect")))
        .collect();
    for (name, span) in identifiers(&source.text) {
        if let Some((_, remedy)) = NOT_IN_LEDGER.iter().find(|(banned, _)| *banned == name) {
            impure.push(source.at(span, &format!("the ledger may not name {name}: {remedy}")));
        }
        if tables.contains(&name.as_str()) && source.path != home {
            impure.push(
                source.at(span, &format!("{name} has an order of its own: use a BTreeMap or a sorted Vec")),
            );
        }
    }
    impure
}

fn lengths(source: &Source) -> Vec<String> {
    let mut long = Vec::new();
    let lines = source.text.lines().count();
    if lines > FILE_LINES {
        let path = &source.path;
        long.push(format!(
            "{path}:{FILE_LINES}: {lines} lines, at most {FILE_LINES}: split off an idea of its own"
        ));
    }
    if source.path.starts_with("src/") {
        let mut functions = LongFunctions::default();
        functions.visit_file(&source.syntax);
        long.extend(functions.0.into_iter().map(|(span, lines)| {
            source.at(
                span,
                &format!("{lines} lines, at most {FUNCTION_LINES}: name a part of it and move it out"),
            )
        }));
    }
    long
}

fn skipped_tests(source: &Source) -> Vec<String> {
    struct Skipped<'a>(&'a Source, Vec<String>);
    impl<'ast> Visit<'ast> for Skipped<'_> {
        fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
            if attribute.path().is_ident("ignore") {
                self.1.push(self.0.at(attribute.span(), "no test is skipped: make it pass, or remove it"));
            }
        }
    }
    let mut skipped = Skipped(source, Vec::new());
    skipped.visit_file(&source.syntax);
    skipped.1
}

/// Fails with all findings of a rule in the files of these folders.
fn hold(folders: &[&str], rule: impl Fn(&Source) -> Vec<String>) {
    let sources: Vec<Source> = folders.iter().flat_map(|folder| sources(folder)).collect();
    assert!(!sources.is_empty(), "no source was found in {folders:?}");
    let findings: Vec<String> = sources.iter().flat_map(rule).collect();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn imports_point_towards_the_ledger() {
    hold(&["src"], wrong_imports);
}

#[test]
fn crates_and_unfinished_work_stay_where_they_belong() {
    hold(&["src"], strayed_names);
}

#[test]
fn the_ledger_is_pure() {
    hold(&["src"], impurities);
}

#[test]
fn files_and_functions_stay_short() {
    hold(&["src", "tests", "benches"], lengths);
}

#[test]
fn no_test_is_skipped() {
    hold(&["src", "tests"], skipped_tests);
}

/// A rule that finds nothing proves nothing: each must find its own sin.
#[test]
fn the_rules_find_what_they_look_for() {
    let source = |path: &str, text: &str| Source {
        path: path.to_owned(),
        text: text.to_owned(),
        syntax: syn::parse_file(text).unwrap(),
    };
    let found = |findings: Vec<String>| findings.len();

    let imports = "use crate::{store::frame, ledger::units};\nfn f() { crate::http::serve(crate::wire::X) }";
    let wrong = wrong_imports(&source("src/wire/mod.rs", imports));
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(wrong[0].starts_with("src/wire/mod.rs:1: wire may not import store"), "{wrong:?}");
    assert!(wrong[1].starts_with("src/wire/mod.rs:2: wire may not import http"), "{wrong:?}");
    assert_eq!(found(wrong_imports(&source("src/helpers.rs", ""))), 1);

    let names = "fn f() { bincode::x(); println!(\"{}\", axum::y()); todo!() }";
    assert_eq!(found(strayed_names(&source("src/book/mod.rs", names))), 3);
    assert_eq!(found(strayed_names(&source("src/store/codec.rs", "use bincode::x; // axum"))), 0);

    let impure =
        "use std::{collections::HashMap, fs, time::SystemTime};\nasync fn f(x: f64) { std::thread::park() }";
    assert_eq!(found(impurities(&source("src/ledger/org.rs", impure))), 6);
    assert_eq!(found(impurities(&source("src/book/mod.rs", impure))), 0);

    let long = format!("impl X {{ fn f() {{\n{}}} }}\n{}", "g();\n".repeat(60), "//\n".repeat(350));
    assert_eq!(found(lengths(&source("src/x.rs", &long))), 2);
    assert_eq!(found(skipped_tests(&source("src/x.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}"))), 1);
}
