//! How long a run waits before it tries to commit again, where others were faster.
//!
//! Each try costs the store some requests, and of all that try at one moment one succeeds. So who lost several times in a
//! row waits: by chance, or all would come back together, and up to twice as long as the last time, so that the waits
//! grow until there is room for everybody.

use std::time::Duration;

use super::Runner;
use crate::{
    decision::{Report, RunId},
    digest::Digest,
    store::{Catalog, Change, Committed, StoreError},
};

/// How often a run waits before it gives up. Of a thousand that begin at one moment none waits half as often.
const WAITS: u32 = 60;

/// The first wait is no longer than what was tried before it has taken, and this.
const SHORTEST: Duration = Duration::from_millis(20);

/// No wait is longer.
const LONGEST: Duration = Duration::from_secs(30);

impl Runner {
    /// Commits, with as much patience as it takes.
    pub(super) async fn commit(
        &self,
        mut base: Catalog,
        changes: &[Change],
        report: &Report,
    ) -> Result<Committed, StoreError> {
        let mut tried = 0;
        for number in 0.. {
            let began = self.runtime.elapsed();
            match self.store.commit(base, changes, report.run, report.started).await {
                Err(StoreError::Contended { tries }) => tried += tries,
                ended => return ended,
            }
            if number == WAITS {
                break;
            }
            let span = wait(report.run, number, self.runtime.elapsed().saturating_sub(began));
            tracing::debug!(run = %report.run, tried, ?span, "other runs committed first; waiting");
            self.runtime.sleep(span).await;
            base = self.store.catalog().await?;
        }
        Err(StoreError::Contended { tries: tried })
    }
}

/// The wait of this number, after a try that has taken `took`: any part of what it may be, as the run's own id decides.
fn wait(run: RunId, number: u32, took: Duration) -> Duration {
    let most = took.max(SHORTEST).saturating_mul(1 << number.min(16)).min(LONGEST);
    let chance = Digest::of(format!("{run} {number}").as_bytes());
    let part = u16::from_str_radix(&chance.hex()[..4], 16).unwrap_or(u16::MAX);
    most.mul_f64(f64::from(part) / f64::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn waits_grow_differ_and_end() {
        let run = |nonce| RunId::new(Timestamp::from_millis(0), nonce);
        let took = Duration::from_millis(100);
        for number in 0..WAITS {
            let most = (took * (1 << number.min(9))).min(LONGEST);
            let waits: Vec<Duration> = (0..200).map(|nonce| wait(run(nonce), number, took)).collect();
            assert!(waits.iter().all(|wait| *wait <= most), "{number}");
            // They are spread over all of it.
            for quarter in 0..4 {
                let share = waits.iter().filter(|wait| **wait > most / 4 * quarter).count();
                assert!(share > 30 * (4 - quarter as usize), "{share} behind quarter {quarter} of wait {number}");
            }
            assert_eq!(waits[7], wait(run(7), number, took));
        }
        // A store that answers at once is not asked all the time.
        assert!((0..200).map(|nonce| wait(run(nonce), 0, Duration::ZERO)).sum::<Duration>() > 50 * SHORTEST);
    }
}
