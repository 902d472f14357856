//! Twins of which the source is broken: steps resolve, connect, http, size and speed.

use std::{sync::Arc, time::Duration};

use sigcache_core::{
    Reason,
    fetch::{Access, Addresses},
};

use super::{Good, Kind, Source, Twins, one};
use crate::drill::origin::Answer;

/// What a limit of time is shortened to, so that the drill takes seconds.
const SHORT: Duration = Duration::from_millis(200);

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "unresolvable",
        what: "the name of its host does not resolve (no name server is asked: the name is too long to be one)",
        demands: &[Reason::HostNotFound],
        make: |good| one(good.plan(good.site()).at(Source::Nowhere)),
    },
    Kind {
        name: "private-address",
        what: "its host is this machine, where `allow_private` is off",
        demands: &[Reason::PrivateAddress],
        make: private_address,
    },
    Kind {
        name: "dead",
        what: "nobody listens at its port",
        demands: &[Reason::ConnectionRefused],
        make: |good| one(good.plan(good.site()).at(Source::Nobody)),
    },
    Kind {
        name: "not-found",
        what: "the answer is 404",
        demands: &[Reason::HttpStatus],
        make: |good| answered(good, Answer::Status(404)),
    },
    Kind {
        name: "server-error",
        what: "the answer is 500",
        demands: &[Reason::HttpStatus],
        make: |good| answered(good, Answer::Status(500)),
    },
    Kind {
        name: "weaker-redirect",
        what: "it redirects to a URL that is not HTTP",
        demands: &[Reason::WeakerRedirect],
        make: |good| answered(good, Answer::Redirect("ftp://127.0.0.1/".to_owned())),
    },
    Kind {
        name: "redirect-loop",
        what: "it redirects to itself",
        demands: &[Reason::TooManyRedirects],
        make: |good| answered(good, Answer::Redirect(good.path())),
    },
    Kind {
        name: "encoded",
        what: "the body is said to be compressed, which nobody asked for",
        demands: &[Reason::ContentEncoding],
        make: |good| answered(good, Answer::Encoded(good.document.clone())),
    },
    Kind {
        name: "not-http",
        what: "the answer is not HTTP",
        demands: &[Reason::BadResponse],
        make: |good| answered(good, Answer::Garbage),
    },
    Kind {
        name: "truncated",
        what: "the body ends a byte before the announced length",
        demands: &[Reason::TruncatedBody],
        make: |good| nonempty(good, answered(good, Answer::Cut(good.document.clone()))),
    },
    Kind {
        name: "too-large",
        what: "a byte more than `max_size` is announced",
        demands: &[Reason::TooLarge],
        make: |good| {
            let length = good.resource.rules.limits.max_size.saturating_add(1);
            answered(good, Answer::Announced(length))
        },
    },
    Kind {
        name: "endless",
        what: "the body goes on behind the document, without an announced length",
        demands: &[Reason::TooLarge],
        make: endless,
    },
    Kind {
        name: "endless-companion",
        what: "the same of its signature file, or of another companion",
        demands: &[Reason::CompanionTooLarge],
        make: endless_companion,
    },
    Kind {
        name: "silent",
        what: "it takes the request and never answers",
        demands: &[Reason::FirstByteTimeout],
        make: |good| shortened(good, Answer::Silent, Reason::FirstByteTimeout, "first_byte_timeout"),
    },
    Kind {
        name: "stalled",
        what: "the last byte never comes",
        demands: &[Reason::IdleTimeout],
        make: |good| {
            nonempty(good, shortened(good, Answer::Stalled(good.document.clone()), Reason::IdleTimeout, "idle_timeout"))
        },
    },
    Kind { name: "slow", what: "the bytes drip, one every 10 ms", demands: &[Reason::TooSlow], make: slow },
    Kind {
        name: "late",
        what: "the same, and the whole takes longer than `timeout`",
        demands: &[Reason::DeadlineExceeded],
        make: |good| {
            nonempty(
                good,
                shortened(good, Answer::Dripping(good.document.clone()), Reason::DeadlineExceeded, "timeout"),
            )
        },
    },
];

fn answered(good: &Good, answer: Answer) -> Twins {
    one(good.plan(good.serving(answer)))
}

/// Of an empty document nothing can be left out.
fn nonempty(good: &Good, twins: Twins) -> Twins {
    if good.document.is_empty() { Twins::None("the document is empty".to_owned()) } else { twins }
}

fn private_address(good: &Good) -> Twins {
    if good.from_private == Addresses::Any {
        return Twins::NotGuarded("`allow_private` lets it come from private addresses".to_owned());
    }
    let mut plan = good.plan(good.site());
    plan.rules.access = Arc::new(Access::default());
    one(plan)
}

/// The limit is that which the document itself has, so that its first byte too much is the first that a verifier would
/// refuse too.
fn endless(good: &Good) -> Twins {
    let size = good.document.len() as u64;
    let plan = good.plan(good.serving(Answer::Endless(good.document.clone())));
    one(plan.limited(|limits| limits.max_size = size).noted(format!("max_size lowered to {size} bytes")))
}

fn endless_companion(good: &Good) -> Twins {
    let companions = good.companions();
    let Some((companion, bytes)) = companions.first() else { return Twins::None("it has no companion".to_owned()) };
    let size = companions.iter().map(|(_, bytes)| bytes.len() as u64).max().unwrap_or_default();
    let mut site = good.site();
    site.insert(good.path_of(companion), Answer::Endless(bytes.clone()));
    let plan = good.plan(site);
    one(plan.limited(|limits| limits.max_companion = size).noted(format!("the limit lowered to {size} bytes")))
}

fn shortened(good: &Good, answer: Answer, reason: Reason, word: &str) -> Twins {
    let plan = good.plan(good.serving(answer)).noted(format!("{word} shortened to {SHORT:?}"));
    one(plan.limited(|limits| match reason {
        Reason::FirstByteTimeout => limits.first_byte = SHORT,
        Reason::IdleTimeout => limits.idle = SHORT,
        _ => limits.total = SHORT,
    }))
}

fn slow(good: &Good) -> Twins {
    const LEAST: u64 = 1024;
    if good.resource.rules.limits.least_bytes == 0 {
        return Twins::NotGuarded("`least_speed` is off".to_owned());
    }
    let plan = good.plan(good.serving(Answer::Dripping(good.document.clone())));
    let plan = plan.noted(format!("at least {LEAST} bytes in {SHORT:?}"));
    let plan = plan.limited(|limits| (limits.least_bytes, limits.speed_window) = (LEAST, SHORT));
    nonempty(good, one(plan))
}
