//! The grade: that of the number, held by what it asks beside it.

use super::{Row, Score, reaches, snap, tenths};
use crate::checks::AREAS;
use crate::rubric::{Conditions, Rubric};
use crate::verdict::{Dimension, Status};

/// What keeps a grade back that the number alone would earn.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// The grade that is not given.
    pub grade: String,
    /// What holds it: a dimension, an area, or `tools`.
    pub by: String,
    /// Its value, percent, where it has one.
    pub value: Option<f64>,
    /// The value that the grade asks.
    pub needs: Option<f64>,
}

impl Held {
    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        let grade = &self.grade;
        match (self.value, self.needs) {
            (Some(value), Some(needs)) => {
                let area = AREAS.iter().find(|area| area.name == self.by);
                let by = area.map_or(self.by.as_str(), |area| area.title);
                format!("{by} is {}; grade {grade} needs {}", tenths(value), tenths(needs))
            }
            _ => format!("no check has looked at what the tools tell a model; grade {grade} needs that"),
        }
    }
}

/// The grade of what counts, and what holds it below that of the number.
pub(super) fn of(
    score: &Score,
    rows: &[Row<'_>],
    rubric: &Rubric,
    tools: bool,
) -> (Option<String>, Vec<Held>) {
    let Some(value) = score.counted().map(snap) else { return (None, Vec::new()) };
    let mut held = Vec::new();
    for grade in rubric.grades.iter().filter(|grade| value >= grade.from) {
        let unmet = rubric
            .conditions
            .get(&grade.name)
            .map(|asked| unmet(&grade.name, asked, score, rows, tools))
            .unwrap_or_default();
        if unmet.is_empty() {
            return (Some(grade.name.clone()), held);
        }
        held.extend(unmet);
    }
    // The last grade may ask for something, too: then there is none.
    (None, held)
}

fn unmet(grade: &str, asked: &Conditions, score: &Score, rows: &[Row<'_>], tools: bool) -> Vec<Held> {
    let mut held = Vec::new();
    let mut short = |by: &str, value: Option<f64>, needs: Option<f64>| {
        if let (Some(value), Some(needs)) = (value, needs)
            && !reaches(value, needs)
        {
            let by = by.to_owned();
            held.push(Held { grade: grade.to_owned(), by, value: Some(value), needs: Some(needs) });
        }
    };
    for dimension in Dimension::ALL {
        short(dimension.as_str(), score.counted_of(dimension), asked.dimension);
    }
    for (name, area) in &score.areas {
        short(name, area.value, asked.area);
    }
    if let Some(judges) = asked.tools_judged_by.as_ref().filter(|_| tools) {
        let judged = |row: &Row<'_>| matches!(row.status, Status::Pass | Status::Warn | Status::Fail);
        if !rows.iter().any(|row| judged(row) && judges.iter().any(|id| id == row.check)) {
            held.push(Held { grade: grade.to_owned(), by: "tools".to_owned(), value: None, needs: None });
        }
    }
    held
}
