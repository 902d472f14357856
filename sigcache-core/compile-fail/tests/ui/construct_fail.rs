//! Nobody outside the core makes a proof from it, by whatever way.
use sigcache_core::{Digest, Evidence, Verified};

fn main() {
    let evidence = Evidence::new("mine", Digest::of(b"hello"), 5, []);
    let _ = Verified { evidence };
}
