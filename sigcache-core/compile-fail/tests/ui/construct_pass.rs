//! Anyone may make evidence: it opens nothing.
use sigcache_core::{Digest, Evidence};

fn main() {
    let evidence = Evidence::new("mine", Digest::of(b"hello"), 5, []);
    assert_eq!(evidence.size, 5);
}
