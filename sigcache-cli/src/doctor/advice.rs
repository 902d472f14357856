//! What to do about what the core found.

use sigcache_core::Reason;

/// One thing to do, to be read after a semicolon.
pub(super) fn about(reason: Reason) -> &'static str {
    use Reason as R;
    match reason {
        R::UnsupportedScheme => "correct the URL or the header in the configuration",
        R::HostNotFound => "correct the host in the URL, or look at the name server (`getent hosts HOST`)",
        R::PrivateAddress => "if the source is meant to be within this network, set `allow_private = true` for it",
        R::ConnectionRefused => "ask the publisher whether the server runs, and check the port in the URL",
        R::ConnectTimeout | R::ConnectFailed => "look for a firewall or a route between here and the source",
        R::CertificateRefused => {
            "ask the publisher to mend the certificate; if the authority is a private one, name it in `extra_ca`"
        }
        R::TlsFailed => "check that the port speaks TLS, and what versions and client certificates it asks for",
        R::HttpStatus => {
            "open the URL by hand; 401 and 403 mean that `headers` or a client certificate are wrong or missing"
        }
        R::SourceMissing => "correct the path in the URL, or ask the publisher where the document went",
        R::CompanionMissing => "ask the publisher for the signature file, or correct `suffix` in `verify`",
        R::TooLarge | R::CompanionTooLarge => "if the size is right, raise `max_size` or `max_companion`",
        R::TooManyRedirects | R::WeakerRedirect | R::BadRedirect => {
            "put the URL at the end of the redirects into the configuration"
        }
        R::FirstByteTimeout | R::IdleTimeout | R::TooSlow | R::DeadlineExceeded => {
            "ask the publisher why the server is slow, or raise the limit of time that it broke"
        }
        R::NotReached => {
            "give the run more time, or divide it into shards: it was over before this resource was through"
        }
        R::ContentEncoding | R::BadResponse | R::TruncatedBody | R::SourceFailed => {
            "ask the publisher what the server, or what is in between, does to the document"
        }
        R::SignatureMismatch | R::MalformedSignature | R::MalformedDocument => {
            "compare key and signature with what the publisher says; until then the last good copy is kept"
        }
        R::KeyUnknown | R::KeyExpired | R::KeyRevoked | R::KeyNotYetValid | R::ThresholdNotMet => {
            "get the publisher's present key by a way that you trust, and add it to the configuration"
        }
        R::AnchorBroken | R::AnchorEntryUnusable => "look at the anchor first: `sigcache explain ANCHOR`",
        R::CertificateUntrusted
        | R::CertificateExpired
        | R::CertificateNotYetValid
        | R::CertificateUnsuitable
        | R::CertificateRevoked
        | R::RevocationUnknown => {
            "ask the publisher about the signing certificate, and renew roots and revocation lists"
        }
        R::IdentityMismatch | R::IdentityMissing => "check that the URL serves this document, and `identity`",
        R::DocumentExpired | R::DocumentNotYetValid | R::CopyExpired => {
            "ask the publisher for a document that is valid now, and compare the clocks"
        }
        R::OlderVersion | R::ReplayedVersion | R::MarkMissing => {
            "ask the publisher why an older version is served; if that is right, `sigcache allow-rollback NAME --reason …`"
        }
        R::Shrunk | R::MassRemoval => "if so much is to go, raise `shrink_limit` or `removal_limit` for one run",
        R::ObjectMissing | R::ObjectChanged | R::ReceiptRefused | R::ObjectUnreadable => {
            "run `sigcache sync --refetch`"
        }
        _ => "run `sigcache sync --dry-run --log text` and look at the step that fails",
    }
}
