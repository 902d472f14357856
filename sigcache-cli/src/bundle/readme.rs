//! `README.txt`: what the members are, and how to check them by hand.

use serde_json::{Map, Value};
use sigcache_core::{KeyId, Receipt, plays_with_terminals};

use super::{
    DECISION, DOCUMENT,
    policy::{Key, Policy},
};

/// The text, the same for the same bundle.
pub(super) fn text(policy: &Policy, receipt: &Receipt, has_decision: bool) -> String {
    let evidence = &receipt.evidence;
    let signers: Vec<&str> = evidence.signers.iter().map(KeyId::as_str).collect();
    let mut text = format!(
        "{name}, with what shows why it is trusted\n\n\
         Resource      {name}\nSource        {source}\nVerified at   {at}\nFormat        {format}\n\
         Signed by     {signers}\nSize          {size} bytes\nDigest        {digest}\n\n\
         MEMBERS\n\n\
         {DOCUMENT}        the document, byte for byte as it was signed\n",
        name = policy.resource,
        source = receipt.source,
        at = receipt.verified_at,
        format = evidence.format,
        signers = signers.join(", "),
        size = evidence.size,
        digest = evidence.digest,
    );
    for companion in &receipt.companions {
        text.push_str(&format!("{DOCUMENT}{}  what the source had beside it\n", companion.suffix));
    }
    text.push_str(
        "keys/            the public keys, as they were configured and as PEM\n\
         policy.json      how it is verified, by which keys, and under which rules it was accepted\n\
         receipt.json     what the verification established\n",
    );
    if has_decision {
        text.push_str(&format!("{DECISION}    what the run did that stored it\n"));
    }
    text.push_str("SHA256SUMS       the digests of all other members: sha256sum -c SHA256SUMS\n");
    if let Some(anchor) = &policy.anchor {
        text.push_str(&format!(
            "\nThe keys were named by {anchor}, an anchor, which can be exported in the same way.\n"
        ));
    }
    text.push_str(
        "\nTO CHECK IT\n\n\
         sigcache verify --bundle THIS-FILE.tar --key PUBLISHER.pem\n\n\
         needs neither network nor store nor configuration. Without --key it believes the keys in here, which are as\n\
         trustworthy as who handed this over: get the publisher's key, or its fingerprint, by another way.\n",
    );
    if let Some(recipe) = recipe(policy, receipt) {
        text.push_str(&format!("\nBY HAND, after tar -xf THIS-FILE.tar\n\n{recipe}"));
    }
    // The source and the ids come from elsewhere.
    text.chars().map(|c| if c != '\n' && plays_with_terminals(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// The commands for openssl, where the signature is one that it can check. docs/export.md has those for JWS.
fn recipe(policy: &Policy, receipt: &Receipt) -> Option<String> {
    let commands = match &*receipt.evidence.format {
        "detached" => detached(&policy.verify, policy, receipt, DOCUMENT)?,
        "minisign" | "signify" => minisign(policy, receipt)?,
        "checksums" => checksums(policy, receipt)?,
        _ => return Some("See docs/export.md of sigcache for this format.\n".to_owned()),
    };
    Some(format!("sha256sum -c SHA256SUMS\n{commands}"))
}

/// The keys that signed, each with its PEM file.
fn signers<'p>(policy: &'p Policy, receipt: &'p Receipt) -> impl Iterator<Item = (&'p Key, &'p str)> {
    let keys = policy.keys.iter().flat_map(|file| &file.keys);
    let signed = keys.filter(|key| receipt.evidence.signers.iter().any(|id| *id.as_str() == key.id));
    signed.filter_map(|key| Some((key, key.pem.as_deref()?)))
}

/// Signatures that stand in files of their own, of the member `signed`.
fn detached(verify: &Map<String, Value>, policy: &Policy, receipt: &Receipt, signed: &str) -> Option<String> {
    let mut text = String::new();
    let members: Vec<String> = receipt.companions.iter().map(|kept| format!("{DOCUMENT}{}", kept.suffix)).collect();
    let signatures: Vec<&String> = members.iter().filter(|member| *member != signed).collect();
    for (key, pem) in signers(policy, receipt) {
        for signature in &signatures {
            let command = match key.algorithm.as_deref()? {
                "Ed25519" => raw(pem, signed, signature),
                algorithm => {
                    let word = |word: &str| verify.get(word).and_then(Value::as_str);
                    let usual = if algorithm == "ECDSA P-384" { "sha-384" } else { "sha-256" };
                    let hash = word("hash").unwrap_or(usual).replace('-', "");
                    let padding = match word("scheme") {
                        Some("rsa-pss") => " -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest",
                        _ => "",
                    };
                    format!("openssl dgst -{hash}{padding} -verify {pem} -signature {signature} {signed}\n")
                }
            };
            text.push_str(&command);
        }
    }
    if signatures.len() > 1 {
        text.push_str("(Each key made one of these signatures: it is enough that one of its commands succeeds.)\n");
    }
    text.push_str("(A signature in base64 or hexadecimal must be decoded first.)\n");
    Some(text)
}

/// Ed25519 over the bytes of `signed`.
fn raw(pem: &str, signed: &str, signature: &str) -> String {
    format!("openssl pkeyutl -verify -pubin -inkey {pem} -rawin -in {signed} -sigfile {signature}\n")
}

/// The second line of such a file is in base64: two letters, the number of the key, the signature.
fn minisign(policy: &Policy, receipt: &Receipt) -> Option<String> {
    let companion = receipt.companions.first()?;
    let line = std::str::from_utf8(&companion.bytes).ok()?.lines().nth(1)?;
    let file = format!("{DOCUMENT}{}", companion.suffix);
    let mut text = format!("sed -n 2p {file} | openssl base64 -d -A | tail -c 64 > raw.sig\n");
    // `ED`: of the hash of the document. `Ed`: of the document.
    let is_hashed = line.starts_with("RU");
    if is_hashed {
        text.push_str(&format!("openssl dgst -blake2b512 -binary -out hash {DOCUMENT}\n"));
    }
    for (_, pem) in signers(policy, receipt) {
        text.push_str(&raw(pem, if is_hashed { "hash" } else { DOCUMENT }, "raw.sig"));
    }
    Some(text)
}

/// A signed list, and that the document's digest stands in it.
fn checksums(policy: &Policy, receipt: &Receipt) -> Option<String> {
    let word = |verify: &Map<String, Value>, word| Some(verify.get(word)?.as_str()?.to_owned());
    let signature = policy.verify.get("signature")?.as_object()?;
    if word(signature, "format")? != "detached" {
        return Some("See docs/export.md of sigcache for a list that is signed like this one.\n".to_owned());
    }
    let list = word(&policy.verify, "list")?;
    let name = list.rsplit('/').next()?;
    let kept = receipt.companions.iter().find(|kept| kept.suffix.trim_start_matches('.') == name)?;
    let list = format!("{DOCUMENT}{}", kept.suffix);
    let lines = String::from_utf8_lossy(&kept.bytes);
    let program = match lines.to_ascii_lowercase().contains(&receipt.evidence.digest.hex()) {
        true => "sha256sum",
        false if lines.contains("SHA384") => "sha384sum",
        false => "sha512sum",
    };
    let mut text = detached(signature, policy, receipt, &list)?;
    text.push_str(&format!("grep -i \"$({program} {DOCUMENT} | cut -d ' ' -f 1)\" {list}\n"));
    Some(text)
}
