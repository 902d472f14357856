//! A first sync into a bucket of an S3 server on loopback, and the same unchanged.

use std::path::Path;

use anyhow::Result;

use crate::{
    cases::{Bench, itself, seconds},
    measure::median,
    moto::Moto,
    rivals::{Job, Rivals},
    sigcache::{Setup, detached},
    table::Table,
};

impl Bench {
    /// 10,000 resources into a bucket, beside a script that uploads with s3cmd, and beside the uploads alone.
    pub(crate) fn bucket(&mut self, table: &mut Table) -> Result<()> {
        let Some(program) = Moto::find(&self.work) else {
            println!("SKIPPED: there is no moto_server; `cargo xtask servers` installs it");
            return Ok(());
        };
        let names = self.small_files()?;
        let count = names.len();
        let rivals = Rivals::new(&self.work.join("rivals"))?.with_python();
        let by_shell = count.min(200);
        let (all, shell_names) = (self.names("all.txt", &names)?, self.names("s3.txt", &names[..by_shell])?);

        let (mut first, mut shell, mut floor) = (Vec::new(), Vec::new(), Vec::new());
        let (mut again, mut requests, mut unchanged) = (Vec::new(), 0, 0);
        for round in 1..=self.rounds {
            println!("  round {round} of {}", self.rounds);
            // A server for each, since it holds in memory what it was given and becomes slower with it.
            let mut moto = self.moto(&program)?;
            let setup = self.bucket_setup(&moto, &names)?;
            first.push(count as f64 / setup.sync_printed("stored", count)?.usage.seconds);
            requests = moto.requests()?;
            again.push(setup.sync_printed("unchanged", count)?.usage.seconds);
            unchanged = moto.requests()?.max(unchanged);
            drop(moto);

            let moto = self.moto(&program)?;
            let folder = self.folder("s3cmd")?;
            let (base, key) = (self.nginx.base(), self.site.join("key.pem"));
            let job = Job { base: &base, key: &key, folder: &folder };
            if let Some(seconds) = rivals.s3cmd(&job, moto.address(), &shell_names)? {
                shell.push(by_shell as f64 / seconds);
            }
            drop(moto);

            let moto = self.moto(&program)?;
            let mut puts = itself("floor-puts")?;
            floor.push(count as f64 / seconds(puts.arg(moto.endpoint()).arg(&self.site).arg(&all))?);
        }
        let (first, shell, floor, again) = (median(&first), median(&shell), median(&floor), median(&again));
        let what = format!("{count} resources of 4 KiB into S3 (moto), first sync");
        let each = requests as f64 / count as f64;
        let note =
            format!("sigcache; {each:.2} requests to the store for each; the server, one Python process, is the limit");
        table.row("10", &what, &note, format!("{first:.0} resources/s"), first);
        let note = format!("from {by_shell}; sigcache is {:.1} times as fast", first / shell);
        let value = if shell.is_nan() { "skipped".into() } else { format!("{shell:.0} resources/s") };
        table.row("10", "curl + openssl + s3cmd, xargs -P4", &note, value, shell);
        let note = format!("with object_store, 64 at once; sigcache reaches {:.0} % of it", 100.0 * first / floor);
        table.row("10", "floor: the same objects only", &note, format!("{floor:.0} resources/s"), floor);
        table.row("10", "the same, unchanged", "", format!("{again:.2} s"), again);
        let note = "at most 4, counted at the server";
        table.row("10", "store requests in a run", note, unchanged.to_string(), unchanged as f64);
        Ok(())
    }

    fn moto(&mut self, program: &Path) -> Result<Moto> {
        Moto::start(program, &self.folder("moto")?)
    }

    fn bucket_setup(&mut self, moto: &Moto, names: &[String]) -> Result<Setup> {
        let folder = self.folder("s3")?;
        let store = format!("[store]\nurl = \"s3://bucket/root\"\nendpoint = \"{}\"\n", moto.endpoint());
        let resources = detached(&folder, &self.nginx.base(), &self.signer.public_pem()?, names)?;
        Setup::of(&self.program, &folder, &store, &resources)
    }
}
