//! Evidence is a claim, not a proof.
use sigcache_core::{
    Evidence,
    store::{Sealed, Staging, StoreError},
};

async fn seal(staging: Box<dyn Staging>, claim: &Evidence) -> Result<Sealed, StoreError> {
    staging.seal(claim).await
}

fn main() {
    let _ = seal;
}
