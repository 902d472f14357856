//! The update function.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::value::RawValue;
use sigcache_lambda::update::{Settings, UpdateFunction};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    sigcache_lambda::log();
    let environment = sigcache_core::store::environment();
    let function = UpdateFunction::new(sigcache_lambda::begun(Settings::read(&environment)));
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let function = function.clone();
        async move { function.answer(event).await }
    }))
    .await
}
