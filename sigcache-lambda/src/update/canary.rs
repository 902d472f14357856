//! A part of the traffic first.

use std::{str::FromStr, time::Duration};

/// Steps in which the new version gets more of the traffic: parts of a hundred, and how long each lasts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Canary(pub Vec<(u32, Duration)>);

/// The text is not a list of steps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{found:?} is not a step of a canary: expected a rising part and a time, such as 10%:2m or 50%:90s, together at most \
         12 minutes"
)]
pub struct CanaryError {
    found: String,
}

/// A function runs for at most a quarter of an hour, and has other things to do in it.
const LONGEST: Duration = Duration::from_secs(12 * 60);

impl FromStr for Canary {
    type Err = CanaryError;

    fn from_str(text: &str) -> Result<Self, CanaryError> {
        let mut steps: Vec<(u32, Duration)> = Vec::new();
        for step in text.split(',').map(str::trim).filter(|step| !step.is_empty()) {
            let wrong = || CanaryError { found: step.to_owned() };
            let (part, time) = step.split_once(':').ok_or_else(wrong)?;
            let part: u32 = part.trim().strip_suffix('%').and_then(|part| part.parse().ok()).ok_or_else(wrong)?;
            let (number, unit) = match time.trim() {
                time if time.ends_with('m') => (time.trim_end_matches('m'), 60),
                time => (time.trim_end_matches('s'), 1),
            };
            let seconds: u64 = number.parse().ok().filter(|number| *number <= 3600).ok_or_else(wrong)?;
            let rises = steps.last().is_none_or(|(before, _)| part > *before);
            if !(1..100).contains(&part) || !rises {
                return Err(wrong());
            }
            steps.push((part, Duration::from_secs(seconds * unit)));
        }
        if steps.iter().map(|(_, time)| *time).sum::<Duration>() > LONGEST {
            return Err(CanaryError { found: text.to_owned() });
        }
        Ok(Self(steps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_rise_and_end_in_time() {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        assert_eq!("".parse(), Ok(Canary::default()));
        assert_eq!("10%:2m, 50%:90s".parse(), Ok(Canary(vec![(10, minutes(2)), (50, Duration::from_secs(90))])));
        for wrong in ["10", "10%", "10%:", "0%:1m", "100%:1m", "50%:1m,10%:1m", "10%:1h", "-1%:1m", "10%:13m", "x%:1m"]
        {
            assert!(wrong.parse::<Canary>().is_err(), "{wrong}");
        }
    }
}
