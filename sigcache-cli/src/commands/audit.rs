//! `sigcache audit`

use std::sync::Arc;

use sigcache_core::{
    audit::{Auditor, Repairs},
    runtime::Tokio,
};

use crate::{
    app::{App, nonce},
    args::{AuditArgs, Common},
    fault::{Ending, Fault},
    output,
    progress::Progress,
};

pub(crate) async fn run(common: &Common, args: AuditArgs) -> Result<Ending, Fault> {
    let app = App::open(common, args.shard.shard).await?;
    let resources = &app.config.resources;
    let total = resources.iter().filter(|resource| app.shard.holds(&resource.name)).count();
    let progress = Arc::new(Progress::new(common, total));
    let auditor = Auditor::new(app.bucket.clone(), Arc::new(Tokio::current()))
        .with_anchored(app.config.anchored.iter().cloned())
        .with_observer(progress.clone())
        .with_repairs(if args.repair { Repairs::Copies } else { Repairs::None });
    let report = auditor.audit(resources, app.now, nonce()?).await;
    progress.finish();
    output::report(common, &report?)
}
