//! What a proof says may be kept.
use sigcache_core::{Evidence, Verified};

struct Keeper {
    kept: Option<Evidence>,
}

impl Keeper {
    fn seal(&mut self, proof: &Verified) {
        self.kept = Some(proof.evidence().clone());
    }
}

fn main() {
    let keeper = Keeper { kept: None };
    assert!(keeper.kept.is_none());
    let _ = Keeper::seal;
}
