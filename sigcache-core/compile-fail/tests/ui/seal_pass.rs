//! With a proof that was lent, a staging may be sealed.
use sigcache_core::{
    Verified,
    store::{Sealed, Staging, StoreError},
};

async fn seal(staging: Box<dyn Staging>, proof: &Verified) -> Result<Sealed, StoreError> {
    staging.seal(proof).await
}

fn main() {
    let _ = seal;
}
