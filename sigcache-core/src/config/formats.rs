//! The `verify` table: a signature format, set up, and who may sign.

mod checksums;
mod detached;
mod digests;
mod jws;
mod minisign;
mod narinfo;
mod note;
#[cfg(feature = "openpgp")]
mod openpgp;
mod signify;
mod ssh;
mod suffix;
mod xml;

use std::{ops::Range, sync::Arc};

use super::{
    build::Build,
    problem::{Place, Problems},
    table::{Table, Value, Words, tick},
    words,
};
use crate::{
    evidence::KeyId,
    name::Name,
    resource::VerifyWords,
    trust::{Algorithm, Trust},
    verify::{Claims, Pointer, Verifier},
};

/// The words of a `verify` of any format.
pub(super) const VERIFY: &[&str] = &["format", "keys", "anchor", "threshold"];

/// Every word that may stand in a `claims`.
pub(super) const CLAIMS: &[&str] = &["identity", "version", "issued", "not_before", "expires", "entries"];

/// Sets up the verifier of a format from its own words.
type SetUp = for<'t> fn(&Table<'t>, &mut Build<'_>) -> Option<Format>;

/// The formats, each with the words of its own: a new one is a file in `verify/`, one in `formats/` for its words, and a
/// line here.
pub(super) const FORMATS: &[(&str, (Words, SetUp))] = &[
    ("checksums", (&[VERIFY, checksums::WORDS], checksums::set_up)),
    ("detached", (&[VERIFY, detached::WORDS], detached::set_up)),
    ("digests", (&[digests::WORDS], digests::set_up)),
    ("jws", (&[VERIFY, jws::WORDS], jws::set_up)),
    ("minisign", (&[VERIFY, minisign::WORDS], minisign::set_up)),
    ("narinfo", (&[VERIFY, narinfo::WORDS], narinfo::set_up)),
    ("note", (&[VERIFY, note::WORDS], note::set_up)),
    #[cfg(feature = "openpgp")]
    ("openpgp", (&[VERIFY, openpgp::WORDS, openpgp::RELEASE], openpgp::set_up)),
    ("saml-metadata", (&[VERIFY, xml::SAML_METADATA], xml::saml_metadata)),
    ("signify", (&[VERIFY, signify::WORDS], signify::set_up)),
    ("ssh", (&[VERIFY, ssh::WORDS], ssh::set_up)),
    ("xmldsig", (&[VERIFY, xml::XMLDSIG], xml::xmldsig)),
];

const MORE_FILES: &str = "as many endings in `suffix`: each file holds one signature";

/// Reports what the keys cannot do in a format as it is set up; false if there was something.
type Fit = Box<dyn Fn(&Table<'_>, &Trust, &mut Problems) -> bool>;

/// What a key's certificate says about its time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Certificates {
    /// Nothing: only what the configuration says counts.
    AreKeys,
    /// The key may sign only while its certificate is valid.
    BoundKeys,
    /// All that there is to say: the keys are OpenPGP certificates, which no other format takes.
    #[cfg(feature = "openpgp")]
    OpenPgp,
}

/// Whether a document says which one it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TellsIdentity {
    /// It does not, or nobody asks it.
    No,
    /// It may: the format has a place for it.
    Perhaps,
    /// It must: the configuration points at the place.
    Asked,
}

impl TellsIdentity {
    /// What `claims` ask for.
    fn by(claims: &Claims) -> Self {
        if claims.identity.is_some() { Self::Asked } else { Self::No }
    }
}

/// A format, set up.
pub(super) struct Format {
    verifier: Arc<dyn Verifier>,
    /// The same text for verifiers that do the same, another one for any other.
    alike: String,
    /// How many signature files are looked for, each with one signature.
    files: usize,
    tells_identity: TellsIdentity,
    /// Whether the validity of a certificate bounds that of its key.
    certificates: Certificates,
    from_anchor: FromAnchor,
    fit: Fit,
}

/// What an anchor can have for documents of a format.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FromAnchor {
    /// Keys, in a JWK set.
    Keys,
    /// The digests of the documents, in a list of checksums.
    Digests,
    /// Nothing: why no key of a JWK set could ever sign so.
    Nothing(&'static str),
}

/// A `verify` table with everything checked.
pub(super) struct Verify {
    /// The verifier itself.
    pub(super) verifier: Arc<dyn Verifier>,
    /// Who may sign.
    pub(super) signers: Signers,
    /// Where the table stands.
    pub(super) place: Range<usize>,
    /// Whether the document says what it is.
    pub(super) tells_identity: TellsIdentity,
    pub(super) from_anchor: FromAnchor,
    /// The table itself.
    pub(super) words: Arc<VerifyWords>,
}

impl Verify {
    /// Reports that the keys of an anchor could never sign so, which `place` asks for; false if that is so.
    pub(super) fn may_rest_on_anchor(&self, place: &Place, problems: &mut Problems) -> bool {
        may_rest_on_anchor(self.from_anchor, place, problems)
    }
}

/// Who may sign.
#[derive(Clone)]
pub(super) enum Signers {
    /// Keys of the configuration.
    Keys(Trust),
    /// So many keys of an anchor, which is named at the place.
    Anchor { anchor: Name, place: Place, threshold: usize },
    /// It does not say: right only where a collection has an anchor.
    Unsaid,
}

impl Signers {
    /// What the rules begin with.
    pub(super) fn trust(&self) -> Trust {
        match self {
            Self::Keys(trust) => trust.clone(),
            Self::Anchor { .. } | Self::Unsaid => Trust::nobody(),
        }
    }

    fn threshold(&self) -> usize {
        match self {
            Self::Keys(trust) => trust.threshold(),
            Self::Anchor { threshold, .. } => *threshold,
            Self::Unsaid => 1,
        }
    }

    /// Differs for different signers.
    fn told_apart_by(&self) -> Vec<KeyId> {
        match self {
            Self::Keys(trust) => trust.keys().iter().map(|key| key.id.clone()).collect(),
            // A slash in front: no id of a key can be taken for it.
            Self::Anchor { anchor, .. } => vec![KeyId::new(&format!("/{anchor}"))],
            Self::Unsaid => Vec::new(),
        }
    }
}

impl Build<'_> {
    /// Reads a `verify` table and returns its number; equal tables have the same one.
    pub(super) fn verify(&mut self, value: &Value<'_>) -> Option<usize> {
        let (table, set_up) = self.format(value, "`verify`", FORMATS)?;
        let format = set_up.and_then(|set_up| set_up(&table, self));
        let signers = self.signers(&table);
        let (format, signers) = (format?, signers?);
        let Format { verifier, alike, files, tells_identity, certificates, from_anchor, fit } = format;
        if let Signers::Anchor { place, .. } = &signers
            && !may_rest_on_anchor(from_anchor, place, &mut self.problems)
        {
            return None;
        }
        if let Signers::Keys(trust) = &signers
            && !fit(&table, trust, &mut self.problems)
        {
            return None;
        }
        #[cfg(feature = "openpgp")]
        if let Signers::Keys(trust) = &signers
            && certificates != Certificates::OpenPgp
            && !openpgp::are_others(&table, trust, &mut self.problems)
        {
            return None;
        }
        let signers = match signers {
            Signers::Keys(trust) if certificates == Certificates::BoundKeys => {
                Signers::Keys(trust.within_certificates())
            }
            signers => signers,
        };
        let threshold = signers.threshold();
        if threshold > files {
            let span = table.get("threshold").map_or_else(|| value.span(), |value| value.span());
            let (only, expected) = match (files, table.has("suffix")) {
                (_, false) => ("the document holds one signature".to_owned(), "a threshold of 1"),
                (1, _) => ("only 1 signature file is looked for".to_owned(), MORE_FILES),
                (files, _) => (format!("only {files} are looked for"), MORE_FILES),
            };
            let message = format!("a threshold of {threshold} can never be met: {only}");
            self.problems.at(span, message).expected(expected);
            return None;
        }
        let keys = signers.told_apart_by();
        let next = self.verifies.len();
        let index = *self.verify_index.entry((alike, keys, threshold)).or_insert(next);
        if index == next {
            let (place, words) = (value.span(), Arc::new(words::of(&table, self)));
            self.verifies.push(Verify { verifier, signers, place, tells_identity, from_anchor, words });
        }
        Some(index)
    }

    /// Opens a table with a `format`, for the words of that format.
    fn format<'t>(
        &mut self,
        value: &'t Value<'t>,
        what: &'static str,
        formats: &[(&str, (Words, SetUp))],
    ) -> Option<(Table<'t>, Option<SetUp>)> {
        let named =
            |(word, _): &&(&str, _)| value.get_ref().get("format").and_then(|f| f.as_ref().as_str()) == Some(word);
        let table = match formats.iter().find(named) {
            Some((_, (words, _))) => Table::open(value, what, words, &mut self.problems)?,
            // It is not known which words are right here, so none of them is called wrong.
            None => Table::open_free(value, what, &mut self.problems)?,
        };
        if !table.has("format") {
            let words: Vec<String> = formats.iter().map(|(word, _)| format!("`{word}`")).collect();
            let expected = words.join(" or ");
            table.lacks(&["format"], value.span(), &expected, &mut self.problems);
        }
        let format = table.word("format", formats, &mut self.problems);
        Some((table, format.map(|(_, set_up)| set_up)))
    }

    fn signers(&mut self, table: &Table<'_>) -> Option<Signers> {
        let threshold = match table.has("threshold") {
            true => table.whole("threshold", 1, 1000, &mut self.problems),
            false => Some(1),
        };
        match (table.get("keys"), table.get("anchor")) {
            (Some(ids), None) => Some(Signers::Keys(self.trust(table, ids, threshold)?)),
            (None, Some(_)) => {
                let (text, place) = table.text("anchor", &mut self.problems)?;
                let anchor = self.name(text, &place)?;
                Some(Signers::Anchor { anchor, place, threshold: threshold? as usize })
            }
            (None, None) => Some(Signers::Unsaid),
            (Some(_), Some(anchor)) => {
                let message = "`verify` has both `keys` and `anchor`";
                self.problems.at(anchor.span(), message).expected("exactly one of them");
                None
            }
        }
    }

    fn trust(&mut self, table: &Table<'_>, ids: &Value<'_>, threshold: Option<u32>) -> Option<Trust> {
        let mut keys = Vec::new();
        let mut complete = true;
        for (id, place) in table.list("keys", &mut self.problems)? {
            match self.key_index.get(id) {
                Some(Some(range)) => keys.extend_from_slice(&self.keys[range.clone()]),
                Some(None) => complete = false, // it is reported where it stands
                None => {
                    let draft = self.problems.at_place(place, format!("there is no key {}", tick(id)));
                    match self.key_index.is_empty() {
                        true => draft.expected("a table [keys.ID] for each key"),
                        false => draft.one_of(id, self.key_index.keys().map(String::as_str)),
                    };
                    complete = false;
                }
            }
        }
        let threshold = threshold.filter(|_| complete)? as usize;
        match Trust::new(keys, threshold) {
            Ok(trust) => Some(trust),
            Err(error) => {
                let value = match error {
                    crate::trust::TrustError::Threshold { .. } => table.get("threshold").unwrap_or(ids),
                    _ => ids,
                };
                self.problems.at(value.span(), error.to_string());
                None
            }
        }
    }
}

/// What is wrong with the ending of a signature file's name.
fn ending_fault(text: &str) -> Option<String> {
    match Name::new(&format!("name{text}")) {
        _ if text.contains('/') => Some("it may not hold a slash".to_owned()),
        Err(error) => Some(error.to_string()),
        Ok(_) => None,
    }
}

fn may_rest_on_anchor(from_anchor: FromAnchor, place: &Place, problems: &mut Problems) -> bool {
    let FromAnchor::Nothing(why) = from_anchor else { return true };
    let message = format!("no key of an anchor can sign so: {why}");
    problems.at_place(place.clone(), message).expected("`keys`, or a format that takes the keys of a JWK set");
    false
}

/// Where the keys are named; of a table within a `verify`, that table.
fn keys_span(table: &Table<'_>) -> Range<usize> {
    table.get("keys").map_or_else(|| table.span(), Value::span)
}

/// Whether all keys are Ed25519, the only algorithm of `format`; reports those that are not.
fn are_ed25519(format: &str, table: &Table<'_>, trust: &Trust, problems: &mut Problems) -> bool {
    let others = trust.keys().iter().filter(|trusted| trusted.key.algorithm() != Some(Algorithm::Ed25519));
    let mut fits = true;
    for trusted in others {
        let algorithm = trusted.key.algorithm().map_or("of an unknown algorithm".to_owned(), |found| found.to_string());
        let message = format!("{} is {algorithm}, and {format} signs with Ed25519", tick(trusted.id.as_str()));
        problems.at(keys_span(table), message).expected("Ed25519 keys");
        fits = false;
    }
    fits
}

/// What the `identity` of a resource is compared with, where this format needs one.
pub(super) fn what_identity_is(format: &str) -> &'static str {
    match format {
        "saml-metadata" => {
            "the entityID of the metadata (of a group its Name): with nothing to compare, it guards nothing"
        }
        "xmldsig" => "the territory and type of the list: with nothing to compare, it guards nothing",
        "note" => "the origin of the checkpoint: with nothing to compare, it guards nothing",
        "openpgp" => "the codename of the release: with nothing to compare, it guards nothing",
        _ => "what `claims.identity` must find in the document: with nothing to compare, it guards nothing",
    }
}

/// What a `verify` of this format needs for the document to say what it is.
pub(super) fn how_to_say_it(format: &str) -> &'static str {
    match format {
        "minisign" => "a trusted comment that names the file: verify = { …, comment = [\"file\"] }",
        "note" => "a text that says it: verify = { …, checkpoint = true }",
        "openpgp" => "a signed Release file: verify = { …, inline = true, deb_release = true }",
        "signify" | "ssh" => "a format that says it: such a signature names no document",
        _ => "a pointer to its identity: verify = { …, claims = { identity = \"/name\" } }",
    }
}

/// Where a `verify` says that the document tells what it is.
pub(super) fn identity_claim(verify: &Value<'_>) -> Option<Range<usize>> {
    let claims = verify.get_ref().as_table()?.get("claims")?;
    claims.get_ref().as_table()?.get("identity").map(Value::span)
}

fn claims(value: &Value<'_>, build: &mut Build<'_>) -> Option<Claims> {
    let table = Table::open(value, "`claims`", &[CLAIMS], &mut build.problems)?;
    let mut pointer = |word| {
        let expected = "a JSON pointer (RFC 6901) such as \"/version\" or \"/meta/expires\"";
        table.parsed(word, expected, &mut build.problems, |text| Pointer::new(text).ok())
    };
    let claims = Claims {
        identity: pointer("identity"),
        version: pointer("version"),
        issued: pointer("issued"),
        not_before: pointer("not_before"),
        expires: pointer("expires"),
        entries: pointer("entries"),
    };
    Some(claims)
}
