//! Where a request goes: the typed URL, a path of ours on its origin, or what the server announced there.

use std::fmt;

use url::Url;

use super::handles::Handle;

/// A URL of the scanned origin, and what is recorded of it. Two are equal if they are the same URL.
#[derive(Clone)]
pub struct Place {
    url: Url,
    shown: String,
    /// What the server gave of it, if it is not ours.
    handle: Option<Handle>,
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.url == other.url
    }
}

impl Eq for Place {}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({:?})", self.shown)
    }
}

impl Place {
    /// The URL that the user typed, or another of ours; `shown` is what is recorded of it.
    pub(super) fn ours(url: Url, shown: String) -> Self {
        Self { url, shown, handle: None }
    }

    /// What the server named.
    pub(super) fn given(url: Url, shown: String, handle: Handle) -> Self {
        Self { url, shown, handle: Some(handle) }
    }

    /// What is recorded of it.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Whether a request may go there.
    #[must_use]
    pub fn sendable(&self) -> bool {
        self.handle.as_ref().is_none_or(Handle::sendable)
    }

    /// The URL itself.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// What the server gave of it.
    pub(super) fn handle(&self) -> Option<&Handle> {
        self.handle.as_ref()
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &str {
        self.url.path()
    }

    /// Its origin.
    #[must_use]
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Whether it is a WebSocket's.
    #[must_use]
    pub fn is_socket(&self) -> bool {
        matches!(self.url.scheme(), "ws" | "wss")
    }

    /// The same place with the scheme of a WebSocket, or without; security kept.
    #[must_use]
    pub fn twin(&self, socket: bool) -> Self {
        let secure = matches!(self.url.scheme(), "https" | "wss");
        let scheme = match (socket, secure) {
            (true, true) => "wss",
            (true, false) => "ws",
            (false, true) => "https",
            (false, false) => "http",
        };
        let mut url = self.url.clone();
        // Cannot fail between these four.
        let _ = url.set_scheme(scheme);
        let shown = match self.shown.split_once("://") {
            Some((_, rest)) => format!("{scheme}://{rest}"),
            None => self.shown.clone(),
        };
        Self { url, shown, handle: self.handle.clone() }
    }

    /// A path of ours on the same origin.
    #[must_use]
    pub fn at(&self, path: &'static str) -> Self {
        Self { handle: None, ..self.changed(|_| path.to_owned()) }
    }

    /// The place beside this one, where this one's path ends with `here`: `/mcp` gives `/sse`.
    #[must_use]
    pub fn instead(&self, here: &'static str, there: &'static str) -> Option<Self> {
        let plain = self.url.query().is_none() && self.url.fragment().is_none();
        let ends = self.url.path().ends_with(here) && self.shown.ends_with(here);
        (plain && ends)
            .then(|| self.changed(|path| format!("{}{there}", path.strip_suffix(here).unwrap_or(path))))
    }

    /// The place above this one, with a slash at its end or without; `None` where that is the root.
    #[must_use]
    pub fn parent(&self, slash: bool) -> Option<Self> {
        let above = |path: &str| {
            let (above, _) = path.trim_end_matches('/').rsplit_once('/')?;
            (!above.is_empty()).then(|| format!("{above}{}", if slash { "/" } else { "" }))
        };
        above(self.url.path())?;
        Some(self.changed(|path| above(path).unwrap_or_else(|| path.to_owned())))
    }

    /// The place below this one.
    #[must_use]
    pub fn below(&self, name: &'static str) -> Self {
        self.changed(|path| format!("{}/{name}", path.trim_end_matches('/')))
    }

    /// `<origin>/.well-known/<name><path>`; without the path if it is the `root` form.
    #[must_use]
    pub fn well_known(&self, name: &'static str, root: bool) -> Self {
        if root {
            return Self { handle: None, ..self.changed(|_| format!("/.well-known/{name}")) };
        }
        self.changed(|path| format!("/.well-known/{name}{}", path.trim_end_matches('/')))
    }

    /// With another path, made of this one, in the URL and in what is recorded of it; without query and fragment.
    fn changed(&self, path: impl Fn(&str) -> String) -> Self {
        let mut url = self.url.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.set_path(&path(self.url.path()));
        let end = self.shown.find(['?', '#']).unwrap_or(self.shown.len());
        let shown = self.shown.get(..end).unwrap_or_default();
        let (origin, old) = shown.split_at_checked(path_begins(shown)).unwrap_or((shown, ""));
        Self { url, shown: format!("{origin}{}", path(old)), handle: self.handle.clone() }
    }
}

/// Where the path of a URL begins.
fn path_begins(url: &str) -> usize {
    let after = url.find("://").map_or(0, |at| at.saturating_add(3));
    let path = url.get(after..).and_then(|rest| rest.find('/'));
    path.map_or(url.len(), |at| after.saturating_add(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str, shown: &str) -> Place {
        Place { url: Url::parse(url).unwrap(), shown: shown.to_owned(), handle: None }
    }

    #[test]
    fn paths_of_ours_keep_what_is_masked() {
        let target =
            place("https://h:8443/s/abc/mcp?key=v", "https://h:8443/s/~query-x~/mcp?key=~query-key~");
        for (made, url, shown) in [
            (target.at("/sse"), "https://h:8443/sse", "https://h:8443/sse"),
            (
                target.twin(true),
                "wss://h:8443/s/abc/mcp?key=v",
                "wss://h:8443/s/~query-x~/mcp?key=~query-key~",
            ),
            (target.below("card"), "https://h:8443/s/abc/mcp/card", "https://h:8443/s/~query-x~/mcp/card"),
            (
                target.well_known("x", false),
                "https://h:8443/.well-known/x/s/abc/mcp",
                "https://h:8443/.well-known/x/s/~query-x~/mcp",
            ),
            (target.well_known("x", true), "https://h:8443/.well-known/x", "https://h:8443/.well-known/x"),
        ] {
            assert_eq!((made.url.as_str(), made.shown()), (url, shown));
        }
        assert_eq!(target.instead("/mcp", "/sse"), None, "it has a query");
        let plain = place("http://h/a/mcp", "http://h/a/mcp");
        assert_eq!(plain.instead("/mcp", "/sse").unwrap().shown(), "http://h/a/sse");
    }
}
