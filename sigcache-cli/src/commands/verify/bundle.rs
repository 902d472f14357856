//! `sigcache verify --bundle`

use std::fs::File;

use anyhow::Context as _;
use serde::Serialize;
use sigcache_core::{
    Evidence, Name,
    explain::of_evidence,
    judge::{self, State},
    trust::{MAX_KEY_BYTES, TrustedKey},
};

use super::{Why, read_small};
use crate::{
    app,
    args::{Common, VerifyArgs},
    bundle::{Refused, open},
    fault::{Ending, Fault},
    output,
};

#[derive(Serialize)]
struct Verdict<'a> {
    bundle: String,
    verified: bool,
    /// Whether only keys that were named counted.
    pinned: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<&'a Evidence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Why<'a>>,
    /// Why it is no bundle, or not a sound one.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

pub(super) fn run(common: &Common, args: &VerifyArgs) -> Result<Ending, Fault> {
    let path = args.bundle.clone().unwrap_or_default();
    let file = File::open(&path).with_context(|| format!("cannot open {}", path.display())).map_err(Fault::usage)?;
    let mut pins = Vec::new();
    for path in &args.keys {
        let bytes = read_small(path, MAX_KEY_BYTES as u64)?;
        let keys = TrustedKey::read("pin", &bytes).with_context(|| format!("{} is not a usable key", path.display()));
        pins.extend(keys.map_err(Fault::usage)?.into_iter().map(|key| key.key));
    }
    let (now, bundle, pinned) = (app::now(common), path.display().to_string(), !pins.is_empty());
    let verdict = Verdict {
        bundle: bundle.clone(),
        verified: false,
        pinned,
        resource: None,
        evidence: None,
        failure: None,
        refused: None,
    };
    let opened = match open(file, &pins) {
        Ok(opened) => opened,
        Err(Refused::Verification(failure)) => {
            if common.json {
                let (step, reason) = (failure.step(), failure.reason);
                let why = Why { step, reason, expected: &failure.expected, found: &failure.found };
                output::json(&Verdict { failure: Some(why), ..verdict })?;
            } else {
                output::line(&format!("refused  {bundle}  {failure}"))?;
            }
            return Ok(Ending::NotGood);
        }
        Err(Refused::Bundle(error)) => {
            let why = format!("{error:#}");
            match common.json {
                true => output::json(&Verdict { refused: Some(why), ..verdict })?,
                false => output::line(&format!("refused  {bundle}  {why}"))?,
            }
            return Ok(Ending::NotGood);
        }
    };
    let (evidence, resource) = (opened.evidence(), &opened.resource);
    if common.json {
        let (resource, evidence) = (Some(&resource.name), Some(evidence));
        output::json(&Verdict { verified: true, resource, evidence, ..verdict })?;
    } else if !common.quiet {
        let keys: Vec<String> = opened.signers.iter().map(|(id, key)| format!("{id} ({key})")).collect();
        let (size, digest) = (evidence.size, evidence.digest);
        let name = &resource.name;
        output::line(&format!("verified  {bundle}  {name}  {size} bytes  {digest}  signed by {}", keys.join(", ")))?;
        output::line(&of_evidence(resource, evidence))?;
        let (rules, receipt) = (&resource.rules, &opened.receipt);
        let state = judge::state(receipt, Some(now), &rules.trust, &rules.policy, now);
        if let State::Expired(failure) = state {
            output::line(&format!("It was accepted at {}; since then: {}.", receipt.verified_at, failure.found))?;
        }
        output::line(if pinned {
            "Only the keys that --key names were believed."
        } else {
            "The keys came with the bundle, so they are as trustworthy as who handed it over. To rest on a key that you \
             know, name it: --key FILE"
        })?;
    }
    Ok(Ending::Good)
}
