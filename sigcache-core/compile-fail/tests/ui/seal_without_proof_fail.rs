//! Without a proof, nothing is sealed.
use sigcache_core::store::{Sealed, Staging, StoreError};

async fn seal(staging: Box<dyn Staging>) -> Result<Sealed, StoreError> {
    staging.seal().await
}

fn main() {
    let _ = seal;
}
