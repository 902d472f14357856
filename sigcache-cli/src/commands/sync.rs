//! `sigcache sync`

use std::sync::Arc;

use anyhow::anyhow;
use sigcache_core::{
    Name,
    pipeline::Asking,
    run::{Selection, Writes},
    store::Store as _,
};

use crate::{
    app::{self, App, nonce},
    args::{Common, SyncArgs},
    fault::{Ending, Fault},
    output,
    progress::Progress,
};

pub(crate) async fn run(common: &Common, args: SyncArgs) -> Result<Ending, Fault> {
    let writes = if args.dry_run { Writes::DryRun } else { Writes::Commit };
    let app = match writes {
        Writes::Commit => App::create(common, args.shard.shard)?,
        Writes::DryRun => App::open(common, args.shard.shard).await?,
    };
    let known = |name| app::resource(&app.config.resources, name).map(drop);
    if args.names.iter().any(|name| known(name).is_err()) {
        // What anchors vouch for stands in the catalog only.
        let catalog = app.bucket.catalog().await?;
        args.names.iter().try_for_each(|name| app.resource(name, &catalog).map(drop))?;
    }
    let anchors = |name: &Name| app.config.anchored.iter().any(|one| one.anchor == *name);
    if let Some(name) = args.names.iter().find(|name| !app.shard.holds(name) && !anchors(name)) {
        let its = app.shard.sibling_for(name);
        return Err(Fault::usage(anyhow!("{name} belongs to shard {its}, and this run looks after {}", app.shard)));
    }
    let selection =
        if args.names.is_empty() { Selection::All } else { Selection::Only(args.names.into_iter().collect()) };
    let selected = |name: &Name| {
        app.shard.holds(name)
            && match &selection {
                Selection::All => true,
                Selection::Only(names) => names.contains(name),
            }
    };
    let total = app.config.resources.iter().filter(|resource| selected(&resource.name)).count();
    let progress = Arc::new(Progress::new(common, total));
    let runner = app.runner()?.with_observer(progress.clone()).with_writes(writes).with_asking(if args.refetch {
        Asking::Everything
    } else {
        Asking::WhatChanged
    });
    let synced = runner.sync_with_catalog(&app.config.resources, &selection, app.now, nonce()?).await;
    progress.finish();
    let (mut report, catalog) = synced?;
    if writes == Writes::DryRun {
        app.measure(&mut report);
    }
    // Before anything is printed: nobody may be there to read it.
    let looked = app.alert(catalog).await?;
    output::synced(common, &report, looked.as_ref())
}
