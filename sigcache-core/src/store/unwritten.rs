//! A store that can be read but takes nothing: for dry runs.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::{Catalog, Change, Committed, Download, Sealed, Staging, Store, StoreError};
use crate::{
    decision::{Failure, Report, RunId},
    name::Name,
    receipt::Receipt,
    time::Timestamp,
    verified::Verified,
};

/// Reads from the store inside, and writes nothing to it.
#[derive(Debug, Clone)]
pub struct Unwritten(pub Arc<dyn Store>);

struct Nowhere(String);

#[async_trait]
impl Store for Unwritten {
    async fn catalog(&self) -> Result<Catalog, StoreError> {
        self.0.catalog().await
    }

    async fn stage(&self, _: &Name, id: &str, _: Option<&str>) -> Result<Box<dyn Staging>, StoreError> {
        Ok(Box::new(Nowhere(id.to_owned())))
    }

    async fn commit(&self, base: Catalog, _: &[Change], _: RunId, _: Timestamp) -> Result<Committed, StoreError> {
        Ok(Committed::new(base, Vec::new()))
    }

    async fn publish(&self, _: &Catalog, _: Timestamp) -> Result<Vec<(Name, Failure)>, StoreError> {
        Ok(Vec::new())
    }

    async fn read(&self, name: &Name, receipt: &Receipt) -> Result<Download, StoreError> {
        self.0.read(name, receipt).await
    }

    async fn record(&self, _: &mut Report) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl Staging for Nowhere {
    async fn write(&mut self, _: Bytes) -> Result<(), StoreError> {
        Ok(())
    }

    async fn seal(self: Box<Self>, _: &Verified) -> Result<Sealed, StoreError> {
        Ok(Sealed::new(&self.0))
    }

    async fn abort(self: Box<Self>) {}
}
