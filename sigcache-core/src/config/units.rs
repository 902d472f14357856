//! Durations, sizes and shares as people write them. Strict: a whole number and a unit, nothing around or between.

use std::time::Duration;

/// A hundred years. Longer spans are surely mistakes, and shorter ones never overflow a clock.
const LONGEST: Duration = Duration::from_secs(36_500 * 86_400);

/// What a duration looks like.
pub(super) const DURATION: &str = "a duration such as \"500ms\", \"90s\", \"5m\", \"3h\" or \"7d\", at most \"36500d\"";
/// What a size looks like.
pub(super) const SIZE: &str = "a size such as \"10MiB\", \"4KB\" or \"123\" (bytes)";
/// What a speed looks like.
pub(super) const SPEED: &str = "a speed such as \"1KiB/s\"";
/// What a share looks like.
pub(super) const SHARE: &str = "a share from \"0%\" to \"100%\", such as \"50%\" or \"12.5%\"";

/// A part of a whole, in millionths: exact, and so comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Share(u32);

impl Share {
    /// Half.
    pub(super) const HALF: Self = Self(500_000);

    /// As a number from 0 to 1.
    pub(super) fn fraction(self) -> f64 {
        f64::from(self.0) / 1e6
    }
}

/// Digits up to the first other character, and what follows.
fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// Reads a duration as a configuration has it: `500ms`, `90s`, `5m`, `3h`, `7d`.
pub fn duration(text: &str) -> Option<Duration> {
    let (count, unit) = number(text)?;
    let millis: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let span = Duration::from_millis(count.checked_mul(millis)?);
    (span <= LONGEST).then_some(span)
}

/// `123`, `123B`, `4KB`, `10MiB`: powers of 1000 without the `i`, of 1024 with it.
pub(super) fn size(text: &str) -> Option<u64> {
    let (count, unit) = number(text)?;
    let bytes: u64 = match unit {
        "" | "B" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    count.checked_mul(bytes)
}

/// `1KiB/s`: a size with `/s`.
pub(super) fn speed(text: &str) -> Option<u64> {
    size(text.strip_suffix("/s")?)
}

/// `50%`, `12.5%`: at most four places behind the point.
pub(super) fn share(text: &str) -> Option<Share> {
    let (whole, rest) = number(text)?;
    let places = match rest.strip_suffix('%')? {
        "" => "",
        rest => rest.strip_prefix('.').filter(|places| !places.is_empty() && places.len() <= 4)?,
    };
    if !places.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let part: u64 = format!("{places:0<4}").parse().ok()?;
    let millionths = whole.checked_mul(10_000)?.checked_add(part)?;
    u32::try_from(millionths).ok().filter(|millionths| *millionths <= 1_000_000).map(Share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let table = [
            ("0s", Some(0)),
            ("500ms", Some(500)),
            ("90s", Some(90_000)),
            ("5m", Some(300_000)),
            ("3h", Some(10_800_000)),
            ("7d", Some(604_800_000)),
            ("36500d", Some(36_500 * 86_400_000)),
            ("36501d", None),
            ("18446744073709551615ms", None),
            ("18446744073709551615d", None),
            ("99999999999999999999s", None),
            ("", None),
            ("s", None),
            ("90", None),
            ("-1s", None),
            ("+1s", None),
            ("1.5h", None),
            ("1 s", None),
            (" 1s", None),
            ("1s ", None),
            ("1S", None),
            ("1h30m", None),
            ("1µs", None),
            ("١s", None),
        ];
        for (text, millis) in table {
            assert_eq!(duration(text), millis.map(Duration::from_millis), "{text:?}");
        }
    }

    #[test]
    fn sizes_and_speeds() {
        let table = [
            ("0", Some(0)),
            ("123", Some(123)),
            ("123B", Some(123)),
            ("4KB", Some(4_000)),
            ("4KiB", Some(4_096)),
            ("10MB", Some(10_000_000)),
            ("10MiB", Some(10 << 20)),
            ("1GB", Some(1_000_000_000)),
            ("2GiB", Some(2 << 30)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("18446744073709551615KB", None),
            ("", None),
            ("MiB", None),
            ("-1", None),
            ("+1", None),
            ("1.5MiB", None),
            ("1 MiB", None),
            ("1mib", None),
            ("1K", None),
            ("1TiB", None),
        ];
        for (text, bytes) in table {
            assert_eq!(size(text), bytes, "{text:?}");
            assert_eq!(speed(&format!("{text}/s")), bytes, "{text:?}/s");
            assert_eq!(speed(text), None, "{text:?}");
        }
    }

    #[test]
    fn shares() {
        let table = [
            ("0%", Some(0.0)),
            ("50%", Some(0.5)),
            ("12.5%", Some(0.125)),
            ("0.0001%", Some(0.000_001)),
            ("100%", Some(1.0)),
            ("100.0000%", Some(1.0)),
            ("100.0001%", None),
            ("101%", None),
            ("18446744073709551615%", None),
            ("50", None),
            ("%", None),
            ("", None),
            ("-1%", None),
            ("1.%", None),
            (".5%", None),
            ("1.00000%", None),
            ("1.-5%", None),
            ("50 %", None),
            ("50%%", None),
        ];
        for (text, fraction) in table {
            assert_eq!(share(text).map(Share::fraction), fraction, "{text:?}");
        }
        assert_eq!(share("50%"), Some(Share::HALF));
    }
}
