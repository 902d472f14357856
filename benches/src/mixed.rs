//! Documents of many formats in one configuration, as an aggregator has them.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::{
    cases::Bench,
    measure::median,
    publisher::Publisher,
    rivals::{Job, Rivals},
    sigcache::{DISK, Setup},
    table::Table,
};

/// A format: its folder on the server, and the `verify` of its resources.
const FORMATS: [(&str, &str); 8] = [
    ("p256", r#"format = "detached", suffix = ".sig", keys = ["p256"]"#),
    ("ed25519", r#"format = "detached", suffix = ".sig", keys = ["ed25519"]"#),
    ("minisign", r#"format = "minisign", keys = ["minisign"], comment = ["file", "timestamp"]"#),
    ("signify", r#"format = "signify", keys = ["signify"]"#),
    ("ssh", r#"format = "ssh", keys = ["ssh"], principal = "bench""#),
    ("jws", r#"format = "jws", keys = ["ed25519"], claims = {}"#),
    ("saml", r#"format = "saml-metadata", keys = ["saml"]"#),
    (
        "checksums",
        r#"format = "checksums", keys = ["minisign"], list = "SHA256SUMS", signature = { format = "minisign" }"#,
    ),
];

/// Their keys, by the files in the folder of keys.
const KEYS: [(&str, &str); 6] = [
    ("p256", "p256.pub.pem"),
    ("ed25519", "ed25519.pub.pem"),
    ("minisign", "minisign.pub"),
    ("signify", "signify.pub"),
    ("ssh", "allowed_signers"),
    ("saml", "saml.pem"),
];

impl Bench {
    /// 1,000 documents of eight formats for the first time, beside a script that has a tool for each.
    pub(crate) fn mixed(&mut self, table: &mut Table) -> Result<()> {
        let each = (self.scaled(1000) / FORMATS.len()).max(1);
        let keys = self.folder("keys")?;
        let publisher = Publisher::new(&self.program, &keys)?;
        let site = self.site.join("mixed");
        if site.exists() {
            fs::remove_dir_all(&site).with_context(|| format!("cannot clear {}", site.display()))?;
        }
        for ((format, _), seed) in FORMATS.into_iter().zip(1..) {
            let folder = site.join(format);
            fs::create_dir_all(&folder)?;
            let files: Vec<PathBuf> = (0..each).map(|number| folder.join(name(number))).collect();
            publisher.publish(format, &files, seed)?;
        }
        // In turns, so that the part that the script does has as much of each format as the whole.
        let names: Vec<String> =
            (0..each).flat_map(|number| FORMATS.map(|(format, _)| format!("{format}/{}", name(number)))).collect();
        let count = names.len();
        let by_shell = count.min(400);
        let shell_names = self.names("mixed.txt", &names[..by_shell])?;
        let base = format!("{}/mixed", self.nginx.base());
        let resources = resources(&base, &keys, each)?;
        let rivals = Rivals::new(&self.work.join("rivals"))?;
        let (mut ours, mut shell) = (Vec::new(), Vec::new());
        for round in 1..=self.rounds {
            println!("  round {round} of {}", self.rounds);
            let folder = self.folder("mixed")?;
            let run = Setup::of(&self.program, &folder, DISK, &resources)?.sync("stored", count)?;
            ours.push(count as f64 / run.usage.seconds);
            let folder = self.folder("mixed-shell")?;
            let seconds = rivals.mixed(&Job { base: &base, key: &keys, folder: &folder }, &shell_names)?;
            shell.push(by_shell as f64 / seconds);
        }
        let (ours, shell) = (median(&ours), median(&shell));
        let what = format!("{count} documents of {} formats, first sync", FORMATS.len());
        let formats = FORMATS.map(|(format, _)| format).join(", ");
        table.row("8", &what, &format!("sigcache; {formats}"), format!("{ours:.0} documents/s"), ours);
        let note = format!("from {by_shell}; sigcache is {:.1} times as fast", ours / shell);
        table.row("8", "curl + a tool for each format, xargs -P4", &note, format!("{shell:.0} documents/s"), shell);
        Ok(())
    }
}

fn name(number: usize) -> String {
    format!("{number:04}")
}

/// The keys and resources of the configuration.
fn resources(base: &str, keys: &Path, each: usize) -> Result<String> {
    let mut text = String::new();
    for (id, file) in KEYS {
        writeln!(text, "\n[keys.{id}]\nfile = \"{}\"", keys.join(file).display())?;
    }
    for (format, verify) in FORMATS {
        let list = keys.join(format!("{format}.txt"));
        let names: Vec<String> = (0..each).map(|number| format!("{format}/{}", name(number))).collect();
        fs::write(&list, names.join("\n") + "\n").with_context(|| format!("cannot write {}", list.display()))?;
        writeln!(text, "\n[[collection]]\nlist = \"{}\"\nurls = [\"{base}/{{name}}\"]", list.display())?;
        writeln!(text, "verify = {{ {verify} }}")?;
        if format == "saml" {
            writeln!(text, "identity = \"{}\"", entity("{name}"))?;
        }
    }
    Ok(text)
}

/// What a SAML document says that it is.
pub(crate) fn entity(name: &str) -> String {
    format!("https://federation.example/{name}")
}
