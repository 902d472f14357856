//! Signed XML and JWS: whole processes that verify one file, ours beside the tools that everybody has.

use std::{fmt::Write as _, fs, path::Path, process::Command};

use anyhow::{Context as _, Result};

use crate::{
    cases::Bench,
    measure::{median, quiet, repeated, shown},
    table::Table,
};

const ROOT: &str = "urn:oasis:names:tc:SAML:2.0:metadata:EntitiesDescriptor";

/// What a federation signs; the tools fill in what is empty.
const HEAD: &str = r##"<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" ID="_1" Name="https://federation.example/" validUntil="2099-01-01T00:00:00Z"><ds:Signature><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI="#_1"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/><ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>
"##;

/// The sizes, in KiB, and how often in a round: a process of milliseconds says little once.
const SIZES: [(usize, usize); 3] = [(10, 40), (2048, 10), (32 * 1024, 2)];

impl Bench {
    /// SAML metadata of three sizes beside xmlsec1 and OpenSAML's samlsign.
    pub(crate) fn signed_xml(&mut self, table: &mut Table) -> Result<()> {
        let folder = self.work.join("documents");
        fs::create_dir_all(&folder)?;
        let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
        rsa_key(&key, &certificate)?;
        for (kibibytes, times) in SIZES {
            let file = folder.join(format!("{kibibytes}.xml"));
            sign_xml(&metadata("https://federation.example/", kibibytes)?, &key, &file)?;
            let mut rows: [(Vec<f64>, u64); 3] = Default::default();
            for _ in 0..self.rounds {
                let mut ours = Command::new(&self.program);
                ours.args(["verify", "--quiet", "--format", "saml-metadata"]);
                ours.args(["--identity", "https://federation.example/", "--key"]).arg(&certificate).arg(&file);
                let mut xmlsec1 = Command::new("xmlsec1");
                xmlsec1.args(["--verify", "--enabled-key-data", "x509,rsa", "--pubkey-cert-pem"]).arg(&certificate);
                xmlsec1.arg("--id-attr:ID").arg(ROOT).arg(&file);
                let mut samlsign = Command::new("samlsign");
                samlsign.arg("-c").arg(&certificate).arg("-f").arg(&file);
                for ((seconds, peak), command) in rows.iter_mut().zip([ours, xmlsec1, samlsign]) {
                    let usage = repeated(command, times)?;
                    seconds.push(usage.seconds);
                    *peak = usage.peak.max(*peak);
                }
            }
            let [ours, xmlsec1, samlsign] = rows.map(|(seconds, peak)| (median(&seconds), peak));
            let what = format!("SAML metadata of {}, a process", size(kibibytes));
            table.row("5", &what, "sigcache", shown(ours), ours.0);
            for (name, other) in [("xmlsec1", xmlsec1), ("samlsign", samlsign)] {
                let note = format!("sigcache is {:.1} times as fast", other.0 / ours.0);
                table.row("5", name, &note, shown(other), other.0);
            }
        }
        Ok(())
    }

    /// A compact JWS of 32 MiB beside openssl, which verifies the same signature over the same bytes and decodes nothing.
    pub(crate) fn large_jws(&mut self, table: &mut Table) -> Result<()> {
        let folder = self.work.join("documents");
        fs::create_dir_all(&folder)?;
        let (key, document) = (folder.join("jws.key.pem"), folder.join("jws"));
        for old in ["jws.key.pem", "jws.pub.pem"] {
            let _ = fs::remove_file(folder.join(old));
        }
        fs::write(&document, vec![b'x'; 32 * 1024 * 1024])?;
        quiet(Command::new(&self.program).args(["keygen", "--quiet"]).arg(&document))?;
        quiet(
            Command::new(&self.program).args(["sign", "--quiet", "--format", "jws", "--key"]).arg(&key).arg(&document),
        )?;
        let token = fs::read(folder.join("jws.jws"))?;
        let dot = token.iter().rposition(|byte| *byte == b'.').context("no token was written")?;
        let input = folder.join("jws.input");
        fs::write(&input, &token[..dot])?;
        let signature = folder.join("jws.der");
        quiet(
            Command::new("openssl")
                .args(["dgst", "-sha256", "-sign"])
                .arg(&key)
                .arg("-out")
                .arg(&signature)
                .arg(&input),
        )?;
        let public = folder.join("jws.pub.pem");
        let (mut ours, mut other, mut peak) = (Vec::new(), Vec::new(), 0);
        for _ in 0..self.rounds {
            let mut command = Command::new(&self.program);
            command.args(["verify", "--quiet", "--format", "jws", "--with", "claims = {}", "--key"]).arg(&public);
            command.arg(folder.join("jws.jws"));
            let usage = repeated(command, 2)?;
            ours.push(usage.seconds);
            peak = usage.peak.max(peak);
            let mut command = Command::new("openssl");
            command.args(["dgst", "-sha256", "-verify"]).arg(&public).arg("-signature").arg(&signature);
            command.arg(&input);
            other.push(repeated(command, 2)?.seconds);
        }
        let (ours, other) = (median(&ours), median(&other));
        table.row("6", "JWS of 32 MiB, a process", "sigcache", shown((ours, peak)), ours);
        let note = format!("the same signature, nothing decoded; sigcache takes {:.1} of this time", ours / other);
        table.row("6", "openssl dgst -verify", &note, format!("{:.0} ms", other * 1000.0), other);
        Ok(())
    }
}

/// Metadata of this name and of about this size, with an empty signature.
pub(crate) fn metadata(name: &str, kibibytes: usize) -> Result<String> {
    let mut text = HEAD.replace("https://federation.example/", name);
    let mut number = 0;
    while text.len() < kibibytes * 1024 {
        number += 1;
        writeln!(
            text,
            "<md:EntityDescriptor entityID=\"https://idp{number}.example/metadata\"><md:SPSSODescriptor \
             protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:AssertionConsumerService \
             index=\"1\" Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" \
             Location=\"https://idp{number}.example/acs\"/></md:SPSSODescriptor><md:Organization><md:OrganizationName \
             xml:lang=\"en\">University of Number {number} &amp; Sons</md:OrganizationName><md:OrganizationDisplayName \
             xml:lang=\"en\">Number {number}</md:OrganizationDisplayName><md:OrganizationURL \
             xml:lang=\"en\">https://idp{number}.example/</md:OrganizationURL></md:Organization></md:EntityDescriptor>"
        )?;
    }
    text.push_str("</md:EntitiesDescriptor>\n");
    Ok(text)
}

/// The text with its signature, by xmlsec1.
pub(crate) fn sign_xml(text: &str, key: &Path, file: &Path) -> Result<()> {
    let template = file.with_extension("template");
    fs::write(&template, text).with_context(|| format!("cannot write {}", template.display()))?;
    let mut sign = Command::new("xmlsec1");
    sign.args(["--sign", "--privkey-pem"]).arg(key).arg("--id-attr:ID").arg(ROOT).arg("--output").arg(file);
    quiet(sign.arg(&template)).context("xmlsec1 (Debian: xmlsec1) is needed for this case")?;
    fs::remove_file(&template).with_context(|| format!("cannot remove {}", template.display()))
}

/// An RSA key, and its certificate.
pub(crate) fn rsa_key(key: &Path, certificate: &Path) -> Result<()> {
    let mut request = Command::new("openssl");
    request.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=bench", "-keyout"]);
    quiet(request.arg(key).arg("-out").arg(certificate))
}

pub(crate) fn size(kibibytes: usize) -> String {
    if kibibytes < 1024 { format!("{kibibytes} KiB") } else { format!("{} MiB", kibibytes / 1024) }
}
