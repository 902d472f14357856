//! The audit: everything that is stored verified again, offline.

use anyhow::Result;

use crate::{
    cases::{Bench, itself, seconds},
    measure::{in_mebibytes, median},
    rivals::Rivals,
    site,
    table::Table,
};

impl Bench {
    /// 100,000 objects on disk, beside the verification alone and openssl in a loop.
    pub(crate) fn audit(&mut self, table: &mut Table) -> Result<()> {
        // The same bytes for all, but a file of its own for each in the store.
        self.signer.small(&self.site.join("same"), 1)?;
        let base = format!("{}/same", self.nginx.base());
        let count = self.scaled(100_000);
        let names: Vec<String> = (0..count).map(site::name).collect();
        let setup = self.setup("audit", &base, &names)?;
        setup.sync("stored", count)?;
        let (key, latest) = (setup.folder().join("key.pem"), setup.folder().join("store/latest"));
        let all = self.names("audit.txt", &names)?;
        let by_shell = count.min(2000);
        let shell_names = self.names("audit-shell.txt", &names[..by_shell])?;
        let rivals = Rivals::new(&self.work.join("rivals"))?;

        let (mut ours, mut shell, mut floor, mut peak) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for round in 1..=self.rounds {
            println!("  round {round} of {}", self.rounds);
            let usage = setup.audit()?;
            ours.push(count as f64 / usage.seconds);
            peak = usage.peak.max(peak);
            shell.push(by_shell as f64 / rivals.check(&key, &latest, &shell_names)?);
            let mut verification = itself("floor-verification")?;
            floor.push(count as f64 / seconds(verification.arg(&key).arg(&latest).arg(&all))?);
        }
        let (ours, shell, floor) = (median(&ours), median(&shell), median(&floor));
        let what = format!("audit of {count} objects of 4 KiB, in the page cache");
        let note = format!("sigcache, {:.1} MiB of memory", in_mebibytes(peak));
        table.row("11", &what, &note, format!("{ours:.0} objects/s"), ours);
        let note =
            format!("from {by_shell}, without catalog and copies; sigcache is {:.1} times as fast", ours / shell);
        table.row("11", "openssl dgst -verify, xargs -P4", &note, format!("{shell:.0} objects/s"), shell);
        let note = format!("nothing read; sigcache reaches {:.0} % of it", 100.0 * ours / floor);
        table.row("11", "floor: verification only, 2 threads", &note, format!("{floor:.0} objects/s"), floor);
        Ok(())
    }
}
