//! The ways in which a check is broken, each with a resource of the lab in `sigcache-cli/tests/cli/drill.rs` and the twin
//! of it that `sigcache test` must then report.

use super::list::Mutation;

/// A broken check, the resource, and the twin that is not caught any more.
pub(super) type Check = (Mutation, &'static str, &'static str);

const fn check(
    name: &'static str,
    edits: &'static [(&'static str, &'static str, &'static str)],
    resource: &'static str,
    twin: &'static str,
) -> Check {
    (Mutation { name, edits }, resource, twin)
}

pub(super) const CHECKS: &[Check] = &[
    check(
        "private-address-called",
        &[(
            "fetch/http/resolve.rs",
            "if is_public(literal) {",
            "if is_public(literal) || crate::mutated(\"private-address-called\") {",
        )],
        "flags.json",
        "private-address",
    ),
    check(
        "any-status-taken",
        &[(
            "fetch/http/mod.rs",
            "        StatusCode::OK => {",
            "        status if status == StatusCode::OK || crate::mutated(\"any-status-taken\") => {",
        )],
        "flags.json",
        "not-found",
    ),
    check(
        "any-redirect-followed",
        &[(
            "fetch/http/answer.rs",
            "if fine && to.has_host() {",
            "if (fine || crate::mutated(\"any-redirect-followed\")) && to.has_host() {",
        )],
        "flags.json",
        "weaker-redirect",
    ),
    check(
        "encoding-taken",
        &[(
            "fetch/http/answer.rs",
            "if !text.split(',').all(identity) {",
            "if !text.split(',').all(identity) && !crate::mutated(\"encoding-taken\") {",
        )],
        "flags.json",
        "encoded",
    ),
    check(
        "truncation-not-seen",
        &[(
            "fetch/http/body.rs",
            "Poll::Ready(Some(Err(error))) => return this.fail(classify::body(error)),",
            "Poll::Ready(Some(Err(_))) if crate::mutated(\"truncation-not-seen\") => {
                    this.chunks = None;
                    return Poll::Ready(None);
                }
                Poll::Ready(Some(Err(error))) => return this.fail(classify::body(error)),",
        )],
        "flags.json",
        "truncated",
    ),
    check(
        "announced-size-not-limited",
        &[(
            "fetch/mod.rs",
            "if let Some(length) = meta.length.filter(|length| *length > limit) {",
            "if let Some(length) =
            meta.length.filter(|length| *length > limit && !crate::mutated(\"announced-size-not-limited\"))
        {",
        )],
        "flags.json",
        "too-large",
    ),
    check(
        "size-not-limited",
        &[("fetch/mod.rs", "if received > limit {", "if received > limit && !crate::mutated(\"size-not-limited\") {")],
        "flags.json",
        "endless",
    ),
    check(
        "companion-as-large-as-a-document",
        &[(
            "fetch/mod.rs",
            "Part::Companion => self.limits.max_companion,",
            "Part::Companion if crate::mutated(\"companion-as-large-as-a-document\") => self.limits.max_size,
            Part::Companion => self.limits.max_companion,",
        )],
        "flags.json",
        "endless-companion",
    ),
    check(
        "first-byte-not-limited",
        &[(
            "fetch/http/connect.rs",
            "Stage::Asked(since) => after(since, limits.first_byte),",
            "Stage::Asked(since) if crate::mutated(\"first-byte-not-limited\") => after(since, limits.total),
            Stage::Asked(since) => after(since, limits.first_byte),",
        )],
        "flags.json",
        "silent",
    ),
    check(
        "idleness-not-limited",
        &[(
            "fetch/http/body.rs",
            "if self.idle >= self.limits.idle {",
            "if self.idle >= self.limits.idle && !crate::mutated(\"idleness-not-limited\") {",
        )],
        "flags.json",
        "stalled",
    ),
    check(
        "slowness-not-limited",
        &[(
            "fetch/http/body.rs",
            "let slow = self.received < self.limits.least_bytes;",
            "let slow = self.received < self.limits.least_bytes && !crate::mutated(\"slowness-not-limited\");",
        )],
        "flags.json",
        "slow",
    ),
    check(
        "whole-time-not-limited",
        &[(
            "fetch/http/body.rs",
            "if now >= this.deadline && !matches!(arrived, Poll::Ready(None)) {",
            "if now >= this.deadline
                && !matches!(arrived, Poll::Ready(None))
                && !crate::mutated(\"whole-time-not-limited\")
            {",
        )],
        "flags.json",
        "late",
    ),
    check(
        "detached-signature-not-checked",
        &[(
            "verify/detached.rs",
            "if candidate.matches(&self.trust.keys()[key].key, whole, &hashes) {",
            "if candidate.matches(&self.trust.keys()[key].key, whole, &hashes)
                || crate::mutated(\"detached-signature-not-checked\")
            {",
        )],
        "flags.json",
        "flipped-bit",
    ),
    check(
        "jws-signature-not-checked",
        &[(
            "verify/jws/attempt.rs",
            "if numbers.contains(&number) {",
            "if numbers.contains(&number) || crate::mutated(\"jws-signature-not-checked\") {",
        )],
        "token.jwt",
        "flipped-bit",
    ),
    check(
        "minisign-signature-not-checked",
        &[(
            "verify/minisign.rs",
            "filter_map(|(pair, check)| matches(check).then_some(pair))",
            "filter_map(|(pair, check)| {
                (matches(check) || crate::mutated(\"minisign-signature-not-checked\")).then_some(pair)
            })",
        )],
        "document",
        "flipped-bit",
    ),
    check(
        "minisign-comment-not-checked",
        &[(
            "verify/minisign.rs",
            "signature.comment_matches(key))",
            "signature.comment_matches(key) || crate::mutated(\"minisign-comment-not-checked\"))",
        )],
        "document",
        "flipped-companion",
    ),
    check(
        "signify-signature-not-checked",
        &[(
            "verify/signify.rs",
            "stream.finish().then_some(pair)",
            "(stream.finish() || crate::mutated(\"signify-signature-not-checked\")).then_some(pair)",
        )],
        "embedded",
        "flipped-bit",
    ),
    check(
        "ssh-signature-not-checked",
        &[(
            "verify/ssh.rs",
            "key.verify_message(self.scheme, Encoding::Fixed, &message, &self.signature)",
            "key.verify_message(self.scheme, Encoding::Fixed, &message, &self.signature)
            || crate::mutated(\"ssh-signature-not-checked\")",
        )],
        "ssh.txt",
        "flipped-bit",
    ),
    check(
        "note-signature-not-checked",
        &[(
            "verify/note.rs",
            "if !key.verify_message(Scheme::Ed25519, Encoding::Fixed, text.as_bytes(), &signature) {",
            "if !key.verify_message(Scheme::Ed25519, Encoding::Fixed, text.as_bytes(), &signature)
            && !crate::mutated(\"note-signature-not-checked\")
        {",
        )],
        "checkpoint",
        "flipped-bit",
    ),
    check(
        "narinfo-signature-not-checked",
        &[(
            "verify/narinfo.rs",
            "if own.any(|(_, signature)| matches(signature)) {",
            "if own.any(|(_, signature)| matches(signature)) || crate::mutated(\"narinfo-signature-not-checked\") {",
        )],
        "nix/s36w4b92h7gd442j7872kqsp3qvfygfy.narinfo",
        "flipped-bit",
    ),
    check(
        "archive-not-hashed",
        &[(
            "verify/narinfo.rs",
            "if base32(whole.digest.as_bytes()) != self.hash {",
            "if base32(whole.digest.as_bytes()) != self.hash && !crate::mutated(\"archive-not-hashed\") {",
        )],
        "nix/c.nar",
        "flipped-bit",
    ),
    check(
        "xml-digest-not-checked",
        &[(
            "verify/xml/document.rs",
            "if digest.is_none_or(|digest| digest.as_bytes() != covering.digest) {",
            "if digest.is_none_or(|digest| digest.as_bytes() != covering.digest)
            && !crate::mutated(\"xml-digest-not-checked\")
        {",
        )],
        "metadata.xml",
        "flipped-bit",
    ),
    check(
        "xml-signature-not-checked",
        &[(
            "verify/xml/signature.rs",
            "filter(|trusted| made(&trusted.key));",
            "filter(|trusted| made(&trusted.key) || crate::mutated(\"xml-signature-not-checked\"));",
        )],
        "metadata.xml",
        "wrong-key",
    ),
    check(
        "listed-checksum-not-checked",
        &[(
            "verify/checksums.rs",
            "if same.clone().any(|line| line.name == *name) {",
            "if same.clone().any(|line| line.name == *name) || crate::mutated(\"listed-checksum-not-checked\") {",
        )],
        "tool.bin",
        "flipped-bit",
    ),
    check(
        "anchored-digest-not-checked",
        &[(
            "verify/digests.rs",
            "if !found.contains(&expected) {",
            "if !found.contains(&expected) && !crate::mutated(\"anchored-digest-not-checked\") {",
        )],
        "files/listed.bin",
        "flipped-bit",
    ),
    check(
        "openpgp-signature-not-checked",
        &[(
            "verify/openpgp/signatures.rs",
            "if signature.verify_hash(key.key(), hash.clone()).is_err() {",
            "if signature.verify_hash(key.key(), hash.clone()).is_err()
            && !crate::mutated(\"openpgp-signature-not-checked\")
        {",
        )],
        "pgp.txt",
        "flipped-bit",
    ),
    check(
        "revocation-ignored",
        &[(
            "trust/mod.rs",
            "        if self.revoked {
            return Err",
            "        if self.revoked && !crate::mutated(\"revocation-ignored\") {
            return Err",
        )],
        "flags.json",
        "revoked-key",
    ),
    check(
        "revoked-copy-served",
        &[(
            "pipeline/answer.rs",
            "(false, Standing::Live) => ChangeKind::Withhold,",
            "(false, Standing::Live) if crate::mutated(\"revoked-copy-served\") => ChangeKind::Note,
            (false, Standing::Live) => ChangeKind::Withhold,",
        )],
        "flags.json",
        "revoked-key",
    ),
    check(
        "end-of-key-ignored",
        &[(
            "trust/mod.rs",
            "self.not_after.filter(|end| now > *end) {",
            "self.not_after.filter(|end| now > *end && !crate::mutated(\"end-of-key-ignored\")) {",
        )],
        "flags.json",
        "expired-key",
    ),
    check(
        "beginning-of-key-ignored",
        &[(
            "trust/mod.rs",
            "self.not_before.filter(|start| now < *start) {",
            "self.not_before.filter(|start| now < *start && !crate::mutated(\"beginning-of-key-ignored\")) {",
        )],
        "flags.json",
        "early-key",
    ),
    check(
        "threshold-ignored",
        &[(
            "trust/mod.rs",
            "if counted.len() >= self.threshold {",
            "if counted.len() >= self.threshold || crate::mutated(\"threshold-ignored\") {",
        )],
        "two-keys",
        "threshold",
    ),
    check(
        "end-of-certificate-ignored",
        &[(
            "judge.rs",
            "if now > certificate.valid_until {",
            "if now > certificate.valid_until && !crate::mutated(\"end-of-certificate-ignored\") {",
        )],
        "anchor.jwt",
        "expired-certificate",
    ),
    check(
        "identity-ignored",
        &[(
            "judge.rs",
            "(Some(expected), Some(found)) if expected == found => Ok(()),",
            "(Some(expected), Some(found)) if expected == found || crate::mutated(\"identity-ignored\") => Ok(()),",
        )],
        "flags.json",
        "swapped-identity",
    ),
    check(
        "name-of-narinfo-ignored",
        &[(
            "verify/narinfo.rs",
            "if asked.strip_suffix(\".narinfo\") == Some(hash) {",
            "if asked.strip_suffix(\".narinfo\") == Some(hash) || crate::mutated(\"name-of-narinfo-ignored\") {",
        )],
        "nix/s36w4b92h7gd442j7872kqsp3qvfygfy.narinfo",
        "swapped-identity",
    ),
    check(
        "file-in-comment-ignored",
        &[(
            "verify/minisign.rs",
            "Some(found) if found == name =>",
            "Some(found) if found == name || crate::mutated(\"file-in-comment-ignored\") =>",
        )],
        "document",
        "swapped-identity",
    ),
    check(
        "expiry-ignored",
        &[(
            "judge.rs",
            "if let Some(end) = evidence.valid_until.filter(|end| now > *end) {",
            "if let Some(end) = evidence.valid_until.filter(|end| now > *end && !crate::mutated(\"expiry-ignored\")) {",
        )],
        "flags.json",
        "expired",
    ),
    check(
        "staleness-ignored",
        &[(
            "judge.rs",
            "policy.max_stale.filter(|limit| age > *limit) {",
            "policy.max_stale.filter(|limit| age > *limit && !crate::mutated(\"staleness-ignored\")) {",
        )],
        "flags.json",
        "max-stale",
    ),
    check(
        "rollback-ignored",
        &[(
            "judge.rs",
            "Some(true) => Err(Failure::new(Reason::OlderVersion",
            "Some(true) if crate::mutated(\"rollback-ignored\") => Ok(()),
            Some(true) => Err(Failure::new(Reason::OlderVersion",
        )],
        "flags.json",
        "rolled-back",
    ),
    check(
        "replay-ignored",
        &[(
            "judge.rs",
            "Replays::Refuse if known.replaced.contains(&evidence.digest) => {",
            "Replays::Refuse
                if known.replaced.contains(&evidence.digest) && !crate::mutated(\"replay-ignored\") =>
            {",
        )],
        "two-keys",
        "rolled-back",
    ),
    check(
        "shrinking-ignored",
        &[("judge.rs", "if now >= least {", "if now >= least || crate::mutated(\"shrinking-ignored\") {")],
        "flags.json",
        "shrunk",
    ),
    check(
        "refusal-takes-the-copy",
        &[(
            "pipeline/answer.rs",
            "(true, Standing::Withheld) => ChangeKind::Restore,",
            "(true, Standing::Live) if crate::mutated(\"refusal-takes-the-copy\") => ChangeKind::Withhold,
            (true, Standing::Withheld) => ChangeKind::Restore,",
        )],
        "flags.json",
        "dead",
    ),
    check(
        "torn-set-taken",
        &[(
            "run/sets.rs",
            "if decision.outcome == Outcome::Stored {",
            "if decision.outcome == Outcome::Stored && !crate::mutated(\"torn-set-taken\") {",
        )],
        "flags.json",
        "torn-set",
    ),
];
