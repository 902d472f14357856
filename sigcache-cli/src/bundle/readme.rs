//! `README.txt`: what the members are, and how to check them by hand.

use sigcache_core::{KeyId, Receipt, plays_with_terminals};

use super::{DECISION, DOCUMENT, policy::Policy};

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

/// The commands for openssl, where the signature is one that it takes as it is. docs/export.md has the others.
fn recipe(policy: &Policy, receipt: &Receipt) -> Option<String> {
    if &*receipt.evidence.format != "detached" {
        return Some("See docs/export.md of sigcache for this format.\n".to_owned());
    }
    let mut text = "sha256sum -c SHA256SUMS\n".to_owned();
    let keys = policy.keys.iter().flat_map(|file| &file.keys);
    for key in keys.filter(|key| receipt.evidence.signers.iter().any(|id| *id.as_str() == key.id)) {
        let pem = key.pem.as_deref()?;
        for companion in &receipt.companions {
            let signature = format!("{DOCUMENT}{}", companion.suffix);
            let command = match key.algorithm.as_deref() {
                Some("Ed25519") => {
                    format!("openssl pkeyutl -verify -pubin -inkey {pem} -rawin -in {DOCUMENT} -sigfile {signature}\n")
                }
                Some(algorithm) => {
                    let word = |word: &str| policy.verify.get(word).and_then(|value| value.as_str());
                    let usual = if algorithm == "ECDSA P-384" { "sha-384" } else { "sha-256" };
                    let hash = word("hash").unwrap_or(usual).replace('-', "");
                    let padding = match word("scheme") {
                        Some("rsa-pss") => " -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest",
                        _ => "",
                    };
                    format!("openssl dgst -{hash}{padding} -verify {pem} -signature {signature} {DOCUMENT}\n")
                }
                None => continue,
            };
            text.push_str(&command);
        }
    }
    if receipt.companions.len() > 1 {
        text.push_str("(Each key made one of these signatures: it is enough that one of its commands succeeds.)\n");
    }
    text.push_str("(A signature in base64 or hexadecimal must be decoded first.)\n");
    Some(text)
}
