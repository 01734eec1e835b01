//! The recipes of CONTRIBUTING.md name every place where a thing stands by hand, and no other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// One thing that was made by a recipe.
struct Sample {
    /// The recipe's heading.
    recipe: &'static str,
    /// What the placeholders of the recipe stand for.
    names: &'static [(&'static str, &'static str)],
    /// How it is written wherever it stands.
    words: &'static str,
    /// Where it is only used, or the words mean something else.
    except: &'static [&'static str],
    /// How many places there are.
    places: usize,
}

/// Checks of what no demo endpoint can do; `accuracy.rs` says how they are shown instead.
const WITHOUT_FAULT: &[&str] = &["tls-required", "tls-cert-valid", "auth-no-secret-in-path"];

const SAMPLES: &[Sample] = &[
    Sample {
        recipe: "A check",
        names: &[("area", "event_stream"), ("id", "sse_reconnect")],
        words: r"\bsse[-_]reconnect\b",
        except: &[],
        places: 4,
    },
    Sample {
        recipe: "A probe",
        names: &[("name", "reconnect")],
        words: r"ProbeId::Reconnect\b|^    Reconnect,|\bmod reconnect;",
        except: &["src/checks/"],
        places: 5,
    },
    Sample {
        recipe: "A format",
        names: &[("name", "gitlab")],
        words: r"\b[Gg]itlab\b",
        except: &["tests/it/documented.rs"],
        places: 9,
    },
    Sample { recipe: "An option", names: &[], words: r"\bno[-_]progress\b", except: &[], places: 3 },
    Sample {
        recipe: "A setting",
        names: &[],
        words: r"\bfail[-_]on\b",
        except: &["src/exit.rs", "src/gate/tests.rs", "tests/"],
        places: 5,
    },
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn recipes() -> String {
    fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap()
}

/// The numbered places of a recipe.
fn listed(recipe: &str) -> Vec<String> {
    let text = recipes();
    let (_, section) = text.split_once(&format!("\n## {recipe}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let item = Regex::new(r"(?m)^\d+\. `([^`]+)`").unwrap();
    item.captures_iter(section).map(|found| found[1].to_owned()).collect()
}

/// Files that are written by hand: code, the rubric, the README without what is generated.
fn by_hand() -> Vec<(String, String)> {
    let root = root();
    let mut open: Vec<PathBuf> =
        ["src", "rubrics", "tests/it", "tests/hostile"].map(|name| root.join(name)).into();
    let mut files = vec![root.join("README.md")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "rs" || end == "toml") {
                files.push(path);
            }
        }
    }
    let name = |path: &Path| path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
    let generated = Regex::new(r"(?s)<!-- region .*?<!-- end(?:region)?[^>]*-->").unwrap();
    files
        .iter()
        .map(|path| (name(path), fs::read_to_string(path).unwrap()))
        .filter(|(name, _)| name != "tests/it/contributing.rs")
        .map(|(name, text)| (name, generated.replace_all(&text, "").into_owned()))
        .collect()
}

#[test]
fn recipes_list_every_place_and_no_other() {
    let files = by_hand();
    for Sample { recipe, names, words, except, places } in SAMPLES {
        let listed: BTreeSet<String> = listed(recipe)
            .into_iter()
            .map(|place| {
                names.iter().fold(place, |place, (name, value)| place.replace(&format!("<{name}>"), value))
            })
            .collect();
        // Unit tests may try it anywhere: only tables that ask for it are places.
        let word = Regex::new(&format!("(?m){words}")).unwrap();
        let stands: BTreeSet<String> = files
            .iter()
            .filter(|(name, text)| word.is_match(production(name, text)))
            .map(|(name, _)| name.clone())
            .filter(|name| !except.iter().any(|other| name.starts_with(other)))
            .collect();
        let own = |place: &String| names.iter().any(|(_, name)| place.contains(&format!("/{name}.rs")));
        let missing: Vec<&String> = stands.difference(&listed).filter(|place| !own(place)).collect();
        let idle: Vec<&String> = listed.difference(&stands).filter(|place| !own(place)).collect();
        assert!(missing.is_empty(), "{recipe}: CONTRIBUTING.md does not list {missing:?}");
        assert!(idle.is_empty(), "{recipe}: CONTRIBUTING.md lists {idle:?}, where none stands");
        assert_eq!(listed.len(), *places, "{recipe}: {listed:?}");
    }
}

/// A file without its own unit tests.
fn production<'t>(name: &str, text: &'t str) -> &'t str {
    let tests = text.find("#[cfg(test)]\nmod tests {").filter(|_| name.starts_with("src/"));
    &text[..tests.unwrap_or(text.len())]
}

#[test]
fn every_file_that_is_named_is_there() {
    let text = recipes();
    let code = Regex::new(r"`((?:src|tests|rubrics)/[^`<> ]*)`").unwrap();
    let named: Vec<String> = code.captures_iter(&text).map(|found| found[1].to_owned()).collect();
    assert!(named.len() > 15, "{named:?}");
    for name in named {
        assert!(root().join(&name).exists(), "CONTRIBUTING.md names {name}, which is gone");
    }
}

/// What is true of one sample is true of every check: a file of its own, points, and a fault.
#[test]
fn every_check_stands_where_the_recipe_says() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let [_, area_file, points, faults] = &listed("A check")[..] else { panic!("four places") };
    let (points, faults) = (read(points), read(faults));
    for area in agentgauge::checks::AREAS {
        let lines = read(&area_file.replace("<area>", area.name));
        for check in area.checks {
            let file = check.id.replace('-', "_");
            let named = format!("src/checks/{}/{file}.rs", area.name);
            assert!(root().join(&named).exists(), "{named}");
            assert!(lines.contains(&format!("mod {file};")), "{named}");
            let line =
                |text: &str, words: &str| text.lines().any(|line| line.trim_start().starts_with(words));
            assert!(line(&points, &format!("{} = ", check.id)), "{}: no points", check.id);
            let shown = faults.contains(&format!("\"{}\"", check.id));
            assert_ne!(shown, WITHOUT_FAULT.contains(&check.id), "{}: a fault, or a reason", check.id);
        }
    }
}
