//! What makes a run fail: minimum scores, overall and per dimension.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::finding::Dimension;
use crate::score::{Score, reaches, tenths};

/// What the user asked for. Values are percent, 0 to 100.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gates {
    /// Least overall score.
    pub min_score: Option<f64>,
    /// Least score of single dimensions.
    pub min: Vec<(Dimension, f64)>,
}

impl Gates {
    /// Whether none was given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.min_score.is_none() && self.min.is_empty()
    }
}

/// What became of the gates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GateOutcome {
    /// How many gates were asked for.
    pub asked: usize,
    /// Gates whose number is too low, in words.
    pub failed: Vec<String>,
    /// Gates whose number is withheld, in words.
    pub withheld: Vec<String>,
}

impl GateOutcome {
    /// Compares the exact values with the gates.
    #[must_use]
    pub fn of(score: &Score, gates: &Gates) -> Self {
        let mut outcome = Self::default();
        if let Some(min) = gates.min_score {
            let why = score.withheld.as_deref().unwrap_or("withheld");
            outcome.one("score", score.value, min, why);
        }
        for (dimension, min) in &gates.min {
            let of = score.dimensions.get(dimension);
            let why = match of {
                Some(_) => "too little of it could be judged",
                None => score.withheld.as_deref().unwrap_or("nothing of it applies here"),
            };
            outcome.one(dimension.as_str(), of.and_then(|of| of.value), *min, why);
        }
        outcome
    }

    fn one(&mut self, what: &str, value: Option<f64>, min: f64, why: &str) {
        self.asked = self.asked.saturating_add(1);
        match value {
            Some(value) if reaches(value, min) => {}
            Some(value) => self.failed.push(format!("{what} {} is below {min}", tenths(value))),
            None => self.withheld.push(format!("{what} is withheld: {why}")),
        }
    }

    /// Whether every gate was judged and passed; true where none was asked for.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failed.is_empty() && self.withheld.is_empty()
    }

    /// Why it did not pass; failures first.
    pub fn reasons(&self) -> impl Iterator<Item = &str> {
        self.failed.iter().chain(&self.withheld).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::DimensionScore;

    fn score(value: Option<f64>) -> Score {
        let security = DimensionScore {
            value: Some(59.96),
            lower: 50.0,
            upper: 60.0,
            coverage: 1.0,
            weight: 12,
            earned: 0.0,
            judged: 0,
            applicable: 0,
            uncapped: None,
        };
        let mut score = Score::none("too little could be judged");
        score.value = value;
        score.dimensions.insert(Dimension::D7, security);
        score
    }

    #[test]
    fn the_exact_value_is_compared_not_the_shown_one() {
        let gates = Gates { min_score: Some(79.5), min: vec![(Dimension::D7, 60.0)] };
        let outcome = GateOutcome::of(&score(Some(79.5)), &gates);
        assert!(!outcome.passed());
        assert_eq!(outcome.failed, ["D7 59.9 is below 60"]);
        assert!(GateOutcome::of(&score(Some(80.0)), &Gates::default()).passed());
    }

    #[test]
    fn a_withheld_number_never_passes() {
        let gates = Gates { min_score: Some(0.0), min: vec![(Dimension::D8, 0.0), (Dimension::D7, 50.0)] };
        let outcome = GateOutcome::of(&score(None), &gates);
        assert!(outcome.failed.is_empty());
        assert_eq!(outcome.withheld.len(), 2);
        assert!(!outcome.passed());
    }
}
