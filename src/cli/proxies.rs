//! Which proxy a target is reached through: `--proxy`, else what the environment says, as curl reads it.

use super::machine::Surroundings;
use super::usage::Usage;
use crate::net::spares;
use crate::protocol::host::shown_url;
use crate::target::Target;
use crate::target::proxy::Proxy;

/// Gives each target its proxy. What `--proxy` names holds for all; a variable of the environment not for
/// this machine, nor for what is behind one of its interfaces by name, and not for what `NO_PROXY` lists. A variable that names no proxy we can speak to is
/// refused: going without it would send elsewhere what was meant for it.
pub(super) fn assign(
    option: Option<&str>,
    targets: &mut [Target],
    around: &dyn Surroundings,
) -> Result<(), Usage> {
    if let Some(text) = option {
        let proxy = parse("--proxy", text)?;
        if let Some(target) = targets.iter().find(|target| target.zone.is_some()) {
            let url = shown_url(&target.typed());
            let problem = format!("{url} names a network interface of this machine, and a proxy has others");
            return Err(Usage::new("--proxy", problem));
        }
        targets.iter_mut().for_each(|target| target.proxy = Some(proxy.clone()));
        return Ok(());
    }
    let spared = around.variable("NO_PROXY").or_else(|| around.variable("no_proxy"));
    let spared = spared.and_then(|text| text.into_string().ok()).unwrap_or_default();
    for target in targets {
        let names: &[&str] = if target.tls() {
            &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
        } else if around.variable("REQUEST_METHOD").is_some() {
            // Under CGI a client sets HTTP_PROXY by sending the header "Proxy".
            &["http_proxy", "all_proxy", "ALL_PROXY"]
        } else {
            &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
        };
        let named = names.iter().find_map(|name| {
            let value = around.variable(name)?.into_string().ok()?;
            (!value.trim().is_empty()).then_some((*name, value))
        });
        let Some((name, value)) = named else { continue };
        if !target.loopback() && target.zone.is_none() && !spares(&spared, &target.url) {
            target.proxy = Some(parse(name, &value)?);
        }
    }
    Ok(())
}

fn parse(named_by: &'static str, text: &str) -> Result<Proxy, Usage> {
    Proxy::parse(text, named_by).map_err(|error| Usage::new(named_by, format!("the value {error}")))
}

#[cfg(test)]
mod tests {
    use crate::cli::resolve::fake::{Fake, NOTHING, error, resolve};
    use crate::target::proxy::Proxy;

    fn through(words: &[&str], variables: &[(&str, &str)]) -> Vec<Option<String>> {
        let plan = resolve(words, &Fake { variables, files: &[] }).unwrap();
        plan.targets.iter().map(|target| target.proxy.as_ref().map(Proxy::origin)).collect()
    }

    const PROXY: Option<&str> = Some("http://p:3128");

    #[test]
    fn the_environment_says_what_goes_through_a_proxy() {
        for (url, variables, expected) in [
            ("https://a.example/", &[("HTTPS_PROXY", "http://p:3128")][..], PROXY),
            ("wss://a.example/", &[("https_proxy", "p:3128")], PROXY),
            ("http://a.example/", &[("HTTPS_PROXY", "http://p:3128")], None),
            ("http://a.example/", &[("HTTP_PROXY", "http://p:3128")], PROXY),
            ("http://a.example/", &[("HTTP_PROXY", "http://p:3128"), ("REQUEST_METHOD", "GET")], None),
            ("http://a.example/", &[("ALL_PROXY", "http://p:3128")], PROXY),
            ("http://a.example/", &[("http_proxy", " "), ("ALL_PROXY", "http://p:3128")], PROXY),
            ("https://a.example/", &[("ALL_PROXY", "http://p:3128"), ("NO_PROXY", "a.example")], None),
            ("https://b.a.example/", &[("ALL_PROXY", "http://p:3128"), ("no_proxy", "x, .a.example")], None),
            ("https://ba.example/", &[("ALL_PROXY", "http://p:3128"), ("no_proxy", "a.example")], PROXY),
            ("https://10.1.2.3/", &[("ALL_PROXY", "http://p:3128"), ("no_proxy", "10.0.0.0/8")], None),
            ("https://[fd00::1]/", &[("ALL_PROXY", "http://p:3128"), ("no_proxy", "fd00::/8")], None),
            ("https://a.example/", &[("ALL_PROXY", "http://p:3128"), ("no_proxy", "*")], None),
            ("http://localhost:8000/", &[("ALL_PROXY", "http://p:3128")], None),
            ("http://127.0.0.2/", &[("ALL_PROXY", "http://p:3128")], None),
            ("http://LocalHost./", &[("ALL_PROXY", "http://p:3128")], None),
            ("https://[fe80::1%25eth0]/", &[("ALL_PROXY", "http://p:3128")], None),
            ("https://[fe80::1]/", &[("ALL_PROXY", "http://p:3128")], PROXY),
        ] {
            assert_eq!(through(&[url], variables)[0].as_deref(), expected, "{url} {variables:?}");
        }
    }

    #[test]
    fn an_option_says_more_than_the_environment() {
        let variables = &[("ALL_PROXY", "http://q:1"), ("NO_PROXY", "*")];
        let words = ["http://localhost/", "https://a.example/", "--proxy", "http://p:3128"];
        assert_eq!(through(&words, variables), [PROXY.map(str::to_owned), PROXY.map(str::to_owned)]);
        assert_eq!(through(&["https://a.example/", "--no-proxy"], &[("ALL_PROXY", "nonsense://")]), [None]);
    }

    #[test]
    fn a_zone_and_a_proxy_do_not_go_together() {
        let said = error(&["https://[fe80::1%eth0]/", "--proxy", "http://p:3128"], &NOTHING);
        assert!(said.starts_with("--proxy: 'https://[fe80::1%25eth0]/' names a network interface"), "{said}");
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_repeating_it() {
        let said = error(&["https://a.example/", "--proxy", "socks5://me:secret@p"], &NOTHING);
        assert!(said.starts_with("--proxy: the value has the scheme \"socks5\""), "{said}");
        let around = Fake { variables: &[("https_proxy", "http://me:secret@p:99999")], files: &[] };
        let said = error(&["https://a.example/"], &around);
        assert!(said.starts_with("https_proxy: the value is not a URL of a proxy"), "{said}");
        assert!(!said.contains("secret"));
    }
}
