//! Who we say we are: the first product of the `User-Agent` is the `clientInfo` of MCP, too.

use serde_json::{Value, json};

/// Longest `User-Agent`, in bytes: far below what servers give all headers together.
pub const LONGEST_USER_AGENT: usize = 512;

/// What `clientInfo` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientInfo {
    /// `clientInfo.name`.
    pub name: String,
    /// `clientInfo.version`.
    pub version: String,
}

impl ClientInfo {
    /// The client that a `User-Agent` names. `version` stands where it names none: every revision wants one,
    /// and it is that of the program that speaks. A text without a product names no one: it is ours.
    #[must_use]
    pub fn of(user_agent: &str) -> Self {
        let (name, version) = product(user_agent).unwrap_or((env!("CARGO_PKG_NAME"), None));
        Self { name: name.to_owned(), version: version.unwrap_or(env!("CARGO_PKG_VERSION")).to_owned() }
    }

    /// As a member of a message.
    #[must_use]
    pub fn info(&self) -> Value {
        json!({ "name": self.name, "version": self.version })
    }
}

/// The product that a `User-Agent` begins with (RFC 9110, section 10.1.5): name, and version if it has one.
#[must_use]
pub fn product(user_agent: &str) -> Option<(&str, Option<&str>)> {
    let first = user_agent.split([' ', '\t']).next().unwrap_or_default();
    let (name, version) = match first.split_once('/') {
        Some((name, version)) => (name, Some(version)),
        None => (first, None),
    };
    let sound = token(name) && version.is_none_or(token);
    sound.then_some((name, version))
}

/// RFC 9110, section 5.6.2.
fn token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_product_is_the_client() {
        let ours = env!("CARGO_PKG_VERSION");
        for (user_agent, name, version) in [
            ("me/1", "me", "1"),
            ("me/1.2-rc.3 (ops@example.com) lib/4", "me", "1.2-rc.3"),
            ("me", "me", ours),
            ("me (a/b)", "me", ours),
            ("me\tother/2", "me", ours),
            ("(nobody)", env!("CARGO_PKG_NAME"), ours),
        ] {
            let client = ClientInfo::of(user_agent);
            assert_eq!((client.name.as_str(), client.version.as_str()), (name, version), "{user_agent}");
        }
    }

    #[test]
    fn what_begins_with_no_product_names_none() {
        for text in ["", " me/1", "/1", "me/", "me/1/2", "me@1", "name: me", "(me)", "m\u{e9}", "me/1;x"] {
            assert_eq!(product(text), None, "{text:?}");
        }
    }
}
