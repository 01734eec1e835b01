//! Finds what is wrong with a rubric, with lines and suggestions.

use toml::Spanned;

use super::{Fault, Known, MOST, RubricFile, nearest};

/// Faults as they are found.
pub(super) struct Faults<'t> {
    pub(super) text: &'t str,
    pub(super) found: Vec<Fault>,
}

impl Faults<'_> {
    fn add(&mut self, at: Option<usize>, message: String) {
        let line = at.map(|at| line_of(self.text, at));
        self.found.push(Fault { line, message });
    }

    /// Numbers and names that mean nothing.
    pub(super) fn ranges(&mut self, file: &RubricFile) {
        for (key, text) in [("id", &file.id), ("version", &file.version)] {
            if text.trim().is_empty() {
                self.add(None, format!("`{key}` is empty"));
            }
        }
        let policy = file.policy.get_ref();
        for (key, value) in [("warn_credit", policy.warn_credit), ("min_coverage", policy.min_coverage)] {
            if !(0.0..=1.0).contains(&value) {
                self.add(Some(file.policy.span().start), format!("`{key}` is {value}; it must be 0 to 1"));
            }
        }
        if file.dimensions.is_empty() {
            self.add(None, "`dimensions` names none of D2, D7 and D8".to_owned());
        }
        for (dimension, weight) in &file.dimensions {
            self.count(&format!("the weight of {dimension}"), weight);
        }
        for (check, points) in &file.points {
            self.count(&format!("the points of `{}`", check.get_ref()), points);
        }
        let grades = file.grades.get_ref();
        for (name, from) in grades {
            if !(0.0..=100.0).contains(from.get_ref()) {
                let message = format!("grade `{name}` begins at {}; it must be 0 to 100", from.get_ref());
                self.add(Some(from.span().start), message);
            }
        }
        if !grades.values().any(|from| *from.get_ref() == 0.0) {
            let message = "no grade begins at 0, so a low score would have none".to_owned();
            self.add(Some(file.grades.span().start), message);
        }
        for (grade, asked) in &file.conditions {
            if !grades.contains_key(grade.get_ref()) {
                let names: Vec<&str> = grades.keys().map(String::as_str).collect();
                self.add(Some(grade.span().start), unknown("grade", grade.get_ref(), &names));
            }
            for (key, least) in [("dimension", asked.dimension), ("area", asked.area)] {
                if let Some(least) = least.filter(|least| !(0.0..=100.0).contains(least)) {
                    let message = format!("`{key}` is {least}; it must be 0 to 100");
                    self.add(Some(grade.span().start), message);
                }
            }
        }
        for cap in &file.caps {
            let (at, cap) = (cap.span().start, cap.get_ref());
            if cap.max > 100 {
                self.add(Some(at), format!("a cap of {} holds nothing; `max` must be 0 to 100", cap.max));
            }
            if cap.dimension.dimension().is_some_and(|of| !file.dimensions.contains_key(&of)) {
                self.add(Some(at), format!("a cap holds {}, which has no weight here", cap.dimension));
            }
        }
    }

    fn count(&mut self, what: &str, value: &Spanned<u32>) {
        if !(1..=MOST).contains(value.get_ref()) {
            let hint = if *value.get_ref() == 0 { " (to score nothing, use [unscored])" } else { "" };
            let message = format!("{what} is {}; it must be 1 to {MOST}{hint}", value.get_ref());
            self.add(Some(value.span().start), message);
        }
    }

    /// Ids that no check has, and checks that the rubric forgot.
    pub(super) fn registry(&mut self, file: &RubricFile, checks: &[Known<'_>]) {
        let known: Vec<&str> = checks.iter().map(|check| check.id).collect();
        let known = known.as_slice();
        let named = file.points.keys().chain(file.unscored.keys());
        for id in named.filter(|id| !known.contains(&id.get_ref().as_str())) {
            let message = unknown("check", id.get_ref(), known);
            self.add(Some(id.span().start), message);
        }
        for cap in file.caps.iter().filter(|cap| !known.contains(&cap.get_ref().check.as_str())) {
            let message = unknown("check", &cap.get_ref().check, known);
            self.add(Some(cap.span().start), message);
        }
        for cap in &file.caps {
            let (at, cap) = (cap.span().start, cap.get_ref());
            let check = checks.iter().find(|check| check.id == cap.check);
            let (Some(check), Some(when)) = (check, &cap.when) else { continue };
            if !check.causes.contains(&when.as_str()) {
                let names = match check.causes.as_slice() {
                    [] => "it declares none".to_owned(),
                    causes => format!("it declares {}", causes.join(", ")),
                };
                let message = unknown("cause", when, &check.causes);
                self.add(Some(at), format!("{message}: {names} (check `{}`)", cap.check));
            }
        }
        for (grade, asked) in &file.conditions {
            let named = asked.tools_judged_by.iter().flatten();
            for id in named.filter(|id| !known.contains(&id.as_str())) {
                self.add(Some(grade.span().start), unknown("check", id, known));
            }
        }
        for id in file.unscored.keys().filter(|id| file.points.contains_key(*id)) {
            let message = format!("check `{}` has points and a reason for having none", id.get_ref());
            self.add(Some(id.span().start), message);
        }
        let covered =
            |id: &str| file.points.keys().chain(file.unscored.keys()).any(|named| named.get_ref() == id);
        for id in known.iter().filter(|id| !covered(id)) {
            self.add(
                None,
                format!("check `{id}` has no points: add `{id} = N` to [points], or a reason to [unscored]"),
            );
        }
    }
}

fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("unknown {what} `{name}`; did you mean `{near}`?"),
        None => format!("unknown {what} `{name}`"),
    }
}

/// Adds a suggestion to serde's list of expected names.
pub(crate) fn translate(text: &str, fault: &toml::de::Error) -> Fault {
    let line = fault.span().map(|span| line_of(text, span.start));
    let said = fault.message().trim();
    let mut quoted = said.split('`').skip(1).step_by(2);
    let message = match quoted.next() {
        Some(name) if said.starts_with("unknown field") || said.starts_with("unknown variant") => {
            let what = if said.starts_with("unknown field") { "key" } else { "value" };
            let known: Vec<&str> = quoted.collect();
            format!("{} (known: {})", unknown(what, name, &known), known.join(", "))
        }
        _ => said.to_owned(),
    };
    Fault { line, message }
}

/// The line, from 1, of a byte.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count().saturating_add(1)
}
