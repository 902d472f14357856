//! A point in time. Time is always an input here: nothing in the core reads a clock.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

/// A point in time, in whole milliseconds since 1970-01-01T00:00:00Z; written as RFC 3339 in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

/// The text is not an RFC 3339 date and time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a date and time such as 2026-11-24T12:00:00Z")]
pub struct TimestampError(String);

/// The last moment that can be written: 9999-12-30T22:00:00Z.
const LATEST_MILLIS: i64 = 253_402_207_200_000;

impl Timestamp {
    /// The moment `millis` milliseconds after the epoch; clamped to the years 1970 to 9999.
    pub const fn from_millis(millis: i64) -> Self {
        if millis < 0 {
            Self(0)
        } else if millis > LATEST_MILLIS {
            Self(LATEST_MILLIS)
        } else {
            Self(millis)
        }
    }

    /// Whole milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// How long ago `earlier` was; zero if it lies in the future.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0).unsigned_abs())
    }

    /// The moment `span` later.
    pub fn plus(self, span: Duration) -> Self {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// The moment `span` earlier.
    pub fn minus(self, span: Duration) -> Self {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_sub(millis))
    }

    /// `20261124T120000.250Z`: sorts like the time, and can be part of a key in any store.
    pub fn compact(self) -> String {
        self.civil().strftime("%Y%m%dT%H%M%S%.3fZ").to_string()
    }

    /// `2026/11/24`, the folder of the day.
    pub fn day_folder(self) -> String {
        self.civil().strftime("%Y/%m/%d").to_string()
    }

    /// The reverse of [`Timestamp::compact`].
    pub fn from_compact(text: &str) -> Option<Self> {
        let civil = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%S%.fZ", text).ok()?;
        let stamp = jiff::tz::Offset::UTC.to_timestamp(civil).ok()?;
        // One moment has one form, or one key would have several.
        Some(Self::from_millis(stamp.as_millisecond())).filter(|time| time.compact() == text)
    }

    fn civil(self) -> jiff::civil::DateTime {
        let stamp = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        jiff::tz::Offset::UTC.to_datetime(stamp)
    }
}

impl From<std::time::SystemTime> for Timestamp {
    fn from(time: std::time::SystemTime) -> Self {
        let span = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self::from_millis(i64::try_from(span.as_millis()).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = if self.0 % 1000 == 0 { "%Y-%m-%dT%H:%M:%SZ" } else { "%Y-%m-%dT%H:%M:%S%.3fZ" };
        write!(f, "{}", self.civil().strftime(format))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let Ok(stamp) = text.parse::<jiff::Timestamp>() else {
            // 9999-12-31T23:59:59Z is how certificates say "without end" (RFC 5280, section 4.1.2.5).
            let civil = text.strip_suffix('Z').and_then(|text| text.parse::<jiff::civil::DateTime>().ok());
            let beyond = civil.is_some_and(|civil| civil.year() == 9999);
            return if beyond { Ok(Self(LATEST_MILLIS)) } else { Err(TimestampError(text.to_owned())) };
        };
        match stamp.as_millisecond() {
            millis @ 0..=LATEST_MILLIS => Ok(Self(millis)),
            _ => Err(TimestampError(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TimestampError;
    fn try_from(text: String) -> Result<Self, TimestampError> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> Self {
        time.to_string()
    }
}

/// `90s`, `3h`, `2 days`: a span as people say it, in the one or two largest units.
pub fn human_span(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let Some(first) = units.iter().position(|(size, _)| seconds >= *size) else {
        return "less than a second".to_owned();
    };
    let plural = |count: u64, unit: &str| if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") };
    let (size, unit) = units[first];
    let mut text = plural(seconds / size, unit);
    if let Some((next, unit)) = units.get(first + 1)
        && seconds % size >= *next
    {
        text = format!("{text} {}", plural(seconds % size / next, unit));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        for text in ["1970-01-01T00:00:00Z", "2026-11-24T12:00:00Z", "2026-11-24T12:00:00.250Z"] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
        assert_eq!("2026-11-24T13:00:00+01:00".parse::<Timestamp>().unwrap().to_string(), "2026-11-24T12:00:00Z");
        assert!("yesterday".parse::<Timestamp>().is_err());
        assert_eq!("9999-12-31T23:59:59Z".parse(), Ok(Timestamp::from_millis(i64::MAX)), "without end");
        for other in ["9999-12-31T24:00:00Z", "9999-12-32T00:00:00Z", "9999-12-31T23:59:59"] {
            assert!(other.parse::<Timestamp>().is_err(), "{other}");
        }
        assert!("1969-12-31T23:59:59Z".parse::<Timestamp>().is_err());
    }

    #[test]
    fn compact_form_sorts_and_round_trips() {
        let table =
            [("2026-11-24T12:00:00Z", "20261124T120000.000Z"), ("2026-11-24T12:00:00.250Z", "20261124T120000.250Z")];
        for (text, compact) in table {
            let time: Timestamp = text.parse().unwrap();
            assert_eq!(time.compact(), compact);
            assert_eq!(time.day_folder(), "2026/11/24");
            assert_eq!(Timestamp::from_compact(compact), Some(time));
        }
        for other in ["20261124T1200", "20261124T120000Z", "20261124T120000.25Z", "20261124T120000.2501Z"] {
            assert_eq!(Timestamp::from_compact(other), None, "{other}");
        }
    }

    #[test]
    fn arithmetic_never_overflows() {
        let end = Timestamp::from_millis(i64::MAX);
        assert_eq!(end.plus(Duration::MAX), end);
        assert_eq!(Timestamp::from_millis(5).minus(Duration::MAX), Timestamp::from_millis(0));
        assert_eq!(Timestamp::from_millis(1).since(end), Duration::ZERO);
        assert!(end.to_string().parse::<Timestamp>().is_ok());
    }

    #[test]
    fn spans_read_like_speech() {
        let table = [
            (0, "less than a second"),
            (1, "1 second"),
            (90, "1 minute 30 seconds"),
            (3 * 3600, "3 hours"),
            (90_000, "1 day 1 hour"),
        ];
        for (seconds, text) in table {
            assert_eq!(human_span(Duration::from_secs(seconds)), text);
        }
    }
}
