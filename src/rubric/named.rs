//! Rubrics that come with the program, by name: `agent-readiness`, `spec`, and either with a pinned major
//! version, `NAME@MAJOR`. An older major stays here when a new one comes, so that an upgrade breaks no gate.

use super::{AGENT_READINESS, Rubric, nearest};
use crate::check::Check;
use crate::verdict::Level;

/// Names of the rubrics that come with the program, the default first.
pub const BUILT_IN: [&str; 2] = ["agent-readiness", "spec"];

/// Points by level: what the specification demands, what it recommends, and nothing else.
const fn points(level: Level) -> Option<u32> {
    match level {
        Level::Must => Some(3),
        Level::Should => Some(1),
        Level::May | Level::Practice => None,
    }
}

/// The text of a built-in rubric; `None` for what can only be a file.
///
/// # Errors
/// What is wrong with the name or the pinned version, and what there is instead.
#[must_use]
pub fn built_in(wanted: &str) -> Option<Result<String, String>> {
    let (name, major) = match wanted.split_once('@') {
        Some((name, major)) => (name, Some(major)),
        None => (wanted, None),
    };
    let text = match name {
        "agent-readiness" => AGENT_READINESS.to_owned(),
        "spec" => spec(crate::checks::all()),
        // A pinned version of nothing we have; a path has a slash or a dot.
        _ if major.is_some() && !wanted.contains(['/', '\\', '.']) => {
            let hint = match nearest(name, BUILT_IN.into_iter()) {
                Some(near) => format!("; did you mean '{near}'?"),
                None => format!("; there are {}", BUILT_IN.join(", ")),
            };
            return Some(Err(format!("no rubric is called '{name}'{hint}")));
        }
        _ => return None,
    };
    let version = Rubric::read(&text, name, None).map(|rubric| rubric.version).unwrap_or_default();
    let own = version.split('.').next().unwrap_or_default();
    match major {
        Some(major) if major != own => {
            Some(Err(format!("this program has {name} {version}, so only '{name}@{own}' can be pinned")))
        }
        _ => Some(Ok(text)),
    }
}

/// The `spec` rubric, made from the levels of the checks: there is one list, which cannot drift. Its
/// version has the hash of its points, so that it changes whenever a score can.
fn spec(checks: impl Iterator<Item = &'static Check>) -> String {
    let mut scored = String::new();
    let mut unscored = String::new();
    for check in checks {
        match points(check.level) {
            Some(points) => scored.push_str(&format!("{} = {points}\n", check.id)),
            None => {
                unscored.push_str(&format!("{} = \"{}: not demanded\"\n", check.id, check.level.as_str()));
            }
        }
    }
    let hash = super::sha256(scored.as_bytes());
    let hash = hash.get(..8).unwrap_or_default();
    format!(
        "# What the specifications demand, and nothing else: MUST has 3 points, SHOULD 1.\n\
         # Made from the checks themselves; no caps.\n\n\
         id = \"spec\"\n\
         version = \"0.4.0+{hash}\"\n\n\
         [policy]\nwarn_credit = 0.5\nmin_coverage = 0.60\nmin_points = 15\n\n\
         [dimensions]\nD2 = 15\nD7 = 12\nD8 = 13\n\n\
         [grades]\nA = 90\nB = 80\nC = 70\nD = 60\nF = 0\n\n\
         [points]\n{scored}\n[unscored]\n{unscored}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Rubric {
        Rubric::parse(&built_in(name).unwrap().unwrap(), name).unwrap()
    }

    #[test]
    fn names_and_pinned_majors_are_found() {
        assert_eq!(named("agent-readiness"), Rubric::default_rubric());
        assert_eq!(named("agent-readiness@0"), Rubric::default_rubric());
        assert_eq!(named("spec").id, "spec");
        assert_eq!(named("spec@0"), named("spec"));
        let refused = |name: &str| built_in(name).unwrap().unwrap_err();
        assert!(refused("agent-readiness@7").contains("'agent-readiness@0'"));
        assert!(refused("agent-readyness@0").contains("'agent-readiness'"));
        assert!(refused("spec@").contains("'spec@0'"));
        for file in ["mine.toml", "./spec", "mine", "a/b@1", "b@1.toml"] {
            assert!(built_in(file).is_none(), "{file}");
        }
    }

    #[test]
    fn the_spec_rubric_weighs_by_level_alone() {
        let rubric = named("spec");
        for check in crate::checks::all() {
            assert_eq!(rubric.points_of(check.id), points(check.level), "{}", check.id);
        }
        let changed = spec(crate::checks::all().skip(1));
        let changed = Rubric::read(&changed, "spec", None).unwrap();
        assert_ne!(changed.version, rubric.version, "the version follows the points");
    }
}
