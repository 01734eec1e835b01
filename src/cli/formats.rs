//! Formats as arguments.

use std::path::{Component, Path, PathBuf};

use clap::ValueEnum;
use clap::builder::PossibleValue;

use super::args::FormatArg;
use super::find::FoundConfig;
use super::lists::Lines;
use super::machine::{Surroundings, text_file};
use super::usage::Usage;
use crate::config::{At, TargetConfig};
use crate::report::format::Format;
use crate::target::Target;
use crate::transcript::Profile;

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

impl From<FormatArg> for Format {
    fn from(arg: FormatArg) -> Self {
        match arg {
            FormatArg::Table => Self::Table,
            FormatArg::Json => Self::Json,
            FormatArg::Html => Self::Html,
        }
    }
}

/// A file of the repository that names targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedIn {
    /// Relative, with `/`.
    pub(crate) file: String,
    /// The line, if it was given.
    pub(crate) line: Option<u32>,
    /// URLs, with their labels, whose lines are known.
    pub(crate) lines: Vec<(String, Option<String>, u32)>,
    /// Its text, to find the line by the URL.
    pub(crate) text: String,
}

/// Largest file that is searched for a URL, in bytes.
const NAMED_BYTES: u64 = 16 * 1024 * 1024;

/// `FILE[:LINE]`, a file of the repository.
pub(super) fn named_in(text: &str, around: &dyn Surroundings) -> Result<NamedIn, Usage> {
    let refuse = |problem: &str| Usage::new("--named-in", problem);
    let (file, line) = match text.rsplit_once(':') {
        Some((file, line)) if !line.is_empty() && line.chars().all(|c| c.is_ascii_digit()) => {
            let line: u32 = line.parse().map_err(|_| refuse("the line is too large"))?;
            (file, Some(line))
        }
        _ => (text, None),
    };
    if line == Some(0) {
        return Err(refuse("lines count from 1"));
    }
    let mut parts = Vec::new();
    for part in Path::new(file).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            _ => return Err(refuse("name a file relative to the root of the repository, without '..'")),
        }
    }
    if parts.is_empty() {
        return Err(refuse("a file is missing; write it as FILE or FILE:LINE"));
    }
    let text = match line {
        Some(_) => String::new(),
        None => text_file("--named-in", Path::new(file), NAMED_BYTES, around)?,
    };
    Ok(NamedIn { file: parts.join("/"), line, lines: Vec::new(), text })
}

/// The configuration as the file that names the targets, if it stands in a repository.
pub(super) fn named_by(found: &FoundConfig, around: &dyn Surroundings) -> Option<NamedIn> {
    let here = around.folder().ok()?;
    let file =
        below(repository(&here, around)?, &here, Path::new(&found.config.name)).filter(|_| found.file)?;
    let line = |at: &At<TargetConfig>| {
        // As the report has it: without a user and password.
        let url = Target::parse(&at.value.url, Profile::default()).map(|target| target.typed());
        let url = url.unwrap_or_else(|_| at.value.url.clone());
        (url, at.value.label.clone(), u32::try_from(at.line).unwrap_or(u32::MAX))
    };
    let lines = found.config.targets.iter().map(line).collect();
    Some(NamedIn { file, line: None, lines, text: String::new() })
}

/// A list as the file that names the targets, if it stands in the repository, or else in the working
/// directory. `lines` are its URLs.
pub(super) fn named_by_list(path: &Path, lines: Lines, around: &dyn Surroundings) -> Option<NamedIn> {
    let here = around.folder().ok()?;
    let file = below(repository(&here, around).unwrap_or(&here), &here, path)?;
    let lines = lines.into_iter().map(|(url, line)| (url, None, line)).collect();
    Some(NamedIn { file, line: None, lines, text: String::new() })
}

/// The root of the repository that a folder is in.
fn repository<'f>(here: &'f Path, around: &dyn Surroundings) -> Option<&'f Path> {
    here.ancestors().find(|folder| matches!(around.exists(&folder.join(".git")), Ok(true)))
}

/// A path as seen from the root, with `/`, if it is below it.
fn below(root: &Path, here: &Path, path: &Path) -> Option<String> {
    let mut whole = PathBuf::new();
    for part in here.join(path).components() {
        match part {
            Component::ParentDir => drop(whole.pop()),
            Component::CurDir => {}
            part => whole.push(part),
        }
    }
    let parts = whole.strip_prefix(root).ok()?.components();
    Some(parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::resolve::fake::{Fake, NOTHING, error, resolve};

    #[test]
    fn outputs_are_different_files() {
        let with = |words: &[&str]| error(&[&["https://a"], words].concat(), &NOTHING);
        assert!(with(&["--report", "sarif=x", "--report", "junit=./x"]).contains("two different files"));
        assert!(with(&["-o", "x", "--report", "junit=x"]).contains("two different files"));
        assert!(with(&["--report", "junit=x", "--save-transcript", "x"]).contains("--save-transcript"));
        let plan = resolve(&["https://a", "--report", "sarif=x", "--report", "sarif=y"], &NOTHING).unwrap();
        assert_eq!(plan.reporting.reports.len(), 2);
    }

    #[test]
    fn a_file_of_the_repository_is_relative() {
        let around = Fake { variables: &[], files: &[("a/b.json", "x\nhttps://a/\n")] };
        let with = |text: &str| named_in(text, &around);
        assert_eq!(with("./a/b.json:3").unwrap().line, Some(3));
        assert_eq!(with("a/b.json").unwrap().file, "a/b.json");
        for bad in ["/etc/passwd", "../x", "", "a/b.json:0", "missing", ".", "a:99999999999"] {
            assert!(with(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_files_of_a_step_are_only_for_its_format() {
        let around = Fake { variables: &[("GITHUB_STEP_SUMMARY", "s"), ("GITHUB_OUTPUT", "")], files: &[] };
        let of =
            |words: &[&str]| resolve(&[&["https://a"], words].concat(), &around).unwrap().reporting.github;
        assert_eq!(of(&[]), [None, None]);
        assert_eq!(of(&["-f", "github"]), [Some(PathBuf::from("s")), None]);
        assert_eq!(of(&["--report", "github=x"]), [Some(PathBuf::from("s")), None]);
    }
}
