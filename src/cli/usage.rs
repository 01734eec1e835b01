//! What is wrong with what was typed.
//!
//! What clap has against the arguments is told in one line. Its own text has several, and repeats what was
//! typed as it was typed; here it goes through the sanitiser with everything else.

use std::error::Error as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use thiserror::Error;

/// What was typed cannot be meant: exit 2. Shown as one line, escaped at the sink.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{argument}: {problem}")]
pub(crate) struct Usage {
    /// The argument, as typed.
    pub(crate) argument: String,
    /// What is wrong with it, and what would be right.
    pub(crate) problem: String,
}

impl Usage {
    pub(crate) fn new(argument: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { argument: argument.into(), problem: problem.into() }
    }
}

/// The error as one line, not yet sanitised.
pub(super) fn line(error: &clap::Error) -> String {
    let text = |kind: ContextKind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) if !texts.is_empty() => Some(texts.join(", ")),
        _ => None,
    };
    let argument = text(ContextKind::InvalidArg).unwrap_or_else(|| "the arguments".to_owned());
    let value = text(ContextKind::InvalidValue).unwrap_or_default();
    let mut line = match error.kind() {
        ErrorKind::InvalidValue if value.is_empty() => format!("{argument}: a value is missing"),
        ErrorKind::InvalidValue => format!("{argument}: '{value}' is not one of its values"),
        ErrorKind::ValueValidation => {
            let why = error.source().map_or_else(|| "not valid".to_owned(), ToString::to_string);
            format!("{argument}: '{value}' is not valid: {why}")
        }
        ErrorKind::UnknownArgument => format!("unknown option '{argument}'"),
        ErrorKind::InvalidSubcommand => {
            format!("unknown command '{}'", text(ContextKind::InvalidSubcommand).unwrap_or_default())
        }
        ErrorKind::MissingRequiredArgument => format!("{argument} is missing"),
        ErrorKind::MissingSubcommand => "a command is missing".to_owned(),
        ErrorKind::ArgumentConflict => match text(ContextKind::PriorArg) {
            Some(prior) if prior == argument => format!("{argument} is given twice"),
            Some(prior) => format!("{argument} cannot be used with {prior}"),
            None => format!("{argument} cannot be used here"),
        },
        ErrorKind::InvalidUtf8 => "an argument is not UTF-8 text".to_owned(),
        _ => {
            let rendered = error.render().to_string();
            rendered.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    };
    let nearest = [ContextKind::SuggestedValue, ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand]
        .into_iter()
        .find_map(text);
    if let Some(nearest) = nearest {
        line.push_str(&format!("; did you mean '{nearest}'?"));
    } else if let Some(valid) = text(ContextKind::ValidValue) {
        line.push_str(&format!("; it takes {valid}"));
    } else if let Some(valid) = text(ContextKind::ValidSubcommand) {
        line.push_str(&format!("; there are {valid}"));
    }
    line
}
