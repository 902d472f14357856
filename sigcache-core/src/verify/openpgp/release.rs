//! What a Release file of a Debian archive says of itself (<https://wiki.debian.org/DebianRepository/Format>).

use jiff::{civil, tz::TimeZone};

use crate::{
    evidence::{Evidence, Mark},
    time::Timestamp,
    verify::VerifyError,
};

const WEEKDAYS: &[&str] = &["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: &[&str] = &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Puts it into the evidence: `Codename`, `Date`, and `Valid-Until` if there is one.
pub(super) fn tell(text: &[u8], evidence: &mut Evidence) -> Result<(), VerifyError> {
    let text = std::str::from_utf8(text).map_err(|_| malformed("something that is not UTF-8"))?;
    if text.split('\n').rev().skip_while(|line| line.is_empty()).any(str::is_empty) {
        return Err(malformed("an empty line between its fields"));
    }
    let issued = field(text, "Date")?.ok_or_else(|| malformed("one without `Date`"))?;
    let issued = date(issued).ok_or_else(|| malformed("a `Date` that is none"))?;
    evidence.mark = Some(Mark::Issued(issued));
    if let Some(end) = field(text, "Valid-Until")? {
        let end = date(end).ok_or_else(|| malformed("a `Valid-Until` that is no date"))?;
        evidence.valid_until = Some(evidence.valid_until.map_or(end, |other| other.min(end)));
    }
    evidence.identity = field(text, "Codename")?.map(Into::into);
    Ok(())
}

/// The field of this name, whatever its case; it may stand once.
fn field<'a>(text: &'a str, name: &str) -> Result<Option<&'a str>, VerifyError> {
    let mut values = text.split('\n').filter_map(|line| {
        let (word, value) = line.split_once(':')?;
        word.eq_ignore_ascii_case(name).then(|| value.trim_matches([' ', '\t']))
    });
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(malformed(&format!("`{name}` twice"))),
        (value, None) => Ok(value.filter(|value| !value.is_empty())),
    }
}

/// `Sat, 11 Jul 2026 10:16:37 UTC`
fn date(text: &str) -> Option<Timestamp> {
    let words: Vec<&str> = text.split(' ').collect();
    let [weekday, day, month, year, time, "UTC" | "GMT" | "+0000"] = words.as_slice() else { return None };
    let [hour, minute, second] = *time.split(':').collect::<Vec<&str>>() else { return None };
    let month = MONTHS.iter().position(|name| name == month)? + 1;
    let day = number(day, 1).or_else(|| number(day, 2))?;
    let date = civil::Date::new(number(year, 4)?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    if weekday.strip_suffix(',') != WEEKDAYS.get(usize::try_from(date.weekday().to_monday_zero_offset()).ok()?).copied()
    {
        return None;
    }
    let part = |text| i8::try_from(number(text, 2)?).ok();
    let time = civil::Time::new(part(hour)?, part(minute)?, part(second)?, 0).ok()?;
    let stamp = TimeZone::UTC.to_timestamp(date.to_datetime(time)).ok()?;
    Some(Timestamp::from_millis(stamp.as_millisecond()))
}

/// So many digits.
fn number(text: &str, digits: usize) -> Option<i16> {
    if text.len() != digits || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn malformed(found: &str) -> VerifyError {
    let expected = "a Release file: fields in one paragraph, `Date` among them, each at most once";
    VerifyError::malformed_document(expected, found)
}
