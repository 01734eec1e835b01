//! Names of what does not exist: new for every scan, so that no endpoint can know a probe by them. The record holds
//! what was sent, and checks read it there.

/// Letters of one name: 26^12, so nothing that exists is met by chance.
const LETTERS: usize = 12;

/// The invented names of one scan.
#[derive(Clone, Debug)]
pub(super) struct Invented {
    name: String,
}

impl Invented {
    pub(super) fn new() -> Self {
        // Letters alone: a name must do as a host, a tool, a method and part of a URI.
        let random = uuid::Uuid::new_v4().as_u128();
        let letter = |at: usize| {
            let shifted = random >> (8 * at);
            char::from(b'a' + u8::try_from(shifted % 26).unwrap_or_default())
        };
        Self { name: (0..LETTERS).map(letter).collect() }
    }

    /// A host below a top-level domain that nobody can have (RFC 2606).
    pub(super) fn host(&self) -> String {
        format!("{}.invalid", self.name)
    }

    /// An origin that no server can have on its list.
    pub(super) fn origin(&self) -> String {
        format!("https://{}", self.host())
    }

    /// A tool, a prompt, an argument: any name that a server would have to know.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// A method that no revision and no extension defines.
    pub(super) fn method(&self) -> String {
        format!("{}/unknown", self.name)
    }

    /// A credential that no server issued: nothing can be opened with it. By its form no JWT, so that nobody
    /// takes it for one of theirs that has run out.
    pub(super) fn credential(&self) -> String {
        format!("Bearer {}.invalid.token", self.name)
    }

    /// A subprotocol that nobody speaks: who selects it selects anything.
    pub(super) fn subprotocol(&self) -> String {
        self.host()
    }

    /// A resource of a scheme that nobody serves.
    pub(super) fn resource(&self) -> String {
        format!("{0}://{0}/0", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_new_every_time_and_fit_every_place() {
        let (one, two) = (Invented::new(), Invented::new());
        assert_ne!(one.name(), two.name());
        assert_eq!(one.name().len(), LETTERS);
        assert!(one.name().bytes().all(|byte| byte.is_ascii_lowercase()), "{}", one.name());
        assert!(url::Url::parse(&one.origin()).is_ok_and(|url| url.host_str() == Some(&one.host())));
        assert!(url::Url::parse(&one.resource()).is_ok());
    }
}
