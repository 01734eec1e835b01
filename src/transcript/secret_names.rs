//! What is a secret by its name.

/// Words that name a secret where they come last: `api_key`, `accessKey`, `X-Amz-Signature`. What follows says
/// something about one instead: `key_id`, `tokenType`, `code_challenge`.
const SECRET_WORDS: [&str; 25] = [
    "apikey",
    "assertion",
    "auth",
    "authorization",
    "bearer",
    "code",
    "credential",
    "credentials",
    "hmac",
    "jwt",
    "key",
    "otp",
    "pass",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "pin",
    "pwd",
    "secret",
    "session",
    "sid",
    "sig",
    "signature",
    "token",
];

/// Endings that no everyday word has: `authtoken`, `clientsecret`, `userpwd`.
const SECRET_ENDINGS: [&str; 9] =
    ["apikey", "sessid", "sessionid", "passwd", "password", "pwd", "secret", "signature", "token"];

/// Words before a short secret word, where nothing separates the two: `accesskey`, but not `monkey`; `userpass`,
/// but not `compass`.
const OWNERS: [&str; 21] = [
    "access", "account", "admin", "api", "app", "auth", "client", "customer", "db", "license", "login",
    "master", "private", "refresh", "secret", "security", "service", "session", "shared", "signing", "user",
];

/// Whether a query parameter is a secret by its name. Case does not matter, nor whether words are separated by a
/// sign, by a capital letter or not at all.
#[must_use]
pub fn secret_name(name: &str) -> bool {
    let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
    let words = words(&name);
    let Some(last) = words.last() else { return false };
    let before = words.len().checked_sub(2).and_then(|index| words.get(index));
    let session = before.is_some_and(|word| word == "session") && last == "id";
    session
        || SECRET_WORDS.contains(&last.as_str())
        || SECRET_ENDINGS.iter().any(|ending| last.ends_with(ending))
        || SECRET_WORDS
            .iter()
            .any(|word| last.strip_suffix(word).is_some_and(|owner| OWNERS.contains(&owner)))
}

/// Words of which one is enough in the name of a header: `X-Auth-User`, `X-Token-Id`.
const HEADER_WORDS: [&str; 7] = ["auth", "cookie", "key", "password", "secret", "session", "token"];

/// Whether a header is a secret by its name.
#[must_use]
pub fn secret_header(name: &str) -> bool {
    let says = |word: &String| {
        HEADER_WORDS.contains(&word.as_str())
            || ["authenti", "authori"]
                .iter()
                .any(|begin| word.starts_with(begin) && !word.starts_with("authority"))
    };
    secret_name(name) || words(name).iter().any(says)
}

/// The words in lower case, without the number of one of several (`key2`) and without a version (`ApiKeyV2`).
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    let mut characters = name.chars().peekable();
    let mut before = ' ';
    while let Some(character) = characters.next() {
        if character.is_alphabetic() {
            // `accessKey`, and the K of `APIKey`.
            let begins = character.is_uppercase()
                && (!before.is_uppercase() || characters.peek().is_some_and(|next| next.is_lowercase()));
            match words.last_mut().filter(|_| open && !begins) {
                Some(word) => word.extend(character.to_lowercase()),
                None => words.push(character.to_lowercase().collect()),
            }
            open = true;
        } else if !character.is_numeric() {
            open = false;
        }
        before = character;
    }
    words.retain(|word| word != "v");
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_last_word() {
        for name in [
            "token",
            "TOKEN",
            "access_token",
            "accessToken",
            "accesstoken",
            "authtoken",
            "idToken",
            "api_key",
            "api-key",
            "apiKey",
            "APIKey",
            "ApiKey",
            "apikey",
            "APIKEY",
            "x-api-key",
            "accessKey",
            "accesskey",
            "access.key",
            "secretKey",
            "clientSecret",
            "client_secret",
            "clientsecret",
            "pwd",
            "userPwd",
            "userpwd",
            "pass",
            "userpass",
            "passwd",
            "password",
            "Password",
            "sig",
            "signature",
            "X-Amz-Signature",
            "X-Amz-Credential",
            "X-Amz-Security-Token",
            "X-Goog-Signature",
            "code",
            "authCode",
            "authcode",
            "jwt",
            "session",
            "sid",
            "auth",
            "authorization",
            "key2",
            "apiKeyV2",
            "api%5Fkey",
            "api_key[]",
            "subscription-key",
            "hmac",
            "sessionId",
            "session_id",
            "sessionid",
            "PHPSESSID",
            "otp",
            "passphrase",
            "client_assertion",
            "key",
        ] {
            assert!(secret_name(name), "{name}");
        }
        for name in [
            "",
            "2",
            "monkey",
            "turkey",
            "compass",
            "bypass",
            "keyword",
            "keywords",
            "author",
            "authority",
            "encode",
            "barcode",
            "zipcode",
            "decode",
            "key_id",
            "keyId",
            "tokenType",
            "token_type",
            "signatureVersion",
            "code_challenge",
            "passenger",
            "design",
            "session_type",
            "inside",
            "spin",
            "tenant",
            "state",
            "page",
            "q",
            "version",
            "mode",
            "sort",
            "pinned",
            "oath",
            "whiskey",
            "hockey",
        ] {
            assert!(!secret_name(name), "{name}");
        }
    }
}
