//! A proof cannot be copied, so that it cannot be kept for other bytes.
use sigcache_core::Verified;

fn copy<T: Clone>(proof: &T) -> T {
    proof.clone()
}

fn keep(proof: &Verified) -> Verified {
    copy(proof)
}

fn main() {
    let _ = keep;
}
