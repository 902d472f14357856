//! What a person does about a reason.

use crate::reason::{Reason, Step};

impl Reason {
    /// What to do about it: one sentence that begins small and has no full stop, in which `NAME` stands for the resource.
    pub fn advice(self) -> &'static str {
        match self {
            Self::UnsupportedScheme => "correct the URL or the header in the configuration",
            Self::HostNotFound => {
                "correct the host in the URL, or look at the name server of this machine (`getent hosts HOST`)"
            }
            Self::PrivateAddress => {
                "if the source is meant to be on a private network, set allow_private = true for this resource; otherwise \
                 somebody made its name point inside"
            }
            Self::ConnectionRefused => {
                "ask the publisher whether the server runs, and check the port in the URL; the next run tries again by itself"
            }
            Self::CertificateRefused => {
                "ask the publisher to mend the server's certificate; for a private authority set extra_ca"
            }
            Self::TlsFailed => "check that the port speaks TLS, and what versions and client certificates it asks for",
            Self::HttpStatus => {
                "look at the URL with `curl -v`; 401 and 403 mean that headers or a client certificate are wrong or missing"
            }
            Self::SourceMissing => "correct the path in the URL, or ask the publisher where the document went",
            Self::TooManyRedirects | Self::WeakerRedirect | Self::BadRedirect => {
                "put the URL at the end of the redirects into the configuration"
            }
            Self::CompanionMissing => {
                "ask the publisher for the signature file, or correct verify.suffix or verify.list"
            }
            Self::NotReached => {
                "give the run more time, or divide it into shards: it was over before this resource was through"
            }
            Self::AnchorBroken => {
                "run `sigcache explain` on the anchor; once it is verified again, all that rests on it follows in the same run"
            }
            Self::AnchorEntryUnusable => "tell the publisher of the anchor; the other entries are not touched by it",
            Self::CertificateExpired | Self::CertificateUnsuitable => {
                "the publisher must sign with a certificate that is valid and meant for it; where an authority issued it for \
                 another use on purpose, see extended_key_usage"
            }
            Self::CertificateUntrusted => {
                "compare the chain in the document with the roots in the configuration; if the publisher changed authorities, \
                 ask over another channel, then configure the new root"
            }
            Self::CertificateNotYetValid => {
                "compare this machine's clock; otherwise wait until the certificate is valid"
            }
            Self::CertificateRevoked => {
                "do not use what the source sends: the authority took the certificate back; ask the publisher over another channel"
            }
            Self::RevocationUnknown => {
                "fetch the authority's current revocation lists, one for each issuer on the path, and configure them \
                 (verify.crl)"
            }
            Self::KeyUnknown => {
                "the source signs with a key that is not configured: ask the publisher over another channel; if it changed \
                 keys, configure the new one"
            }
            Self::KeyRevoked => {
                "do not use what the source sends: that key was revoked; get the publisher's present key over another channel \
                 and configure it in its place"
            }
            Self::KeyExpired => {
                "get the publisher's present key over another channel and add it; for one that may sign on, set a later not_after"
            }
            Self::KeyNotYetValid => "compare this machine's clock with not_before of the key",
            Self::ThresholdNotMet => {
                "ask the publisher for the missing signatures; if fewer are enough now, correct threshold"
            }
            Self::IdentityMismatch | Self::IdentityMissing => {
                "the source serves another document under this name: check the URL and verify.identity, and tell the publisher"
            }
            Self::CopyExpired | Self::DocumentExpired => {
                "the publisher must issue a newer document; nothing here can make an expired one valid"
            }
            Self::OlderVersion | Self::ReplayedVersion | Self::MarkMissing => {
                "ask the publisher whether going back is intended; if it is, run `sigcache allow-rollback NAME --reason …`, \
                 and if not, the source serves old documents and should not be trusted"
            }
            Self::RollbackAllowed => "nothing: the next sync may take an older version, and the permit ends with it",
            Self::MassRemoval => {
                "check that the configuration is complete; if the resources are meant to go, raise run.removal_limit once"
            }
            Self::SetIncomplete => "mend the resource that failed; then the whole set is taken together",
            Self::OvertakenByOtherRun => "nothing, if two runs were meant to work at once: the newer version stands",
            Self::ObjectMissing => {
                "run `sigcache sync --refetch NAME`; if the object was stored before, somebody took it away"
            }
            Self::PublishedMissing | Self::PublishedChanged => {
                "find out who can write below latest/, and run `sigcache audit --repair`"
            }
            _ => self.step().advice(),
        }
    }
}

impl Step {
    /// What to do where nothing is known but the step.
    fn advice(self) -> &'static str {
        match self {
            Self::Config => "correct the configuration file",
            Self::Resolve => "check the host name in the URL and the name server of this machine",
            Self::Connect => {
                "the server is down or a firewall stands between here and the source; the next run tries again by itself"
            }
            Self::Tls => "look at the server's certificate; for a private authority set extra_ca",
            Self::Http => {
                "ask the publisher what the server, or what is in between, does; `curl -v` on the URL shows the same"
            }
            Self::Size => "if the document is really that large, raise max_size (or max_companion)",
            Self::Speed => "ask the publisher why the server is slow; if that is normal for it, raise the time limits",
            Self::Parse => "what the source sends is not in the configured form; look at it with `curl`",
            Self::Signature => {
                "do not use what the source sends: either the publisher changed keys (ask over another channel, then \
                 configure the new one) or somebody changed the document on the way"
            }
            Self::Key => "look at the keys in the configuration: validity, revocation, threshold",
            Self::Identity => "the source serves another document under this name; tell the publisher",
            Self::Expiry => "wait until the document is valid, and compare this machine's clock",
            Self::Rollback => "ask the publisher whether going back is intended",
            Self::Shrink => "ask the publisher whether so much was meant to go; if so, raise shrink_limit once",
            Self::Stage | Self::Commit | Self::Publish => {
                "look at the store: space, permissions, reachability; the next run tries again by itself"
            }
            Self::ReadBack => {
                "somebody or something changed the store behind sigcache's back: find out who can write to it, then run \
                 `sigcache sync --refetch NAME`"
            }
            Self::Done => "nothing",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_one_sentence_that_goes_on_another() {
        for reason in Reason::ALL {
            let advice = reason.advice();
            assert!(!advice.is_empty() && !advice.ends_with('.') && !advice.contains(". "), "{reason}: {advice}");
            assert!(!advice.starts_with(char::is_uppercase) && !advice.contains('\n'), "{reason}: {advice}");
        }
    }
}
