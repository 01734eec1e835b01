//! User and password in URLs of others: nobody's business but theirs.

/// What stands for them.
const PLACEHOLDER: &str = "~userinfo~";

/// What stands for a user and a password that may be real: whether a text gave one away can still be read.
const WITH_PASSWORD: &str = "~userinfo~:~password~";

/// Its password.
pub(crate) const PASSWORD: &str = "~password~";

/// The shortest password that is one.
const SHORTEST: usize = 3;

/// Whether a password is masked already by whoever wrote it, or the word that manuals use.
pub(crate) fn no_password(value: &str) -> bool {
    let masked = ['~', '*', '<', '[', '{', '$', '%', '(', '…'];
    value.contains(masked)
        || value.contains("...")
        || ["password", "passwd", "pass", "secret", "xxx"].contains(&value.to_ascii_lowercase().as_str())
}

/// What stands for this userinfo.
fn placeholder(userinfo: &str) -> &'static str {
    let password = userinfo.split_once(':').map(|(_, password)| password);
    match password.filter(|password| password.len() >= SHORTEST && !no_password(password)) {
        Some(_) => WITH_PASSWORD,
        None => PLACEHOLDER,
    }
}

/// The text without the user and password of any URL in it; `None` where none has one.
pub(super) fn without_userinfo(text: &str) -> Option<String> {
    let mut shown: Option<String> = None;
    let mut kept = 0_usize;
    for (at, _) in text.match_indices(':') {
        let after = at.saturating_add(1);
        let slashes = ["//", "\\/\\/"]
            .iter()
            .find(|slashes| text.get(after..).is_some_and(|rest| rest.starts_with(**slashes)));
        let Some(slashes) = slashes else { continue };
        let begin = after.saturating_add(slashes.len());
        let Some(rest) = text.get(begin..).filter(|_| begin >= kept) else { continue };
        let ends = |c: char| {
            matches!(c, '/' | '?' | '#' | '\\' | '"' | '\'' | '<' | '>' | '`' | ',' | ' ') || c.is_control()
        };
        let authority = rest.char_indices().take(LONGEST).find(|(_, c)| ends(*c)).map(|(end, _)| end);
        let authority = rest.get(..authority.unwrap_or(rest.len().min(LONGEST))).unwrap_or_default();
        let Some(sign) = authority.rfind('@').filter(|sign| *sign > 0) else { continue };
        let userinfo = authority.get(..sign).unwrap_or_default();
        if [PLACEHOLDER, WITH_PASSWORD].contains(&userinfo) {
            continue;
        }
        let shown = shown.get_or_insert_default();
        shown.push_str(text.get(kept..begin).unwrap_or_default());
        shown.push_str(placeholder(userinfo));
        kept = begin.saturating_add(sign);
    }
    let mut shown = shown?;
    shown.push_str(text.get(kept..).unwrap_or_default());
    Some(shown)
}

/// The longest authority that is looked at, in characters; none of a host is longer.
const LONGEST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_passwords_of_urls_are_gone() {
        for (text, shown) in [
            ("see https://user:pw@host.example/x?a=b@c", "see https://~userinfo~@host.example/x?a=b@c"),
            (r#"{"u":"https:\/\/u:p@h\/x"}"#, r#"{"u":"https:\/\/~userinfo~@h\/x"}"#),
            ("ws://u@h, http://a:b@c@d/", "ws://~userinfo~@h, http://~userinfo~:~password~@d/"),
            ("postgres://notes:hunter2@db/x", "postgres://~userinfo~:~password~@db/x"),
            ("postgres://user:password@db/x", "postgres://~userinfo~@db/x"),
        ] {
            assert_eq!(without_userinfo(text).as_deref(), Some(shown));
            assert_eq!(without_userinfo(shown), None);
        }
        for plain in ["", "https://host/@user", "a@b", "://@x", "https://é.example ü@x", "::: //a@b"] {
            assert_eq!(without_userinfo(plain), None, "{plain}");
        }
    }
}
