//! The era behind a barrier, guessed from what can be seen before it.
//!
//! A guess is shown and nothing else: it is no part of the [`Classification`], so no check can read it.

use serde_json::Value;

use super::auth;
use super::classification::{Classification, Kind};
use crate::protocol::names;
use crate::protocol::revision::{Era, Revision};
use crate::protocol::well_known::{PROTECTED_RESOURCE, root_form};
use crate::transcript::{Exchange, ProbeId, Transcript};

/// The first revision with Streamable HTTP.
const STREAMABLE: Revision = Revision::V2025_03_26;
/// The first revision with protected-resource metadata.
const RESOURCE_METADATA: Revision = Revision::V2025_06_18;

/// What may be behind the barrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EraGuess {
    /// Eras that the hints name, newest first; empty where they leave it open.
    pub eras: Vec<Era>,
    /// Revisions that agree with every hint, oldest first: at least one of them may be spoken.
    pub revisions: Vec<Revision>,
    /// The guess in words.
    pub words: String,
    /// What it rests on; never empty.
    pub hints: Vec<Hint>,
}

impl EraGuess {
    /// The guess with its reasons, labelled as what it is.
    #[must_use]
    pub fn sentence(&self) -> String {
        let hints: Vec<&str> = self.hints.iter().map(|hint| hint.what.as_str()).collect();
        format!("guess: {} ({})", self.words, hints.join("; "))
    }
}

/// Something seen before the barrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The exchange that shows it.
    pub exchange: u32,
    /// What it shows, in words.
    pub what: String,
}

/// A hint with what it says.
struct Sign {
    hint: Hint,
    /// Eras that are spoken.
    eras: Vec<Era>,
    /// Revisions, at least one of which is spoken.
    admits: Vec<Revision>,
}

impl Sign {
    fn new(exchange: &Exchange, what: impl Into<String>, eras: &[Era], admits: Vec<Revision>) -> Self {
        Self { hint: Hint { exchange: exchange.id, what: what.into() }, eras: eras.to_vec(), admits }
    }
}

/// Guesses the era behind a barrier that stopped a POST. `None` for every other class, without any hint, and
/// where hints contradict each other.
#[must_use]
pub fn read(transcript: &Transcript, class: &Classification) -> Option<EraGuess> {
    let stopped = class.evidence.first().and_then(|id| transcript.exchange(*id));
    // A barrier before a GET or an upgrade alone hides no Streamable HTTP, and only that has two eras.
    if class.kind != Kind::AuthGated || stopped.is_none_or(|exchange| exchange.request.method != "POST") {
        return None;
    }
    let card = card(transcript, class);
    let listed = card.as_ref().map(|sign| sign.admits.clone());
    let stateless = stateless(transcript, class);
    let open = stateless.is_some();
    let signs: Vec<Sign> =
        [card, preflight(transcript), metadata(transcript, class), stateless].into_iter().flatten().collect();
    let (words, eras, revisions) = combine(&signs, listed, open)?;
    Some(EraGuess { eras, revisions, words, hints: signs.into_iter().map(|sign| sign.hint).collect() })
}

/// What all hints together say. A card's list is complete; without one, every revision is left that no
/// hint excludes.
fn combine(
    signs: &[Sign],
    listed: Option<Vec<Revision>>,
    stateless: bool,
) -> Option<(String, Vec<Era>, Vec<Revision>)> {
    if signs.is_empty() {
        return None;
    }
    let left = listed.unwrap_or_else(|| {
        let admitted = |revision: &Revision| signs.iter().all(|sign| sign.admits.contains(revision));
        since(STREAMABLE).into_iter().filter(admitted).collect()
    });
    let named = |era: &Era| signs.iter().any(|sign| sign.eras.contains(era));
    let eras: Vec<Era> = [Era::Modern, Era::Legacy].into_iter().filter(named).collect();
    let agreed = signs.iter().all(|sign| left.iter().any(|revision| sign.admits.contains(revision)))
        && eras.iter().all(|era| left.iter().any(|revision| revision.era() == *era));
    if !agreed {
        return None;
    }
    let of_eras = |revision: &Revision| eras.is_empty() || eras.contains(&revision.era());
    let revisions: Vec<Revision> = left.into_iter().filter(of_eras).collect();
    let all: Vec<Revision> = since(STREAMABLE).into_iter().filter(of_eras).collect();
    let era = match eras.as_slice() {
        [] if stateless => Some("modern era, or legacy era without sessions"),
        [] => None,
        [Era::Modern] => Some("modern era"),
        [Era::Legacy] => Some("legacy era"),
        _ => Some("both eras"),
    };
    let words: Vec<String> = era.map(str::to_owned).into_iter().chain(narrowed(&revisions, &all)).collect();
    Some((words.join(", "), eras, revisions))
}

/// The revisions in words, where they say more than the eras do.
fn narrowed(revisions: &[Revision], all: &[Revision]) -> Option<String> {
    match revisions {
        _ if revisions == all => None,
        [only] => Some(format!("revision {}", only.as_str())),
        [first, ..] if all.ends_with(revisions) => Some(format!("revision {} or later", first.as_str())),
        _ => {
            let dates: Vec<&str> = revisions.iter().map(|revision| revision.as_str()).collect();
            Some(format!("revisions {}", dates.join(", ")))
        }
    }
}

/// The published revisions from this one on.
fn since(first: Revision) -> Vec<Revision> {
    Revision::ALL.into_iter().filter(|revision| *revision >= first).collect()
}

/// The revisions that the card of this endpoint lists for it (experimental server-card extension,
/// `remotes[].supportedProtocolVersions`). A card is fetched only where sibling paths were looked at.
fn card(transcript: &Transcript, class: &Classification) -> Option<Sign> {
    let cards = transcript
        .exchanges
        .iter()
        .filter(|exchange| exchange.probe == ProbeId::Siblings && exchange.step == "card");
    let (exchange, document) =
        cards.filter_map(|exchange| Some((exchange, auth::document(exchange)?))).next()?;
    let remotes: Vec<&Value> = document
        .get("remotes")
        .and_then(Value::as_array)?
        .iter()
        .filter(|remote| remote.get("type").and_then(Value::as_str) == Some("streamable-http"))
        .collect();
    let here = |remote: &&&Value| {
        let url = remote.get("url").and_then(Value::as_str).unwrap_or_default();
        url.trim_end_matches('/') == class.endpoint.trim_end_matches('/')
    };
    // Behind a proxy the endpoint may go by another name: the only remote of its card is still this one.
    let remote = match remotes.as_slice() {
        [only] => only,
        several => several.iter().find(here)?,
    };
    let versions = remote.get("supportedProtocolVersions").and_then(Value::as_array)?;
    let listed =
        |revision: &Revision| versions.iter().any(|version| version.as_str() == Some(revision.as_str()));
    let admits: Vec<Revision> = Revision::ALL.into_iter().filter(listed).collect();
    let eras: Vec<Era> = admits.iter().map(|revision| revision.era()).collect();
    (!admits.is_empty()).then(|| Sign::new(exchange, "its server card lists revisions", &eras, admits))
}

/// The headers of one era that the preflight allows.
fn preflight(transcript: &Transcript) -> Option<Sign> {
    transcript
        .exchanges
        .iter()
        .filter(|exchange| exchange.probe == ProbeId::Browser && exchange.step == "preflight")
        .find_map(|exchange| {
            let head = exchange.head.as_ref()?;
            let allowed: Vec<String> = head.values("access-control-allow-headers").flat_map(list).collect();
            let asked: Vec<String> = exchange
                .request
                .header("access-control-request-headers")
                .into_iter()
                .flat_map(list)
                .collect();
            // Many CORS layers send back what was asked for, and that says nothing about the server.
            let echoed = !asked.is_empty() && allowed.windows(asked.len()).any(|part| part == asked);
            let of_eras = [(Era::Modern, names::METHOD_HEADER), (Era::Legacy, names::SESSION_HEADER)];
            let (eras, found): (Vec<Era>, Vec<String>) = of_eras
                .into_iter()
                .map(|(era, name)| (era, name.to_ascii_lowercase()))
                .filter(|(_, name)| allowed.contains(name) && !(echoed && asked.contains(name)))
                .unzip();
            let what = format!("the preflight names {}", found.join(" and "));
            (!found.is_empty()).then(|| Sign::new(exchange, what, &eras, since(STREAMABLE)))
        })
}

/// The lower-case items of a comma-separated header value.
fn list(value: &str) -> impl Iterator<Item = String> {
    value.split(',').map(|item| item.trim().to_ascii_lowercase()).filter(|item| !item.is_empty())
}

/// Protected-resource metadata, or, where there are none, authorization-server metadata at the root of the
/// origin (MCP 2025-03-26, Authorization, Server Metadata Discovery).
fn metadata(transcript: &Transcript, class: &Classification) -> Option<Sign> {
    let exchanges = &transcript.exchanges;
    if let Some((exchange, _)) = auth::resource_metadata(exchanges) {
        return Some(Sign::new(
            exchange,
            "it has protected-resource metadata",
            &[],
            since(RESOURCE_METADATA),
        ));
    }
    let own = || exchanges.iter().filter(|exchange| exchange.probe == ProbeId::Auth);
    let looked: Vec<&Exchange> = own().filter(|exchange| exchange.step.starts_with("prm-")).collect();
    // All places must have said that there is nothing; silence, a refusal or a redirect says something else.
    let absent = looked.iter().all(|exchange| matches!(exchange.status(), Some(200 | 400 | 404 | 405 | 410)));
    let at_root = root_form(&class.endpoint, PROTECTED_RESOURCE);
    let complete = looked.iter().any(|exchange| Some(&exchange.request.url) == at_root.as_ref());
    if !absent || !complete || auth::metadata_url(exchanges).is_some() {
        return None;
    }
    let root = own().find(|exchange| exchange.step == "as 0.1")?;
    auth::authorization_server(root)?;
    let what = "authorization-server metadata at the origin root, and no protected-resource metadata";
    Some(Sign::new(root, what, &[Era::Legacy], vec![Revision::V2025_03_26]))
}

/// A GET that is answered with 405 naming POST alone: no standalone stream, and no session to delete.
fn stateless(transcript: &Transcript, class: &Classification) -> Option<Sign> {
    let exchange = transcript.exchanges.iter().find(|exchange| {
        matches!(exchange.probe, ProbeId::Classify | ProbeId::Auth)
            && exchange.step == "get"
            && exchange.request.url == class.endpoint
            && exchange.status() == Some(405)
            && exchange.head.as_ref().is_some_and(|head| {
                let mut methods: Vec<String> = head.values("allow").flat_map(list).collect();
                methods.retain(|method| method != "options");
                methods == ["post"]
            })
    })?;
    Some(Sign::new(exchange, "GET is answered with 405 and Allow: POST", &[], since(STREAMABLE)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::checks::synthetic::{Made, Scan, URL, discover, get, initialize, post, request};
    use crate::facts::Readings;
    use crate::protocol::names::FOREIGN_ORIGIN;

    const PRM: &str = "http://127.0.0.1:8080/.well-known/oauth-protected-resource";

    fn guess(scan: &Scan) -> Option<EraGuess> {
        read(&scan.transcript, Readings::new(&scan.transcript).classification())
    }

    fn words(scan: &Scan) -> Option<String> {
        guess(scan).map(|guess| guess.words)
    }

    fn gated(made: impl IntoIterator<Item = Made>) -> Option<String> {
        words(&made.into_iter().fold(Scan::gated(), Scan::with))
    }

    fn preflight(allowed: &str) -> Made {
        let asked = "authorization,content-type,mcp-method,mcp-name,mcp-protocol-version";
        request("OPTIONS", ProbeId::Browser, "preflight")
            .negative()
            .sending("origin", FOREIGN_ORIGIN)
            .sending("access-control-request-headers", asked)
            .status(204)
            .header("access-control-allow-headers", allowed)
    }

    fn document(step: &str, url: &str) -> Made {
        let mut made = get(ProbeId::Auth, step);
        made.made.request.url = url.to_owned();
        made
    }

    fn resource() -> Made {
        document("prm-path", &format!("{PRM}/mcp"))
            .json(json!({"resource": URL, "authorization_servers": ["x"]}))
    }

    fn no_resource(status: u16) -> [Made; 2] {
        [("prm-path", format!("{PRM}/mcp")), ("prm-root", PRM.to_owned())]
            .map(|(step, url)| document(step, &url).status(status).body("text/plain", "no"))
    }

    fn server() -> Made {
        document("as 0.1", "http://127.0.0.1:8080/.well-known/oauth-authorization-server")
            .json(json!({"issuer": "http://127.0.0.1:8080"}))
    }

    fn refused_get(allow: &str) -> Made {
        get(ProbeId::Auth, "get").status(405).header("allow", allow)
    }

    fn card(remotes: &Value) -> Made {
        get(ProbeId::Siblings, "card").json(json!({ "name": "x/y", "remotes": remotes }))
    }

    fn remote(url: &str, versions: &[&str]) -> Value {
        json!({ "type": "streamable-http", "url": url, "supportedProtocolVersions": versions })
    }

    #[test]
    fn without_a_hint_there_is_no_guess() {
        assert_eq!(gated([]), None);
        assert_eq!(gated([preflight("authorization, content-type, mcp-protocol-version")]), None);
        assert_eq!(gated([preflight("*")]), None);
    }

    #[test]
    fn the_preflight_names_headers_of_one_era_or_of_both() {
        let scan = Scan::gated().with(preflight("Content-Type, Mcp-Method"));
        let modern = guess(&scan).unwrap();
        assert_eq!((modern.eras, modern.revisions), (vec![Era::Modern], vec![Revision::V2026_07_28]));
        assert_eq!(modern.hints[0].exchange, scan.next_id() - 1);
        assert_eq!(modern.hints[0].what, "the preflight names mcp-method");
        let legacy = gated([preflight("content-type, mcp-session-id")]);
        assert_eq!(legacy.as_deref(), Some("legacy era"));
        let both = Scan::gated().with(preflight("mcp-session-id, mcp-method"));
        assert_eq!(
            guess(&both).unwrap().sentence(),
            "guess: both eras (the preflight names mcp-method and mcp-session-id)"
        );
        // A header line each, and a name that only contains another.
        let lines = preflight("content-type").another_header("access-control-allow-headers", "MCP-METHOD");
        assert_eq!(gated([lines]).as_deref(), Some("modern era"));
        assert_eq!(gated([preflight("x-mcp-method, mcp-session-ids")]), None);
    }

    #[test]
    fn what_the_preflight_asked_for_and_got_back_names_nothing() {
        let asked = "Authorization, Content-Type, Mcp-Method, Mcp-Name, Mcp-Protocol-Version";
        assert_eq!(gated([preflight(asked)]), None);
        assert_eq!(gated([preflight(&format!("x-other, {asked}"))]), None);
        // It did not ask for this one.
        let more = gated([preflight(&format!("{asked}, mcp-session-id"))]);
        assert_eq!(more.as_deref(), Some("legacy era"));
    }

    #[test]
    fn resource_metadata_leave_the_era_open() {
        let open = guess(&Scan::gated().with(resource())).unwrap();
        assert_eq!(open.words, "revision 2025-06-18 or later");
        assert_eq!((open.eras.len(), open.revisions.len()), (0, 3));
        assert_eq!(gated([resource(), preflight("mcp-method")]).as_deref(), Some("modern era"));
        let legacy = gated([resource(), preflight("mcp-session-id")]);
        assert_eq!(legacy.as_deref(), Some("legacy era, revision 2025-06-18 or later"));
    }

    #[test]
    fn server_metadata_at_the_root_count_only_where_resource_metadata_are_surely_absent() {
        let [path, root] = no_resource(404);
        let oldest = gated([path, root, server()]);
        assert_eq!(oldest.as_deref(), Some("legacy era, revision 2025-03-26"));
        for status in [302, 401, 403, 429, 503] {
            let [path, root] = no_resource(status);
            assert_eq!(gated([path, root, server()]), None, "{status}");
        }
        let [path, _] = no_resource(404);
        assert_eq!(gated([path, server()]), None, "one place was not looked at");
        let [path, root] = no_resource(404);
        assert_eq!(gated([path, root]), None);
        assert_eq!(gated([server()]), None);
        // The challenge promises what cannot be read.
        let [path, root] = no_resource(404);
        let promised = request("GET", ProbeId::Auth, "get")
            .status(401)
            .header("www-authenticate", "Bearer resource_metadata=\"https://x.example/prm\"");
        assert_eq!(gated([promised, path, root, server()]), None);
    }

    #[test]
    fn a_get_that_points_to_post_alone_means_no_sessions() {
        let alone = gated([refused_get("POST, OPTIONS")]);
        assert_eq!(alone.as_deref(), Some("modern era, or legacy era without sessions"));
        for other in ["GET, POST", "POST, DELETE", ""] {
            assert_eq!(gated([refused_get(other)]), None, "{other}");
        }
        assert_eq!(gated([refused_get("POST"), preflight("mcp-method")]).as_deref(), Some("modern era"));
        let newer = gated([refused_get("POST"), resource()]);
        let expected = "modern era, or legacy era without sessions, revision 2025-06-18 or later";
        assert_eq!(newer.as_deref(), Some(expected));
    }

    #[test]
    fn a_card_lists_the_revisions_of_this_endpoint() {
        let both =
            gated([card(&json!([remote("https://public.example/mcp", &["2026-07-28", "2025-11-25"])]))]);
        assert_eq!(both.as_deref(), Some("both eras, revision 2025-11-25 or later"));
        let here = remote(&format!("{URL}/"), &["2025-03-26", "2025-11-25"]);
        let several = json!([remote("https://public.example/other", &["2026-07-28"]), here]);
        let legacy = gated([card(&several)]);
        assert_eq!(legacy.as_deref(), Some("legacy era, revisions 2025-03-26, 2025-11-25"));
        let others = json!([remote("https://a.example", &["2026-07-28"]), remote("https://b.example", &[])]);
        assert_eq!(gated([card(&others)]), None);
        assert_eq!(gated([card(&json!([remote(URL, &["2031-01-01"])]))]), None);
        assert_eq!(gated([card(&json!("remotes"))]), None);
        // The list is complete; other hints only have to agree with it.
        let listed = card(&json!([remote(URL, &["2025-03-26", "2025-06-18"])]));
        let legacy = gated([listed, resource(), preflight("mcp-session-id")]);
        assert_eq!(legacy.as_deref(), Some("legacy era, revisions 2025-03-26, 2025-06-18"));
    }

    #[test]
    fn hints_that_contradict_each_other_make_no_guess() {
        let oldest = || no_resource(404).into_iter().chain([server()]);
        assert_eq!(gated(oldest().chain([preflight("mcp-method")])), None);
        assert_eq!(gated(oldest().chain([preflight("mcp-method, mcp-session-id")])), None);
        let agreeing = gated(oldest().chain([preflight("mcp-session-id")]));
        assert_eq!(agreeing.as_deref(), Some("legacy era, revision 2025-03-26"));
        let only = |version| card(&json!([remote(URL, &[version])]));
        assert_eq!(gated([only("2026-07-28"), preflight("mcp-session-id")]), None);
        assert_eq!(gated([only("2025-03-26"), resource()]), None);
    }

    #[test]
    fn only_a_gate_before_a_post_hides_an_era() {
        let hints = || [preflight("mcp-method"), resource()];
        assert_eq!(words(&hints().into_iter().fold(Scan::modern(), Scan::with)), None);
        let no = |made: Made| made.status(405).header("allow", "GET");
        let feed = Scan::empty()
            .with(no(discover()))
            .with(no(initialize(ProbeId::Classify, "initialize")))
            .with(get(ProbeId::Classify, "get").status(401));
        assert_eq!(words(&hints().into_iter().fold(feed, Scan::with)), None);
        let late = Scan::empty()
            .with(post(ProbeId::Classify, "discover", Era::Modern, json!({})).status(400))
            .with(initialize(ProbeId::Classify, "initialize").status(401));
        assert!(words(&hints().into_iter().fold(late, Scan::with)).is_some());
    }
}
