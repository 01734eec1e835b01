//! `agentgauge.toml`: what a repository says about its endpoints. Text in, settings with their lines out.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use crate::rubric::{Fault, line_of, translate};
use crate::transcript::Profile;
use crate::verdict::{Dimension, Severity};

/// Name of the file.
pub const FILE_NAME: &str = "agentgauge.toml";

/// A value and its line, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Its line.
    pub line: usize,
}

/// A configuration, checked as far as it can be alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Name of the file, for messages.
    pub name: String,
    /// Which probes run, unless a target says otherwise.
    pub profile: Option<At<Profile>>,
    /// Name or file of the rubric.
    pub rubric: Option<At<String>>,
    /// File of the baseline.
    pub baseline: Option<At<String>>,
    /// Least overall score, percent.
    pub min_score: Option<At<f64>>,
    /// Least score of dimensions, percent.
    pub min: Option<At<Vec<(Dimension, f64)>>>,
    /// Least coverage, percent.
    pub min_coverage: Option<At<f64>>,
    /// The harm from which on findings fail.
    pub fail_on: Option<At<Severity>>,
    /// Ids of checks that must pass.
    pub require: Option<At<Vec<String>>>,
    /// How far the score may fall, percent points.
    pub max_drop: Option<At<f64>>,
    /// File of an earlier report.
    pub against: Option<At<String>>,
    /// Checks that are left out, with reasons.
    pub skip: Vec<At<Skip>>,
    /// What is scanned.
    pub targets: Vec<At<TargetConfig>>,
    /// Secrets that stand in clear text, with file and line.
    pub warnings: Vec<String>,
}

/// Checks that are left out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Skip {
    /// An id, an area, a dimension, or a pattern of ids with `*`.
    pub check: String,
    /// Why.
    pub reason: String,
}

/// A target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetConfig {
    /// Its URL.
    pub url: String,
    /// Its name.
    pub label: Option<String>,
    /// Which probes run.
    pub profile: Option<Profile>,
    /// Headers in clear text.
    pub headers: BTreeMap<String, String>,
    /// Headers whose value is in an environment variable.
    pub header_env: BTreeMap<String, String>,
    /// The variable with a bearer token.
    pub bearer_env: Option<String>,
}

/// The text's own shape.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "agentgauge configuration", rename = "Config")]
pub(crate) struct ConfigFile {
    /// Which probes run, unless a target says otherwise.
    #[schemars(with = "Option<Profile>")]
    profile: Option<Spanned<Profile>>,
    /// Name of a built-in rubric, also pinned as NAME@MAJOR, or a file beside this one.
    #[schemars(with = "Option<String>")]
    rubric: Option<Spanned<String>>,
    /// File of the baseline, seen from this file.
    #[schemars(with = "Option<String>")]
    baseline: Option<Spanned<String>>,
    /// What makes a run fail.
    #[serde(default)]
    gates: GatesFile,
    /// Checks that are left out, with reasons.
    #[serde(default)]
    #[schemars(with = "Vec<Skip>")]
    skip: Vec<Spanned<Skip>>,
    /// What is scanned.
    #[serde(default)]
    #[schemars(with = "Vec<TargetFile>")]
    targets: Vec<Spanned<TargetFile>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Gates")]
struct GatesFile {
    /// Least overall score, 0 to 100.
    #[schemars(with = "Option<f64>")]
    min_score: Option<Spanned<f64>>,
    /// Least score of dimensions, 0 to 100.
    #[schemars(with = "Option<BTreeMap<Dimension, f64>>")]
    min: Option<Spanned<BTreeMap<Dimension, Spanned<f64>>>>,
    /// Least coverage, 0 to 100.
    #[schemars(with = "Option<f64>")]
    min_coverage: Option<Spanned<f64>>,
    /// The harm from which on findings fail.
    #[schemars(with = "Option<Severity>")]
    fail_on: Option<Spanned<Severity>>,
    /// Ids of checks that must pass.
    #[schemars(with = "Option<Vec<String>>")]
    require: Option<Spanned<Vec<String>>>,
    /// How far the score may fall below `against`, 0 to 100.
    #[schemars(with = "Option<f64>")]
    max_drop: Option<Spanned<f64>>,
    /// An earlier JSON report, seen from this file.
    #[schemars(with = "Option<String>")]
    against: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Target")]
struct TargetFile {
    /// http, https, ws or wss.
    #[schemars(with = "String")]
    url: Spanned<String>,
    /// Its name: in reports, in the baseline, and for `agentgauge scan NAME`.
    label: Option<String>,
    /// Which probes run.
    profile: Option<Profile>,
    /// Headers that are no secrets.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    headers: BTreeMap<String, Spanned<String>>,
    /// Headers whose value is in an environment variable: name = variable.
    #[serde(default)]
    header_env: BTreeMap<String, String>,
    /// The environment variable with a bearer token.
    bearer_env: Option<String>,
}

/// What is wrong with a configuration: every fault, in order of lines. Escape at the sink.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", crate::rubric::shown(.name, .faults))]
pub struct ConfigError {
    /// Name of the file, as given.
    pub name: String,
    /// At least one.
    pub faults: Vec<Fault>,
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// Every fault, with its line and the nearest known name.
    pub fn parse(text: &str, name: &str) -> Result<Self, ConfigError> {
        let error = |faults| ConfigError { name: name.to_owned(), faults };
        let file: ConfigFile = toml::from_str(text).map_err(|fault| error(vec![translate(text, &fault)]))?;
        let mut reader = Reader { text, name, faults: Vec::new(), warnings: Vec::new() };
        let GatesFile { min_score, min, min_coverage, fail_on, require, max_drop, against } = file.gates;
        let min = min.map(|min| {
            let line = reader.line(&min);
            let each = min.into_inner().into_iter();
            let value = each.filter_map(|(of, min)| Some((of, reader.percent(Some(min))?.value))).collect();
            At { value, line }
        });
        let mut targets: Vec<At<TargetConfig>> = Vec::new();
        for target in file.targets {
            let target = reader.target(target, &targets);
            targets.push(target);
        }
        let skip: Vec<At<Skip>> = file.skip.into_iter().filter_map(|skip| reader.at(Some(skip))).collect();
        for entry in skip.iter().filter(|entry| entry.value.reason.trim().is_empty()) {
            reader.fault(entry.line, "`reason` is empty: say why the check is skipped".to_owned());
        }
        let config = Self {
            name: name.to_owned(),
            profile: reader.at(file.profile),
            rubric: reader.at(file.rubric),
            baseline: reader.at(file.baseline),
            min_score: reader.percent(min_score),
            min,
            min_coverage: reader.percent(min_coverage),
            fail_on: reader.at(fail_on),
            require: reader.at(require),
            max_drop: reader.percent(max_drop),
            against: reader.at(against),
            skip,
            targets,
            warnings: std::mem::take(&mut reader.warnings),
        };
        if reader.faults.is_empty() {
            Ok(config)
        } else {
            reader.faults.sort();
            Err(error(reader.faults))
        }
    }

    /// Where a line of it is, for messages.
    #[must_use]
    pub fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.name)
    }
}

/// Turns positions into lines and collects what is wrong.
struct Reader<'t> {
    text: &'t str,
    name: &'t str,
    faults: Vec<Fault>,
    warnings: Vec<String>,
}

impl Reader<'_> {
    fn line<T>(&self, value: &Spanned<T>) -> usize {
        line_of(self.text, value.span().start)
    }

    fn fault(&mut self, line: usize, message: String) {
        self.faults.push(Fault { line: Some(line), message });
    }

    fn at<T>(&self, value: Option<Spanned<T>>) -> Option<At<T>> {
        value.map(|value| At { line: self.line(&value), value: value.into_inner() })
    }

    fn percent(&mut self, value: Option<Spanned<f64>>) -> Option<At<f64>> {
        let at = self.at(value)?;
        if !(0.0..=100.0).contains(&at.value) {
            self.fault(at.line, format!("{} is no number from 0 to 100", at.value));
        }
        Some(at)
    }

    fn target(&mut self, target: Spanned<TargetFile>, earlier: &[At<TargetConfig>]) -> At<TargetConfig> {
        let line = self.line(&target);
        let target = target.into_inner();
        let url_line = self.line(&target.url);
        let url = target.url.into_inner();
        if clear_text_url(&url) {
            self.warn(url_line, "the URL holds a secret in clear text; give it by header_env or bearer_env");
        }
        let mut headers = BTreeMap::new();
        for (name, value) in target.headers {
            let line = self.line(&value);
            let value = value.into_inner();
            if secret_header(&name, &value) {
                self.warn(line, "the header looks like a secret in clear text; use header_env or bearer_env");
            }
            headers.insert(name, value);
        }
        if let Some(label) = &target.label
            && let Some(twin) = earlier.iter().find(|twin| twin.value.label.as_ref() == Some(label))
        {
            self.fault(line, format!("two targets are called `{label}`; the other is in line {}", twin.line));
        }
        let value = TargetConfig {
            url,
            label: target.label,
            profile: target.profile,
            headers,
            header_env: target.header_env,
            bearer_env: target.bearer_env,
        };
        At { value, line }
    }

    /// The value itself is never repeated.
    fn warn(&mut self, line: usize, message: &str) {
        self.warnings.push(format!("{}:{line}: {message}", self.name));
    }
}

/// Words that names of secrets have.
const SECRET_WORDS: [&str; 10] =
    ["auth", "token", "key", "secret", "password", "passwd", "cookie", "credential", "session", "jwt"];

/// Shortest run of letters and digits that is taken for a token.
const TOKEN_CHARS: usize = 20;

fn secret_header(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let value = value.trim();
    let scheme = value.split_once(' ').is_some_and(|(scheme, _)| {
        ["bearer", "basic", "digest", "token"].contains(&scheme.to_ascii_lowercase().as_str())
    });
    scheme || SECRET_WORDS.iter().any(|word| name.contains(word)) || token_like(value)
}

/// One long word with letters and digits.
fn token_like(value: &str) -> bool {
    value.len() >= TOKEN_CHARS
        && !value.contains(|c: char| c.is_whitespace() || "/:;,".contains(c))
        && value.contains(|c: char| c.is_ascii_digit())
        && value.contains(|c: char| c.is_ascii_alphabetic())
}

fn clear_text_url(text: &str) -> bool {
    let Some((url, _)) = crate::protocol::host::parse(text) else { return false };
    // A user alone may be a token, too: `https://TOKEN@host`.
    !url.username().is_empty()
        || url.password().is_some()
        || url.query_pairs().any(|(name, value)| {
            !value.is_empty() && SECRET_WORDS.iter().any(|word| name.to_ascii_lowercase().contains(word))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"profile = "quick"
rubric = "agent-readiness@0"

[gates]
min_score = 80
min = { D7 = 70.5 }
fail_on = "high"
require = ["tls-required"]

[[targets]]
url = "https://example.com/mcp"
label = "prod"
headers = { X-Tenant = "acme" }
header_env = { X-Api-Key = "API_KEY" }

[[skip]]
check = "cors-*"
reason = "no browsers here"
"#;

    fn error(text: &str) -> String {
        Config::parse(text, "agentgauge.toml").unwrap_err().to_string()
    }

    #[test]
    fn values_have_lines() {
        let config = Config::parse(TEXT, "agentgauge.toml").unwrap();
        assert_eq!(config.min_score, Some(At { value: 80.0, line: 5 }));
        assert_eq!(config.min, Some(At { value: vec![(Dimension::D7, 70.5)], line: 6 }));
        assert_eq!(config.fail_on, Some(At { value: Severity::High, line: 7 }));
        assert_eq!((config.targets[0].line, config.skip[0].line), (10, 16));
        assert_eq!(config.place(5), "agentgauge.toml:5");
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
        assert_eq!(Config::parse("", "x").unwrap(), Config { name: "x".to_owned(), ..Config::default() });
    }

    #[test]
    fn unknown_names_and_wrong_values_are_errors_with_their_line() {
        for (from, to, said) in [
            (
                "min_score",
                "min_skore",
                "agentgauge.toml:5: unknown key `min_skore`; did you mean `min_score`?",
            ),
            ("[gates]", "[gate]", "agentgauge.toml:4: unknown key `gate`; did you mean `gates`?"),
            ("= 80", "= 180", "agentgauge.toml:5: 180 is no number from 0 to 100"),
            ("= 80", "= nan", "agentgauge.toml:5: NaN is no number"),
            ("D7 = 70.5", "D3 = 50", "agentgauge.toml:6: "),
            ("\"high\"", "\"hihg\"", "agentgauge.toml:7: unknown value `hihg`; did you mean `high`?"),
            ("label = ", "labl = ", "agentgauge.toml:12: unknown key `labl`; did you mean `label`?"),
            ("\"quick\"", "\"quik\"", "agentgauge.toml:1: unknown value `quik`; did you mean `quick`?"),
            ("\"no browsers here\"", "\"\"", "agentgauge.toml:16: `reason` is empty"),
            ("reason =", "raeson =", "agentgauge.toml:18: unknown key `raeson`; did you mean `reason`?"),
            ("[gates]", "[gates", "agentgauge.toml:4: "),
        ] {
            let now = error(&TEXT.replace(from, to));
            assert!(now.contains(said), "{to}: {now}");
        }
        let twice = format!("{TEXT}\n[[targets]]\nurl = \"https://b/\"\nlabel = \"prod\"\n");
        assert!(
            error(&twice).contains("agentgauge.toml:20: two targets are called `prod`"),
            "{}",
            error(&twice)
        );
    }

    #[test]
    fn secrets_in_clear_text_are_warned_of_by_line_and_never_shown() {
        let warnings = |from: &str, to: &str| {
            let config = Config::parse(&TEXT.replace(from, to), "agentgauge.toml").unwrap();
            assert!(!config.warnings.concat().contains("s3cr3t"), "{:?}", config.warnings);
            config.warnings
        };
        for header in [
            "Authorization = \"Bearer s3cr3t\"",
            "X-Api-Key = \"s3cr3t\"",
            "Cookie = \"sid=s3cr3t\"",
            "X-Any = \"s3cr3ts3cr3ts3cr3ts3cr3t\"",
        ] {
            let said = warnings("X-Tenant = \"acme\"", header);
            assert!(said.len() == 1 && said[0].starts_with("agentgauge.toml:13: "), "{header}: {said:?}");
        }
        for url in [
            "https://me:s3cr3t@example.com/",
            "https://s3cr3t@example.com/",
            "https://:s3cr3t@example.com/",
            "https://example.com/?api_key=s3cr3t",
        ] {
            let said = warnings("https://example.com/mcp", url);
            assert!(said.len() == 1 && said[0].starts_with("agentgauge.toml:11: "), "{url}: {said:?}");
        }
    }
}
