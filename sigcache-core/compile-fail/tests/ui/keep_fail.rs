//! A proof is lent for the seal and no longer: a staging cannot keep it for other bytes.
use sigcache_core::Verified;

struct Keeper {
    kept: Option<&'static Verified>,
}

impl Keeper {
    fn seal(&mut self, proof: &Verified) {
        self.kept = Some(proof);
    }
}

fn main() {
    let keeper = Keeper { kept: None };
    assert!(keeper.kept.is_none());
    let _ = Keeper::seal;
}
