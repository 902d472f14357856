//! The table `[serve]`: where `sigcache serve` listens, and when it syncs.

use std::{net::SocketAddr, time::Duration};

use super::{
    build::Build,
    table::{Table, kind, place, tick},
    units,
};
use crate::fetch::Secret;

/// Every word that may stand in `[serve]`.
pub(super) const SERVE: &[&str] =
    &["listen", "token", "token_file", "every", "cron", "jitter", "hot", "refresh", "connections", "base"];

/// More than any token needs.
const MAX_TOKEN_BYTES: usize = 4096;

/// How a service that stands on this configuration behaves.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServeSettings {
    /// The address to listen at.
    pub listen: SocketAddr,
    /// What a mutating call must show as bearer token; without one such calls are refused.
    pub token: Option<Secret>,
    /// The time between two runs.
    pub every: Duration,
    /// When to run, as a line of cron in UTC, in place of `every`. It is not looked at here.
    pub cron: Option<String>,
    /// A run begins up to so much later, by chance, so that not all in the world begin at once.
    pub jitter: Duration,
    /// How many bytes of verified documents are kept in memory.
    pub hot_bytes: u64,
    /// For so long a catalog that was read is taken for the newest.
    pub refresh: Duration,
    /// How many connections there may be at once.
    pub connections: usize,
    /// The path under which a proxy shows it, without a slash at its end.
    pub base: String,
}

impl Default for ServeSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            token: None,
            every: Duration::from_secs(3600),
            cron: None,
            jitter: Duration::from_secs(60),
            hot_bytes: 64 << 20,
            refresh: Duration::from_secs(10),
            connections: 1024,
            base: String::new(),
        }
    }
}

impl Build<'_> {
    pub(super) fn serve(&mut self, top: &Table<'_>) -> ServeSettings {
        let default = ServeSettings::default();
        let value = top.get("serve").and_then(|value| Table::open(value, "[serve]", &[SERVE], &mut self.problems));
        let Some(table) = value else { return default };
        let token = self.token(&table);
        let problems = &mut self.problems;
        let second = Duration::from_secs(1);
        let least = format!("{}, at least \"1s\"", units::DURATION);
        let span = |text: &str| units::duration(text).filter(|span| *span >= second);
        if let (Some(value), true) = (table.get("cron"), table.has("every")) {
            problems.at(value.span(), "[serve] has both `every` and `cron`").expected("one of them");
        }
        let base = |text: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
            (text.starts_with('/') && !text.ends_with('/') && text.chars().all(fits)).then(|| text.to_owned())
        };
        ServeSettings {
            listen: table
                .parsed(
                    "listen",
                    "an address and a port, such as \"127.0.0.1:8080\" or \"[::]:8080\"",
                    problems,
                    |text| text.parse().ok(),
                )
                .unwrap_or(default.listen),
            token,
            every: table.parsed("every", &least, problems, span).unwrap_or(default.every),
            cron: table.text("cron", problems).map(|(text, _)| text.to_owned()),
            jitter: table.parsed("jitter", units::DURATION, problems, units::duration).unwrap_or(default.jitter),
            hot_bytes: table.parsed("hot", units::SIZE, problems, units::size).unwrap_or(default.hot_bytes),
            refresh: table.parsed("refresh", units::DURATION, problems, units::duration).unwrap_or(default.refresh),
            connections: table
                .whole("connections", 1, 65_536, problems)
                .map_or(default.connections, |most| most as usize),
            base: table
                .parsed("base", "a path such as \"/cache\", without a slash at its end", problems, base)
                .unwrap_or_default(),
        }
    }

    /// The token, from the environment or from a file; never from the configuration itself.
    fn token(&mut self, table: &Table<'_>) -> Option<Secret> {
        const EXPECTED: &str = "`token = \"env:NAME\"`, or `token_file` with the path of a file";
        if let (Some(value), true) = (table.get("token"), table.has("token_file")) {
            self.problems.at(value.span(), "[serve] has both `token` and `token_file`").expected("one of them");
            return None;
        }
        if let Some(value) = table.get("token") {
            let Some(variable) = value.get_ref().as_str().and_then(|text| text.strip_prefix("env:")) else {
                let found = value.get_ref().as_str().map_or_else(|| kind(value.get_ref()), |_| "the token itself");
                self.problems.at(value.span(), format!("{} cannot be {found}", tick("token"))).expected(EXPECTED);
                return None;
            };
            return self.variable(variable, &place(value)).map(Secret::new);
        }
        let (name, place) = table.text("token_file", &mut self.problems)?;
        let bytes = self.read_file(name, &place, MAX_TOKEN_BYTES)?;
        Some(Secret::new(bytes.to_vec()))
    }
}
