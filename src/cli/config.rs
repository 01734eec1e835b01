//! `config show`: every setting with its value and where it comes from.

use serde_json::{Value, json};

use super::args::{ConfigCommand, ConfigShowArgs, FormatArg};
use super::ending::Ending;
use super::machine::Machine;
use super::origin::{Origin, Shown};
use super::output;
use super::settings::{Settings, settings};
use super::usage::Usage;
use crate::progress::say;
use crate::report::sink;
use crate::report::text::sanitise;

pub(super) fn run(command: ConfigCommand) -> Result<Ending, Ending> {
    let ConfigCommand::Show(args) = command;
    let ConfigShowArgs { format, profile, gates, choice, config } = *args;
    let settings = settings(profile, gates, choice, &config, &Machine)?;
    for warning in &settings.found.config.warnings {
        say(&sanitise(&format!("warning: {warning}")));
    }
    let rows = rows(&settings);
    let text = match format {
        FormatArg::Table => output::shown(sink::without_commands(&table(&settings, &rows))),
        FormatArg::Json => json(&settings, &rows),
        FormatArg::Html => {
            return Err(Usage::new("--format", "settings are shown as table or json").into());
        }
    };
    output::stdout(text.as_bytes())?;
    Ok(Ending::silent())
}

/// The settings, and the targets without the values of their headers.
fn rows(settings: &Settings) -> Vec<Shown> {
    let config = &settings.found.config;
    let mut rows = settings.shown.clone();
    for at in &config.targets {
        let target = &at.value;
        let mut parts = vec![crate::protocol::host::shown_url(&target.url)];
        parts.extend(target.profile.map(|profile| format!("profile {}", profile.as_str())));
        parts.extend(target.headers.keys().map(|name| format!("header {name} (value not shown)")));
        let variables = target.header_env.iter();
        parts.extend(variables.map(|(name, variable)| format!("header {name} from {variable}")));
        parts.extend(target.bearer_env.as_ref().map(|variable| format!("bearer token from {variable}")));
        rows.push(Shown {
            name: format!("target {}", target.label.as_deref().unwrap_or("(no label)")),
            value: Some(parts.join(", ")),
            origin: Origin::File(config.place(at.line)),
        });
    }
    for row in rows.iter_mut().filter(|row| row.value.is_none()) {
        row.value = match row.name.as_str() {
            "profile" => Some(settings.profile.value.as_str().to_owned()),
            "rubric" => Some(settings.judging.rubric.id.clone()),
            _ => None,
        };
    }
    rows
}

fn table(settings: &Settings, rows: &[Shown]) -> String {
    let mut text = match settings.found.file {
        true => format!("Configuration: {}\n\n", sanitise(&settings.found.config.name)),
        false => "Configuration: none found\n\n".to_owned(),
    };
    let name = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or_default();
    for row in rows {
        let value = row.value.as_deref().unwrap_or("-");
        let line = format!("{:name$}  {value}  ({})", row.name, row.origin);
        text.push_str(&sanitise(&line));
        text.push('\n');
    }
    text
}

fn json(settings: &Settings, rows: &[Shown]) -> String {
    let file = settings.found.file.then_some(&settings.found.config.name);
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| json!({"name": row.name, "value": row.value, "origin": row.origin.to_string()}))
        .collect();
    let value = json!({"file": file, "settings": rows, "warnings": settings.found.config.warnings});
    sink::json(&value, true) + "\n"
}
