//! The hashes that signatures are made over. The store knows its objects by SHA-256 alone; a signer chooses among more.

use std::fmt;

use sha2::Digest as _;

/// A hash function of the SHA-2 family (FIPS 180-4). Older ones are not here, and nothing in a file can ask for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashKind {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// What a hash function made of some bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash {
    kind: HashKind,
    bytes: [u8; 64],
}

/// A running hash.
#[derive(Clone)]
pub struct RunningHash(State);

#[derive(Clone)]
enum State {
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
}

impl HashKind {
    /// How many bytes a hash has.
    pub const fn size(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The hash of `bytes`.
    pub fn of(self, bytes: &[u8]) -> Hash {
        let mut running = self.start();
        running.update(bytes);
        running.finish()
    }

    /// A hash of bytes that are still to come.
    pub fn start(self) -> RunningHash {
        RunningHash(match self {
            Self::Sha256 => State::Sha256(sha2::Sha256::default()),
            Self::Sha384 => State::Sha384(sha2::Sha384::default()),
            Self::Sha512 => State::Sha512(sha2::Sha512::default()),
        })
    }
}

impl RunningHash {
    /// Takes the next bytes in.
    pub fn update(&mut self, chunk: &[u8]) {
        match &mut self.0 {
            State::Sha256(state) => state.update(chunk),
            State::Sha384(state) => state.update(chunk),
            State::Sha512(state) => state.update(chunk),
        }
    }

    /// The hash of all bytes taken in.
    pub fn finish(self) -> Hash {
        match self.0 {
            State::Sha256(state) => Hash::new(HashKind::Sha256, &state.finalize()),
            State::Sha384(state) => Hash::new(HashKind::Sha384, &state.finalize()),
            State::Sha512(state) => Hash::new(HashKind::Sha512, &state.finalize()),
        }
    }
}

impl Hash {
    fn new(kind: HashKind, made: &[u8]) -> Self {
        let mut bytes = [0; 64];
        bytes[..made.len()].copy_from_slice(made);
        Self { kind, bytes }
    }

    /// What somebody says that this function made; `None` for another number of bytes than it makes.
    pub fn stated(kind: HashKind, bytes: &[u8]) -> Option<Self> {
        (bytes.len() == kind.size()).then(|| Self::new(kind, bytes))
    }

    /// The function that made it.
    pub fn kind(&self) -> HashKind {
        self.kind
    }

    /// Its bytes, as many as the function makes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.kind.size()]
    }
}

impl fmt::Display for HashKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        })
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, crate::digest::hex(self.as_bytes()))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for RunningHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunningHash")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::hex;

    #[test]
    fn every_hash_matches_the_published_vector_in_pieces_too() {
        // FIPS 180-4, "abc"
        for (kind, expected) in [
            (HashKind::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                HashKind::Sha384,
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
            ),
            (
                HashKind::Sha512,
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
        ] {
            let hash = kind.of(b"abc");
            assert_eq!((hash.kind(), hash.as_bytes().len()), (kind, kind.size()));
            assert_eq!(hex(hash.as_bytes()), expected);
            let mut running = kind.start();
            running.update(b"a");
            running.update(b"");
            running.update(b"bc");
            assert_eq!(running.finish(), hash);
        }
    }
}
