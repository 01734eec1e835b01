//! Which checks are judged: `--only`, `--skip`, and the configuration's skipped checks. The rest is
//! shown as skipped, and what does not apply anyway stays not applicable.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use crate::checks::{self, AREAS};
use crate::finding::Finding;
use crate::verdict::{Dimension, Status};

/// The checks that are left out, each with the reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    skipped: BTreeMap<&'static str, String>,
}

/// A name that no check, area or dimension has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SelectionError {
    /// Nothing has this name.
    #[error("'{name}' names no check, area or dimension{}", suggestion(.nearest.as_deref()))]
    Unknown {
        /// As typed. Escape at the sink.
        name: String,
        /// What may have been meant.
        nearest: Option<String>,
    },
    /// Everything is left out.
    #[error("no check is left to judge")]
    Nothing,
}

fn suggestion(nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean '{nearest}'?"),
        None => "; 'agentgauge checks' lists them".to_owned(),
    }
}

impl Selection {
    /// Every check.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// The checks that `only` names (all, if it is empty) without those that `skip` names, where each has
    /// a reason of its own. A name is an id, an area, a dimension, or a pattern of ids with `*`.
    ///
    /// # Errors
    /// See [`SelectionError`].
    pub fn of(only: &[String], skip: &[(String, String)]) -> Result<Self, SelectionError> {
        let mut skipped = BTreeMap::new();
        if !only.is_empty() {
            let mut wanted = BTreeSet::new();
            for name in only {
                wanted.extend(resolve(name)?);
            }
            for check in checks::all().filter(|check| !wanted.contains(check.id)) {
                skipped.insert(check.id, format!("only {} was asked for", only.join(", ")));
            }
        }
        for (name, reason) in skip {
            for id in resolve(name)? {
                skipped.insert(id, reason.clone());
            }
        }
        if checks::all().all(|check| skipped.contains_key(check.id)) {
            return Err(SelectionError::Nothing);
        }
        Ok(Self { skipped })
    }

    /// Why a check is left out, if it is.
    #[must_use]
    pub fn skipped(&self, check: &str) -> Option<&str> {
        self.skipped.get(check).map(String::as_str)
    }

    /// Whether nothing is left out.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.skipped.is_empty()
    }

    /// The finding as it is shown: what applies and is left out becomes skipped.
    #[must_use]
    pub fn apply(&self, finding: Finding) -> Finding {
        match self.skipped(finding.check.id) {
            Some(reason) if finding.status != Status::NotApplicable => Finding {
                status: Status::Skipped,
                message: reason.to_owned(),
                severity: finding.check.severity,
                evidence: Vec::new(),
                unstable: false,
                cause: None,
                charged_to: None,
                check: finding.check,
            },
            _ => finding,
        }
    }
}

/// The ids that a name stands for.
///
/// # Errors
/// [`SelectionError::Unknown`].
pub fn resolve(name: &str) -> Result<Vec<&'static str>, SelectionError> {
    let name = name.trim();
    let dimension = Dimension::ALL.into_iter().find(|of| of.as_str().eq_ignore_ascii_case(name));
    let area = AREAS.iter().find(|area| area.name == name);
    let found: Vec<&'static str> = match (dimension, area) {
        (Some(dimension), _) => {
            checks::all().filter(|check| check.dimension == dimension).map(|check| check.id).collect()
        }
        (None, Some(area)) => area.checks.iter().map(|check| check.id).collect(),
        (None, None) => checks::all().map(|check| check.id).filter(|id| matches(name, id)).collect(),
    };
    if found.is_empty() { Err(unknown(name)) } else { Ok(found) }
}

fn unknown(name: &str) -> SelectionError {
    let areas = AREAS.iter().filter(|area| !area.checks.is_empty()).map(|area| area.name);
    let dimensions = Dimension::ALL.into_iter().map(Dimension::as_str);
    let known = checks::all().map(|check| check.id).chain(areas).chain(dimensions);
    SelectionError::Unknown {
        name: name.to_owned(),
        nearest: crate::rubric::nearest(name, known).map(str::to_owned),
    }
}

/// Whether a pattern with `*` for any run of characters matches all of `text`.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at.saturating_add(part.len())..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(names: &[&str]) -> Result<Selection, SelectionError> {
        Selection::of(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), &[])
    }

    #[test]
    fn patterns_match_whole_ids() {
        for (pattern, text, expected) in [
            ("rpc-id-echo", "rpc-id-echo", true),
            ("rpc-*", "rpc-id-echo", true),
            ("*-echo", "rpc-id-echo", true),
            ("r*i*o", "rpc-id-echo", true),
            ("*", "anything", true),
            ("rpc", "rpc-id-echo", false),
            ("*-ech", "rpc-id-echo", false),
            ("rpc-id-echo*rpc-id-echo", "rpc-id-echo", false),
            ("a*a", "a", false),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn ids_areas_dimensions_and_patterns_are_names() {
        for name in ["rpc-id-echo", "jsonrpc", "D2", "d2", "rpc-*"] {
            let selection = only(&[name]).unwrap();
            assert_eq!(selection.skipped("rpc-id-echo"), None, "{name}");
            assert!(selection.skipped("tls-required").unwrap().contains(name), "{name}");
        }
        let skip = [("D7".to_owned(), "elsewhere".to_owned())];
        let both = Selection::of(&["tls-*".to_owned(), "rpc-id-echo".to_owned()], &skip).unwrap();
        assert_eq!(both.skipped("tls-required"), Some("elsewhere"));
        assert_eq!(both.skipped("rpc-id-echo"), None);
    }

    #[test]
    fn unknown_names_and_empty_choices_are_refused() {
        assert!(only(&["rpc-id-ecko"]).unwrap_err().to_string().contains("'rpc-id-echo'"));
        assert!(only(&["jsonrcp"]).unwrap_err().to_string().contains("'jsonrpc'"));
        assert!(only(&["D9"]).is_err());
        assert!(only(&["zzz-*"]).unwrap_err().to_string().contains("agentgauge checks"));
        let all = [("*".to_owned(), String::new())];
        assert_eq!(Selection::of(&[], &all), Err(SelectionError::Nothing));
    }
}
