//! Signature files beside a document, each with one signature: which are looked for, which were found, and which of
//! them prove something.

use std::sync::Arc;

use super::{Companion, Context, Finding, Need, VerifyError};
use crate::{
    evidence::{Evidence, KeyId},
    trust::Trust,
};

/// The endings of the signature files.
#[derive(Debug, Clone)]
pub(super) struct Beside(Vec<Arc<str>>);

impl Beside {
    pub(super) fn new(suffix: &str) -> Self {
        Self(vec![suffix.into()])
    }

    /// One more file, for thresholds above one. With more than one each of them may be missing, as long as enough
    /// different keys signed.
    pub(super) fn and(mut self, suffix: &str) -> Self {
        self.0.push(suffix.into());
        self
    }

    pub(super) fn companions(&self) -> Vec<Companion> {
        let need = if self.0.len() == 1 { Need::Required } else { Need::Optional };
        self.0.iter().map(|suffix| Companion::new(suffix, need)).collect()
    }

    /// What `parse` reads from the files that are there. One that it cannot read refuses the document: it is where a
    /// signature must be, and it is none.
    pub(super) fn read<T>(
        &self,
        context: Context<'_>,
        parse: impl Fn(&[u8]) -> Result<T, VerifyError>,
    ) -> Result<Found<T>, VerifyError> {
        let mut found = Vec::new();
        for (number, file) in context.companions.iter().enumerate() {
            if let Some(file) = file {
                found.push((number, parse(file)?));
            }
        }
        if found.is_empty() {
            return Err(VerifyError::no_companion(&format!("one of {}", self.0.join(", "))));
        }
        Ok(Found(found))
    }
}

/// What was read from the files, each with the number of its companion.
pub(super) struct Found<T>(Vec<(usize, T)>);

impl<T> Found<T> {
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.0.iter().map(|(number, signature)| (*number, signature))
    }

    /// The numbers of the files.
    pub(super) fn numbers(&self) -> Vec<usize> {
        self.0.iter().map(|(number, _)| *number).collect()
    }
}

/// Which key made the signature in which file: the numbers of the companion and of the trusted key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) file: usize,
    pub(super) key: usize,
}

/// The keys that signed, in the order of the configuration; refused if there are none.
pub(super) fn signers(trust: &Trust, proven: &[Pair]) -> Result<Vec<KeyId>, VerifyError> {
    let signed = trust.keys().iter().enumerate().filter(|(key, _)| proven.iter().any(|pair| pair.key == *key));
    let signers: Vec<KeyId> = signed.map(|(_, trusted)| trusted.id.clone()).collect();
    if signers.is_empty() { Err(VerifyError::mismatch(trust)) } else { Ok(signers) }
}

/// The evidence, without the files in which nobody who is trusted signed.
pub(super) fn finding(evidence: Evidence, files: &[usize], proven: &[Pair]) -> Finding {
    let strangers = files.iter().filter(|file| proven.iter().all(|pair| pair.file != **file));
    strangers.fold(Finding::new(evidence), |finding, file| finding.without_companion(*file))
}
