//! Settings from flags, the environment, the configuration and defaults, in this order, each with where it
//! came from. A list that is given replaces the one below it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::args::{self, ChoiceArgs, ConfigArgs, GateArgs, ProfileArg};
use super::find::{self, FoundConfig};
use super::judging::Judging;
use super::machine::{Surroundings, read, text_file};
use super::origin::{Origin, Set, Shown};
use super::usage::Usage;
use crate::baseline::Baseline;
use crate::checks;
use crate::config::At;
use crate::gate::{Earlier, Gates, MaxDrop};
use crate::report::json;
use crate::rubric::{self, Rubric, nearest};
use crate::selection::{Selection, resolve};
use crate::transcript::Profile;
use crate::verdict::{Dimension, Severity};

/// Largest rubric or baseline, in bytes.
const TEXT_BYTES: u64 = 16 * 1024 * 1024;
/// Largest report, in bytes.
pub(super) const REPORT_BYTES: u64 = 256 * 1024 * 1024;

/// Most letters that a misspelt variable has wrong.
const MOST_SLIPS: usize = 2;

/// Everything but the targets.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) profile: Set<Profile>,
    pub(super) judging: Judging,
    pub(super) found: FoundConfig,
    pub(super) shown: Vec<Shown>,
}

/// Takes the settings together.
pub(super) fn settings(
    profile: Option<ProfileArg>,
    gates: GateArgs,
    choice: ChoiceArgs,
    config: &ConfigArgs,
    around: &dyn Surroundings,
) -> Result<Settings, Usage> {
    let found = find::config(config, around)?;
    let mut layers = Layers { around, found: &found, shown: Vec::new() };
    let profile = profile.map(|profile| match profile {
        ProfileArg::Quick => Profile::Quick,
        ProfileArg::Standard => Profile::Standard,
        ProfileArg::Deep => Profile::Deep,
    });
    let c = &found.config;
    let words = |profile: &Profile| profile.as_str().to_owned();
    let profile = layers
        .pick("--profile", profile, args::named_profile, c.profile.clone(), words)?
        .unwrap_or(Set { value: Profile::default(), origin: Origin::Default });
    let GateArgs {
        min_score,
        minima,
        min_coverage,
        fail_on,
        require,
        max_drop,
        against,
        baseline,
        exit_zero,
        fail_on_unreachable,
    } = gates;
    let ChoiceArgs { only, skip, rubric } = choice;
    let number = |value: &f64| value.to_string();
    let list = |values: &Vec<String>| values.join(", ");
    let minima_words = |minima: &Vec<(Dimension, f64)>| {
        minima.iter().map(|(of, min)| format!("{of}={min}")).collect::<Vec<_>>().join(", ")
    };
    let min_score = layers.pick("--min-score", min_score, args::percent, c.min_score.clone(), number)?;
    let min = layers.pick("--min", some(minima), args::named_minima, c.min.clone(), minima_words)?;
    let min_coverage =
        layers.pick("--min-coverage", min_coverage, args::percent, c.min_coverage.clone(), number)?;
    let shown_path = |path: &PathBuf| path.display().to_string();
    let harm = |severity: &Severity| severity.as_str().to_owned();
    let fail_on = layers.pick("--fail-on", fail_on, args::severity, c.fail_on.clone(), harm)?;
    let require = layers.pick("--require", some(require), args::names, c.require.clone(), list)?;
    let max_drop = layers.pick("--max-drop", max_drop, args::percent, c.max_drop.clone(), number)?;
    let against =
        layers.pick("--against", against, args::path, found.at_path(c.against.as_ref()), shown_path)?;
    let baseline =
        layers.pick("--baseline", baseline, args::path, found.at_path(c.baseline.as_ref()), shown_path)?;
    let in_file = c.rubric.clone().map(|at| At { value: found.rubric(&at.value), line: at.line });
    let rubric = layers.pick("--rubric", rubric, |text| Ok(text.to_owned()), in_file, String::clone)?;
    let only = layers.pick("--only", some(only), args::names, None, list)?;
    let skip = layers.pick("--skip", some(skip), args::names, None, list)?;
    let yes = |value: &bool| value.to_string();
    let exit_zero = layers.pick("--exit-zero", exit_zero.then_some(true), args::boolean, None, yes)?;
    let fail_on_unreachable = layers.pick(
        "--fail-on-unreachable",
        fail_on_unreachable.then_some(true),
        args::boolean,
        None,
        yes,
    )?;
    layers.misspelt()?;
    let (selection, from_file) = layers.selection(only, skip)?;
    let mut shown = std::mem::take(&mut layers.shown);
    shown.extend(from_file);

    let rubric = load_rubric(rubric.as_ref().map(|set| set.value.as_str()), around)
        .map_err(|problem| Usage::new(argument("--rubric", rubric.as_ref()), problem))?;
    let min = min.map(|set| set.value).unwrap_or_default();
    let mut seen = BTreeSet::new();
    if let Some((dimension, _)) = min.iter().find(|(dimension, _)| !seen.insert(*dimension)) {
        return Err(Usage::new(format!("--min {dimension}"), "it is given twice"));
    }
    let require = required(require.as_ref(), &selection)?;
    let max_drop = match (&max_drop, &against) {
        (None, None) => None,
        (Some(most), None) => {
            return Err(Usage::new(
                argument("--max-drop", Some(most)),
                "it needs --against, an earlier report",
            ));
        }
        (None, Some(file)) => {
            let problem = "it needs --max-drop, how far the score may fall";
            return Err(Usage::new(argument("--against", Some(file)), problem));
        }
        (Some(most), Some(file)) => Some(earlier(most.value, file, &rubric, around)?),
    };
    let baseline = match baseline {
        None => None,
        Some(set) => {
            let argument = argument("--baseline", Some(&set));
            let text = text_file(&argument, &set.value, TEXT_BYTES, around).map_err(|usage| Usage {
                problem: format!("{}; 'agentgauge baseline write' makes one", usage.problem),
                ..usage
            })?;
            let name = set.value.display().to_string();
            let baseline =
                Baseline::parse(&text, &name).map_err(|error| Usage::new(argument, error.to_string()))?;
            Some(baseline)
        }
    };
    let gates = Gates {
        min_score: min_score.map(|set| set.value),
        min,
        min_coverage: min_coverage.map(|set| set.value),
        fail_on: fail_on.map(|set| set.value),
        require,
        max_drop,
        baseline,
    };
    let judging = Judging {
        rubric,
        gates,
        selection,
        exit_zero: exit_zero.is_some_and(|set| set.value),
        fail_on_unreachable: fail_on_unreachable.is_some_and(|set| set.value),
    };
    Ok(Settings { profile, judging, found, shown })
}

/// How a message calls a setting: by the option, and by its origin where that is not the option.
fn argument<T>(flag: &str, set: Option<&Set<T>>) -> String {
    match set.map(|set| &set.origin) {
        Some(Origin::Variable(name)) => name.clone(),
        Some(Origin::File(place)) => place.clone(),
        _ => flag.to_owned(),
    }
}

/// The layers below the flags.
struct Layers<'a> {
    around: &'a dyn Surroundings,
    found: &'a FoundConfig,
    shown: Vec<Shown>,
}

impl Layers<'_> {
    fn pick<T>(
        &mut self,
        flag: &'static str,
        given: Option<T>,
        parse: impl Fn(&str) -> Result<T, String>,
        in_file: Option<At<T>>,
        words: impl Fn(&T) -> String,
    ) -> Result<Option<Set<T>>, Usage> {
        let name = flag.trim_start_matches('-').replace('-', "_");
        let variable = format!("AGENTGAUGE_{}", name.to_ascii_uppercase());
        let set = if let Some(value) = given {
            Some(Set { value, origin: Origin::Flag(flag) })
        } else if let Some(text) = self.around.variable(&variable).filter(|text| !text.is_empty()) {
            let text = text.into_string().map_err(|_| Usage::new(&variable, "it is not UTF-8 text"))?;
            let value =
                parse(&text).map_err(|why| Usage::new(&variable, format!("'{text}' is not valid: {why}")))?;
            Some(Set { value, origin: Origin::Variable(variable) })
        } else {
            in_file.map(|at| Set { origin: Origin::File(self.found.config.place(at.line)), value: at.value })
        };
        self.shown.push(Shown {
            name,
            value: set.as_ref().map(|set| words(&set.value)),
            origin: set.as_ref().map_or(Origin::Default, |set| set.origin.clone()),
        });
        Ok(set)
    }

    /// Variables that are all but one of ours: a gate that a slip of the pen turns off. Others with our prefix
    /// may be anybody's own, and mean nothing here.
    fn misspelt(&self) -> Result<(), Usage> {
        const PREFIX: &str = "AGENTGAUGE_";
        let known = self.shown.iter().map(|shown| shown.name.to_ascii_uppercase());
        let known: Vec<String> = known.chain(["CONFIG".to_owned()]).collect();
        for name in self.around.variables() {
            let Some(name) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
            let variable = format!("{PREFIX}{name}");
            let empty = self.around.variable(&variable).is_none_or(|value| value.is_empty());
            if empty || known.iter().any(|known| known == name) {
                continue;
            }
            let near = known.iter().map(|known| (strsim::osa_distance(name, known), known)).min();
            if let Some((slips, near)) = near
                && slips <= MOST_SLIPS.min(near.len() / 3)
            {
                let problem = format!("there is no such variable; did you mean '{PREFIX}{near}'?");
                return Err(Usage::new(variable, problem));
            }
        }
        Ok(())
    }

    /// Which checks are judged. The configuration's list holds unless a flag or variable chooses.
    fn selection(
        &self,
        only: Option<Set<Vec<String>>>,
        skip: Option<Set<Vec<String>>>,
    ) -> Result<(Selection, Vec<Shown>), Usage> {
        let mut shown = Vec::new();
        let mut skipped = Vec::new();
        if only.is_none() && skip.is_none() {
            for At { value, line } in &self.found.config.skip {
                let place = self.found.config.place(*line);
                resolve(&value.check).map_err(|error| Usage::new(place.clone(), error.to_string()))?;
                skipped.push((value.check.clone(), value.reason.clone()));
                shown.push(Shown {
                    name: format!("skip {}", value.check),
                    value: Some(value.reason.clone()),
                    origin: Origin::File(place),
                });
            }
        }
        for (flag, set) in [("--only", &only), ("--skip", &skip)] {
            for name in set.iter().flat_map(|set| &set.value) {
                resolve(name).map_err(|error| Usage::new(argument(flag, set.as_ref()), error.to_string()))?;
            }
        }
        let why = skip.as_ref().map(|set| format!("left out by {}", set.origin)).unwrap_or_default();
        skipped.extend(skip.into_iter().flat_map(|set| set.value).map(|name| (name, why.clone())));
        let only = only.map(|set| set.value).unwrap_or_default();
        let selection = Selection::of(&only, &skipped)
            .map_err(|error| Usage::new("--only and --skip", error.to_string()))?;
        Ok((selection, shown))
    }
}

impl FoundConfig {
    fn at_path(&self, at: Option<&At<String>>) -> Option<At<PathBuf>> {
        at.map(|at| At { value: self.path(&at.value), line: at.line })
    }

    /// A rubric's name, or its file seen from the working directory.
    fn rubric(&self, text: &str) -> String {
        if rubric::built_in(text).is_some() { text.to_owned() } else { self.path(text).display().to_string() }
    }
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    if list.is_empty() { None } else { Some(list) }
}

/// A rubric by name or file.
pub(super) fn load_rubric(wanted: Option<&str>, around: &dyn Surroundings) -> Result<Rubric, String> {
    let Some(wanted) = wanted else { return Ok(Rubric::default_rubric()) };
    Rubric::parse(&rubric_text(wanted, around)?, wanted).map_err(|error| error.to_string())
}

/// The text of a rubric by name or file.
pub(super) fn rubric_text(wanted: &str, around: &dyn Surroundings) -> Result<String, String> {
    if let Some(text) = rubric::built_in(wanted) {
        return text;
    }
    text_file("--rubric", Path::new(wanted), TEXT_BYTES, around).map_err(|usage| {
        match nearest(wanted, rubric::BUILT_IN.into_iter()) {
            Some(near) => format!("{}; did you mean the built-in '{near}'?", usage.problem),
            None => usage.problem,
        }
    })
}

/// Ids of checks that are judged.
fn required(set: Option<&Set<Vec<String>>>, selection: &Selection) -> Result<Vec<String>, Usage> {
    let Some(set) = set else { return Ok(Vec::new()) };
    let argument = argument("--require", Some(set));
    let mut ids: Vec<String> = Vec::new();
    for id in &set.value {
        if checks::by_id(id).is_none() {
            let hint = match nearest(id, checks::all().map(|check| check.id)) {
                Some(near) => format!("; did you mean '{near}'?"),
                None => "; 'agentgauge checks' lists them".to_owned(),
            };
            return Err(Usage::new(argument, format!("no check is called '{id}'{hint}")));
        }
        if let Some(why) = selection.skipped(id) {
            return Err(Usage::new(argument, format!("'{id}' is required and skipped ({why})")));
        }
        if !ids.contains(id) {
            ids.push(id.clone());
        }
    }
    Ok(ids)
}

/// The earlier scores, which must be of the same rubric.
fn earlier(
    most: f64,
    file: &Set<PathBuf>,
    rubric: &Rubric,
    around: &dyn Surroundings,
) -> Result<MaxDrop, Usage> {
    let argument = argument("--against", Some(file));
    let name = file.value.display().to_string();
    let reports = reports(&argument, &file.value, around)?;
    for report in &reports {
        let then = &report.rubric;
        if then.sha256 != rubric.sha256 {
            let then = rubric::stamp(&then.id, &then.version, &then.sha256);
            let now = rubric::stamp(&rubric.id, &rubric.version, &rubric.sha256);
            let problem =
                format!("{name} was scored by {then}, and now {now} is used: their scores do not compare");
            return Err(Usage::new(argument, problem));
        }
    }
    let earlier = reports
        .into_iter()
        .map(|report| Earlier {
            url: report.target.url,
            label: report.target.label,
            value: report.score.value,
        })
        .collect();
    Ok(MaxDrop { most, name, earlier })
}

/// A JSON report that an argument names.
pub(super) fn reports(
    argument: &str,
    path: &Path,
    around: &dyn Surroundings,
) -> Result<Vec<json::v1::JsonReport>, Usage> {
    let bytes = read(argument, path, REPORT_BYTES, around)?;
    json::read(&bytes).map_err(|error| Usage::new(argument, format!("{}: {error}", path.display())))
}
