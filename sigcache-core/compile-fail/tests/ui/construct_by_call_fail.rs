//! The one constructor is not public.
use sigcache_core::{Digest, Evidence, Verified};

fn main() {
    let evidence = Evidence::new("mine", Digest::of(b"hello"), 5, []);
    let _ = Verified::after_judgement(evidence);
}
