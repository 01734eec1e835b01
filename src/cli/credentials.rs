//! The operator's own headers: from arguments, variables and files to names and secret values.

use std::path::Path;

use http::{HeaderName, HeaderValue};

use super::args::CredentialArgs;
use super::machine::{Surroundings, text_file};
use super::usage::Usage;
use crate::target::Target;
use crate::target::secret::Secret;

/// Largest file of headers or of one token, in bytes.
const FILE_BYTES: u64 = 64 * 1024;

/// Headers that the probes set themselves: another value would make the measurement one of something
/// else, and some would break the message.
const OURS: [&str; 21] = [
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "connection",
    "content-length",
    "content-type",
    "host",
    "keep-alive",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
    "origin",
    "sec-websocket-key",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "sec-websocket-version",
];

type Header = (HeaderName, Secret);

/// All headers that the options name, in the order `-H`, `--header-env`, bearer.
pub(super) fn headers(args: &CredentialArgs, around: &dyn Surroundings) -> Result<Vec<Header>, Usage> {
    let CredentialArgs {
        headers,
        header_env,
        bearer_env,
        bearer_file,
        secret_headers: _,
        allow_plaintext_credentials: _,
    } = args;
    let mut all = Vec::new();
    for text in headers {
        match text.strip_prefix('@') {
            Some(path) => {
                let argument = format!("-H @{path}");
                let file = text_file(&argument, Path::new(path), FILE_BYTES, around)?;
                let lines = file.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
                for (index, line) in lines {
                    let line_number = index.saturating_add(1);
                    all.push(header(&format!("{argument} line {line_number}"), line)?);
                }
            }
            None => all.push(header("-H", text)?),
        }
    }
    for text in header_env {
        let (name, variable) = text.split_once('=').ok_or_else(|| {
            Usage::new("--header-env", "write it as NAME=VAR, for example X-Api-Key=API_KEY")
        })?;
        let argument = format!("--header-env {name}={}", shown_variable(variable));
        let value = variable_value(&argument, variable, around)?;
        all.push((header_name(&argument, name)?, secret(&argument, &value)?));
    }
    if let Some(variable) = bearer_env {
        let argument = format!("--bearer-env {}", shown_variable(variable));
        let token = variable_value(&argument, variable, around)?;
        all.push(bearer(&argument, &token)?);
    }
    if let Some(path) = bearer_file {
        let argument = format!("--bearer-file {}", path.display());
        let token = text_file(&argument, path, FILE_BYTES, around)?;
        all.push(bearer(&argument, &token)?);
    }
    if all.iter().filter(|(name, _)| *name == http::header::AUTHORIZATION).count() > 1 {
        return Err(Usage::new("Authorization", "it is given by more than one option; leave one"));
    }
    Ok(all)
}

/// The names that `--secret-header` gives. A name that no target is sent is a slip of the pen, and would leave open
/// what it should hide.
pub(super) fn secret_names(args: &CredentialArgs, targets: &[Target]) -> Result<Vec<HeaderName>, Usage> {
    let mut names = Vec::new();
    for name in &args.secret_headers {
        let name = header_name("--secret-header", name)?;
        let sent = |target: &Target| target.headers.iter().any(|(own, _)| *own == name);
        if !targets.iter().any(sent) {
            return Err(Usage::new("--secret-header", format!("no header '{name}' is sent")));
        }
        names.push(name);
    }
    Ok(names)
}

/// `Name: value`. The text is not repeated in the error: a typo may leave the secret in front.
fn header(argument: &str, text: &str) -> Result<Header, Usage> {
    let (name, value) = text.split_once(':').ok_or_else(|| {
        Usage::new(argument, "a header is written 'Name: value', with a colon (its text is not shown here)")
    })?;
    Ok((header_name(argument, name)?, secret(argument, value)?))
}

fn header_name(argument: &str, name: &str) -> Result<HeaderName, Usage> {
    let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| {
        Usage::new(argument, "the header name may have only letters, digits and -_ and the like")
    })?;
    match OURS.iter().find(|ours| **ours == name.as_str()) {
        Some(&"user-agent") => Err(Usage::new(argument, "use --user-agent for this header")),
        Some(ours) => Err(Usage::new(argument, format!("the probes set '{ours}' themselves"))),
        None => Ok(name),
    }
}

fn secret(argument: &str, value: &str) -> Result<Secret, Usage> {
    let value = value.trim();
    if value.is_empty() {
        return Err(Usage::new(argument, "the value is empty"));
    }
    if HeaderValue::from_str(value).is_err() {
        return Err(Usage::new(
            argument,
            "the value has characters that no header may have (it is not shown here)",
        ));
    }
    Ok(Secret::new(value))
}

fn bearer(argument: &str, token: &str) -> Result<Header, Usage> {
    let token = token.trim();
    if token.is_empty() {
        return Err(Usage::new(argument, "the token is empty"));
    }
    if token.split_whitespace().count() > 1 {
        return Err(Usage::new(argument, "it must hold the token alone, in one word (it is not shown here)"));
    }
    Ok((http::header::AUTHORIZATION, secret(argument, &format!("Bearer {token}"))?))
}

fn variable_value(argument: &str, name: &str, around: &dyn Surroundings) -> Result<String, Usage> {
    if name.is_empty() || name.contains('\0') {
        return Err(Usage::new(argument, "it names no environment variable"));
    }
    around
        .variable(name)
        .ok_or_else(|| Usage::new(argument, "the environment variable is not set"))?
        .into_string()
        .map_err(|_| Usage::new(argument, "the environment variable is not UTF-8 text"))
}

/// The name of a variable in a message, unless it may be the secret itself, given by mistake.
fn shown_variable(name: &str) -> &str {
    const LONGEST: usize = 40;
    let usual = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if name.len() <= LONGEST && name.chars().all(usual) { name } else { "(not shown)" }
}
