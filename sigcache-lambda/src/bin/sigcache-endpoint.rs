//! The endpoint function.

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::value::RawValue;
use sigcache_lambda::endpoint::Function;
use tokio::sync::Mutex;

// One thread: a function gets a part of a processor, and memory is what it is paid by.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    sigcache_lambda::log();
    let environment = sigcache_core::store::environment();
    let function = Arc::new(Mutex::new(sigcache_lambda::begun(Function::new(&environment))));
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let function = function.clone();
        // Lambda gives one event after the other.
        async move { function.lock().await.answer(event).await }
    }))
    .await
}
