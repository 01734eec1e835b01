//! What is a secret by its name.

/// Query parameters whose values are secrets by their name.
const SECRET_NAMES: [&str; 13] = [
    "token",
    "key",
    "secret",
    "password",
    "passwd",
    "auth",
    "authorization",
    "code",
    "sig",
    "signature",
    "session",
    "credential",
    "jwt",
];

/// Whether a query parameter is a secret by its name.
#[must_use]
pub fn secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|secret| {
        name == *secret || name.ends_with(&format!("_{secret}")) || name.ends_with(&format!("-{secret}"))
    }) || name == "apikey"
        || name.ends_with("token")
}
