//! Where authorization metadata live (RFC 9728 section 3.1, RFC 8414 section 3.1, OpenID Connect
//! Discovery section 4), and which host names mean this machine.

use url::Url;

/// RFC 9728.
pub const PROTECTED_RESOURCE: &str = "oauth-protected-resource";
/// RFC 8414.
pub const AUTHORIZATION_SERVER: &str = "oauth-authorization-server";
const OPENID: &str = "openid-configuration";

/// `<origin>/.well-known/<name><path>`; a query is no part of it. `None` if `url` is no URL.
#[must_use]
pub fn path_form(url: &str, name: &str) -> Option<String> {
    let parsed = Url::parse(url).ok()?;
    let path = parsed.path().trim_end_matches('/');
    Some(format!("{}/.well-known/{name}{path}", parsed.origin().ascii_serialization()))
}

/// `<origin>/.well-known/<name>`.
#[must_use]
pub fn root_form(url: &str, name: &str) -> Option<String> {
    let parsed = Url::parse(url).ok()?;
    Some(format!("{}/.well-known/{name}", parsed.origin().ascii_serialization()))
}

/// Where the metadata of an issuer are looked for, in order: three places with a path, two without
/// (MCP, Authorization Server Discovery). Empty if it is no http or https URL.
#[must_use]
pub fn issuer_forms(issuer: &str) -> Vec<String> {
    let Ok(parsed) = Url::parse(issuer) else { return Vec::new() };
    if !matches!(parsed.scheme(), "http" | "https") {
        return Vec::new();
    }
    let path = parsed.path().trim_end_matches('/');
    let origin = parsed.origin().ascii_serialization();
    let mut forms: Vec<String> =
        [AUTHORIZATION_SERVER, OPENID].iter().filter_map(|name| path_form(issuer, name)).collect();
    if !path.is_empty() {
        forms.push(format!("{origin}{path}/.well-known/{OPENID}"));
    }
    forms
}

/// A URL as it is reached from where we stand: `localhost`, `127.0.0.1` and `[::1]` are one host, so a
/// document of this machine is asked for under the name that was scanned.
#[must_use]
pub fn as_scanned(scanned: &Url, mut url: Url) -> Url {
    if this_machine(scanned)
        && this_machine(&url)
        && let Some(host) = scanned.host_str()
    {
        // Cannot fail: the host is one that was parsed.
        let _ = url.set_host(Some(host));
    }
    url
}

fn this_machine(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "localhost." | "127.0.0.1" | "[::1]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_goes_behind_the_name_and_the_query_is_left_out() {
        let url = "https://example.com:8443/a/mcp/?tenant=1";
        assert_eq!(
            path_form(url, PROTECTED_RESOURCE).unwrap(),
            "https://example.com:8443/.well-known/oauth-protected-resource/a/mcp"
        );
        assert_eq!(
            root_form(url, PROTECTED_RESOURCE).unwrap(),
            "https://example.com:8443/.well-known/oauth-protected-resource"
        );
        assert!(path_form("nonsense", PROTECTED_RESOURCE).is_none());
    }

    #[test]
    fn an_issuer_with_a_path_has_three_places() {
        let forms = issuer_forms("https://id.example.com/tenant/");
        assert_eq!(
            forms,
            [
                "https://id.example.com/.well-known/oauth-authorization-server/tenant",
                "https://id.example.com/.well-known/openid-configuration/tenant",
                "https://id.example.com/tenant/.well-known/openid-configuration",
            ]
        );
        assert_eq!(issuer_forms("https://id.example.com/").len(), 2);
        assert!(issuer_forms("file:///etc/passwd").is_empty());
        assert!(issuer_forms("id.example.com").is_empty());
    }

    #[test]
    fn the_names_of_this_machine_are_one_host() {
        let scanned = Url::parse("http://127.0.0.1:8080/mcp").unwrap();
        let there = |url: &str| as_scanned(&scanned, Url::parse(url).unwrap()).to_string();
        assert_eq!(there("http://localhost:8080/x"), "http://127.0.0.1:8080/x");
        assert_eq!(there("http://[::1]:9/x"), "http://127.0.0.1:9/x");
        assert_eq!(there("http://localhost.:9/x"), "http://127.0.0.1:9/x");
        assert_eq!(there("http://localhost.evil.test:8080/x"), "http://localhost.evil.test:8080/x");
        let public = Url::parse("https://example.com/mcp").unwrap();
        assert_eq!(
            as_scanned(&public, Url::parse("http://localhost/x").unwrap()).as_str(),
            "http://localhost/x"
        );
    }
}
