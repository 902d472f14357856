//! The settings that a resource may have of its own, or take from `[defaults]`.

use std::{path::PathBuf, time::Duration};

use super::{
    build::Build,
    table::{Table, Value, integer, wrong},
    units::{self, Share},
};
use crate::{
    fetch::Limits,
    policy::{OnExpiry, Policy, Replays, Revalidate},
    store::is_media_type,
};

/// Every word that may stand in `[defaults]`, in a `[[resource]]` and in a `[[collection]]`.
pub(super) const SETTINGS: &[&str] = &[
    "verify",
    "max_size",
    "max_companion",
    "timeout",
    "connect_timeout",
    "first_byte_timeout",
    "idle_timeout",
    "least_speed",
    "speed_window",
    "redirects",
    "tries",
    "max_age",
    "max_stale",
    "on_expiry",
    "shrink_limit",
    "replays",
    "revalidate",
    "content_type",
    "allow_private",
    "extra_ca",
    "client_certificate",
    "headers",
];

const MEDIA_TYPE: &str = "a media type such as \"application/samlmetadata+xml\"";

/// Where a secret comes from. Deliberately without `Debug`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum SecretSource {
    Literal(String),
    Env(String),
    File(PathBuf),
}

/// What one table sets; the rest is `None`. Equal settings lead to one shared set of rules.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Settings {
    /// The number of the `verify` table among all different ones.
    pub(super) verify: Option<usize>,
    max_size: Option<u64>,
    max_companion: Option<u64>,
    total: Option<Duration>,
    connect: Option<Duration>,
    first_byte: Option<Duration>,
    idle: Option<Duration>,
    least_speed: Option<u64>,
    speed_window: Option<Duration>,
    redirects: Option<u32>,
    tries: Option<u32>,
    max_age: Option<Duration>,
    max_stale: Option<Duration>,
    serve_expired: Option<bool>,
    shrink_limit: Option<Share>,
    accept_replays: Option<bool>,
    always_ask: Option<bool>,
    pub(super) content_type: Option<String>,
    pub(super) access: AccessSettings,
}

/// The part of the settings that [`crate::fetch::Access`] is made from.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct AccessSettings {
    pub(super) allow_private: Option<bool>,
    pub(super) extra_ca: Option<Vec<PathBuf>>,
    pub(super) client: Option<SecretSource>,
    pub(super) headers: Option<Vec<(String, SecretSource)>>,
}

impl Settings {
    /// Reads what `table` sets. Everything that is wrong is reported and left out.
    pub(super) fn read(table: &Table<'_>, build: &mut Build<'_>) -> Self {
        let verify = table.get("verify").and_then(|value| build.verify(value));
        let access = build.access_settings(table);
        let problems = &mut build.problems;
        let mut size = |word, least: u64| {
            let value = table.get(word)?;
            let size = bytes(value).filter(|size| *size >= least);
            if size.is_none() {
                let more = if least > 0 { ", more than zero" } else { "" };
                wrong(word, value, &format!("{}{more}", units::SIZE), problems);
            }
            size
        };
        let (max_size, max_companion) = (size("max_size", 1), size("max_companion", 1));
        let mut span = |word, least: Duration| {
            let more = if least.is_zero() { "" } else { ", more than zero" };
            let expected = format!("{}{more}", units::DURATION);
            table.parsed(word, &expected, problems, |text| units::duration(text).filter(|span| *span >= least))
        };
        let some = Duration::from_millis(1);
        let (total, connect) = (span("timeout", some), span("connect_timeout", some));
        let (first_byte, idle) = (span("first_byte_timeout", some), span("idle_timeout", some));
        let speed_window = span("speed_window", some);
        let (max_age, max_stale) = (span("max_age", Duration::ZERO), span("max_stale", Duration::ZERO));
        Self {
            verify,
            max_size,
            max_companion,
            total,
            connect,
            first_byte,
            idle,
            least_speed: table.parsed("least_speed", units::SPEED, problems, units::speed),
            speed_window,
            redirects: table.whole("redirects", 0, 20, problems),
            tries: table.whole("tries", 1, 20, problems),
            max_age,
            max_stale,
            serve_expired: table.word("on_expiry", &[("withhold", false), ("serve", true)], problems),
            shrink_limit: table.parsed("shrink_limit", units::SHARE, problems, units::share),
            accept_replays: table.word("replays", &[("refuse", false), ("accept", true)], problems),
            always_ask: table.word("revalidate", &[("when-stale", false), ("always", true)], problems),
            content_type: table
                .parsed("content_type", MEDIA_TYPE, problems, |text| is_media_type(text).then(|| text.to_owned())),
            access,
        }
    }

    /// These, and `defaults` where they are silent.
    pub(super) fn over(self, defaults: &Self) -> Self {
        let (access, other) = (self.access, &defaults.access);
        Self {
            verify: self.verify.or(defaults.verify),
            max_size: self.max_size.or(defaults.max_size),
            max_companion: self.max_companion.or(defaults.max_companion),
            total: self.total.or(defaults.total),
            connect: self.connect.or(defaults.connect),
            first_byte: self.first_byte.or(defaults.first_byte),
            idle: self.idle.or(defaults.idle),
            least_speed: self.least_speed.or(defaults.least_speed),
            speed_window: self.speed_window.or(defaults.speed_window),
            redirects: self.redirects.or(defaults.redirects),
            tries: self.tries.or(defaults.tries),
            max_age: self.max_age.or(defaults.max_age),
            max_stale: self.max_stale.or(defaults.max_stale),
            serve_expired: self.serve_expired.or(defaults.serve_expired),
            shrink_limit: self.shrink_limit.or(defaults.shrink_limit),
            accept_replays: self.accept_replays.or(defaults.accept_replays),
            always_ask: self.always_ask.or(defaults.always_ask),
            content_type: self.content_type.or_else(|| defaults.content_type.clone()),
            access: AccessSettings {
                allow_private: access.allow_private.or(other.allow_private),
                extra_ca: access.extra_ca.or_else(|| other.extra_ca.clone()),
                client: access.client.or_else(|| other.client.clone()),
                headers: access.headers.or_else(|| other.headers.clone()),
            },
        }
    }

    /// The bounds of a fetch.
    pub(super) fn limits(&self) -> Limits {
        let default = Limits::default();
        let speed_window = self.speed_window.unwrap_or(default.speed_window);
        let least_bytes = match (self.least_speed, self.speed_window) {
            (None, None) => default.least_bytes,
            // The default is meant as a speed too.
            (speed, _) => {
                let speed = speed.map_or(1024, u128::from);
                u64::try_from(speed.saturating_mul(speed_window.as_millis()) / 1000).unwrap_or(u64::MAX)
            }
        };
        Limits {
            max_size: self.max_size.unwrap_or(default.max_size),
            max_companion: self.max_companion.unwrap_or(default.max_companion),
            connect: self.connect.unwrap_or(default.connect),
            first_byte: self.first_byte.unwrap_or(default.first_byte),
            idle: self.idle.unwrap_or(default.idle),
            total: self.total.unwrap_or(default.total),
            least_bytes,
            speed_window,
            redirects: self.redirects.unwrap_or(default.redirects),
            tries: self.tries.unwrap_or(default.tries),
            first_pause: default.first_pause,
            longest_pause: default.longest_pause,
        }
    }

    /// The policies, without identity and set.
    pub(super) fn policy(&self) -> Policy {
        let default = Policy::default();
        let pick = |set: Option<bool>, off, on, default| set.map_or(default, |set| if set { on } else { off });
        Policy {
            max_age: self.max_age.unwrap_or(default.max_age),
            max_stale: self.max_stale.or(default.max_stale),
            on_expiry: pick(self.serve_expired, OnExpiry::Withhold, OnExpiry::Serve, default.on_expiry),
            identity: None,
            shrink_limit: self.shrink_limit.map(Share::fraction).or(default.shrink_limit),
            replays: match self.accept_replays {
                Some(true) => Replays::Accept,
                Some(false) => Replays::Refuse,
                None => default.replays,
            },
            revalidate: match self.always_ask {
                Some(true) => Revalidate::Always,
                Some(false) => Revalidate::WhenStale,
                None => default.revalidate,
            },
            set: None,
        }
    }
}

/// A size as text or as a number of bytes.
fn bytes(value: &Value<'_>) -> Option<u64> {
    match value.get_ref().as_str() {
        Some(text) => units::size(text),
        None => integer(value.get_ref()).and_then(|number| u64::try_from(number).ok()),
    }
}
