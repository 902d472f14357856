//! Steps, outcomes and reason codes: the words in which every decision is told.

use crate::words;

words! {
    /// The links of the chain, in the order in which a resource passes them.
    Step {
        /// The configuration names what cannot be done.
        Config = "config",
        /// A host name to addresses, and the addresses to those we may call.
        Resolve = "resolve",
        /// A TCP connection.
        Connect = "connect",
        /// The TLS handshake and the server's certificate.
        Tls = "tls",
        /// The HTTP exchange: status, redirects, headers, a whole body.
        Http = "http",
        /// The byte limits.
        Size = "size",
        /// The time limits while bytes arrive.
        Speed = "speed",
        /// Signature file and document have the form they must have.
        Parse = "parse",
        /// The signature belongs to these bytes and a configured key.
        Signature = "signature",
        /// The key may sign now, and enough different keys did.
        Key = "key",
        /// The document is the one that the configuration asks for.
        Identity = "identity",
        /// The document and the stored copy are within their validity.
        Expiry = "expiry",
        /// The version is not older than what was accepted before.
        Rollback = "rollback",
        /// The new version did not lose most of its content, nor the run most of its resources.
        Shrink = "shrink",
        /// The bytes are in the store under a key that nobody reads yet.
        Stage = "stage",
        /// The new catalog snapshot exists.
        Commit = "commit",
        /// The plain copy for readers without the library is up to date.
        Publish = "publish",
        /// What the store gives back is what was put there.
        ReadBack = "read-back",
        /// Every step passed.
        Done = "done",
    }
}

words! {
    /// What a run did about a resource.
    Outcome {
        /// A new version was verified and stored.
        Stored = "stored",
        /// The stored version is the current one: upstream said so, or sent the same bytes.
        Unchanged = "unchanged",
        /// The refresh failed; the last good copy is still served.
        Kept = "kept",
        /// There is a copy, and it may no longer be served.
        Withheld = "withheld",
        /// The refresh failed and there is no good copy.
        Refused = "refused",
        /// The resource left the configuration and its published copy was taken away.
        Removed = "removed",
    }
}

words! {
    /// Why: one stable code for each way a step can end. Every code belongs to exactly one [`Step`].
    Reason {
        /// No fetcher is set up for the scheme of this URL.
        UnsupportedScheme = "unsupported-scheme",
        /// The host name has no address, or no name server answered.
        HostNotFound = "host-not-found",
        /// The host resolves only to private, loopback or link-local addresses and `allow_private` is off.
        PrivateAddress = "private-address",
        /// Nothing listens at that address and port.
        ConnectionRefused = "connection-refused",
        /// No connection within the time for connecting.
        ConnectTimeout = "connect-timeout",
        /// The connection failed in another way.
        ConnectFailed = "connect-failed",
        /// The server's certificate is not trusted, has expired, or is for another name.
        CertificateRefused = "certificate-refused",
        /// The TLS handshake failed in another way.
        TlsFailed = "tls-failed",
        /// The server answered with a status that is not success.
        HttpStatus = "http-status",
        /// The signature file (or another companion) is not there: 404 or 410.
        CompanionMissing = "companion-missing",
        /// More redirects than allowed.
        TooManyRedirects = "too-many-redirects",
        /// A redirect from HTTPS to HTTP, or to a scheme that is not HTTP at all.
        WeakerRedirect = "weaker-redirect",
        /// A redirect without a usable `Location`.
        BadRedirect = "bad-redirect",
        /// The server encoded the body although only identity was offered.
        ContentEncoding = "content-encoding",
        /// The answer is not HTTP, or the exchange broke before the headers were complete.
        BadResponse = "bad-response",
        /// The body ended before the announced length, or the connection broke in the middle.
        TruncatedBody = "truncated-body",
        /// The object is not in the store that serves as source.
        SourceMissing = "source-missing",
        /// The store that serves as source failed.
        SourceFailed = "source-failed",
        /// The resource is larger than `max_size`.
        TooLarge = "too-large",
        /// A companion is larger than the limit for companions.
        CompanionTooLarge = "companion-too-large",
        /// No answer within the time for the first byte.
        FirstByteTimeout = "first-byte-timeout",
        /// No byte for as long as the idle limit.
        IdleTimeout = "idle-timeout",
        /// Slower than the least speed.
        TooSlow = "too-slow",
        /// Not complete within the total time.
        DeadlineExceeded = "deadline-exceeded",
        /// The time of the run was up before this resource was through.
        NotReached = "not-reached",
        /// The signature, or the file that holds it, does not have the form that the configured format takes.
        MalformedSignature = "malformed-signature",
        /// The document is not what its format or its configured claims need it to be.
        MalformedDocument = "malformed-document",
        /// The signature does not match.
        SignatureMismatch = "signature-mismatch",
        /// The signature names a key that is not configured.
        KeyUnknown = "key-unknown",
        /// Signed with a key that is marked as revoked.
        KeyRevoked = "key-revoked",
        /// Signed with a key whose `not_after` has passed.
        KeyExpired = "key-expired",
        /// Signed with a key whose `not_before` has not come.
        KeyNotYetValid = "key-not-yet-valid",
        /// The anchor that names the keys has no document that vouches for anything now.
        AnchorBroken = "anchor-broken",
        /// The anchor's entry for this resource cannot be used.
        AnchorEntryUnusable = "anchor-entry-unusable",
        /// The signing certificate does not lead to a configured one.
        CertificateUntrusted = "certificate-untrusted",
        /// A certificate between the signature and its root is past its validity.
        CertificateExpired = "certificate-expired",
        /// A certificate between the signature and its root is not valid yet.
        CertificateNotYetValid = "certificate-not-yet-valid",
        /// A certificate is damaged, too weak, or not for this use.
        CertificateUnsuitable = "certificate-unsuitable",
        /// A configured revocation list names the certificate.
        CertificateRevoked = "certificate-revoked",
        /// The configured revocation lists are too old, or none of them speaks of the certificate.
        RevocationUnknown = "revocation-unknown",
        /// Fewer different keys signed than the threshold asks for.
        ThresholdNotMet = "threshold-not-met",
        /// Validly signed, but it is another document.
        IdentityMismatch = "identity-mismatch",
        /// Validly signed, but it does not say what it is although the configuration asks.
        IdentityMissing = "identity-missing",
        /// The document's own validity has ended.
        DocumentExpired = "document-expired",
        /// The document's own validity has not begun.
        DocumentNotYetValid = "document-not-yet-valid",
        /// The stored copy is past its own validity or `max_stale`.
        CopyExpired = "copy-expired",
        /// The document's version, issue time or sequence is lower than one accepted before.
        OlderVersion = "older-version",
        /// Byte for byte a version that was accepted before and has been replaced since.
        ReplayedVersion = "replayed-version",
        /// Earlier versions had a version, issue time or sequence; this one has none.
        MarkMissing = "mark-missing",
        /// A person allowed the next version to be older; recorded by `allow-rollback`.
        RollbackAllowed = "rollback-allowed",
        /// Much smaller, or with far fewer entries, than the version before.
        Shrunk = "shrunk",
        /// The run would take away more resources than `removal_limit` allows.
        MassRemoval = "mass-removal",
        /// The store did not take the bytes.
        StageFailed = "stage-failed",
        /// The store did not confirm the new snapshot; nothing of this run counts until the next run has looked.
        CommitFailed = "commit-failed",
        /// Another resource of the same set failed, so none of the set was taken.
        SetIncomplete = "set-incomplete",
        /// Another run committed a newer version of this resource first.
        OvertakenByOtherRun = "overtaken-by-other-run",
        /// The plain copy could not be written or taken away; the next run tries again.
        PublishFailed = "publish-failed",
        /// The catalog names an object that is not in the store.
        ObjectMissing = "object-missing",
        /// The store did not give the object back although it did not say that it is gone.
        ObjectUnreadable = "object-unreadable",
        /// The object in the store is not the one that the catalog names.
        ObjectChanged = "object-changed",
        /// The receipt does not verify any more against the configured keys.
        ReceiptRefused = "receipt-refused",
        /// The plain copy is not there although it should be.
        PublishedMissing = "published-missing",
        /// The plain copy is not the version that the catalog names.
        PublishedChanged = "published-changed",
        /// The first version of this resource.
        FirstVersion = "first-version",
        /// A newer version than the one before.
        NewVersion = "new-version",
        /// The source said that nothing changed.
        NotModified = "not-modified",
        /// The source sent the same bytes again.
        SameBytes = "same-bytes",
        /// The last answer is still fresh by its own cache headers, so nothing was asked.
        StillFresh = "still-fresh",
        /// The resource is no longer in the configuration.
        LeftConfig = "left-config",
        /// An audit found the object, its receipt and its plain copy in order.
        AuditPassed = "audit-passed",
        /// An audit found the plain copy wrong or missing, and made it anew from the verified version.
        CopyRestored = "copy-restored",
    }
}

impl Reason {
    /// The step that this code belongs to.
    pub const fn step(self) -> Step {
        use Reason as R;
        match self {
            R::UnsupportedScheme => Step::Config,
            R::HostNotFound | R::PrivateAddress => Step::Resolve,
            R::ConnectionRefused | R::ConnectTimeout | R::ConnectFailed => Step::Connect,
            R::CertificateRefused | R::TlsFailed => Step::Tls,
            R::HttpStatus
            | R::CompanionMissing
            | R::TooManyRedirects
            | R::WeakerRedirect
            | R::BadRedirect
            | R::ContentEncoding
            | R::BadResponse
            | R::TruncatedBody
            | R::SourceMissing
            | R::SourceFailed => Step::Http,
            R::TooLarge | R::CompanionTooLarge => Step::Size,
            R::FirstByteTimeout | R::IdleTimeout | R::TooSlow | R::DeadlineExceeded | R::NotReached => Step::Speed,
            R::MalformedSignature | R::MalformedDocument => Step::Parse,
            R::SignatureMismatch => Step::Signature,
            R::KeyUnknown
            | R::KeyRevoked
            | R::KeyExpired
            | R::KeyNotYetValid
            | R::AnchorBroken
            | R::AnchorEntryUnusable
            | R::CertificateUntrusted
            | R::CertificateExpired
            | R::CertificateNotYetValid
            | R::CertificateUnsuitable
            | R::CertificateRevoked
            | R::RevocationUnknown
            | R::ThresholdNotMet => Step::Key,
            R::IdentityMismatch | R::IdentityMissing => Step::Identity,
            R::DocumentExpired | R::DocumentNotYetValid | R::CopyExpired => Step::Expiry,
            R::OlderVersion | R::ReplayedVersion | R::MarkMissing | R::RollbackAllowed => Step::Rollback,
            R::Shrunk | R::MassRemoval => Step::Shrink,
            R::StageFailed => Step::Stage,
            R::CommitFailed | R::SetIncomplete | R::OvertakenByOtherRun => Step::Commit,
            R::PublishFailed => Step::Publish,
            R::ObjectMissing
            | R::ObjectUnreadable
            | R::ObjectChanged
            | R::ReceiptRefused
            | R::PublishedMissing
            | R::PublishedChanged => Step::ReadBack,
            R::FirstVersion
            | R::NewVersion
            | R::NotModified
            | R::SameBytes
            | R::StillFresh
            | R::LeftConfig
            | R::AuditPassed
            | R::CopyRestored => Step::Done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kebab_case_and_told_apart() {
        let mut seen = std::collections::BTreeSet::new();
        for reason in Reason::ALL {
            let word = reason.as_str();
            assert!(word.bytes().all(|c| c.is_ascii_lowercase() || c == b'-'), "{word}");
            assert!(seen.insert(word), "{word} stands twice");
            assert_eq!(serde_json::to_string(reason).unwrap(), format!("{word:?}"));
        }
        assert_eq!(Step::ALL.first(), Some(&Step::Config));
        assert_eq!(Step::ALL.last(), Some(&Step::Done));
    }

    #[test]
    fn docs_list_every_reason() {
        let page = include_str!("../../docs/reasons.md");
        let mut rows = 0;
        let mut step = "";
        for line in page.lines() {
            if let Some(heading) = line.strip_prefix("## ") {
                step = heading;
            } else if let Some(rest) = line.strip_prefix("| `") {
                let word = rest.split('`').next().unwrap();
                let reason = Reason::ALL.iter().find(|reason| reason.as_str() == word);
                assert_eq!(reason.map(|reason| reason.step().as_str()), Some(step), "{word}");
                rows += 1;
            }
        }
        assert_eq!(rows, Reason::ALL.len());
    }
}
