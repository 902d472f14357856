//! The payload as it passes: kept only where claims must be read from it, and read only once the signature matched.

use serde_json::{Map, Value};

use super::{Reading, scan::Scanner};
use crate::{
    evidence::{Evidence, Mark},
    json,
    time::Timestamp,
    verify::{MAX_CLAIMS_BYTES, VerifyError},
};

/// A payload that passes.
pub(super) struct Content {
    reading: Reading,
    kept: Option<Vec<u8>>,
    /// In place of what was kept, where that became too much. What it could not follow is said only once the signature
    /// matched.
    scanner: Option<Result<Scanner, &'static str>>,
    /// Only white space so far, so that nobody knows what it is.
    undecided: bool,
    empty: bool,
}

impl Content {
    pub(super) fn new(reading: &Reading) -> Self {
        let (kept, undecided) = match reading {
            Reading::Registered => (Some(Vec::new()), true),
            Reading::Claims(claims) => ((!claims.is_empty()).then(Vec::new), false),
        };
        Self { reading: reading.clone(), kept, scanner: None, undecided, empty: true }
    }

    /// Takes the next bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) -> Result<(), VerifyError> {
        self.empty &= bytes.is_empty();
        if self.undecided
            && let Some(first) = bytes.iter().find(|byte| !byte.is_ascii_whitespace())
        {
            self.undecided = false;
            if *first != b'{' {
                self.kept = None;
            }
        }
        if let Some(scan) = &mut self.scanner {
            if let Ok(scanner) = scan
                && let Err(fault) = scanner.update(bytes)
            {
                *scan = Err(fault);
            }
            return Ok(());
        }
        let Some(kept) = &mut self.kept else { return Ok(()) };
        if kept.len() + bytes.len() <= MAX_CLAIMS_BYTES {
            kept.extend_from_slice(bytes);
            return Ok(());
        }
        if let Reading::Claims(_) = self.reading {
            let expected = format!("a JSON payload with claims of at most {MAX_CLAIMS_BYTES} bytes");
            return Err(VerifyError::malformed_document(&expected, "a larger one"));
        }
        let mut scanner = Scanner::new();
        let fault = scanner.update(kept).and_then(|()| scanner.update(bytes)).err();
        (self.kept, self.scanner) = (None, Some(fault.map_or(Ok(scanner), Err)));
        Ok(())
    }

    /// Whether nothing came.
    pub(super) fn is_empty(&self) -> bool {
        self.empty
    }

    /// Reads the claims into `evidence`. The signature has been checked.
    pub(super) fn read(self, evidence: &mut Evidence) -> Result<(), VerifyError> {
        if let Some(scanner) = self.scanner {
            let (members, keys) = scanner.and_then(Scanner::finish).map_err(no_object)?;
            return registered(&members, keys, evidence);
        }
        match (self.reading, self.kept) {
            (Reading::Claims(claims), Some(kept)) => claims.read(&kept, evidence),
            (Reading::Registered, Some(kept)) if !self.undecided => {
                let members = json::object(&kept).map_err(|fault| no_object(&fault))?;
                let keys = members.get("keys").and_then(Value::as_array).map(|keys| keys.len() as u64);
                registered(&members, keys, evidence)
            }
            _ => Ok(()),
        }
    }
}

/// The claims of RFC 7519, where they are there; and of a JWK set, how many keys it has.
fn registered(members: &Map<String, Value>, keys: Option<u64>, evidence: &mut Evidence) -> Result<(), VerifyError> {
    evidence.identity = match members.get("iss") {
        None => None,
        Some(Value::String(issuer)) => Some(issuer.as_str().into()),
        Some(_) => return Err(VerifyError::malformed_document("a text as iss", "something else")),
    };
    evidence.mark = time(members, "iat")?.map(Mark::Issued);
    evidence.valid_from = time(members, "nbf")?;
    evidence.valid_until = time(members, "exp")?;
    evidence.entries = keys;
    Ok(())
}

fn no_object(fault: &str) -> VerifyError {
    let expected = "a JSON object without repeated members as the payload that begins with {, or claims = {}";
    VerifyError::malformed_document(expected, fault)
}

/// A NumericDate (RFC 7519, section 2): seconds since 1970, perhaps with a fraction.
fn time(members: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, VerifyError> {
    let Some(value) = members.get(name) else { return Ok(None) };
    let millis = match (value.as_i64(), value.as_f64()) {
        (Some(seconds), _) => Some(seconds.saturating_mul(1000)),
        // Past every date either way; the cast keeps to the ends.
        (None, Some(seconds)) => Some((seconds * 1000.0) as i64),
        (None, None) => None,
    };
    let millis = millis.filter(|millis| *millis >= 0);
    let expected = format!("seconds since 1970 as {name}");
    let time = millis.map(Timestamp::from_millis);
    time.map(Some).ok_or_else(|| VerifyError::malformed_document(&expected, "something else"))
}
