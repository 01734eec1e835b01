//! Which file uses which, read from the paths in the code, and the circles in it.

use std::collections::{BTreeMap, BTreeSet};

use std::sync::LazyLock;

use regex::Regex;

/// `use` in all its forms.
static STATEMENT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^[ \t]*(pub(?:\([^)]*\))?[ \t]+)?use[ \t]+([^;]+);").unwrap());
/// `pub(in …)`, whose path is none that is used.
static WITHIN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"pub\(in [^)]*\)").unwrap());
/// A path that says where it begins.
static WHOLE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(?:crate|super)(?:::\w+)+").unwrap());
/// The beginning of any other path.
static FIRST: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?:^|[^\w:])(\w+)::\w+").unwrap());

/// A file: its path below `src`, and its code without comments and tests.
pub(crate) struct File<'s> {
    pub(crate) path: &'s str,
    pub(crate) code: String,
}

/// For each file the files it uses, each with a path by which it does.
pub(crate) type Uses = BTreeMap<String, BTreeMap<String, String>>;

/// A module as the parts of its path: `net`, `dial`.
type Module = Vec<String>;

fn module(path: &str) -> Module {
    let path = path.strip_suffix(".rs").unwrap();
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if path == "lib" { Vec::new() } else { path.split('/').map(str::to_owned).collect() }
}

/// `a::{b, c as d, e::{f, g}}` as `a::b`, `a::c`, `a::e::f`, `a::e::g`.
fn expanded(path: &str) -> Vec<String> {
    let path = path.trim();
    let Some((before, group)) = path.strip_suffix('}').and_then(|path| path.split_once('{')) else {
        return vec![path.split(" as ").next().unwrap().trim().to_owned()];
    };
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for letter in group.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if letter == ',' && depth == 0 {
            parts.push(String::new());
        } else {
            parts.last_mut().unwrap().push(letter);
        }
    }
    let parts = parts.iter().filter(|part| !part.trim().is_empty());
    parts.flat_map(|part| expanded(part)).map(|part| format!("{}{part}", before.trim_start())).collect()
}

/// The paths of one file: those it uses, and those that it only hands on (`pub use`).
struct Paths {
    used: Vec<String>,
    handed_on: Vec<String>,
}

fn paths(code: &str, children: &[&str]) -> Paths {
    let (mut used, mut handed_on) = (Vec::new(), Vec::new());
    for found in STATEMENT.captures_iter(code) {
        let list = if found.get(1).is_some() { &mut handed_on } else { &mut used };
        list.extend(expanded(&found[2].replace('\n', " ")));
    }
    let rest = STATEMENT.replace_all(code, "");
    let rest = WITHIN.replace_all(&rest, "");
    used.extend(WHOLE.find_iter(&rest).map(|found| found.as_str().to_owned()));
    // A module reaches its children without saying whose they are.
    used.extend(
        FIRST
            .captures_iter(&rest)
            .filter(|found| children.contains(&&found[1]))
            .map(|found| found[0].trim_start_matches(|letter: char| !letter.is_alphanumeric()).to_owned()),
    );
    Paths { used, handed_on }
}

/// Where a path leads: the longest module on it, and what is named there.
fn resolved(path: &str, own: &Module, files: &BTreeMap<Module, &str>) -> Option<(Module, Vec<String>)> {
    let mut parts = path.split("::").map(|part| part.trim().to_owned()).peekable();
    let mut at = match parts.peek()?.as_str() {
        "crate" => {
            parts.next();
            Vec::new()
        }
        "self" => {
            parts.next();
            own.clone()
        }
        "super" => own.clone(),
        child => {
            let child = [own.as_slice(), &[child.to_owned()]].concat();
            files.contains_key(&child).then_some(())?;
            own.clone()
        }
    };
    while parts.next_if_eq("super").is_some() {
        at.pop();
    }
    while let Some(part) = parts.peek() {
        let next = [at.as_slice(), std::slice::from_ref(part)].concat();
        if !files.contains_key(&next) {
            break;
        }
        at = next;
        parts.next();
    }
    Some((at, parts.collect()))
}

/// Reads every path of every file. A name that a module only hands on leads to where it is defined.
pub(crate) fn uses(all: &[File<'_>]) -> Uses {
    let files: BTreeMap<Module, &str> = all.iter().map(|file| (module(file.path), file.path)).collect();
    let read: Vec<(Module, Paths)> = all
        .iter()
        .map(|file| {
            let own = module(file.path);
            let child = |other: &&Module| other.len() == own.len() + 1 && other.starts_with(&own);
            let children: Vec<&str> =
                files.keys().filter(child).map(|child| child.last().unwrap().as_str()).collect();
            let paths = paths(&file.code, &children);
            (own, paths)
        })
        .collect();
    let mut handed_on = BTreeMap::new();
    for (own, paths) in &read {
        for (to, names) in paths.handed_on.iter().filter_map(|path| resolved(path, own, &files)) {
            let name = names.first().or(to.last()).cloned().unwrap_or_default();
            handed_on.insert((own.clone(), name), (to, names));
        }
    }
    let mut uses = Uses::new();
    for (own, paths) in &read {
        let own_path = files[own];
        let to_child = |to: &Module| to.len() > own.len() && to.starts_with(own);
        let every = paths.used.iter().map(|path| (path, false));
        for (path, hands_on) in every.chain(paths.handed_on.iter().map(|path| (path, true))) {
            let Some((mut to, mut names)) = resolved(path, own, &files) else { continue };
            while let Some((next, rest)) =
                names.first().and_then(|name| handed_on.get(&(to.clone(), name.clone())))
            {
                names = rest.iter().chain(names.iter().skip(1)).cloned().collect();
                to.clone_from(next);
            }
            // What a module hands on of its children is theirs, and no use of it.
            if to == *own || (hands_on && to_child(&to)) {
                continue;
            }
            if let Some(file) = files.get(&to) {
                uses.entry(own_path.to_owned()).or_default().insert((*file).to_owned(), path.clone());
            }
        }
    }
    uses
}

/// The circles: sets of more than one node each of which leads to each other.
pub(crate) fn circles(uses: &Uses) -> BTreeSet<Vec<String>> {
    let reach = |from: &str| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from.to_owned()]);
        while let Some(at) = open.pop() {
            for next in uses.get(&at).into_iter().flat_map(BTreeMap::keys) {
                if seen.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&String, BTreeSet<String>> = uses.keys().map(|file| (file, reach(file))).collect();
    let mutual =
        |a: &String, b: &String| reached[a].contains(b) && reached.get(b).is_some_and(|of| of.contains(a));
    reached
        .keys()
        .filter(|file| reached[*file].contains(**file))
        .map(|file| {
            reached.keys().filter(|other| mutual(file, other)).map(|other| (*other).clone()).collect()
        })
        .filter(|circle: &Vec<String>| circle.len() > 1)
        .collect()
}

/// The same between folders: a file stands for the first folder of its path.
pub(crate) fn folders(uses: &Uses) -> Uses {
    let first = |path: &str| path.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
    let mut folders = Uses::new();
    for (from, all) in uses {
        for (to, path) in all.iter().filter(|(to, _)| first(from) != first(to)) {
            let line = format!("src/{from} uses {path}");
            folders.entry(first(from)).or_default().insert(first(to), line);
        }
    }
    folders
}
