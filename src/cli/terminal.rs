//! What the terminal and the environment ask for: colour, width, progress.

use std::ffi::OsString;
use std::io::{self, IsTerminal};

use super::args::ColorArg;
use crate::report::table::{Detail, Style};

/// What the user asked for in colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColorWish {
    /// Nothing: the environment and the stream decide.
    Auto,
    /// Colour, wherever it goes.
    Always,
    /// No colour.
    Never,
}

impl From<ColorArg> for ColorWish {
    fn from(arg: ColorArg) -> Self {
        match arg {
            ColorArg::Auto => Self::Auto,
            ColorArg::Always => Self::Always,
            ColorArg::Never => Self::Never,
        }
    }
}

/// Whether a stream gets colour: the option, then `NO_COLOR`, then `CLICOLOR_FORCE` and `FORCE_COLOR`,
/// then `CLICOLOR=0`, then whether it is a terminal that is not dumb.
pub(crate) fn colored(wish: ColorWish, terminal: bool, variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    match wish {
        ColorWish::Always => true,
        ColorWish::Never => false,
        ColorWish::Auto => {
            let forced =
                ["CLICOLOR_FORCE", "FORCE_COLOR"].into_iter().any(|name| set(name).is_some_and(|v| v != "0"));
            if set("NO_COLOR").is_some() {
                false
            } else if forced {
                true
            } else {
                terminal
                    && variable("CLICOLOR").is_none_or(|v| v != "0")
                    && set("TERM").is_none_or(|v| v != "dumb")
            }
        }
    }
}

/// Columns to write for: `COLUMNS`, then the terminal, never under 40. Without both nothing is wrapped: what reads
/// a pipe breaks lines itself, or looks for words in them.
pub(crate) fn width(terminal: Option<u16>, variable: impl Fn(&str) -> Option<OsString>) -> usize {
    const NARROWEST: u16 = 40;
    const WIDEST: u16 = 400;
    variable("COLUMNS")
        .and_then(|value| value.to_str().and_then(|text| text.trim().parse().ok()))
        .filter(|columns| *columns > 0)
        .or(terminal)
        .map_or(Style::UNLIMITED, |columns: u16| columns.clamp(NARROWEST, WIDEST).into())
}

/// Whether a status line may be drawn on standard error.
pub(crate) fn animated(terminal: bool, variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let ci = variable("CI").is_some_and(|value| !value.is_empty() && value != "0" && value != "false");
    terminal && !ci && variable("TERM").is_none_or(|value| value != "dumb")
}

/// [`animated`] for this process.
pub(crate) fn stderr_animated() -> bool {
    animated(io::stderr().is_terminal(), |name| std::env::var_os(name))
}

/// Whether text for people has to be ASCII: the first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set names a locale
/// that is not UTF-8 (POSIX, chapter 8.2). Where none is set, as in the containers of CI, the log is read as UTF-8
/// all the same, so that nothing is given up there.
pub(crate) fn ascii(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).is_some_and(|locale| {
        let locale = locale.to_string_lossy().to_ascii_lowercase();
        let charset = locale.split_once('.').map_or("", |(_, charset)| charset);
        let charset = charset.split('@').next().unwrap_or_default();
        !matches!(charset, "utf-8" | "utf8")
    })
}

/// [`ascii`] for this process.
pub(crate) fn speaks_ascii() -> bool {
    ascii(|name| std::env::var_os(name))
}

/// Whether standard output is a terminal.
pub(crate) fn stdout_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether standard output and standard error are read on the same terminal, as far as can be told.
pub(crate) fn all_on_one() -> bool {
    stdout_terminal() && io::stderr().is_terminal()
}

/// How this process writes text for people: on standard output, or to a file.
pub(crate) fn table_style(wish: ColorWish, detail: Detail, to_file: bool) -> Style {
    let variable = |name: &str| std::env::var_os(name);
    let terminal = !to_file && io::stdout().is_terminal();
    let columns = if terminal { terminal_size::terminal_size().map(|(columns, _)| columns.0) } else { None };
    Style { colour: colored(wish, terminal, variable), width: width(columns, variable), detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
        move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
    }

    #[test]
    fn colour_follows_option_then_environment_then_terminal() {
        let auto = |terminal, pairs: &[(&str, &str)]| colored(ColorWish::Auto, terminal, env(pairs));
        assert!(colored(ColorWish::Always, false, env(&[("NO_COLOR", "1")])));
        assert!(!colored(ColorWish::Never, true, env(&[("FORCE_COLOR", "1")])));
        assert!(auto(true, &[]));
        assert!(!auto(false, &[]));
        assert!(!auto(true, &[("NO_COLOR", "1"), ("FORCE_COLOR", "1")]));
        assert!(auto(true, &[("NO_COLOR", "")]));
        assert!(auto(false, &[("FORCE_COLOR", "1")]));
        assert!(!auto(false, &[("FORCE_COLOR", "0")]));
        assert!(auto(false, &[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0")]));
        assert!(!auto(true, &[("CLICOLOR", "0")]));
        assert!(!auto(true, &[("TERM", "dumb")]));
    }

    #[test]
    fn width_is_columns_then_terminal_then_without_limit() {
        assert_eq!(width(Some(80), env(&[("COLUMNS", "120")])), 120);
        assert_eq!(width(Some(80), env(&[("COLUMNS", "x")])), 80);
        assert_eq!(width(None, env(&[])), Style::UNLIMITED);
        assert_eq!(width(Some(80), env(&[("COLUMNS", "0")])), 80);
        assert_eq!(width(None, env(&[("COLUMNS", "120")])), 120);
        assert_eq!(width(Some(10), env(&[])), 40);
    }

    #[test]
    fn the_first_locale_that_is_set_decides() {
        for (pairs, expected) in [
            (&[][..], false),
            (&[("LANG", "")], false),
            (&[("LANG", "C")], true),
            (&[("LANG", "POSIX")], true),
            (&[("LANG", "de_DE.ISO-8859-1")], true),
            (&[("LANG", "de_DE")], true),
            (&[("LANG", "de_DE.UTF-8")], false),
            (&[("LANG", "C.utf8")], false),
            (&[("LANG", "ca_ES.UTF-8@valencia")], false),
            (&[("LC_CTYPE", "C"), ("LANG", "de_DE.UTF-8")], true),
            (&[("LC_ALL", "C.UTF-8"), ("LC_CTYPE", "C"), ("LANG", "C")], false),
            (&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")], true),
            (&[("LC_ALL", ""), ("LC_CTYPE", "C.UTF-8"), ("LANG", "C")], false),
        ] {
            assert_eq!(ascii(env(pairs)), expected, "{pairs:?}");
        }
    }

    #[test]
    fn nothing_moves_in_ci_or_on_a_dumb_terminal() {
        assert!(animated(true, env(&[])));
        assert!(!animated(false, env(&[])));
        assert!(!animated(true, env(&[("CI", "true")])));
        assert!(!animated(true, env(&[("TERM", "dumb")])));
    }
}
