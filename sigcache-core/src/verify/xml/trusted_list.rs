//! What a trusted list (ETSI TS 119 612) says of itself in its `SchemeInformation`.

use super::{
    moment,
    profile::{Content, Name},
    tag::Tag,
};
use crate::{
    evidence::{Evidence, Mark},
    verify::VerifyError,
};

const TSL: &str = "http://uri.etsi.org/02231/v2#";

/// Where the names of the types of lists begin.
const TYPES: &str = "http://uri.etsi.org/TrstSvc/TrustedList/TSLType/";

/// Longer values of what is read here are refused.
const MAX_VALUE_BYTES: usize = 1024;

/// The values that are read, each with its way from the root.
const FIELDS: &[&[&str]] = &[
    &["SchemeInformation", "TSLSequenceNumber"],
    &["SchemeInformation", "TSLType"],
    &["SchemeInformation", "SchemeTerritory"],
    &["SchemeInformation", "ListIssueDateTime"],
    &["SchemeInformation", "NextUpdate", "dateTime"],
];

/// What is counted.
const ENTRIES: &[&[&str]] = &[
    &["TrustServiceProviderList", "TrustServiceProvider"],
    &["SchemeInformation", "PointersToOtherTSL", "OtherTSLPointer"],
];

/// Reads a trusted list.
#[derive(Default)]
pub(in crate::verify) struct TrustedList {
    /// The names of the open elements below the root, as far as they lead to something that is read.
    path: Vec<Box<str>>,
    values: [Option<String>; FIELDS.len()],
    /// The value whose element is open.
    reading: Option<usize>,
    /// What cannot be, found before the signature was.
    fault: Option<&'static str>,
    entries: u64,
}

impl Content for TrustedList {
    fn start(&mut self, name: Name<'_>, _: &Tag, depth: usize) -> Result<(), VerifyError> {
        if depth == 1 {
            if name != (Name { uri: TSL, local: "TrustServiceStatusList" }) {
                let expected = "TrustServiceStatusList as document element";
                return Err(VerifyError::malformed_document(expected, format!("{} of {:?}", name.local, name.uri)));
            }
            return Ok(());
        }
        let level = depth - 2;
        let leads_on = |way: &&[&str]| {
            way.get(level) == Some(&name.local) && way[..level].iter().zip(&self.path).all(|(a, b)| **a == **b)
        };
        if self.path.len() != level || name.uri != TSL || !FIELDS.iter().chain(ENTRIES).any(leads_on) {
            return Ok(());
        }
        self.path.push(name.local.into());
        let is_here =
            |way: &&[&str]| way.len() == self.path.len() && way.iter().zip(&self.path).all(|(a, b)| **a == **b);
        self.entries += u64::from(ENTRIES.iter().any(is_here));
        if let Some(field) = FIELDS.iter().position(is_here) {
            if self.values[field].replace(String::new()).is_some() {
                self.fault = Some("the same value twice in SchemeInformation");
            }
            self.reading = Some(field);
        }
        Ok(())
    }

    fn text(&mut self, text: &str, depth: usize) {
        let Some(field) = self.reading.filter(|_| depth == self.path.len() + 1) else { return };
        let Some(value) = &mut self.values[field] else { return };
        match value.len() + text.len() > MAX_VALUE_BYTES {
            true => self.fault = Some("a value longer than any"),
            false => value.push_str(text),
        }
    }

    fn end(&mut self, depth: usize) {
        if depth == self.path.len() + 1 && depth > 1 {
            self.path.pop();
            self.reading = None;
        }
    }

    fn finish(&mut self, evidence: &mut Evidence) -> Result<(), VerifyError> {
        if let Some(fault) = self.fault {
            return Err(VerifyError::malformed_document("a trusted list as in ETSI TS 119 612", fault));
        }
        let [sequence, kind, territory, issued, next] = &self.values;
        let text =
            |value: &Option<String>| value.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        if let (Some(territory), Some(kind)) = (text(territory), text(kind)) {
            let kind = kind.strip_prefix(TYPES).unwrap_or(&kind);
            evidence.identity = Some(format!("{territory}/{kind}").into());
        }
        // A list that is closed for good has an empty NextUpdate (TS 119 612, section 5.3.15).
        evidence.valid_until = text(next).map(|text| moment("NextUpdate", &text)).transpose()?;
        let issued = text(issued).map(|text| moment("ListIssueDateTime", &text)).transpose()?;
        let number = |text: String| {
            text.parse().map_err(|_| VerifyError::malformed_document("a whole number as TSLSequenceNumber", text))
        };
        let sequence = text(sequence).map(number).transpose()?;
        evidence.mark = sequence.map(Mark::Sequence).or(issued.map(Mark::Issued));
        evidence.entries = Some(self.entries);
        Ok(())
    }
}
