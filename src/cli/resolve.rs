//! From what was typed to what is meant. Pure: the environment and files come through
//! [`Surroundings`]. Arguments are taken apart in full, so that none can be forgotten.

use std::path::{Path, PathBuf};

use super::args::{ProbingArgs, RecordingArgs, ReplayArgs, ScanArgs, TargetArgs};
use super::inputs::{Remembering, distinct_files};
use super::judging::Judging;
use super::machine::Surroundings;
use super::reporting::{Reporting, reporting};
use super::settings::{Settings, settings};
use super::usage::Usage;
use super::{formats, lists, output, proxies, recording, targets};
use crate::observe::ScanOptions;
use crate::report::format::Format;
use crate::target::Target;
use crate::transcript::{Limits, Profile};

/// What would happen, shown instead of scanning.
#[derive(Debug)]
pub(crate) enum Preview {
    /// The limits in force.
    Limits(Limits),
    /// What the profile sends, within these limits.
    Plan(Profile, Limits),
}

/// A scan that can begin.
#[derive(Debug)]
pub(crate) struct Scan {
    /// At least one, unless only a preview is asked for.
    pub(crate) targets: Vec<Target>,
    pub(crate) options: ScanOptions,
    pub(crate) reporting: Reporting,
    pub(crate) judging: Judging,
    /// A file for one target, a folder for several.
    pub(crate) save: Option<PathBuf>,
    pub(crate) no_progress: bool,
    /// What is asked for instead of scanning.
    pub(crate) instead: Option<Preview>,
    /// What the user should know before it begins.
    pub(crate) notes: Vec<String>,
}

/// A replay that can begin.
#[derive(Debug)]
pub(crate) struct Replay {
    /// `-` is standard input.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) reporting: Reporting,
    pub(crate) judging: Judging,
}

/// What a `scan` means.
pub(crate) fn scan(args: ScanArgs, around: &dyn Surroundings) -> Result<Scan, Usage> {
    let ScanArgs { target, credentials, probing, output, recording, gates, choice, config } = args;
    let TargetArgs {
        urls,
        targets: list,
        allow_private,
        label,
        wait,
        discover,
        cacert,
        insecure,
        proxy,
        no_proxy,
        user_agent,
    } = target;
    let ProbingArgs { profile, max_requests, rate, plan, show_limits } = probing;
    let RecordingArgs { save_transcript, no_progress } = recording;

    let inputs = Remembering::new(around);
    let around = &inputs;
    let settings = settings(profile, gates, choice, &config, around)?;
    let Settings { profile, judging, found, shown: _ } = settings;
    let limits = limits(profile.value, max_requests, rate)?;
    let mut notes = found.config.warnings.clone();
    let preview = show_limits || plan;
    let listed = list.as_deref().map(|path| lists::targets(path, profile.value, allow_private, around));
    let (listed, lines) = listed.transpose()?.unwrap_or_default();
    let mut targets = targets::wanted(&urls, listed, &found, &profile, preview, &mut notes, around)?;
    if label.is_some() && targets.len() > 1 {
        return Err(Usage::new("--label", "it names one target, and there are several URLs"));
    }
    let label = label.map(targets::label).transpose()?;
    let user_agent = user_agent.map(targets::user_agent).transpose()?;
    let cacert = cacert.map(|path| targets::trust_roots(&path, around)).transpose()?;
    if !no_proxy {
        proxies::assign(proxy.as_deref(), &mut targets, around)?;
    }
    targets::authorise(&credentials, &mut targets, &found, &mut notes, around)?;
    for target in &mut targets {
        if label.is_some() {
            target.label.clone_from(&label);
        }
        target.cacert.clone_from(&cacert);
        target.insecure = insecure;
        target.limits = self::limits(target.profile, max_requests, rate)?;
        if let Some(user_agent) = &user_agent {
            target.user_agent.clone_from(user_agent);
        }
    }
    let mut reporting = reporting(output, around)?;
    if reporting.named_in.is_empty() {
        let list = list.as_deref().and_then(|path| formats::named_by_list(path, lines, around));
        reporting.named_in = list.into_iter().chain(formats::named_by(&found, around)).collect();
    }
    if (show_limits || plan) && !matches!(reporting.format, Format::Table | Format::Json) {
        let format = reporting.format.name();
        return Err(Usage::new(format!("--format {format}"), "a preview is shown as table or json only"));
    }
    if save_transcript.as_deref() == Some(Path::new("-")) {
        return Err(Usage::new("--save-transcript", "it needs a file; standard output is for the report"));
    }
    if let Some(save) = &save_transcript {
        for (option, file) in reporting.files() {
            distinct_files("--save-transcript", save, option, file)?;
        }
        for file in saved(save, &targets) {
            recording::recorded(&file).iter().try_for_each(|file| inputs.spare("--save-transcript", file))?;
        }
    }
    reporting.spare(&inputs)?;
    let named = targets.iter().map(|target| (target.typed(), target.label.clone()));
    notes.extend(judging.concerns(named)?);
    let wait_ms = wait.map_or(0, |wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
    Ok(Scan {
        targets,
        options: ScanOptions { wait_ms, discover },
        reporting,
        judging,
        save: save_transcript,
        no_progress,
        instead: match (show_limits, plan) {
            (true, _) => Some(Preview::Limits(limits)),
            (false, true) => Some(Preview::Plan(profile.value, limits)),
            (false, false) => None,
        },
        notes,
    })
}

/// What a `replay` means.
pub(crate) fn replay(args: ReplayArgs, around: &dyn Surroundings) -> Result<Replay, Usage> {
    let ReplayArgs { files, output, gates, choice, config } = args;
    let inputs = Remembering::new(around);
    let around = &inputs;
    let mut reporting = reporting(output, around)?;
    let Settings { judging, found, .. } = settings(None, gates, choice, &config, around)?;
    if reporting.named_in.is_empty() {
        reporting.named_in.extend(formats::named_by(&found, around));
    }
    if files.iter().filter(|file| file.as_path() == Path::new("-")).count() > 1 {
        return Err(Usage::new("-", "standard input can be read only once"));
    }
    inputs.will_read("FILE", &files);
    reporting.spare(&inputs)?;
    Ok(Replay { files, reporting, judging })
}

/// The transcripts that are saved: the file itself, or one in the folder for each of several targets.
fn saved(path: &Path, targets: &[Target]) -> Vec<PathBuf> {
    match targets {
        [] | [_] => vec![path.to_owned()],
        several => {
            let name = |(index, target)| path.join(output::transcript_name(index, target));
            several.iter().enumerate().map(name).collect()
        }
    }
}

fn limits(profile: Profile, max_requests: Option<u32>, rate: Option<u32>) -> Result<Limits, Usage> {
    let mut limits = Limits::of(profile);
    if let Some(requests) = max_requests {
        if requests > limits.requests {
            let most = limits.requests;
            let profile = profile.as_str();
            return Err(Usage::new(
                format!("--max-requests {requests}"),
                format!("the {profile} profile sends at most {most}; this option can only lower it"),
            ));
        }
        limits.requests = requests;
    }
    if let Some(rate) = rate {
        limits.public_rate = rate;
    }
    Ok(limits)
}

/// A machine for tests.
#[cfg(test)]
pub(super) mod fake {
    use std::ffi::OsString;
    use std::io;

    use clap::Parser;

    use super::*;
    use crate::cli::args::{Cli, Command};
    use crate::cli::machine::Destination;

    /// A machine with these variables and these files.
    pub(in crate::cli) struct Fake<'a> {
        pub(in crate::cli) variables: &'a [(&'a str, &'a str)],
        pub(in crate::cli) files: &'a [(&'a str, &'a str)],
    }

    impl Surroundings for Fake<'_> {
        fn variable(&self, name: &str) -> Option<OsString> {
            self.variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        }

        fn variables(&self) -> Vec<OsString> {
            self.variables.iter().map(|(name, _)| OsString::from(name)).collect()
        }

        fn file(&self, _argument: &str, path: &Path, _limit: u64) -> io::Result<Vec<u8>> {
            let found = self.files.iter().find(|(name, _)| Path::new(name) == path);
            found.map(|(_, text)| text.as_bytes().to_vec()).ok_or_else(|| io::ErrorKind::NotFound.into())
        }

        fn folder(&self) -> io::Result<PathBuf> {
            Ok(PathBuf::from("/repository/deep/here"))
        }

        /// The working directory's files are listed as seen from it, others by their whole path.
        fn exists(&self, path: &Path) -> io::Result<bool> {
            let seen = path.strip_prefix("/repository/deep/here").unwrap_or(path);
            Ok(self.files.iter().any(|(name, _)| Path::new(name) == seen))
        }

        fn place(&self, _path: &Path) -> Destination {
            Destination::default()
        }

        fn zone(&self, zone: &str) -> bool {
            zone == "eth0" || zone == "4"
        }
    }

    pub(in crate::cli) const NOTHING: Fake<'static> = Fake { variables: &[], files: &[] };

    pub(in crate::cli) fn resolve(words: &[&str], around: &Fake<'_>) -> Result<Scan, Usage> {
        let args = ["agentgauge", "scan"].iter().chain(words);
        match Cli::try_parse_from(args).unwrap().command {
            Command::Scan(args) => scan(*args, around),
            other => panic!("{other:?}"),
        }
    }

    pub(in crate::cli) fn error(words: &[&str], around: &Fake<'_>) -> String {
        resolve(words, around).unwrap_err().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::fake::{Fake, NOTHING, error, resolve};
    use super::*;
    use crate::verdict::Dimension;

    #[test]
    fn options_reach_every_target() {
        let plan = resolve(
            &[
                "https://a.example/mcp",
                "https://b.example/mcp",
                "-k",
                "--profile",
                "quick",
                "--rate",
                "3",
                "--max-requests",
                "50",
                "--user-agent",
                "me/1",
                "--wait",
                "2s",
                "--discover",
                "--min",
                "D7=50",
            ],
            &NOTHING,
        )
        .unwrap();
        assert_eq!(plan.targets.len(), 2);
        for target in &plan.targets {
            assert!(target.insecure);
            assert_eq!(target.profile, Profile::Quick);
            assert_eq!((target.limits.requests, target.limits.public_rate), (50, 3));
            assert_eq!(target.user_agent, "me/1");
        }
        assert_eq!(plan.options.wait_ms, 2_000);
        assert!(plan.options.discover);
        assert_eq!(plan.judging.gates.min, [(Dimension::D7, 50.0)]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        let around = Fake {
            variables: &[("T", "t"), ("EMPTY", "")],
            files: &[("r.toml", "id = 1"), ("pem", "nothing"), ("headers", "X: 1\nHost: evil")],
        };
        for (words, expected) in [
            (&["https://a", "https://b", "--label", "x"][..], "--label"),
            (&["https://a", "--label", " "], "--label"),
            (&["https://a", "--user-agent", "a\nb"], "--user-agent"),
            (&["https://a", "--bearer-env", "T", "-H", "Authorization: x"], "Authorization"),
            (&["https://u:p@a", "--bearer-env", "T"], "Authorization"),
            (&["https://a", "-H", "Host: x"], "the probes set 'host' themselves"),
            (&["https://a", "-H", "@headers"], "line 2"),
            (&["https://a", "-H", "User-Agent: x"], "--user-agent"),
            (&["https://a", "-H", "b c: x"], "-H"),
            (&["https://a", "-H", "X:"], "empty"),
            (&["https://a", "--bearer-env", "EMPTY"], "--bearer-env EMPTY"),
            (&["https://a", "--bearer-env", "MISSING"], "--bearer-env MISSING"),
            (&["https://a", "--bearer-file", "missing"], "--bearer-file missing"),
            (&["https://a", "--rubric", "r.toml"], "r.toml:1"),
            (&["https://a", "--rubric", "missing"], "missing"),
            (&["https://a", "--cacert", "pem"], "--cacert"),
            (&["https://a", "--min", "D7=1", "--min", "D7=2"], "--min D7"),
            (&["https://a", "--max-requests", "201"], "--max-requests 201"),
            (&["https://a", "-o", "x", "--save-transcript", "./x"], "--save-transcript"),
            (&["https://a", "-o", "r.toml", "--rubric", "r.toml"], "--rubric"),
            (&["https://a", "--save-transcript", "-"], "--save-transcript"),
        ] {
            let said = error(words, &around);
            assert!(said.contains(expected), "{words:?}: {said}");
        }
    }
}
