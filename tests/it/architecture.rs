//! What may use what, how long a file may be, and who may write or connect (src/lib.rs).

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use crate::support::imports::{self, File};

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

/// Files that need each other. Each circle is inside one folder; there may be no others.
const CIRCLES: &[&[&str]] = &[
    // A rubric finds its own faults.
    &["rubric.rs", "rubric/faults.rs"],
    // A score is made of caps and a grade, and both read its rows.
    &["score.rs", "score/caps.rs", "score/grade.rs", "score/tally.rs"],
    // The vault holds the tokens, and a token masks what is around it with the vault.
    &["transcript/redact.rs", "transcript/token_shape.rs", "transcript/tokens.rs"],
];

/// Where the unit tests of a file begin.
static TESTS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"#\[cfg\(test\)\]\n(?:pub(?:\([^)]*\))? )?mod \w+ \{").unwrap());

struct Source {
    /// Path below `src`, with `/`.
    path: String,
    /// The part outside tests, without comments.
    code: Vec<(usize, String)>,
    /// Lines outside tests.
    lines: usize,
    /// Whether its module is declared for tests alone.
    for_tests: bool,
}

impl Source {
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    fn is_test_support(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path == "checks/synthetic.rs" || self.for_tests
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
    let declared = Regex::new(r"#\[cfg\(test\)\]\n(?:pub(?:\([^)]*\))? )?mod (\w+);").unwrap();
    let mut for_tests = Vec::new();
    for source in &found {
        let lines: Vec<&str> = source.code.iter().map(|(_, line)| line.as_str()).collect();
        let folder = source.path.strip_suffix("mod.rs").map(str::to_owned);
        let folder = folder.unwrap_or_else(|| source.path.replace(".rs", "/"));
        for module in declared.captures_iter(&lines.join("\n")) {
            for_tests.push(format!("{folder}{}.rs", &module[1]));
        }
    }
    for source in &mut found {
        source.for_tests = for_tests.contains(&source.path);
    }
    found
}

fn read(root: &Path, path: &PathBuf) -> Source {
    let text = fs::read_to_string(path).unwrap();
    // Unit tests end a file; the attribute also stands before single imports and `mod tests;`.
    let end = TESTS.find(&text).map(|found| found.start());
    let text = &text[..end.unwrap_or(text.len())];
    let code = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.to_owned()))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .collect();
    let path = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
    Source { path, code, lines: text.lines().count(), for_tests: false }
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
fn circles_are_few_and_known() {
    let sources = sources();
    let files = sources.iter().map(|source| {
        // What only tests see may name what it tests.
        let code = source.code.iter().filter(|_| !source.is_test_support());
        let lines: Vec<&str> = code.map(|(_, line)| line.as_str()).collect();
        File { path: &source.path, code: lines.join("\n") }
    });
    let files: Vec<File<'_>> = files.collect();
    let uses = imports::uses(&files);
    assert!(uses["net/wire.rs"].contains_key("net/dial.rs"), "the scan sees nothing");
    assert!(uses["probe/mod.rs"].contains_key("probe/classify.rs"), "calls of children are uses");

    let between = imports::folders(&uses);
    if let Some(circle) = imports::circles(&between).first() {
        let why = circle.iter().flat_map(|from| {
            between[from].iter().filter(|(to, _)| circle.contains(to)).map(|(_, line)| line.as_str())
        });
        panic!("folders need each other:\n{}", why.collect::<Vec<_>>().join("\n"));
    }

    let found = imports::circles(&uses);
    let known = |circle: &Vec<String>| CIRCLES.iter().any(|known| circle == known);
    if let Some(circle) = found.iter().find(|circle| !known(circle)) {
        let why = circle.iter().flat_map(|from| {
            let within = uses[from].iter().filter(|(to, _)| circle.contains(to));
            within.map(move |(to, path)| format!("src/{from} uses src/{to} ({path})"))
        });
        panic!("a circle that CIRCLES does not list:\n{}", why.collect::<Vec<_>>().join("\n"));
    }
    for circle in CIRCLES {
        let gone = !found.iter().any(|found| found == circle);
        assert!(!gone, "CIRCLES lists {circle:?}, which is none: remove it");
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
