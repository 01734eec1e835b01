//! The grammar of `WWW-Authenticate` (RFC 9110 sections 11.2, 11.3, 11.6.1), and what a reader makes of a value
//! that breaks it.

use std::iter::Peekable;
use std::str::CharIndices;

/// One challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Scheme, lower case.
    pub scheme: String,
    /// Parameters: names in lower case, values unquoted.
    pub parameters: Vec<(String, String)>,
    /// Whether one value without a name follows the scheme.
    pub token68: bool,
}

impl Challenge {
    /// The value of a parameter, by lower-case name; of several the first.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Where a value leaves the grammar, the worst first. The names are those of parameters or schemes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Parameters stand before any scheme: they belong to no challenge.
    NoScheme(String),
    /// A quoted value has no end.
    OpenQuote(String),
    /// Nothing but a blank parts this from what stands before it.
    NoComma(String),
    /// A parameter comes twice in one challenge.
    Repeated(String),
    /// Text that belongs to nothing.
    Stray(String),
    /// A value that is not quoted and has characters which only a quoted one may have.
    Unquoted(String),
}

/// What a field value says, read leniently, and where it leaves the grammar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Challenges {
    /// The challenges. Parameters without a scheme are in none of them.
    pub found: Vec<Challenge>,
    /// The faults, in order.
    pub faults: Vec<Fault>,
}

/// Reads a value; several lines of one reply are joined with commas before.
#[must_use]
pub fn read(value: &str) -> Challenges {
    let mut reader =
        Reader { text: value, rest: value.char_indices().peekable(), read: Challenges::default() };
    // What a reader has seen since the last element: a list begins as after a comma.
    let mut comma = true;
    loop {
        comma |= reader.blanks_and_commas();
        let Some(at) = reader.at() else { break };
        let token = reader.run(tchar);
        if token.is_empty() {
            reader.stray(at);
        } else {
            reader.element(at, token, comma);
        }
        comma = false;
    }
    reader.read
}

struct Reader<'v> {
    text: &'v str,
    rest: Peekable<CharIndices<'v>>,
    read: Challenges,
}

impl<'v> Reader<'v> {
    fn at(&mut self) -> Option<usize> {
        self.rest.peek().map(|(at, _)| *at)
    }

    fn next_is(&mut self, wanted: impl Fn(char) -> bool) -> bool {
        self.rest.peek().is_some_and(|(_, c)| wanted(*c))
    }

    fn run(&mut self, wanted: impl Fn(char) -> bool) -> &'v str {
        let start = self.at().unwrap_or(self.text.len());
        while self.next_is(&wanted) {
            self.rest.next();
        }
        let end = self.at().unwrap_or(self.text.len());
        self.text.get(start..end).unwrap_or_default()
    }

    fn blanks_and_commas(&mut self) -> bool {
        self.run(|c| blank(c) || c == ',').contains(',')
    }

    /// Text up to the next comma, of which nothing can be made.
    fn stray(&mut self, from: usize) {
        self.run(|c| c != ',');
        let to = self.at().unwrap_or(self.text.len());
        let text = self.text.get(from..to).unwrap_or_default().trim().to_owned();
        self.read.faults.push(Fault::Stray(text));
    }

    /// A scheme, what stands alone after one, or a parameter.
    fn element(&mut self, at: usize, token: &str, comma: bool) {
        let bare = |last: &Challenge| last.parameters.is_empty() && !last.token68;
        let first = !comma && self.read.found.last().is_some_and(bare);
        if first && self.token68(at) {
            if let Some(last) = self.read.found.last_mut() {
                last.token68 = true;
            }
            return;
        }
        if !comma && !first {
            self.read.faults.push(Fault::NoComma(token.to_owned()));
        }
        self.run(blank);
        if self.next_is(|c| c == '=') {
            self.rest.next();
            self.run(blank);
            return self.parameter(token.to_ascii_lowercase());
        }
        let scheme = token.to_ascii_lowercase();
        self.read.found.push(Challenge { scheme, parameters: Vec::new(), token68: false });
    }

    /// Whether what begins here is one value without a name; if so it is taken.
    fn token68(&mut self, at: usize) -> bool {
        let rest = self.text.get(at..).unwrap_or_default();
        let end = rest.find(|c| blank(c) || c == ',').unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
        // `name =` is a parameter with a blank in it.
        let named = rest.get(end..).is_some_and(|after| after.trim_start_matches(blank).starts_with('='));
        let alone = !named && !word.is_empty() && word.trim_end_matches('=').chars().all(fits);
        // `name=` before a blank and a value is one, too.
        let after = rest.get(end..).unwrap_or_default().trim_start_matches(blank);
        let alone = alone && !(word.ends_with('=') && after.starts_with('"'));
        if alone {
            let until = at.saturating_add(end);
            while self.at().is_some_and(|at| at < until) {
                self.rest.next();
            }
        }
        alone
    }

    fn parameter(&mut self, name: String) {
        let value = if self.next_is(|c| c == '"') { self.quoted(&name) } else { self.bare(&name) };
        let Some(last) = self.read.found.last_mut() else {
            return self.read.faults.push(Fault::NoScheme(name));
        };
        if last.parameters.iter().any(|(known, _)| *known == name) {
            self.read.faults.push(Fault::Repeated(name.clone()));
        }
        last.parameters.push((name, value));
    }

    fn quoted(&mut self, name: &str) -> String {
        self.rest.next();
        let (mut value, mut escaped) = (String::new(), false);
        for (_, c) in self.rest.by_ref() {
            match c {
                _ if escaped => {
                    value.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                '"' => return value,
                _ => value.push(c),
            }
        }
        self.read.faults.push(Fault::OpenQuote(name.to_owned()));
        value
    }

    fn bare(&mut self, name: &str) -> String {
        let value = self.run(|c| !blank(c) && c != ',');
        if value.is_empty() || !value.chars().all(tchar) {
            self.read.faults.push(Fault::Unquoted(name.to_owned()));
        }
        value.to_owned()
    }
}

fn blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// RFC 9110 section 5.6.2.
fn tchar(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(value: &str) -> Vec<Fault> {
        read(value).faults
    }

    #[test]
    fn challenges_are_told_apart() {
        let read =
            read(r#"Bearer realm="a, b", resource_metadata="https://x/y", Basic realm=z, Negotiate ab+/=="#);
        assert!(read.faults.is_empty(), "{:?}", read.faults);
        let schemes: Vec<&str> = read.found.iter().map(|one| one.scheme.as_str()).collect();
        assert_eq!(schemes, ["bearer", "basic", "negotiate"]);
        assert_eq!(read.found[0].parameter("resource_metadata"), Some("https://x/y"));
        assert_eq!(read.found[0].parameter("realm"), Some("a, b"));
        assert!(read.found[2].token68 && !read.found[0].token68);
    }

    #[test]
    fn what_the_grammar_allows_is_no_fault() {
        for value in [
            "",
            "Bearer",
            "bearer realm = \"x\" , scope=\"a b\"",
            "Bearer realm=\"a \\\"quoted\\\" word\"",
            ", Bearer realm=x,, ApiKey",
            "Basic, Bearer",
            "Negotiate",
            "DPoP algs=\"ES256\", Bearer error=\"invalid_token\",\terror_description=\"no\"",
            "Bearer realm=~credential~",
        ] {
            assert_eq!(faults(value), [], "{value}");
        }
    }

    #[test]
    fn every_way_out_of_the_grammar_has_a_name() {
        let name = |name: &str| name.to_owned();
        assert_eq!(faults("resource_metadata=\"https://x\""), [Fault::NoScheme(name("resource_metadata"))]);
        assert_eq!(faults("Bearer realm=\"x"), [Fault::OpenQuote(name("realm"))]);
        assert_eq!(faults("Bearer realm=\"x\" scope=\"y\""), [Fault::NoComma(name("scope"))]);
        assert_eq!(faults("Bearer realm=\"x\" Basic realm=\"y\""), [Fault::NoComma(name("Basic"))]);
        assert_eq!(faults("Bearer scope=a, Scope=b"), [Fault::Repeated(name("scope"))]);
        assert_eq!(faults("Bearer: realm=\"x\""), [Fault::Stray(name(": realm=\"x\""))]);
        assert_eq!(
            faults("Bearer resource_metadata=https://x/y"),
            [Fault::Unquoted(name("resource_metadata"))]
        );
        assert_eq!(faults("Bearer realm="), []);
        assert_eq!(faults("Bearer realm=x, scope="), [Fault::Unquoted(name("scope"))]);
        let lenient = read("Bearer realm=\"x\" resource_metadata=\"https://x\"");
        assert_eq!(lenient.found[0].parameter("resource_metadata"), Some("https://x"));
    }
}
