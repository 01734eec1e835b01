//! What may use what, how long a file may be, and who may write or connect (src/lib.rs).

use std::fs;
use std::path::{Path, PathBuf};

/// The pure side, in the order of src/lib.rs: a module may use those of its own and earlier rows.
const PURE: &[&[&str]] = &[
    &["protocol"],
    &["transcript"],
    &["verdict"],
    &["facts"],
    &["check"],
    &["finding"],
    &["checks"],
    &["rubric"],
    &["selection"],
    &["score"],
    &["clients"],
    &["baseline"],
    &["gate"],
    &["exit"],
    &["report"],
    &["diff"],
    &["config"],
    &["judge"],
    &["schema"],
];

/// Files that may be longer, with the reason.
const LONGER: &[(&str, &str)] = &[
    ("demo/fault.rs", "one table: a line or three for each fault"),
    ("verdict.rs", "the vocabulary of every check; its parts are used together"),
    ("report/json/v1.rs", "one contract: the frozen types of the JSON report, side by side"),
    ("report/html/target.rs", "one page, section by section"),
    ("net/conversation.rs", "one call, from its permit to its exchange, step by step"),
    ("probe/classify.rs", "one decision procedure, sent step by step"),
    ("facts/resume.rs", "one comparison of what was missed with what came back"),
    ("facts/seen.rs", "one decision procedure, read from top to bottom"),
    ("checks/synthetic.rs", "test support: one builder, many short methods"),
];

const LONGEST: usize = 400;

struct Source {
    /// Path below `src`, with `/`.
    path: String,
    /// The part outside tests, without comments.
    code: Vec<(usize, String)>,
    /// Lines outside tests.
    lines: usize,
}

impl Source {
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    fn is_test_support(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path == "checks/synthetic.rs"
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                found.push(read(&root, &path));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn read(root: &Path, path: &PathBuf) -> Source {
    let text = fs::read_to_string(path).unwrap();
    // Unit tests end a file; the attribute also stands before single imports and `mod tests;`.
    let end =
        text.find("#[cfg(test)]\nmod tests {").or_else(|| text.find("#[cfg(test)]\npub(crate) mod tests {"));
    let text = &text[..end.unwrap_or(text.len())];
    let code = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.to_owned()))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .collect();
    let path = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
    Source { path, code, lines: text.lines().count() }
}

/// Modules named after `crate::` in a line, also inside braces.
fn named(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for rest in line.split("crate::").skip(1) {
        let word =
            |text: &'_ str| text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
        match rest.strip_prefix('{') {
            Some(group) => found.extend(group.split(',').map(|part| {
                let part = part.trim().trim_start_matches('{');
                &part[..word(part)]
            })),
            None => found.push(&rest[..word(rest)]),
        }
    }
    found
}

fn row(module: &str) -> Option<usize> {
    PURE.iter().position(|row| row.contains(&module))
}

#[test]
fn imports_point_one_way() {
    let sources = sources();
    let modules: Vec<&str> = sources.iter().map(Source::module).collect();
    for source in sources.iter().filter(|source| !source.is_test_support()) {
        let Some(own) = row(source.module()) else { continue };
        for (number, line) in &source.code {
            for used in named(line).into_iter().filter(|used| modules.contains(used)) {
                let allowed = row(used).is_some_and(|row| row <= own);
                assert!(
                    allowed,
                    "src/{}:{number} uses `crate::{used}`, which comes after `{}`",
                    source.path,
                    source.module()
                );
            }
        }
    }
}

#[test]
fn the_order_is_the_one_that_lib_rs_tells() {
    let text = include_str!("../../src/lib.rs");
    let doc: String = text.lines().filter_map(|line| line.strip_prefix("//!")).collect::<Vec<_>>().join("");
    let mut after = 0;
    for module in PURE.iter().flat_map(|row| row.iter()) {
        let list = &doc[doc.find("`protocol, ").expect("the list of modules")..];
        let at =
            list.find(module).unwrap_or_else(|| panic!("src/lib.rs does not name `{module}` in its order"));
        assert!(at >= after, "src/lib.rs names `{module}` in another place");
        after = at;
    }
}

#[test]
fn pure_modules_ban_io() {
    for source in sources() {
        let top = source.path.matches('/').count() == usize::from(source.path.ends_with("/mod.rs"));
        if top && row(source.module()).is_some() {
            let has = source
                .code
                .iter()
                .any(|(_, line)| line.contains("deny(clippy::disallowed_methods, clippy::disallowed_types)"));
            assert!(
                has,
                "src/{}: add `#![deny(clippy::disallowed_methods, clippy::disallowed_types)]`",
                source.path
            );
        }
    }
}

#[test]
fn files_stay_short() {
    for source in sources() {
        let excused = LONGER.iter().any(|(path, _)| *path == source.path);
        assert!(
            source.lines <= LONGEST || excused || source.path.ends_with("/tests.rs"),
            "src/{} has {} lines outside its tests, more than {LONGEST}: split it",
            source.path,
            source.lines
        );
    }
}

#[test]
fn only_the_surface_writes_to_the_terminal() {
    for source in sources().iter().filter(|source| !["main", "cli", "progress"].contains(&source.module())) {
        for (number, line) in &source.code {
            for call in ["println!", "print!(", "eprint!(", "dbg!", "stdout()", "stderr()"] {
                assert!(!line.contains(call), "src/{}:{number} writes with `{call}`", source.path);
            }
        }
    }
}

#[test]
fn only_net_and_demo_touch_the_network() {
    for source in sources().iter().filter(|source| !["net", "demo"].contains(&source.module())) {
        for (number, line) in &source.code {
            for library in [
                "hyper::",
                "hyper_util::",
                "reqwest::",
                "tokio::net",
                "tokio_tungstenite::",
                "tokio_rustls::",
                "std::net::Tcp",
            ] {
                assert!(!line.contains(library), "src/{}:{number} uses `{library}`", source.path);
            }
        }
    }
}
