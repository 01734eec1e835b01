//! From URLs and credentials to targets.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use super::args::CredentialArgs;
use super::credentials;
use super::find::FoundConfig;
use super::machine::{Surroundings, read};
use super::origin::{Origin, Set};
use super::usage::Usage;
use crate::baseline::same_url;
use crate::config::{At, FILE_NAME, TargetConfig};
use crate::protocol::client_info::{LONGEST_USER_AGENT, product};
use crate::protocol::host::shown_url;
use crate::target::{Target, TargetError};
use crate::transcript::Profile;

/// Largest file of trust roots, in bytes.
const CACERT_BYTES: u64 = 4 * 1024 * 1024;
/// URLs given twice that a note names; of the others it gives the number.
const TWICE_NAMED: usize = 10;
/// Longest label, in characters.
const LABEL_CHARS: usize = 200;

/// The targets: what the arguments name, as URLs or as labels of the configuration, then what a list names;
/// without either, all that the configuration names. One that is given twice is scanned once.
pub(super) fn wanted(
    urls: &[String],
    listed_by_others: Vec<Target>,
    found: &FoundConfig,
    profile: &Set<Profile>,
    preview: bool,
    notes: &mut Vec<String>,
    around: &dyn Surroundings,
) -> Result<Vec<Target>, Usage> {
    let listed = &found.config.targets;
    let mut all: Vec<Target> = Vec::new();
    for url in urls {
        let named = listed.iter().find(|at| at.value.label.as_ref() == Some(url));
        match named.or_else(|| listed.iter().find(|at| same_url(&at.value.url, url))) {
            Some(at) => all.push(configured(at, found, profile, around)?),
            None => all.push(Target::parse(url, profile.value).map_err(|error| unknown(url, &error, found))?),
        }
    }
    if urls.is_empty() && listed_by_others.is_empty() {
        for at in listed {
            all.push(configured(at, found, profile, around)?);
        }
        if all.is_empty() && !preview {
            let problem = if found.file {
                format!("give one; {} names no targets", found.config.name)
            } else {
                format!("give one, or name targets in {FILE_NAME}")
            };
            return Err(Usage::new("URL", problem));
        }
    }
    all.extend(listed_by_others);
    let mut targets: Vec<Target> = Vec::new();
    let mut places: HashMap<(String, &str), Vec<usize>> = HashMap::new();
    let mut again: Vec<Target> = Vec::new();
    for target in all {
        if let Some(zone) = target.zone.as_deref().filter(|zone| !around.zone(zone)) {
            let problem = format!(
                "{} names the network interface {zone:?}, and this machine has none such",
                shown_url(&target.typed())
            );
            return Err(Usage::new(line_of(&target, found).unwrap_or_else(|| "URL".to_owned()), problem));
        }
        let key = (target.typed(), target.profile.as_str());
        let earlier = places.entry(key).or_default();
        if earlier.iter().filter_map(|place| targets.get(*place)).any(|earlier| twice(earlier, &target)) {
            again.push(target);
        } else {
            earlier.push(targets.len());
            targets.push(target);
        }
    }
    // A list of a million lines may hold one URL half a million times.
    let named = again.iter().take(TWICE_NAMED).map(|target| shown_url(&target.typed()));
    notes.extend(named.map(|url| format!("{url} is given twice and scanned once")));
    if let Some(more @ 1..) = again.len().checked_sub(TWICE_NAMED) {
        notes.push(format!("{more} more URLs are given twice and scanned once"));
    }
    Ok(targets)
}

/// Whether two targets of one URL and profile are one scan: two names are two scans; a URL that has no name is
/// the one that has.
fn twice(earlier: &Target, target: &Target) -> bool {
    let named = earlier.label.is_none() || target.label.is_none() || earlier.label == target.label;
    named && earlier.headers == target.headers
}

/// Neither a URL nor a label.
fn unknown(text: &str, error: &TargetError, found: &FoundConfig) -> Usage {
    let labels = found.config.targets.iter().filter_map(|at| at.value.label.as_deref());
    let hint = match crate::rubric::nearest(text, labels) {
        Some(near) => format!("; did you mean the target '{near}' of {}?", found.config.name),
        None => String::new(),
    };
    Usage::new("URL", format!("{} {error}{hint}", shown_url(text)))
}

/// A target of the configuration.
fn configured(
    at: &At<TargetConfig>,
    found: &FoundConfig,
    profile: &Set<Profile>,
    around: &dyn Surroundings,
) -> Result<Target, Usage> {
    let place = found.config.place(at.line);
    let value = &at.value;
    let given = matches!(profile.origin, Origin::Flag(_) | Origin::Variable(_));
    let profile = value.profile.filter(|_| !given).unwrap_or(profile.value);
    let mut target = Target::parse(&value.url, profile)
        .map_err(|error| Usage::new(place.clone(), format!("{} {error}", shown_url(&value.url))))?;
    let pairs = |map: &BTreeMap<String, String>, sign: &str| {
        map.iter().map(|(name, value)| format!("{name}{sign}{value}")).collect::<Vec<_>>()
    };
    let args = CredentialArgs {
        // No `@FILE` here: a header's name cannot begin so.
        headers: pairs(&value.headers, ": "),
        header_env: pairs(&value.header_env, "="),
        bearer_env: value.bearer_env.clone(),
        bearer_file: None,
        secret_headers: Vec::new(),
        allow_plaintext_credentials: false,
    };
    if value.headers.keys().any(|name| name.starts_with('@')) {
        return Err(Usage::new(place, "a header's name cannot begin with '@'"));
    }
    let headers =
        credentials::headers(&args, around).map_err(|usage| Usage::new(place.clone(), usage.to_string()))?;
    target.headers.extend(headers);
    if let Some(text) = &value.label {
        target.label = Some(label(text.clone()).map_err(|usage| Usage::new(place, usage.problem))?);
    }
    Ok(target)
}

/// Adds the credentials to every target, and refuses to send any unencrypted to another machine.
pub(super) fn authorise(
    args: &CredentialArgs,
    targets: &mut [Target],
    found: &FoundConfig,
    notes: &mut Vec<String>,
    around: &dyn Surroundings,
) -> Result<(), Usage> {
    let headers = credentials::headers(args, around)?;
    if args.headers.iter().any(|header| !header.starts_with('@')) {
        notes.push(
            "the value of -H is visible to other users of this machine (ps); prefer --header-env or -H @FILE"
                .to_owned(),
        );
    }
    for target in &mut *targets {
        if target.public_only && !headers.is_empty() {
            return Err(Usage::new(
                "--targets",
                format!(
                    "credentials go to URLs that you type, not to those of a list; give {FILE_NAME} targets \
                     with headers of their own"
                ),
            ));
        }
        // What an option gives goes before what the configuration gives.
        if found.config.targets.iter().any(|at| same_url(&at.value.url, &target.typed())) {
            target.headers.retain(|(own, _)| !headers.iter().any(|(name, _)| name == own));
        }
        let own = target.headers.iter().any(|(name, _)| *name == http::header::AUTHORIZATION);
        if own && headers.iter().any(|(name, _)| *name == http::header::AUTHORIZATION) {
            return Err(Usage::new(
                format!("URL {}", shown_url(&target.typed())),
                "it has a user and password, and another option gives an Authorization header; leave one out",
            ));
        }
        target.headers.extend(headers.iter().cloned());
        // Behind a proxy that an option names, "this machine" is the proxy's.
        let unseen = target.tls() || (target.loopback() && target.proxy.is_none());
        if !target.headers.is_empty() && !unseen && !args.allow_plaintext_credentials {
            let url = format!("URL {}", shown_url(&target.typed()));
            return Err(Usage::new(
                line_of(target, found).map_or(url.clone(), |place| format!("{place}: {url}")),
                "refusing to send credentials unencrypted to another machine; use https (or wss), or give \
                 --allow-plaintext-credentials if you mean it",
            ));
        }
    }
    let secret = credentials::secret_names(args, targets)?;
    for target in &mut *targets {
        target.secret_headers.clone_from(&secret);
    }
    let origins: BTreeSet<String> =
        targets.iter().map(|target| target.url.origin().ascii_serialization()).collect();
    if !headers.is_empty() && origins.len() > 1 {
        notes.push(format!("the credentials go to {} different origins", origins.len()));
    }
    Ok(())
}

/// File and line of the configuration that name a target.
fn line_of(target: &Target, found: &FoundConfig) -> Option<String> {
    let url = |at: &&At<TargetConfig>| {
        Target::parse(&at.value.url, target.profile)
            .is_ok_and(|parsed| (&parsed.url, &parsed.zone) == (&target.url, &target.zone))
    };
    let mut all = found.config.targets.iter();
    let at = all.find(|at| url(at) && at.value.label == target.label)?;
    Some(found.config.place(at.line))
}

/// A label, if it can be one.
pub(super) fn label(label: String) -> Result<String, Usage> {
    if label.trim().is_empty() || label.chars().count() > LABEL_CHARS {
        return Err(Usage::new("--label", format!("a label has 1 to {LABEL_CHARS} characters")));
    }
    Ok(label)
}

/// A `User-Agent`, if it can be one: it begins with a product, which `clientInfo` says, too.
pub(super) fn user_agent(text: String) -> Result<String, Usage> {
    let problem = if text.trim().is_empty() {
        "it must not be empty; servers should know who asks".to_owned()
    } else if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        "it must be printable ASCII in one line".to_owned()
    } else if text.len() > LONGEST_USER_AGENT {
        format!("it is longer than {LONGEST_USER_AGENT} bytes")
    } else if product(&text).is_none() {
        "it must begin with a product, as in 'name/1.2 (who to ask)': clientInfo names it, too".to_owned()
    } else {
        return Ok(text);
    };
    Err(Usage::new("--user-agent", problem))
}

/// A file of PEM certificates, if it is one.
pub(super) fn trust_roots(path: &Path, around: &dyn Surroundings) -> Result<Vec<u8>, Usage> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    let bytes = read("--cacert", path, CACERT_BYTES, around)?;
    let mut count = 0_usize;
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        if certificate.is_err() {
            return Err(Usage::new("--cacert", format!("{} is damaged PEM", path.display())));
        }
        count = count.saturating_add(1);
    }
    if count == 0 {
        return Err(Usage::new("--cacert", format!("{} has no PEM certificate", path.display())));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use crate::cli::resolve::fake::{Fake, NOTHING, error, resolve};

    #[test]
    fn credentials_come_from_arguments_variables_and_files() {
        let around = Fake {
            variables: &[("KEY", "k-1"), ("TOKEN", "t-1\n")],
            files: &[("headers", "X-One: 1\n\nX-Two: 2\r\n")],
        };
        let plan = resolve(
            &[
                "https://a.example",
                "-H",
                "X-Arg: a",
                "-H",
                "@headers",
                "--header-env",
                "X-Key=KEY",
                "--bearer-env",
                "TOKEN",
            ],
            &around,
        )
        .unwrap();
        let headers: Vec<(String, String)> = plan.targets[0]
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.expose().to_owned()))
            .collect();
        let expected = [
            ("x-arg", "a"),
            ("x-one", "1"),
            ("x-two", "2"),
            ("x-key", "k-1"),
            ("authorization", "Bearer t-1"),
        ];
        assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(plan.notes.len(), 1, "one warning about -H: {:?}", plan.notes);
        let quiet = resolve(&["https://a.example", "-H", "@headers"], &around).unwrap();
        assert!(quiet.notes.is_empty(), "{:?}", quiet.notes);
    }

    #[test]
    fn credentials_never_go_unencrypted_to_another_machine() {
        let around = Fake { variables: &[("T", "secret")], files: &[] };
        let with = |url: &str, more: &[&str]| {
            let mut words = vec![url, "--bearer-env", "T"];
            words.extend(more);
            resolve(&words, &around).map(|plan| plan.targets.len()).map_err(|error| error.to_string())
        };
        assert!(with("http://example.com/mcp", &[]).unwrap_err().contains("--allow-plaintext-credentials"));
        assert!(with("ws://example.com/mcp", &[]).is_err());
        assert!(with("http://example.com/mcp", &["--allow-plaintext-credentials"]).is_ok());
        assert!(with("https://example.com/mcp", &[]).is_ok());
        assert!(with("http://localhost:8000/mcp", &[]).is_ok());
        assert!(with("http://127.0.0.1/mcp", &[]).is_ok());
        // A list with one such target sends nothing at all.
        assert!(with("https://example.com/mcp", &["http://example.com/other"]).is_err());
        assert!(error(&["http://user:pass@example.com/"], &NOTHING).contains("unencrypted"));
    }

    #[test]
    fn no_message_repeats_a_secret() {
        let around = Fake { variables: &[("T", "two words-s3cret")], files: &[("f", "no colon s3cret")] };
        for words in [
            &["ftp://me:s3cret@host/?key=s3cret"][..],
            &["http://me:s3cret@example.com/p?key=s3cret"],
            &["http://me:s3cret?x@example.com/p"],
            &["https://h", "-H", "s3cret"],
            &["https://h", "-H", "@f"],
            &["https://h", "-H", "X: s3cret\u{7}"],
            &["https://h", "--header-env", "X-s3cret"],
            &["https://h", "--header-env", "X=s3cret"],
            &["https://h", "--bearer-env", "s3cret"],
            &["https://h", "--bearer-env", "T"],
        ] {
            let said = error(words, &around);
            assert!(!said.contains("s3cret"), "{words:?}: {said}");
        }
    }

    #[test]
    fn a_repeated_url_is_scanned_once() {
        let plan = resolve(&["https://a/x", "https://b/", "https://A/x#frag"], &NOTHING).unwrap();
        assert_eq!(plan.targets.len(), 2);
        assert!(plan.notes[0].contains("twice"));
    }
}
