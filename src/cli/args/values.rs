//! Parsers of single values.

use std::path::PathBuf;
use std::time::Duration;

use crate::report::format::Format;
use crate::rubric::nearest;
use crate::transcript::Profile;
use crate::verdict::{Dimension, Severity};

/// Longest `--wait`.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// `30s`, `500ms`, or a plain number of seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    const HOW: &str = "write it as 30s, 500ms or 30 (seconds), up to 3600s";
    let (number, scale) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => (number, 0.001),
        (None, Some(number)) => (number, 1.0),
        (None, None) => (text, 1.0),
    };
    // Only digits and a point: the parser of numbers would also take "inf", "1e9" and signs.
    if number.is_empty() || !number.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return Err(HOW.to_owned());
    }
    let seconds: f64 = number.parse().map_err(|_| HOW.to_owned())?;
    Duration::try_from_secs_f64(seconds * scale)
        .ok()
        .filter(|wait| *wait <= LONGEST_WAIT)
        .ok_or_else(|| HOW.to_owned())
}

/// A score from 0 to 100. NaN would pass every gate, so it is refused here.
pub(crate) fn percent(text: &str) -> Result<f64, String> {
    text.trim()
        .parse::<f64>()
        .ok()
        .filter(|score| (0.0..=100.0).contains(score))
        .ok_or_else(|| "a score is a number from 0 to 100".to_owned())
}

/// `D7=80`.
pub(crate) fn minimum(text: &str) -> Result<(Dimension, f64), String> {
    let (name, score) = text.split_once('=').ok_or("write it as DIMENSION=SCORE, for example D7=80")?;
    let dimension = Dimension::ALL
        .into_iter()
        .find(|dimension| dimension.as_str().eq_ignore_ascii_case(name.trim()))
        .ok_or_else(|| {
            let known: Vec<&str> = Dimension::ALL.iter().map(|dimension| dimension.as_str()).collect();
            format!("only {} are scored here", known.join(", "))
        })?;
    Ok((dimension, percent(score)?))
}

/// `high`.
pub(crate) fn severity(text: &str) -> Result<Severity, String> {
    use Severity::{Critical, High, Info, Low, Medium};
    const ALL: [Severity; 5] = [Critical, High, Medium, Low, Info];
    ALL.into_iter().find(|severity| severity.as_str().eq_ignore_ascii_case(text.trim())).ok_or_else(|| {
        let names = ALL.map(Severity::as_str);
        match nearest(&text.to_ascii_lowercase(), names.into_iter()) {
            Some(nearest) => format!("did you mean '{nearest}'? There are {}", names.join(", ")),
            None => format!("there are {}", names.join(", ")),
        }
    })
}

/// Names between commas, at least one: an empty list would take away what the configuration demands.
pub(crate) fn names(text: &str) -> Result<Vec<String>, String> {
    let names = text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    let names: Vec<String> = names.collect();
    if names.is_empty() {
        Err("it names nothing; leave it empty to set nothing".to_owned())
    } else {
        Ok(names)
    }
}

/// `true`.
pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("write true or false".to_owned()),
    }
}

/// `D2=50,D7=80`.
pub(crate) fn named_minima(text: &str) -> Result<Vec<(Dimension, f64)>, String> {
    text.split(',').map(|part| minimum(part.trim())).collect()
}

/// `quick`.
pub(crate) fn named_profile(text: &str) -> Result<Profile, String> {
    Profile::ALL
        .into_iter()
        .find(|profile| profile.as_str() == text.trim())
        .ok_or_else(|| "there are quick, standard, deep".to_owned())
}

/// `sarif=agentgauge.sarif`.
pub(super) fn named_file(text: &str) -> Result<(Format, PathBuf), String> {
    let names = || Format::ALL.iter().map(|format| format.name());
    let (name, file) =
        text.split_once('=').ok_or("write it as FORMAT=FILE, for example sarif=agentgauge.sarif")?;
    let format = Format::ALL.iter().find(|format| format.name() == name).ok_or_else(|| {
        match nearest(name, names()) {
            Some(nearest) => format!("there is no such format; did you mean '{nearest}'?"),
            None => format!("there is no such format; there are {}", names().collect::<Vec<_>>().join(", ")),
        }
    })?;
    match file {
        "" => Err("the file is missing".to_owned()),
        "-" => Err("it needs a file; what goes to standard output is --format".to_owned()),
        _ => Ok((*format, PathBuf::from(file))),
    }
}

/// A file.
pub(crate) fn path(text: &str) -> Result<PathBuf, String> {
    Ok(PathBuf::from(text))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::args::Cli;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_report_names_format_and_file() {
        assert_eq!(named_file("sarif=a=b"), Ok((Format::Sarif, PathBuf::from("a=b"))));
        for (bad, said) in [
            ("sarif", "FORMAT=FILE"),
            ("sraif=x", "'sarif'"),
            ("zzzz=x", "table, json"),
            ("sarif=", "missing"),
            ("sarif=-", "standard output"),
            ("=x", "no such format"),
        ] {
            assert!(named_file(bad).unwrap_err().contains(said), "{bad}");
        }
    }

    #[test]
    fn durations_have_units_or_are_seconds() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2"), Ok(Duration::from_secs(2)));
        assert_eq!(duration("0.5"), Ok(Duration::from_millis(500)));
        for bad in ["", "s", "ms", "-1", "1h", "inf", "1e3", "30 s", "3601", "..", "99999999999999999999999"]
        {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn scores_are_numbers_from_0_to_100() {
        assert_eq!(percent("80"), Ok(80.0));
        assert_eq!(percent("99.5"), Ok(99.5));
        for bad in ["", "NaN", "nan", "-1", "101", "1e9", "inf", "eighty", "-0.1", "100.1"] {
            assert!(percent(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn minima_name_a_scored_dimension() {
        assert_eq!(minimum("D7=80"), Ok((Dimension::D7, 80.0)));
        assert_eq!(minimum("d2=0"), Ok((Dimension::D2, 0.0)));
        for bad in ["D9=5", "D3=50", "D7", "D7=", "D7=101", "=5", "D7=NaN", "D7=1=2"] {
            assert!(minimum(bad).is_err(), "{bad}");
        }
    }
}
