//! The sources: from the name of the host to the companions beside the document.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use sigcache_core::{
    Reason, Resource, Step, Timestamp,
    fetch::{FetchError, FetchRequest, Fetcher, Part, Retry, http::HttpFetcher, http::Inspection},
    human_span,
    runtime::{Runtime as _, Tokio},
    trust::PublicKey,
    verify::Need,
};
use url::Url;

use super::{Break, Chain, Link, Row, State, Verdicts, runs::SKEW};

/// How sources are asked.
pub(crate) struct Asking {
    pub(crate) http: HttpFetcher,
    /// For what is not HTTP.
    pub(crate) others: Arc<dyn Fetcher>,
    pub(crate) at_once: usize,
    pub(crate) now: Timestamp,
    /// When it was that time: very many sources take their time.
    pub(crate) since: Instant,
    /// What ends within this time is worth a word.
    pub(crate) within: Duration,
}

/// One URL of a resource, with what was found so far.
pub(crate) struct Source {
    pub(crate) resource: Resource,
    pub(crate) url: Url,
    rows: Vec<Row>,
    certificate_until: Option<Timestamp>,
    /// Whether the document and its companions can be had.
    pub(crate) open: bool,
}

impl Source {
    fn new(resource: &Resource, url: Url) -> Self {
        Self { resource: resource.clone(), url, rows: Vec::new(), certificate_until: None, open: false }
    }

    fn of(&self) -> String {
        format!("{} at {}", self.resource.name, shown(&self.url))
    }

    fn add(&mut self, link: Link, state: State) {
        self.rows.push(Row { link, of: self.of(), state });
    }

    /// The links of a source of its kind.
    fn links(&self) -> &'static [Link] {
        match self.url.scheme() {
            "https" => &[Link::Resolve, Link::Connect, Link::Tls, Link::Answer, Link::Clock, Link::Companions],
            "http" => &[Link::Resolve, Link::Connect, Link::Answer, Link::Clock, Link::Companions],
            _ => &[Link::Answer, Link::Companions],
        }
    }
}

/// A URL without what may be secret in it.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Fails only for URLs that cannot have either.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    if url.query().is_some() {
        url.set_query(Some("…"));
    }
    url.to_string().replace("?%E2%80%A6", "?…")
}

/// Asks every source of `resources` once.
pub(crate) async fn ask(asking: &Asking, resources: &[Resource]) -> Vec<Source> {
    let sources =
        resources.iter().flat_map(|resource| resource.urls().into_iter().map(|url| Source::new(resource, url)));
    let sources: Vec<Source> = sources.collect();
    stream::iter(sources).map(|source| one(asking, source)).buffered(asking.at_once.max(1)).collect().await
}

async fn one(asking: &Asking, mut source: Source) -> Source {
    let document = inspect(asking, &source, &source.url, Part::Document).await;
    let broken = document.as_ref().err().map(|error| (link(error.failure().reason), Break::of(error.failure())));
    // A redirect can break at a link that a URL of this kind has not.
    let links = source.links().iter().copied().chain(broken.iter().map(|(link, _)| *link));
    let links: BTreeSet<Link> = links.filter(|link| *link <= Link::Answer).collect();
    for link in links {
        let state = match &broken {
            Some((at, broken)) if link == *at => State::Broken(broken.clone()),
            Some((at, _)) if link > *at => State::NotChecked { because: at.is_broken() },
            _ => State::Ok { note: None },
        };
        source.add(link, state);
    }
    match (document, broken) {
        (Ok(shown), _) => {
            source.certificate_until = shown.certificate.as_deref().and_then(ends);
            if source.url.scheme() != "file" {
                let state = clock(shown.date, asking.now.plus(asking.since.elapsed()));
                source.add(Link::Clock, state);
            }
            let state = companions(asking, &source).await;
            source.open = matches!(state, State::Ok { .. });
            source.add(Link::Companions, state);
        }
        (Err(_), broken) => {
            let because = broken.map(|(link, _)| link.is_broken()).unwrap_or_default();
            for link in source.links().iter().filter(|link| **link > Link::Answer) {
                source.add(*link, State::NotChecked { because: because.clone() });
            }
        }
    }
    source
}

/// Asks as often as a run would.
async fn inspect(asking: &Asking, source: &Source, url: &Url, part: Part) -> Result<Inspection, FetchError> {
    let rules = &source.resource.rules;
    let mut request = FetchRequest::new(url, &rules.limits, &rules.access, asking.now);
    request.part = part;
    let (mut tries, mut pause) = (1, rules.limits.first_pause);
    loop {
        let asked = match url.scheme() {
            "http" | "https" => asking.http.inspect(request).await,
            _ => asking.others.fetch(request).await.map(|_| Inspection::default()),
        };
        let wait = match asked.as_ref().map_err(FetchError::retry) {
            Err(Retry::Yes) => pause,
            Err(Retry::After(span)) if span <= rules.limits.longest_pause => span.max(pause),
            _ => return asked,
        };
        if tries >= rules.limits.tries {
            return asked;
        }
        Tokio::current().sleep(wait).await;
        (tries, pause) = (tries + 1, pause.saturating_mul(2).min(rules.limits.longest_pause));
    }
}

/// The link that a failure of a fetch is about.
fn link(reason: Reason) -> Link {
    match reason.step() {
        Step::Resolve => Link::Resolve,
        Step::Connect => Link::Connect,
        Step::Tls => Link::Tls,
        _ => Link::Answer,
    }
}

/// Until when a certificate is valid, where it can be read here.
fn ends(der: &[u8]) -> Option<Timestamp> {
    PublicKey::parse(der).ok()?.certificate_validity().map(|(_, end)| end)
}

fn clock(date: Option<Timestamp>, now: Timestamp) -> State {
    let Some(date) = date else {
        return State::Ok { note: Some("the server does not say what time it is".to_owned()) };
    };
    // As exactly as the server says it.
    let now = Timestamp::from_millis(now.as_millis() / 1000 * 1000);
    let (ahead, behind) = (date.since(now), now.since(date));
    let (span, which) = if ahead > behind { (ahead, "ahead of") } else { (behind, "behind") };
    if span <= SKEW {
        return State::Ok { note: None };
    }
    let found = format!("{date}, {} {which} the {now} of this machine", human_span(span));
    let advice = "compare both with a third clock; where it is this machine's, set it by NTP";
    State::Broken(Break::new(format!("a server's clock within {} of ours", human_span(SKEW)), found, advice))
}

async fn companions(asking: &Asking, source: &Source) -> State {
    let wanted = source.resource.rules.verifier.companions();
    if wanted.is_empty() {
        return State::Ok { note: Some("the format needs none".to_owned()) };
    }
    let mut found = 0;
    let mut missing = None;
    for companion in &wanted {
        let url = companion.beside(&source.url);
        match inspect(asking, source, &url, Part::Companion).await {
            Ok(_) => found += 1,
            Err(error) if error.is_absence() => {
                let absent = Break::at(Reason::CompanionMissing, shown(&url), &error.failure().found);
                if companion.need == Need::Required {
                    return State::Broken(absent);
                }
                missing = missing.or(Some(absent));
            }
            Err(error) => {
                let failure = error.failure();
                let expected = format!("{} from {}", failure.expected, shown(&url));
                return State::Broken(Break::at(failure.reason, expected, &failure.found));
            }
        }
    }
    match missing {
        // Any of them may be missing, but not all of them.
        Some(absent) if found == 0 => State::Broken(absent),
        Some(_) => State::Ok { note: Some(format!("{found} of {}", wanted.len())) },
        None => State::Ok { note: None },
    }
}

/// Puts the rows of `sources` into the chain, with what the pipeline says of each.
pub(crate) fn check(chain: &mut Chain, asking: &Asking, sources: Vec<Source>, verdicts: &Verdicts) {
    for mut source in sources {
        if let Some(until) = source.certificate_until {
            let host = source.url.host_str().unwrap_or_default();
            chain.calendar.note("tls-certificate", host, until, asking.now, asking.within);
            if let Some(State::Ok { note }) =
                source.rows.iter_mut().find(|row| row.link == Link::Tls).map(|row| &mut row.state)
            {
                *note = Some(format!("the certificate ends at {until}"));
            }
        }
        let verdict = verdicts.of(&source);
        // Of files of which any may be missing only the format knows which it can do without.
        let (companions, verification) = match verdict {
            State::Broken(broken) if verdicts.lacks_companion(&source) => {
                (Some(State::Broken(broken)), State::NotChecked { because: Link::Companions.is_broken() })
            }
            state => (None, state),
        };
        if let (Some(state), Some(row)) = (companions, source.rows.iter_mut().find(|row| row.link == Link::Companions))
        {
            row.state = state;
        }
        source.add(Link::Verification, verification);
        chain.rows.append(&mut source.rows);
    }
}
