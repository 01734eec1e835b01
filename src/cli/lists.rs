//! Files with one URL a line.

use std::path::Path;

use super::machine::{Surroundings, text_file};
use super::usage::Usage;
use crate::protocol::host::shown_url;
use crate::target::Target;
use crate::transcript::Profile;

/// URLs and their lines.
pub(super) type Lines = Vec<(String, u32)>;

/// Most bytes of a list.
const LIST_BYTES: u64 = 64 * 1024 * 1024;

/// The targets of a list with their lines, in order. Empty lines and lines that begin with `#` say nothing.
fn read(
    option: &str,
    path: &Path,
    profile: Profile,
    around: &dyn Surroundings,
) -> Result<Vec<(Target, usize)>, Usage> {
    let text = text_file(option, path, LIST_BYTES, around)?;
    let mut targets = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let number = index.saturating_add(1);
        let target = Target::parse(line, profile).map_err(|error| {
            Usage::new(format!("{}:{number}", path.display()), format!("{} {error}", shown_url(line)))
        })?;
        targets.push((target, number));
    }
    if targets.is_empty() {
        return Err(Usage::new(option, format!("{} names no URL", path.display())));
    }
    Ok(targets)
}

/// The URLs of `merge --expect`.
pub(super) fn expected(path: &Path, around: &dyn Surroundings) -> Result<Vec<Target>, Usage> {
    let targets = read("--expect", path, Profile::Standard, around)?;
    Ok(targets.into_iter().map(|(target, _)| target).collect())
}

/// The targets of `scan --targets`, and the line of each URL. Others may have written the list, so what is not public is refused,
/// whatever its name resolves to, unless `allow_private` says that the list is trusted.
pub(super) fn targets(
    path: &Path,
    profile: Profile,
    allow_private: bool,
    around: &dyn Surroundings,
) -> Result<(Vec<Target>, Lines), Usage> {
    let listed = read("--targets", path, profile, around)?.into_iter();
    Ok(listed
        .map(|(mut target, line)| {
            target.public_only = !allow_private;
            let named = (target.typed(), u32::try_from(line).unwrap_or(u32::MAX));
            (target, named)
        })
        .unzip())
}

#[cfg(test)]
mod tests {
    use crate::cli::resolve::fake::{Fake, error, resolve};

    const LIST: Fake<'static> = Fake {
        variables: &[("TOKEN", "t")],
        files: &[
            ("list", "# ours\nhttps://a.example/mcp\n\nhttp://127.0.0.1:1/\n"),
            ("bad", "https://a.example/\nnonsense\n"),
            ("empty", "# nothing\n"),
        ],
    };

    #[test]
    fn a_list_is_scanned_beside_what_is_typed_and_trusted_less() {
        let scan = resolve(&["https://typed.example/", "--targets", "list"], &LIST).unwrap();
        let seen: Vec<(&str, bool)> =
            scan.targets.iter().map(|target| (target.url.as_str(), target.public_only)).collect();
        assert_eq!(
            seen,
            [
                ("https://typed.example/", false),
                ("https://a.example/mcp", true),
                ("http://127.0.0.1:1/", true)
            ]
        );
        let scan = resolve(&["--targets", "list", "--allow-private"], &LIST).unwrap();
        assert!(scan.targets.iter().all(|target| !target.public_only));
    }

    #[test]
    fn a_list_that_cannot_be_is_refused_with_its_line() {
        let with = |words: &[&str]| error(words, &LIST);
        assert!(
            with(&["--targets", "bad"]).starts_with("bad:2: 'nonsense'"),
            "{}",
            with(&["--targets", "bad"])
        );
        assert!(with(&["--targets", "empty"]).contains("names no URL"));
        assert!(with(&["--targets", "missing"]).contains("cannot read"));
        assert!(with(&["--targets", "list", "--bearer-env", "TOKEN"]).contains("not to those of a list"));
    }
}
