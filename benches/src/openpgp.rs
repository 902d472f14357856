//! Release files of Debian archives: whole processes that verify one clear-signed text, ours beside gpgv.

use std::{
    env,
    fmt::Write as _,
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    process::{self, Command},
};

use anyhow::{Context as _, Result};
use sigcache_core::Digest;

use crate::{
    cases::Bench,
    documents::size,
    measure::{median, quiet, repeated, shown},
    table::Table,
};

const LISTS: &str = "/var/lib/apt/lists";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The sizes that are made, in KiB, and how often each is verified in a round. Debian's own has about 150 KiB; the other
/// is near the most that the format takes, and shows what a byte costs beside what a process costs.
const SIZES: [(usize, usize); 2] = [(150, 40), (15 * 1024, 4)];

impl Bench {
    /// InRelease files beside gpgv, and beside sqv over the same text with a detached signature.
    pub(crate) fn release_files(&mut self, table: &mut Table) -> Result<()> {
        match downloaded()? {
            Some(file) => {
                let what = format!(
                    "Debian's InRelease of {} by its archive keyring, a process",
                    size(fs::metadata(&file)?.len() as usize / 1024)
                );
                self.compare(table, &what, 40, &Signed { file, keyring: KEYRING.into(), detached: None })?;
            }
            None => println!("SKIPPED: Debian's own InRelease: none in {LISTS}, or no {KEYRING}"),
        }
        let folder = self.folder("openpgp")?;
        let publisher = Publisher::new(&folder)?;
        for (kibibytes, times) in SIZES {
            let signed = publisher.release(kibibytes)?;
            let what = format!("one of {} by one RSA key of 4096 bits, a process", size(kibibytes));
            self.compare(table, &what, times, &signed)?;
        }
        Ok(())
    }

    fn compare(&self, table: &mut Table, what: &str, times: usize, signed: &Signed) -> Result<()> {
        let program = self.with_openpgp.as_ref().context("no sigcache with OpenPGP was built")?;
        let mut rows: Vec<_> = signed.commands(program).iter().map(|(name, _)| (*name, Vec::new(), 0)).collect();
        for _ in 0..self.rounds {
            for ((_, seconds, peak), (_, command)) in rows.iter_mut().zip(signed.commands(program)) {
                let usage = repeated(command, times)?;
                seconds.push(usage.seconds);
                *peak = usage.peak.max(*peak);
            }
        }
        let mut rows = rows.into_iter().map(|(name, seconds, peak)| (name, (median(&seconds), peak)));
        let (name, ours) = rows.next().context("nothing was measured")?;
        table.row("7", what, name, shown(ours), ours.0);
        for (name, other) in rows {
            let note = format!("sigcache takes {:.2} of this time", ours.0 / other.0);
            table.row("7", name, &note, shown(other), other.0);
        }
        Ok(())
    }
}

/// A clear-signed text, and whose keys verify it.
struct Signed {
    file: PathBuf,
    keyring: PathBuf,
    /// The text alone and a signature over it.
    detached: Option<(PathBuf, PathBuf)>,
}

impl Signed {
    /// What verifies it with the whole keyring, ours first.
    fn commands(&self, program: &Path) -> Vec<(&'static str, Command)> {
        let mut ours = Command::new(program);
        ours.args(["verify", "--quiet", "--format", "openpgp", "--with", "inline = true", "--key"]);
        ours.arg(&self.keyring).arg(&self.file);
        let mut gpgv = Command::new("gpgv");
        gpgv.arg("--keyring").arg(&self.keyring).arg(&self.file);
        let mut commands = vec![("sigcache, built with the feature openpgp", ours), ("gpgv", gpgv)];
        if let Some((text, signature)) = &self.detached {
            // The sqv of Debian 12 knows no clear-signed texts.
            let mut sqv = Command::new("sqv");
            sqv.arg("--keyring").arg(&self.keyring).arg(signature).arg(text);
            commands.push(("sqv, the text with a detached signature", sqv));
        }
        commands
    }
}

/// The largest that this machine's apt fetched from Debian.
fn downloaded() -> Result<Option<PathBuf>> {
    if !Path::new(KEYRING).is_file() || !Path::new(LISTS).is_dir() {
        return Ok(None);
    }
    let mut found = Vec::new();
    for file in fs::read_dir(LISTS).with_context(|| format!("cannot list {LISTS}"))? {
        let file = file?;
        let name = file.file_name().to_string_lossy().into_owned();
        if name.contains("debian.org_") && name.ends_with("_InRelease") {
            found.push((file.metadata()?.len(), file.path()));
        }
    }
    Ok(found.into_iter().max().map(|(_, path)| path))
}

/// A home of GnuPG with one key, which goes when this is dropped.
struct Publisher {
    home: PathBuf,
    folder: PathBuf,
}

impl Publisher {
    /// What it signs goes to `folder`. Its home does not: the path of the agent's socket may have 107 bytes at most.
    fn new(folder: &Path) -> Result<Self> {
        let home = env::temp_dir().join(format!("sigcache-bench-{}", process::id()));
        // gpg warns of a home that others can read.
        let made = DirBuilder::new().mode(0o700).create(&home);
        made.with_context(|| format!("cannot create {}", home.display()))?;
        let publisher = Self { home, folder: folder.to_owned() };
        // As Debian's archive keys are.
        let generate = ["--passphrase", "", "--quick-generate-key", "bench", "rsa4096", "sign", "never"];
        quiet(publisher.gpg().args(generate)).context("gpg (Debian: gpg, gpgv, sqv) is needed for this case")?;
        quiet(publisher.gpg().arg("--output").arg(publisher.keyring()).arg("--export"))?;
        Ok(publisher)
    }

    fn gpg(&self) -> Command {
        let mut command = Command::new("gpg");
        command.args(["--batch", "--quiet", "--homedir"]).arg(&self.home);
        command
    }

    fn keyring(&self) -> PathBuf {
        self.folder.join("keyring")
    }

    /// A Release file of about this size, in the form of Debian's, signed both ways.
    fn release(&self, kibibytes: usize) -> Result<Signed> {
        let mut text =
            "Origin: Bench\nSuite: stable\nCodename: bench\nDate: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n".to_owned();
        let mut number = 0_u64;
        while text.len() < kibibytes * 1024 {
            number += 1;
            let digest = Digest::of(&number.to_le_bytes()).hex();
            writeln!(text, " {digest} {:8} main/binary-{number}/Packages.xz", number * 7919 % 10_000_000)?;
        }
        let path = |ending: &str| self.folder.join(format!("{kibibytes}-{ending}"));
        let (release, signature, file) = (path("Release"), path("Release.gpg"), path("InRelease"));
        fs::write(&release, text).with_context(|| format!("cannot write {}", release.display()))?;
        quiet(self.gpg().arg("--output").arg(&file).arg("--clear-sign").arg(&release))?;
        quiet(self.gpg().arg("--output").arg(&signature).arg("--detach-sign").arg(&release))?;
        Ok(Signed { file, keyring: self.keyring(), detached: Some((release, signature)) })
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        // gpg started it for this home alone; it would end by itself only some time after its home is gone.
        let _ = Command::new("gpgconf").arg("--homedir").arg(&self.home).args(["--kill", "gpg-agent"]).status();
        let _ = fs::remove_dir_all(&self.home);
    }
}
