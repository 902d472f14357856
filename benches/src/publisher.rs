//! Makes and signs documents of many formats: with our own command where it signs a format, else with the format's tool.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use sigcache_core::Digest;

use crate::{
    documents::{metadata, rsa_key, sign_xml},
    measure::quiet,
    mixed::entity,
    site::{SMALL, noise},
};

/// A folder of keys, one for each kind of signature.
pub(crate) struct Publisher<'a> {
    program: &'a Path,
    keys: &'a Path,
}

impl<'a> Publisher<'a> {
    /// Makes the keys, in an empty folder.
    pub(crate) fn new(program: &'a Path, keys: &'a Path) -> Result<Self> {
        let publisher = Self { program, keys };
        publisher.keygen("p256", &[])?;
        publisher.keygen("ed25519", &["--algorithm", "ed25519"])?;
        publisher.keygen("minisign", &["--algorithm", "ed25519", "--minisign"])?;
        let key = |name: &str| keys.join(name);
        let mut signify = Command::new("signify-openbsd");
        signify.args(["-G", "-n", "-p"]).arg(key("signify.pub")).arg("-s").arg(key("signify.sec"));
        quiet(&mut signify).context("signify (Debian: signify-openbsd) is needed for this case")?;
        quiet(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(key("ssh")))?;
        let public = fs::read_to_string(key("ssh.pub")).context("the public key of OpenSSH")?;
        fs::write(key("allowed_signers"), format!("bench {public}"))?;
        rsa_key(&key("saml.key.pem"), &key("saml.pem"))?;
        Ok(publisher)
    }

    fn keygen(&self, name: &str, options: &[&str]) -> Result<()> {
        quiet(Command::new(self.program).args(["keygen", "--quiet"]).args(options).arg(self.keys.join(name)))
    }

    /// Writes `files`, which are in one folder of their own, and what lies beside them.
    pub(crate) fn publish(&self, format: &str, files: &[PathBuf], seed: u64) -> Result<()> {
        if format == "saml" {
            return files.iter().try_for_each(|file| {
                let text = metadata(&entity(&format!("saml/{}", file_name(file)?)), SMALL / 1024)?;
                sign_xml(&text, &self.keys.join("saml.key.pem"), file)
            });
        }
        for (file, number) in files.iter().zip(0..) {
            let content = noise((seed << 32) + number, SMALL);
            fs::write(file, content).with_context(|| format!("cannot write {}", file.display()))?;
        }
        match format {
            "p256" | "ed25519" => self.sign(format, "detached", files),
            "minisign" => self.sign("minisign", "minisign", files),
            "signify" => files.iter().try_for_each(|file| {
                let mut sign = Command::new("signify-openbsd");
                sign.arg("-S").arg("-s").arg(self.keys.join("signify.sec")).arg("-m").arg(file);
                quiet(sign.arg("-x").arg(file.with_extension("sig")))
            }),
            "ssh" => {
                let mut sign = Command::new("ssh-keygen");
                quiet(sign.args(["-Y", "sign", "-n", "file", "-f"]).arg(self.keys.join("ssh")).args(files))
            }
            "jws" => {
                self.sign("ed25519", "jws", files)?;
                // What is published is the token, which has the document inside.
                files.iter().try_for_each(|file| Ok(fs::rename(file.with_extension("jws"), file)?))
            }
            "checksums" => self.list(files),
            _ => bail!("nobody signs {format}"),
        }
    }

    fn sign(&self, key: &str, format: &str, files: &[PathBuf]) -> Result<()> {
        let key = self.keys.join(format!("{key}.key.pem"));
        let mut sign = Command::new(self.program);
        quiet(sign.args(["sign", "--quiet", "--format", format, "--key"]).arg(key).args(files))
    }

    /// One signed list for all of them.
    fn list(&self, files: &[PathBuf]) -> Result<()> {
        let mut lines = String::new();
        for file in files {
            lines += &format!("{}  {}\n", Digest::of(&fs::read(file)?).hex(), file_name(file)?);
        }
        let folder = files.first().and_then(|file| file.parent()).context("a list of nothing")?;
        let list = folder.join("SHA256SUMS");
        fs::write(&list, lines).with_context(|| format!("cannot write {}", list.display()))?;
        self.sign("minisign", "minisign", &[list])
    }
}

fn file_name(file: &Path) -> Result<&str> {
    file.file_name().and_then(|name| name.to_str()).with_context(|| format!("no name: {}", file.display()))
}
