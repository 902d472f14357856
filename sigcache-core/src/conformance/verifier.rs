//! What every verifier must do.

use bytes::Bytes;

use crate::{
    decision::Failure,
    evidence::Evidence,
    name::Name,
    time::Timestamp,
    trust::Trust,
    verify::{Check, Context, Verifier},
};

/// A document that a verifier accepts.
#[derive(Debug, Clone)]
pub struct Vector {
    /// The resource that it is for.
    pub name: Name,
    /// The document; small, since each of its bits is flipped.
    pub document: Bytes,
    /// Its companions, in the order of [`Verifier::companions`].
    pub companions: Vec<Option<Bytes>>,
    /// Who may sign.
    pub trust: Trust,
    /// Trust in keys that have signed nothing of this.
    pub foreign: Trust,
    /// When it is verified.
    pub now: Timestamp,
}

/// Holds `verifier` against the contract of [`Verifier`] with a document that it accepts.
///
/// It accepts the vector, however it is cut into chunks, with the same evidence. It refuses every flipped bit of the
/// document; the document cut short, with more behind it, or empty; every flipped bit, cut or missing bytes of each
/// companion in which `strict` says that every bit counts; and the keys of others. It never panics.
///
/// Refused means that no key is named that may sign: evidence without a trusted signer refuses as well as an error.
pub fn verifier_contract(verifier: &dyn Verifier, vector: &Vector, strict: Strict) {
    let accepted = check(verifier, vector, usize::MAX).expect("the vector is accepted");
    assert_eq!(*accepted.format, *verifier.format(), "evidence names the format");
    for size in [1, 2, 7, vector.document.len().max(1)] {
        assert_eq!(check(verifier, vector, size), Ok(accepted.clone()), "in chunks of {size}");
    }
    let refuse = |what: String, changed: Vector| {
        assert!(check(verifier, &changed, usize::MAX).is_err(), "accepted {what}");
    };
    for (what, document) in alterations(&vector.document) {
        refuse(format!("a document with {what}"), Vector { document, ..vector.clone() });
    }
    refuse("the keys of others".to_owned(), Vector { trust: vector.foreign.clone(), ..vector.clone() });
    for at in 0..vector.companions.len() {
        let Some(companion) = &vector.companions[at] else { continue };
        let with = |changed: Option<Bytes>| {
            let mut companions = vector.companions.clone();
            companions[at] = changed;
            Vector { companions, ..vector.clone() }
        };
        refuse(format!("companion {at} empty"), with(Some(Bytes::new())));
        refuse(format!("companion {at} missing"), with(None));
        for (what, bytes) in alterations(companion) {
            match strict {
                Strict::EveryBit => refuse(format!("companion {at} with {what}"), with(Some(bytes))),
                // Only that it does not panic: some bits mean nothing there, such as white space or a comment.
                Strict::Document => drop(check(verifier, &with(Some(bytes)), usize::MAX)),
            }
        }
    }
}

/// In what every bit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strict {
    /// In the document and in every companion: any altered bit of either is refused.
    EveryBit,
    /// In the document only: a companion has forms that differ and mean the same.
    Document,
}

fn check(verifier: &dyn Verifier, vector: &Vector, chunk: usize) -> Result<Evidence, Failure> {
    let context = Context::new(&vector.name, vector.now, &vector.trust, &vector.companions);
    let refused = |error: crate::verify::VerifyError| error.into_failure();
    let mut check = Check::begin(verifier, context).map_err(refused)?;
    for bytes in vector.document.chunks(chunk) {
        check.update(bytes).map_err(refused)?;
    }
    let evidence = check.finish().map_err(refused)?.evidence;
    vector.trust.judge(&evidence, vector.now)?;
    Ok(evidence)
}

fn alterations(original: &Bytes) -> Vec<(String, Bytes)> {
    let mut altered = Vec::new();
    for bit in 0..original.len() * 8 {
        let mut bytes = original.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        altered.push((format!("bit {bit} flipped"), bytes.into()));
    }
    for end in 0..original.len() {
        altered.push((format!("only {end} bytes"), original.slice(..end)));
    }
    for more in [&b"\0"[..], b"x", original] {
        if !more.is_empty() {
            altered.push((format!("{} bytes behind it", more.len()), [original, more].concat().into()));
        }
    }
    altered
}
