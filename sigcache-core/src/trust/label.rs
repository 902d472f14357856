//! What tools call a key, beside what it is.

use std::{fmt, sync::Arc};

/// What the file of a key calls it, which signatures of the same tools repeat so that their reader knows what key to
/// take. It proves nothing and is no part of the fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyLabel {
    /// The eight random bytes by which minisign and signify know a key.
    Number([u8; 8]),
    /// The name of a key of C2SP notes, and its id, which is a hash of name and key.
    Note {
        /// Such as `log.example/2026`.
        name: Arc<str>,
        /// The first four bytes of the hash.
        id: [u8; 4],
    },
    /// The name of a key of a Nix cache, such as `cache.example-1`.
    Nix(Arc<str>),
    /// What a line of an allowed-signers file says of an SSH key.
    Ssh(AllowedSigner),
}

/// Whom an allowed-signers file takes a key for, and what it may sign (`ssh-keygen(1)`, "ALLOWED SIGNERS").
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AllowedSigner {
    /// Patterns, divided by commas.
    pub principals: Arc<str>,
    /// The same; `None` where it may sign in any namespace.
    pub namespaces: Option<Arc<str>>,
}

impl AllowedSigner {
    /// Whether the key is this principal's.
    pub fn is(&self, principal: &str) -> bool {
        matches_list(&self.principals, principal)
    }

    /// Whether the key may sign in this namespace.
    pub fn may_sign_in(&self, namespace: &str) -> bool {
        self.namespaces.as_ref().is_none_or(|allowed| matches_list(allowed, namespace))
    }
}

impl fmt::Display for KeyLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // As minisign shows it.
            Self::Number(number) => write!(f, "{:016X}", u64::from_le_bytes(*number)),
            Self::Note { name, id } => write!(f, "{name}+{:08x}", u32::from_be_bytes(*id)),
            Self::Nix(name) => f.write_str(name),
            Self::Ssh(signer) => f.write_str(&signer.principals),
        }
    }
}

/// Whether `text` matches one of the patterns in a list, and none that begins with `!` (`ssh_config(5)`, "PATTERNS").
fn matches_list(list: &str, text: &str) -> bool {
    let mut found = false;
    for pattern in list.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches(pattern.as_bytes(), text.as_bytes()) => return false,
            Some(_) => {}
            None => found |= matches(pattern.as_bytes(), text.as_bytes()),
        }
    }
    found
}

/// Whether `text` matches a pattern in which `?` stands for any byte and `*` for any number of them.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    // Where to go on when what follows the last `*` does not fit: it takes one byte more in.
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match (pattern.get(at), star) {
            (Some(b'*'), _) => {
                star = Some((at + 1, read));
                at += 1;
            }
            (Some(byte), _) if *byte == b'?' || *byte == text[read] => (at, read) = (at + 1, read + 1),
            (_, Some((after, taken))) => {
                star = Some((after, taken + 1));
                (at, read) = (after, taken + 1);
            }
            (_, None) => return false,
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_ssh() {
        let table = [
            ("alice@example.org", "alice@example.org", true),
            ("alice@example.org", "alice@example.or", false),
            ("alice@example.org", "alice@example.orgy", false),
            ("*@example.org", "alice@example.org", true),
            ("*@example.org", "alice@example.org.evil", false),
            ("*", "", true),
            ("?", "", false),
            ("a?c", "abc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("**", "x", true),
            ("bob,alice", "alice", true),
            ("bob, alice", "alice", false),
            ("*,!alice", "alice", false),
            ("!alice,*", "alice", false),
            ("*,!alice", "bob", true),
            ("!alice", "bob", false),
            ("", "alice", false),
            ("", "", true),
        ];
        for (list, text, expected) in table {
            assert_eq!(matches_list(list, text), expected, "{list:?} {text:?}");
        }
        // Not exponential.
        assert!(!matches(&b"*a".repeat(200), &b"b".repeat(20_000)));
    }

    #[test]
    fn labels_are_shown_as_their_tools_show_them() {
        let number = [0xf4, 0x40, 0xe5, 0x1c, 0x43, 0x9a, 0x5e, 0x51];
        assert_eq!(KeyLabel::Number(number).to_string(), "515E9A431CE540F4");
        assert_eq!(KeyLabel::Note { name: "a.example".into(), id: [0, 1, 2, 3] }.to_string(), "a.example+00010203");
    }
}
