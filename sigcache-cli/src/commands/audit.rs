//! `sigcache audit`

use sigcache_core::audit::audit;

use crate::{
    app::{App, nonce},
    args::{Common, ShardArgs},
    fault::{Ending, Fault},
    output,
};

pub(crate) async fn run(common: &Common, args: ShardArgs) -> Result<Ending, Fault> {
    let app = App::open(common, args.shard).await?;
    let mut report = audit(&app.bucket, &app.config.resources, &app.config.anchored, app.now, nonce()?).await?;
    app.measure(&mut report);
    output::report(common, &report)
}
